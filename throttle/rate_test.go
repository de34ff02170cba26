package throttle_test

import (
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/merlon-web/merlon/throttle"
)

func TestRate(t *testing.T) {
	now := newClock().Now()
	r := throttle.NewRate(throttle.RateConfig{PerSecond: 10, Burst: 20})
	pass := func(addr string, n int, at time.Time) (passed int) {
		for range n {
			if _, ok := r.Allow(netip.MustParseAddr(addr), at); ok {
				passed++
			}
		}
		return passed
	}
	if n := pass("192.0.2.1", 100, now); n != 20 {
		t.Errorf("%d passed at once, want the burst of 20", n)
	}
	until, ok := r.Allow(netip.MustParseAddr("192.0.2.1"), now)
	if ok || until.Sub(now) != 100*time.Millisecond {
		t.Errorf("wait %v, want 100ms", until.Sub(now))
	}
	if n := pass("192.0.2.1", 100, now.Add(time.Second)); n != 10 {
		t.Errorf("a second later %d passed, want 10", n)
	}
	if n := pass("::ffff:192.0.2.1", 100, now.Add(time.Second)); n != 0 {
		t.Errorf("the same address written as IPv6: %d passed", n)
	}
	total := 0
	for i := range 100 {
		total += pass("198.51.100."+strconv.Itoa(i), 10, now)
	}
	if total != 200 {
		t.Errorf("one /24: %d passed, want 200", total)
	}
	pass("192.0.3.1", 10_000, now)
	if n := pass("192.0.3.2", 30, now); n != 20 {
		t.Errorf("a neighbour's flood: %d passed, want 20", n)
	}
	if n := pass("2001:db8::1", 30, now) + pass("2001:db8::ffff:1", 30, now); n != 20 {
		t.Errorf("two addresses of one /64: %d passed, want 20", n)
	}
	if n := pass("2001:db8:0:1::1", 30, now); n != 20 {
		t.Errorf("another /64: %d passed, want 20", n)
	}
	if n := pass("127.0.0.1", 1000, now) + pass("::1", 1000, now); n != 40 {
		t.Errorf("this machine's own: %d passed, want as many as of two others", n)
	}
	var none netip.Addr
	for range 50 {
		r.Allow(none, now)
	}
	if _, ok := r.Allow(none, now); ok {
		t.Error("clients without address are not limited")
	}
	// The clock is set back: nobody waits for longer than the burst takes.
	r.Allow(netip.MustParseAddr("203.0.113.9"), now)
	back := now.Add(-10 * 365 * 24 * time.Hour)
	pass("203.0.113.9", 50, now)
	if until, ok := r.Allow(netip.MustParseAddr("203.0.113.9"), back); !ok && until.Sub(back) > 2*time.Second {
		t.Errorf("after the clock went back the wait is %v", until.Sub(back))
	}
	for _, odd := range []throttle.RateConfig{{}, {PerSecond: -1}, {PerSecond: 1e9, Burst: -5, Entries: -1}, {PerSecond: 0.001, Entries: 1}} {
		r := throttle.NewRate(odd)
		passed := 0
		for range 100_000 {
			if _, ok := r.Allow(other, now); ok {
				passed++
			}
		}
		if passed == 0 || passed == 100_000 {
			t.Errorf("%+v: %d of 100,000 passed", odd, passed)
		}
	}
}

func TestRateAllocatesNothing(t *testing.T) {
	r := throttle.NewRate(throttle.RateConfig{})
	now := newClock().Now()
	var b [16]byte
	b[0] = 0x20
	if n := testing.AllocsPerRun(10_000, func() {
		b[3]++
		b[2] += b[3] >> 7
		now = now.Add(time.Millisecond)
		r.Allow(netip.AddrFrom16(b), now)
		r.Allow(near, now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
