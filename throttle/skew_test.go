package throttle_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/merlon-web/merlon/throttle"
	"github.com/merlon-web/merlon/throttle/throttletest"
)

// two returns limiters of two processes on one store, the second with a clock that is behind.
func two(t *testing.T, store throttle.Store, c *clock, behind time.Duration) [2]*throttle.Limiter {
	t.Helper()
	var both [2]*throttle.Limiter
	for i, now := range []func() time.Time{c.Now, func() time.Time { return c.Now().Add(-behind) }} {
		l, err := throttle.New(throttle.Config{Store: store, Key: testKey, Shared: true, Clock: now})
		if err != nil {
			t.Fatal(err)
		}
		both[i] = l
	}
	return both
}

// Machines whose clocks differ count together: no limit lets more through than one machine's would.
func TestSkewedClocks(t *testing.T) {
	from := netip.MustParseAddr("192.0.2.7")
	for _, behind := range []time.Duration{6 * time.Second, 40 * time.Second, 3 * time.Minute, 20 * time.Minute, 59 * time.Minute} {
		for turns, of := range map[string]func(i int) int{"in turns": func(i int) int { return i % 2 }, "in pairs": func(i int) int { return i / 2 % 2 }} {
			t.Run(fmt.Sprint(behind, " ", turns), func(t *testing.T) {
				c := newClock()
				both := two(t, throttletest.NewStore(), c, behind)
				passed := 0
				for i := range 600 {
					_, err := both[of(i)].Reserve(t.Context(), throttle.SignIn(fmt.Sprintf("ann%d@example.org", i), "", from)...)
					var limited *throttle.Limited
					if err == nil {
						passed++
					} else if !errors.As(err, &limited) {
						t.Fatal(err)
					}
					c.Add(time.Second)
				}
				if passed != 50 {
					t.Errorf("of 600 attempts within ten minutes %d passed, want 50", passed)
				}
			})
		}
	}
}

// After the process whose clock was ahead is gone, a wait is longer by as much as that, and no more.
func TestSkewEnds(t *testing.T) {
	const behind = 3 * time.Minute
	c := newClock()
	both := two(t, throttletest.NewStore(), c, behind)
	try := func(l *throttle.Limiter) bool {
		_, err := l.Reserve(t.Context(), throttle.Device("ann", "d"))
		return err == nil
	}
	for i := range 12 {
		if passed := try(both[i%2]); passed != (i < 10) {
			t.Fatalf("attempt %d passed: %v", i, passed)
		}
	}
	c.Add(15*time.Minute + behind - time.Second)
	if try(both[1]) {
		t.Error("the window ends early")
	}
	c.Add(time.Second)
	if !try(both[1]) {
		t.Error("the window does not end")
	}
}

// A machine that boots with a clock that is hours ahead locks nobody out for hours once the clock is right: what it has counted moves
// back with it.
func TestWrongClock(t *testing.T) {
	c := newClock()
	both := two(t, throttletest.NewStore(), c, 20*time.Hour)
	try := func(l *throttle.Limiter) bool {
		_, err := l.Reserve(t.Context(), throttle.Device("ann", "d"))
		return err == nil
	}
	for range 10 {
		if !try(both[0]) {
			t.Fatal("an attempt of ten is refused")
		}
	}
	if try(both[1]) {
		t.Error("the right clock opened a full bucket")
	}
	c.Add(15 * time.Minute)
	if !try(both[1]) {
		t.Error("the bucket waits for the wrong clock")
	}
}

// A sweep of the process that is ahead leaves what the other one still counts.
func TestSkewedSweep(t *testing.T) {
	c := newClock()
	both := two(t, throttletest.NewStore(), c, 59*time.Minute)
	for range 10 {
		if _, err := both[1].Reserve(t.Context(), throttle.Device("ann", "d")); err != nil {
			t.Fatal(err)
		}
	}
	if err := both[0].Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := both[1].Reserve(t.Context(), throttle.Device("ann", "d")); err == nil {
		t.Error("the sweep of a clock that is ahead opened a full bucket")
	}
}
