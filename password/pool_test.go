package password_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/password"
)

// crowd is a pool whose slots are all taken, and those who wait at it.
type crowd struct {
	t     *testing.T
	pool  password.Pool
	mu    sync.Mutex
	order []string         // who got a slot, in order
	errs  map[string]error // who did not
	calls chan string
}

func newCrowd(t *testing.T, places, known int) *crowd {
	c := &crowd{t: t, pool: password.NewPool(1, places, known), errs: map[string]error{}, calls: make(chan string, 100)}
	if err := c.pool.Enter(t.Context(), password.From{}); err != nil {
		t.Fatal(err)
	}
	return c
}

// arrives starts one and returns when it waits or was turned away.
func (c *crowd) arrives(name string, from password.From) {
	c.t.Helper()
	before, beforeKnown, _ := c.pool.Waiting()
	go func() {
		err := c.pool.Enter(context.Background(), from)
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil {
			c.errs[name] = err
			return
		}
		c.order = append(c.order, name)
		c.calls <- name
	}()
	c.until(func() bool {
		strangers, known, _ := c.pool.Waiting()
		c.mu.Lock()
		defer c.mu.Unlock()
		return strangers+known != before+beforeKnown || len(c.errs) > 0 && (c.errs[name] != nil || strangers+known == before+beforeKnown)
	})
}

func (c *crowd) until(ok func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatal("nothing happened within a minute")
		}
	}
}

// serve gives the slot back n times and returns who got it.
func (c *crowd) serve(n int) string {
	for range n {
		c.pool.Leave()
		<-c.calls
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.order, " ")
}

func TestNetworksTakeTurns(t *testing.T) {
	c := newCrowd(t, 20, 4)
	for i := range 5 {
		c.arrives(fmt.Sprintf("a%d", i), password.From{Network: "a"})
	}
	for i := range 2 {
		c.arrives(fmt.Sprintf("b%d", i), password.From{Network: "b"})
	}
	c.arrives("c0", password.From{Network: "c"})
	if got, want := c.serve(8), "a0 b0 c0 a1 b1 a2 a3 a4"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
	c.pool.Leave()
	if _, _, networks := c.pool.Waiting(); networks != 0 || c.pool.Free() != 1 {
		t.Errorf("afterwards %d networks are remembered and %d slots free", networks, c.pool.Free())
	}
}

func TestAKnownDeviceDoesNotWaitBehindStrangers(t *testing.T) {
	c := newCrowd(t, 10, 4)
	for i := range 10 {
		c.arrives(fmt.Sprintf("s%d", i), password.From{Network: fmt.Sprint("n", i)})
	}
	if err := c.pool.Enter(t.Context(), password.From{Network: "late"}); !errors.Is(err, password.ErrBusy) {
		t.Fatalf("a stranger at a full line: %v, want ErrBusy", err)
	}
	c.arrives("owner", password.From{Network: "late", Known: true})
	c.arrives("owner2", password.From{Network: "late2", Known: true})
	// Known devices come first, then the lines take turns: strangers do not starve either.
	if got, want := c.serve(4), "owner s0 owner2 s1"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
}

func TestKnownDevicesAloneAreServedInARow(t *testing.T) {
	c := newCrowd(t, 4, 4)
	for i := range 3 {
		c.arrives(fmt.Sprintf("k%d", i), password.From{Network: "home", Known: true})
	}
	if got, want := c.serve(3), "k0 k1 k2"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
}

// The places of known devices are bounded as well.
func TestKnownDevicesHaveALineOfTheirOwn(t *testing.T) {
	c := newCrowd(t, 1, 2)
	c.arrives("k0", password.From{Network: "home", Known: true})
	c.arrives("k1", password.From{Network: "home", Known: true})
	if err := c.pool.Enter(t.Context(), password.From{Network: "home", Known: true}); !errors.Is(err, password.ErrBusy) {
		t.Errorf("a third known device: %v, want ErrBusy", err)
	}
	c.arrives("s0", password.From{Network: "x"}) // does not mind
	if got, want := c.serve(3), "k0 s0 k1"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
}

func TestOneNetworkCannotKeepOthersOut(t *testing.T) {
	c := newCrowd(t, 7, 2)
	c.arrives("z0", password.From{Network: "z"})
	for i := range 6 {
		c.arrives(fmt.Sprintf("a%d", i), password.From{Network: "a"})
	}
	if err := c.pool.Enter(t.Context(), password.From{Network: "a"}); !errors.Is(err, password.ErrBusy) {
		t.Fatalf("one more of a network that fills the line: %v, want ErrBusy", err)
	}
	go c.pool.Enter(context.Background(), password.From{Network: "b"})
	c.until(func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.errs["a5"] != nil
	})
	var busy *password.BusyError
	if err := c.errs["a5"]; !errors.As(err, &busy) || busy.RetryAfter < time.Second || busy.RetryAfter > time.Minute || busy.RetryAfter%time.Second != 0 {
		t.Errorf("the last of the longest queue got %v, want a BusyError with whole seconds", err)
	}
	if strangers, _, networks := c.pool.Waiting(); strangers != 7 || networks != 3 {
		t.Errorf("%d wait of %d networks, want 7 of 3", strangers, networks)
	}
	// b has 1 place, a has 5: b may take places until they are even, not more.
	for range 2 {
		go c.pool.Enter(context.Background(), password.From{Network: "b"})
	}
	c.until(func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.errs) == 3
	})
	if err := c.pool.Enter(t.Context(), password.From{Network: "b"}); !errors.Is(err, password.ErrBusy) {
		t.Errorf("more than its share: %v, want ErrBusy", err)
	}
}

func TestWhoLeavesTheLineFreesThePlace(t *testing.T) {
	c := newCrowd(t, 2, 1)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { gone <- c.pool.Enter(ctx, password.From{Network: "a"}) }()
	c.until(func() bool { n, _, _ := c.pool.Waiting(); return n == 1 })
	c.arrives("b", password.From{Network: "b"})
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("left: %v", err)
	}
	if got := c.serve(1); got != "b" {
		t.Errorf("then came %q, want b", got)
	}
	c.pool.Leave()
	if c.pool.Free() != 1 {
		t.Error("a slot was lost")
	}
	if err := c.pool.Enter(ctx, password.From{}); !errors.Is(err, context.Canceled) || c.pool.Free() != 1 {
		t.Errorf("a dead context: %v, %d free", err, c.pool.Free())
	}
}

// Random comings and goings: never more than the slots are in, nobody is lost, all slots come back.
func TestPoolUnderStress(t *testing.T) {
	const slots = 3
	pool := password.NewPool(slots, 12, 4)
	var mu sync.Mutex
	in, served := 0, 0
	var all sync.WaitGroup
	for i := range 400 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%7)*time.Millisecond+time.Microsecond)
			defer cancel()
			if err := pool.Enter(ctx, password.From{Network: fmt.Sprint(i % 9), Known: i%5 == 0}); err != nil {
				return
			}
			mu.Lock()
			if in++; in > slots {
				t.Errorf("%d are in %d slots", in, slots)
			}
			served++
			mu.Unlock()
			time.Sleep(time.Duration(i%3) * 100 * time.Microsecond)
			mu.Lock()
			in--
			mu.Unlock()
			pool.Leave()
		})
	}
	all.Wait()
	if s, k, n := pool.Waiting(); s+k+n != 0 || pool.Free() != slots || served == 0 {
		t.Errorf("afterwards %d, %d wait of %d networks, %d slots free, %d served", s, k, n, pool.Free(), served)
	}
}
