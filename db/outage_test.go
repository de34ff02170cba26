package db_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/merlon-web/merlon/db"
)

// TestOutage: a server that is away is waited for two seconds from the first try on, by however many, and no longer; when it has been
// there once the next outage is waited for again.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o db.Outage
		wait := func() time.Duration {
			began := time.Now()
			for o.Wait(t.Context()) {
			}
			return time.Since(began)
		}
		if took := wait(); took < 2*time.Second || took > 2100*time.Millisecond {
			t.Errorf("the first who comes waits for %v, want 2 s", took)
		}
		if took := wait(); took != 0 {
			t.Errorf("who comes later waits for %v", took)
		}
		o.Over()
		if took := wait(); took < 2*time.Second {
			t.Errorf("in the next outage one waits for %v, want 2 s", took)
		}
		o.Over()
		ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
		defer stop()
		if o.Wait(ctx) {
			t.Error("whose request is over waits on")
		}
	})
}
