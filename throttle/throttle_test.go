package throttle_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/throttle"
	"github.com/merlon-web/merlon/throttle/throttletest"
)

func TestStores(t *testing.T) {
	t.Run("sql", func(t *testing.T) {
		throttletest.Run(t, func(t *testing.T) (throttle.Store, func() throttle.Store) {
			dir := t.TempDir()
			e := open(t, dir)
			return throttle.NewStore(e), func() throttle.Store {
				e.Close()
				return throttle.NewStore(open(t, dir))
			}
		})
	})
	t.Run("memory", func(t *testing.T) {
		throttletest.Run(t, func(t *testing.T) (throttle.Store, func() throttle.Store) { return throttletest.NewStore(), nil })
	})
}

func TestStatementsFitTheTable(t *testing.T) {
	scratch, err := sqlite.Engine("x").Scratch(context.Background(), throttle.Schema())
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Close()
	if faults := db.Verify(context.Background(), scratch, throttle.Schema()); faults != nil {
		t.Fatal(faults)
	}
}

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range throttle.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
		if seen[r.ID] {
			t.Errorf("%s twice", r.ID)
		}
		seen[r.ID] = true
		if n := strings.Count(r.Explain(), "\n"); n > 40 {
			t.Errorf("%s explains itself in %d lines", r.ID, n)
		}
	}
}

func TestConfigIsJudgedWhole(t *testing.T) {
	_, err := throttle.New(throttle.Config{Key: []byte("short"), Memory: -1, Limits: map[throttle.Kind]throttle.Limit{
		throttle.KindAccount: {}, "mine": {Burst: 1, Window: time.Minute}, throttle.KindNetwork: {Burst: 10, Window: time.Minute, Total: 5},
	}})
	var faults check.Faults
	if !errors.As(err, &faults) || len(faults) != 6 {
		t.Fatalf("got %v, want 6 faults", err)
	}
	h := newHouse(t)
	text := strings.Join(h.l.Numbers(), "\n")
	for _, want := range []string{"account: 10 in 15 min, then one after 1, 2, 4 … 60 min, at most 100 in a row", "network: 50 in 15 min", "range: 500", "factor-session: 5 in 15 min", "ask-account: 3 in 60 min", "ask-network: 20 in 60 min"} {
		if !strings.Contains(text, want) {
			t.Errorf("the numbers lack %q:\n%s", want, text)
		}
	}
}

// M58: a hundred requests at the same time pass exactly as often as a hundred in a row.
func TestHundredAtOnce(t *testing.T) {
	h := newHouse(t)
	before := h.engine.writes.Load()
	var passed atomic.Int32
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range 100 {
		wg.Go(func() {
			<-start
			if h.try(false, throttle.SignIn("ann@example.org", "", near)...) {
				passed.Add(1)
			}
		})
	}
	close(start)
	wg.Wait()
	if passed.Load() != 10 {
		t.Errorf("%d of 100 passed, want 10", passed.Load())
	}
	if n := h.engine.writes.Load() - before; n > 60 {
		t.Errorf("%d transactions: attempts at the same time do not share them", n)
	}
	if h.events.count(throttle.RuleLimited) != 90 {
		t.Errorf("%d events, want 90", h.events.count(throttle.RuleLimited))
	}
}

// M57: strangers try an account from everywhere until every door is shut to them. The owner, at a device that the site
// knows, is not asked to wait once.
func TestKnownDeviceIsNeverLockedByStrangers(t *testing.T) {
	h := newHouse(t)
	for day := range 20 {
		for i := range 60 { // a neighbour in the owner's own network tries everybody
			h.try(false, throttle.SignIn("somebody"+string(rune('a'+i)), "", near)...)
		}
		if h.try(false, throttle.SignIn("nobody in particular", "", near)...) {
			t.Fatal("the network is not full: the test proves nothing")
		}
		for i := range 60 {
			stranger := netip.AddrFrom4([4]byte{10, byte(day), byte(i), 9})
			h.try(false, throttle.SignIn("ann@example.org", "", stranger)...)
			h.try(false, throttle.SignIn("ann@example.org", "", near)...) // and from the owner's own network
			if i%20 == 0 && !h.try(true, throttle.SignIn("ann@example.org", "device-of-ann", near)...) {
				t.Fatalf("day %d, try %d: the owner at a known device is locked out", day, i)
			}
		}
		h.clock.Add(24 * time.Hour)
	}
	if st, err := h.l.Inspect(h.ctx, throttle.Account("ann@example.org")); err != nil || st.Attempts == 0 {
		t.Fatalf("the strangers did nothing: %+v, %v", st, err)
	}
	// A device known for another account is a stranger here.
	if n := h.fails(30, throttle.Device("ann@example.org", "device-of-bob")); n != 10 {
		t.Errorf("another device passed %d times, want 10", n)
	}
	if !h.try(true, throttle.Device("ann@example.org", "device-of-ann")) {
		t.Error("a device locked another")
	}
	// The owner's own mistakes count, and release themselves with time and with success.
	if n := h.fails(12, throttle.Device("ann@example.org", "device-of-ann")); n != 10 {
		t.Errorf("the owner's mistakes: %d passed, want 10", n)
	}
	h.clock.Add(15 * time.Minute)
	if !h.try(true, throttle.Device("ann@example.org", "device-of-ann")) {
		t.Error("the owner's own lock does not release itself")
	}
}

// M56: rotating addresses win nothing at one account; and one address wins nothing with many accounts.
func TestAccountAndNetworkBothCount(t *testing.T) {
	h := newHouse(t)
	passed := 0
	for i := range 200 {
		if h.try(false, throttle.SignIn("ann", "", netip.AddrFrom4([4]byte{10, byte(i), 1, 1}))...) {
			passed++
		}
	}
	if passed != 10 {
		t.Errorf("rotating addresses: %d passed at one account, want 10", passed)
	}
	passed = 0
	for i := range 200 {
		if h.try(false, throttle.SignIn("user"+string(rune('a'+i)), "", near)...) {
			passed++
		}
	}
	if passed != 50 {
		t.Errorf("one address: %d passed over all accounts, want 50", passed)
	}
	passed = 0
	for i := range 2000 {
		addr := netip.MustParseAddr("2001:db8:1::").As16()
		addr[6], addr[7], addr[15] = byte(i>>8), byte(i), byte(i) // another /64 of one /48 each time
		if h.try(false, throttle.SignIn("v6-"+string(rune('a'+i)), "", netip.AddrFrom16(addr))...) {
			passed++
		}
	}
	if passed != 500 {
		t.Errorf("one /48: %d passed, want 500", passed)
	}
	mapped := netip.MustParseAddr("::ffff:192.0.2.1")
	if h.try(false, throttle.SignIn("new", "", mapped)...) {
		t.Error("an IPv4 address written as IPv6 has a bucket of its own")
	}
	if h.try(false, throttle.SignIn("new", "", netip.MustParseAddr("2001:db8:1::1%eth0"))...) {
		t.Error("a zone makes another bucket")
	}
	var none netip.Addr
	for i := range 60 {
		h.try(false, throttle.SignIn("none"+string(rune('a'+i)), "", none)...)
	}
	if h.try(false, throttle.SignIn("none", "", none)...) {
		t.Error("clients without an address are not limited")
	}
}

// A success empties the account's bucket and gives back only its own place of the network's: whoever signs in to an account
// of his own does not win tries at others.
func TestSuccess(t *testing.T) {
	h := newHouse(t)
	h.fails(9, throttle.SignIn("ann", "", near)...)
	if !h.try(true, throttle.SignIn("ann", "", near)...) {
		t.Fatal("the tenth try is refused")
	}
	if n := h.fails(20, throttle.SignIn("ann", "", other)...); n != 10 {
		t.Errorf("after a success %d passed, want 10", n)
	}
	passed := 0
	for i := range 100 {
		if i%5 == 4 {
			h.try(true, throttle.SignIn("own account of the attacker", "", near)...)
			continue
		}
		if h.try(false, throttle.SignIn("victim"+string(rune('a'+i)), "", near)...) {
			passed++
		}
	}
	if passed != 41 { // 50, 9 of them used above
		t.Errorf("with successes in between %d failures passed, want 41", passed)
	}
}

func TestSlowThenClosed(t *testing.T) {
	h := newHouse(t)
	b := throttle.Account("ann")
	if n := h.fails(50, b); n != 10 {
		t.Fatalf("%d passed at once, want 10", n)
	}
	total := 10
	for i, wait := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		h.clock.Add(wait*time.Minute - time.Second)
		_, err := h.l.Reserve(h.ctx, b)
		var limited *throttle.Limited
		if !errors.As(err, &limited) || limited.Until.Sub(h.clock.Now()) != time.Second || limited.Wait(h.clock.Now()) != time.Second || limited.Closed {
			t.Fatalf("single attempt %d came early: %v", i, err)
		}
		h.clock.Add(time.Second)
		if n := h.fails(5, b); n != 1 {
			t.Fatalf("after %d min %d passed, want 1", wait, n)
		}
		total++
	}
	for range 200 {
		h.clock.Add(time.Hour)
		total += h.fails(3, b)
	}
	if total != 100 {
		t.Errorf("%d passed in a row, want 100", total)
	}
	_, err := h.l.Reserve(h.ctx, b)
	var limited *throttle.Limited
	if !errors.As(err, &limited) || !limited.Closed && limited.Until.Sub(h.clock.Now()) > time.Hour {
		t.Errorf("got %v", err)
	}
	if st, err := h.l.Inspect(h.ctx, b); err != nil || !st.Closed || st.Attempts != 100 {
		t.Errorf("got %+v, %v, want closed after 100", st, err)
	}
	// Hammering at a closed door does not keep it closed for longer.
	for range 31 {
		h.clock.Add(24 * time.Hour)
		if h.try(true, throttle.Device("ann", "known")) == false {
			t.Fatal("a known device is shut out")
		}
	}
	if n := h.fails(20, b); n != 10 {
		t.Errorf("after 30 quiet days %d passed, want 10: no lock is for ever", n)
	}
}

func TestFactor(t *testing.T) {
	h := newHouse(t)
	passed := 0
	for i := range 30 { // signing in again and again: a new session each time
		passed += h.fails(3, throttle.Factor("ann", "session"+string(rune('a'+i)), "")...)
	}
	if passed != 5 {
		t.Errorf("with new sessions %d codes passed, want 5", passed)
	}
	if !h.try(true, throttle.Factor("ann", "own session", "known device")...) {
		t.Error("a known device cannot show its second factor")
	}
	if n := h.fails(9, throttle.Factor("bob", "one session", "")...); n != 5 {
		t.Errorf("%d passed, want 5", n)
	}
}

func TestAsking(t *testing.T) {
	h := newHouse(t)
	for name, f := range map[string]func(string, netip.Addr) []throttle.Bucket{"reset": throttle.ResetMail, "sign-up": throttle.SignUp, "mail": throttle.Mail} {
		passed := 0
		for range 10 {
			if h.try(true, f("ann@example.org", near)...) { // a success is no reason to send more
				passed++
			}
		}
		if passed != 3 {
			t.Errorf("%s: %d mails to one address, want 3", name, passed)
		}
		for i := range 40 {
			if h.try(true, f("user"+string(rune('a'+i)), near)...) {
				passed++
			}
		}
		if passed != 20 {
			t.Errorf("%s: %d mails for one network, want 20", name, passed)
		}
		h.clock.Add(time.Hour)
	}
}
