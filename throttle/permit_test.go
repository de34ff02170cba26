package throttle_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/throttle"
	"github.com/merlon-web/merlon/throttle/throttletest"
)

// AUTH-4, also across the death of the process: see also TestKilled.
func TestRestart(t *testing.T) {
	h := newHouse(t)
	h.fails(10, throttle.Account("ann"))
	h.engine.Close()
	h.engine = open(t, h.dir)
	h.l = h.limiter()
	if n := h.fails(5, throttle.Account("ann")); n != 0 {
		t.Errorf("after a restart %d passed", n)
	}
}

// A flood of refusals is no flood of writes, nor of look-ups.
func TestRefusalsTouchNothing(t *testing.T) {
	h := newHouse(t)
	h.fails(11, throttle.SignIn("ann", "", near)...)
	w, r := h.engine.writes.Load(), h.engine.reads.Load()
	for range 10_000 {
		if h.try(false, throttle.SignIn("ann", "", near)...) {
			t.Fatal("passed")
		}
	}
	if h.engine.writes.Load() != w || h.engine.reads.Load() != r {
		t.Errorf("10,000 refusals made %d transactions", h.engine.writes.Load()-w+h.engine.reads.Load()-r)
	}
	// What is remembered is not remembered for too long.
	h.clock.Add(time.Minute)
	if !h.try(true, throttle.Account("ann")) {
		t.Error("a bucket that is free again is refused from memory")
	}
	if !h.try(false, throttle.Account("ann")) {
		t.Error("a success did not free the bucket in memory")
	}
}

func TestSharedRemembersNothing(t *testing.T) {
	h := newHouse(t, func(c *throttle.Config) { c.Shared = true })
	h.fails(12, throttle.Account("ann"))
	second := h.limiter()
	if err := second.Release(h.ctx, "asked by phone, known voice", throttle.Account("ann")); err != nil {
		t.Fatal(err)
	}
	if !h.try(false, throttle.Account("ann")) {
		t.Error("released by another process, refused from memory")
	}
}

func TestRelease(t *testing.T) {
	h := newHouse(t)
	h.fails(12, throttle.SignIn("ann", "", near)...)
	if err := h.l.Release(h.ctx, " ", throttle.Account("ann")); err == nil {
		t.Error("released without a reason")
	}
	if h.try(false, throttle.Account("ann")) {
		t.Error("released by a refused release")
	}
	if err := h.l.Release(h.ctx, "ticket 7", throttle.SignIn("ann", "", near)...); err != nil {
		t.Fatal(err)
	}
	if !h.try(false, throttle.SignIn("ann", "", near)...) {
		t.Error("released, and still refused")
	}
	if h.events.count(throttle.RuleReleased) != 1 {
		t.Error("no event tells of it")
	}
}

func TestClockSetBack(t *testing.T) {
	for _, back := range []time.Duration{5 * time.Minute, 2 * time.Hour, 10 * 365 * 24 * time.Hour} {
		h := newHouse(t)
		h.fails(12, throttle.Account("ann"))
		h.fails(12, throttle.Device("ann", "d"))
		h.clock.Add(-back)
		if h.fails(12, throttle.Account("ann")) > 1 || h.fails(12, throttle.Device("ann", "d")) > 0 {
			t.Errorf("%v back: the lock opened", back)
		}
		h.clock.Add(time.Hour)
		if !h.try(true, throttle.Account("ann")) || !h.try(true, throttle.Device("ann", "d")) {
			t.Errorf("%v back: the lock lasts longer than its class", back)
		}
	}
}

func TestPermit(t *testing.T) {
	h := newHouse(t)
	var none *throttle.Permit
	for name, p := range map[string]*throttle.Permit{"nil": none, "zero": new(throttle.Permit)} {
		if err := p.Spend(throttle.ForPassword); !errors.Is(err, throttle.ErrSpent) {
			t.Errorf("%s: %v", name, err)
		}
		if p.Settle(h.ctx, true) == nil || p.Return(h.ctx) == nil || p.Purpose() != "" {
			t.Errorf("%s: settled or returned", name)
		}
	}
	p, err := h.l.Reserve(h.ctx, throttle.Account("ann"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Settle(h.ctx, true); err == nil {
		t.Error("settled before it was spent")
	}
	if err := p.Spend(throttle.ForFactor); !errors.Is(err, throttle.ErrPurpose) {
		t.Errorf("spent on another purpose: %v", err)
	}
	var spent atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if p.Spend(throttle.ForPassword) == nil {
				spent.Add(1)
			}
		})
	}
	wg.Wait()
	if spent.Load() != 1 {
		t.Errorf("spent %d times, want once", spent.Load())
	}
	if err := p.Return(h.ctx); !errors.Is(err, throttle.ErrSpent) {
		t.Errorf("a spent permit was returned: %v", err)
	}
	if err := p.Settle(h.ctx, false); err != nil {
		t.Error(err)
	}
	if err := p.Settle(h.ctx, true); !errors.Is(err, throttle.ErrSettled) {
		t.Errorf("a failure was turned into a success: %v", err)
	}
	// Returned ten times ten times: nothing was compared, nothing is counted.
	for range 100 {
		p, err := h.l.Reserve(h.ctx, throttle.SignIn("bob", "", other)...)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Return(h.ctx); err != nil {
			t.Fatal(err)
		}
		if err := p.Return(h.ctx); !errors.Is(err, throttle.ErrSpent) {
			t.Fatal("returned twice")
		}
	}
	if p := throttletest.Permit(t, throttle.ForFactor); p.Spend(throttle.ForFactor) != nil {
		t.Error("throttletest.Permit is no permit")
	}
}

func TestWhatIsNoAttempt(t *testing.T) {
	h := newHouse(t)
	for name, buckets := range map[string][]throttle.Bucket{
		"no bucket":    nil,
		"zero bucket":  {{}},
		"two purposes": {throttle.Account("a"), throttle.Factor("a", "s", "")[0]},
		"nine":         {throttle.Account("1"), throttle.Account("2"), throttle.Account("3"), throttle.Account("4"), throttle.Account("5"), throttle.Account("6"), throttle.Account("7"), throttle.Account("8"), throttle.Account("9")},
		"no limit":     {throttle.Own("form", throttle.Limit{})},
	} {
		if p, err := h.l.Reserve(h.ctx, buckets...); err == nil || p != nil {
			t.Errorf("%s: a permit was given", name)
		}
	}
	err := h.engine.Write(h.ctx, func(ctx context.Context, w *db.Writer) error {
		_, err := h.l.Reserve(ctx, throttle.Account("a"))
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "within a write transaction") {
		t.Errorf("reserved within a write transaction: %v", err)
	}
	p, err := h.l.Reserve(h.ctx, throttle.Account("a"))
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Spend(throttle.ForPassword)
	_ = h.engine.Write(h.ctx, func(ctx context.Context, w *db.Writer) error {
		if p.Settle(ctx, true) == nil {
			t.Error("settled within a write transaction")
		}
		return nil
	})
	if err := p.Settle(h.ctx, true); err != nil {
		t.Errorf("the refused settling used the permit up: %v", err)
	}
}

func TestOwn(t *testing.T) {
	h := newHouse(t)
	limit := throttle.Limit{Burst: 2, Window: time.Hour}
	if n := h.fails(5, throttle.Own("voucher", limit, "ann", "x")); n != 2 {
		t.Errorf("%d passed, want 2", n)
	}
	for name, b := range map[string]throttle.Bucket{
		"other parts": throttle.Own("voucher", limit, "ann", "y"), "parts cut otherwise": throttle.Own("voucher", limit, "annx"), "parts cut otherwise again": throttle.Own("voucher", limit, "an", "nx"),
		"another name": throttle.Own("contact", limit, "ann", "x"), "no parts": throttle.Own("voucher", limit), "an empty part more": throttle.Own("voucher", limit, "ann", "x", ""),
	} {
		if !h.try(false, b) {
			t.Errorf("%s: the same bucket", name)
		}
	}
}

func TestLimitedSaysWhatPeopleNeed(t *testing.T) {
	h := newHouse(t)
	h.fails(10, throttle.Account("ann@example.org"))
	_, err := h.l.Reserve(h.ctx, throttle.SignIn("ann@example.org", "", near)...)
	var limited *throttle.Limited
	if !errors.As(err, &limited) {
		t.Fatal(err)
	}
	if limited.Bucket.Kind() != throttle.KindAccount || limited.Rule().ID != throttle.RuleLimited.ID || limited.Until.Sub(h.clock.Now()) != time.Minute {
		t.Errorf("got %+v", limited)
	}
	for _, private := range []string{"ann", "192.0.2"} {
		if strings.Contains(err.Error(), private) {
			t.Errorf("the error names %s: %v", private, err)
		}
	}
	if limited.Wait(h.clock.Now().Add(time.Hour)) != time.Second {
		t.Error("Retry-After below a second")
	}
}

// TestAgainIsOfItsSession: neither strangers nor another session of the account fill it.
func TestAgainIsOfItsSession(t *testing.T) {
	h := newHouse(t)
	h.fails(60, throttle.SignIn("ann@example.org", "", near)...)
	if n := h.fails(20, throttle.Again("ann@example.org", "1")...); n != 10 {
		t.Errorf("%d passed, want 10", n)
	}
	if !h.try(true, throttle.Again("ann@example.org", "2")...) || !h.try(true, throttle.Again("ben@example.org", "1")...) {
		t.Error("another session's, or another account's, is full")
	}
}

// TestFullIsToldOfAll: a bucket that is full for longer hides no other one, neither where the store is asked nor where the limiter
// remembers; and the attempt that fills a bucket says so, whoever waits for each next place included.
func TestFullIsToldOfAll(t *testing.T) {
	h := newHouse(t)
	buckets := throttle.SignIn("ann@example.org", "", near)
	for i := range 10 {
		p, err := h.l.Reserve(h.ctx, buckets...)
		if err != nil {
			t.Fatal(err)
		}
		if last := i == 9; p.Filled(throttle.KindAccount, throttle.KindDevice) != last || p.Filled(throttle.KindNetwork, throttle.KindRange) {
			t.Errorf("attempt %d: account filled: %v, network filled: %v", i+1, !last, p.Filled(throttle.KindNetwork, throttle.KindRange))
		}
	}
	h.fails(40, throttle.Network(near)...)
	for range 2 { // the second time it is remembered
		_, err := h.l.Reserve(h.ctx, buckets...)
		var limited *throttle.Limited
		if !errors.As(err, &limited) {
			t.Fatal(err)
		}
		if limited.Bucket.Kind() != throttle.KindNetwork || !limited.Full(throttle.KindAccount) || !limited.Full(throttle.KindRange, throttle.KindNetwork) || limited.Full(throttle.KindRange, throttle.KindDevice) {
			t.Errorf("got %+v", limited)
		}
	}
	h.clock.Add(16 * time.Minute)
	if p, err := h.l.Reserve(h.ctx, buckets...); err != nil || !p.Filled(throttle.KindAccount) {
		t.Errorf("a single attempt after the wait does not say that the next one has to wait: %v", err)
	}
}
