package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/merlon-web/merlon/throttle"
	"github.com/merlon-web/merlon/throttle/throttletest"
)

// A sign-in takes its places first, compares then, and settles last. All that with no write transaction open.
func ExampleLimiter_Reserve() {
	limiter := throttletest.NewLimiter(new(testing.T), func() time.Time { return time.Unix(1_800_000_000, 0) }) // a site: throttle.New
	ctx := quiet()
	signIn := func(password string) string {
		permit, err := limiter.Reserve(ctx, throttle.SignIn("ann@example.org", "", netip.MustParseAddr("192.0.2.1"))...)
		var limited *throttle.Limited
		if errors.As(err, &limited) {
			return "wait until " + limited.Until.UTC().Format(time.TimeOnly)
		}
		if err != nil {
			return err.Error()
		}
		if err := permit.Spend(throttle.ForPassword); err != nil { // what room password does before it compares
			return err.Error()
		}
		right := password == "correct horse" // never so in a program: room password
		if err := permit.Settle(context.Background(), right); err != nil {
			return err.Error()
		}
		return fmt.Sprint(right)
	}
	for range 9 {
		signIn("guess")
	}
	fmt.Println(signIn("guess"))
	fmt.Println(signIn("correct horse"))
	// Output:
	// false
	// wait until 08:01:00
}
