package password_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/throttle"
)

// TestALengthCostsTheSameEverywhere: a password of no possible length costs no hash, at an account with a password, at one
// without, and at none.
func TestALengthCostsTheSameEverywhere(t *testing.T) { // AUTH-6
	s, h := open(t), hasher(t, nil)
	stored := hash(t, h, right)
	long := secret.New(strings.Repeat("é", 600)) // 1200 bytes: a form that counts letters lets it through
	before := h.Stats().Hashed
	for _, account := range []string{stored, "!", "!none"} {
		if got, err := h.Verify(t.Context(), s.permit(), account, long, home); err != nil || got.OK || got.Reason != password.PasswordLength {
			t.Errorf("%.10q: %+v, %v", account, got, err)
		}
	}
	if _, err := h.VerifyNobody(t.Context(), s.permit(), long, home); err != nil {
		t.Error(err)
	}
	if n := h.Stats().Hashed - before; n != 0 {
		t.Errorf("%d hashes, want none", n)
	}
}

func TestAComparisonDemandsAPermit(t *testing.T) {
	s, h := open(t), hasher(t, nil)
	stored := hash(t, h, right)
	before := h.Stats().Hashed
	spent := s.permit()
	if err := spent.Spend(throttle.ForPassword); err != nil {
		t.Fatal(err)
	}
	reset, err := s.limiter.Reserve(t.Context(), throttle.ResetMail("ann@site.test", netip.MustParseAddr("192.0.2.1"))...)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		permit *throttle.Permit
		want   error
	}{
		"none":            {nil, throttle.ErrSpent},
		"zero":            {new(throttle.Permit), throttle.ErrSpent},
		"spent":           {spent, throttle.ErrSpent},
		"another purpose": {reset, throttle.ErrPurpose},
	} {
		for what, try := range map[string]func() (password.Result, error){
			"Verify": func() (password.Result, error) {
				return h.Verify(t.Context(), c.permit, stored, secret.New(right), home)
			},
			"Verify of a malformed hash": func() (password.Result, error) {
				return h.Verify(t.Context(), c.permit, "x", secret.New(right), home)
			},
			"Verify of an unusable hash": func() (password.Result, error) {
				return h.Verify(t.Context(), c.permit, "!x", secret.New(right), home)
			},
			"VerifyNobody": func() (password.Result, error) { return h.VerifyNobody(t.Context(), c.permit, secret.New(right), home) },
			"VerifyNobody, too long a password": func() (password.Result, error) {
				return h.VerifyNobody(t.Context(), c.permit, secret.New(strings.Repeat("x", 2000)), home)
			},
		} {
			if got, err := try(); !errors.Is(err, c.want) || got.OK {
				t.Errorf("%s with a permit that is %s: %+v, %v; want %v", what, name, got, err, c.want)
			}
		}
	}
	if n := h.Stats().Hashed - before; n != 0 {
		t.Errorf("%d hashes were computed without a permit", n)
	}
	if free := h.Stats(); free.Working != 0 {
		t.Errorf("%d slots were lost", free.Working)
	}
}

func TestOnePermitIsOneComparison(t *testing.T) {
	s, h := open(t), hasher(t, nil)
	stored := hash(t, h, right)
	before := h.Stats().Hashed
	permit := s.permit()
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := h.Verify(context.Background(), permit, stored, secret.New("guess"), home); err == nil {
				passed.Add(1)
			} else if !errors.Is(err, throttle.ErrSpent) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := h.Stats().Hashed - before; passed.Load() != 1 || n != 1 {
		t.Errorf("one permit gave %d comparisons and %d hashes", passed.Load(), n)
	}
}

func TestNoHashWithinAWriteTransaction(t *testing.T) {
	s, h := open(t), hasher(t, nil)
	stored, permit := hash(t, h, right), s.permit()
	before := h.Stats().Hashed
	err := s.engine.Write(t.Context(), func(ctx context.Context, _ *db.Writer) error {
		_, err := h.Hash(ctx, secret.New(right), home)
		_, err2 := h.Verify(ctx, permit, stored, secret.New(right), home)
		_, err3 := h.VerifyNobody(ctx, permit, secret.New(right), home)
		_, err4 := h.Wrap(ctx, "9cc2ae8a1ba7a93da39b46fc1019c481")
		for i, err := range []error{err, err2, err3, err4} {
			var f check.Finding
			if !errors.Is(err, password.ErrInWrite) || !errors.As(err, &f) || !strings.Contains(f.Do, "PostAfter") {
				t.Errorf("call %d: %v, want ErrInWrite", i, err)
			}
		}
		return nil
	})
	if err != nil || h.Stats().Hashed != before {
		t.Errorf("%v; %d hashes", err, h.Stats().Hashed-before)
	}
	// The permit was not spent by the refusals, and works outside.
	if got, err := h.Verify(t.Context(), permit, stored, secret.New(right), home); err != nil || !got.OK {
		t.Errorf("outside: %+v, %v", got, err)
	}
}

// An unknown user costs what a known one costs, counted in hashes.
func TestNobodyLooksLikeSomebody(t *testing.T) {
	s, h := open(t), hasher(t, nil)
	stored := hash(t, h, right)
	for _, pw := range []string{"guess", "", strings.Repeat("x", 2000), "a\x00b"} {
		before := h.Stats().Hashed
		known := s.verify(h, stored, pw)
		middle := h.Stats().Hashed
		unknown, err := h.VerifyNobody(t.Context(), s.permit(), secret.New(pw), home)
		after := h.Stats().Hashed
		if err != nil || unknown != known || middle-before != after-middle {
			t.Errorf("%.10q: known %+v with %d hashes, unknown %+v with %d, %v", pw, known, middle-before, unknown, after-middle, err)
		}
	}
	if got, _ := h.VerifyNobody(t.Context(), s.permit(), secret.New("merlon: nobody's"), home); got.OK {
		t.Error("nobody signed in")
	}
}

// An account that still has a fast hash answers no faster than others. (A lower bound only: load makes it longer.)
func TestFastHashesTakeAsLong(t *testing.T) {
	s, h := open(t), hasher(t, func(c *password.Config) { c.Params, c.InsecureCosts = password.Floor, "" })
	permit, start := s.permit(), time.Now()
	res, err := h.Verify(t.Context(), permit, "md5$Zc8Wm0o1mRcD2q7y3xKJ5t$d8c25f4e9007529faab7b99f19856ffe", secret.New("guess"), home)
	if took := time.Since(start); err != nil || res.OK || took < 4*time.Millisecond {
		t.Errorf("%+v, %v after %v: an MD5 alone takes a microsecond", res, err, took)
	}
}

func TestASignInFloodIsBounded(t *testing.T) {
	need.Time(t, "hashes for seconds")
	s := open(t)
	h := hasher(t, func(c *password.Config) {
		c.Params, c.InsecureCosts, c.Slots, c.Places = password.Params{Memory: 64 << 10, Time: 1}, "", 1, 20
	})
	stored := hash(t, h, right)
	var most, peak atomic.Int64
	var gate atomic.Pointer[chan struct{}]
	stopped := make(chan struct{}, 1)
	h.Probe(func() {
		if held := gate.Swap(nil); held != nil { // the next hash waits until the owner stands in the line
			stopped <- struct{}{}
			<-*held
		}
		most.Store(max(most.Load(), int64(h.Stats().Working)))
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak.Store(max(peak.Load(), int64(m.HeapAlloc)))
	})
	runtime.GC() // what other tests left
	permits := make([]*throttle.Permit, 50)
	for i := range permits {
		permits[i] = s.permit()
	}
	var done, busy atomic.Int64
	var all sync.WaitGroup
	for i, permit := range permits {
		all.Go(func() {
			_, err := h.Verify(context.Background(), permit, stored, secret.New("guess"), password.From{Network: fmt.Sprint(i % 3)})
			var full *password.BusyError
			switch {
			case err == nil:
				done.Add(1)
			case errors.As(err, &full) && errors.Is(err, password.ErrBusy) && full.RetryAfter >= time.Second:
				busy.Add(1)
				if err := permit.Return(context.Background()); err != nil {
					t.Errorf("the permit of an attempt that found the line full: %v", err)
				}
			default:
				t.Error(err)
			}
		})
	}
	for h.Stats().Waiting < 20 {
		time.Sleep(time.Millisecond)
	}
	open := make(chan struct{})
	gate.Store(&open)
	<-stopped
	ownersPermit, before, line := s.permit(), h.Stats().Hashed, h.Stats().Waiting
	for line+int(done.Load()+busy.Load())+1 < 50 { // all strangers have come
		time.Sleep(time.Millisecond)
		line = h.Stats().Waiting
	}
	ended := make(chan struct{})
	go func() {
		defer close(open)
		for h.Stats().Waiting == line {
			select {
			case <-ended:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	res, err := h.Verify(t.Context(), ownersPermit, stored, secret.New(right), password.From{Network: "owner", Known: true})
	close(ended)
	// At most the hash that runs, one of a stranger whose turn it is, and its own; with 100 ms each that is within a second.
	if n := h.Stats().Hashed - before; err != nil || !res.OK || n > 4 {
		t.Errorf("the owner's known device in the flood: %+v, %v after %d hashes", res, err, n)
	}
	all.Wait()
	if done.Load() < 20 || done.Load()+busy.Load() != 50 || most.Load() > 1 || h.Stats().Refused != uint64(busy.Load()) {
		t.Errorf("%d verified, %d turned away, %d at a time; %+v", done.Load(), busy.Load(), most.Load(), h.Stats())
	}
	// The probe looks before each hash: the 64 MiB of the one before are gone by then.
	if mib := peak.Load() >> 20; mib > 32 {
		t.Errorf("%d MiB lay about when the next hash began", mib)
	}
	if st := h.Stats(); st.Working != 0 || st.Waiting != 0 {
		t.Errorf("afterwards %+v", st)
	}
}

func TestAVisitorWhoLeavesKeepsTheAttempt(t *testing.T) {
	s, h := open(t), hasher(t, func(c *password.Config) { c.Slots = 1 })
	stored := hash(t, h, right)
	hold := make(chan struct{})
	h.Probe(func() { <-hold })
	first := make(chan error, 1)
	go func() {
		_, err := h.Verify(context.Background(), s.permit(), stored, secret.New(right), home)
		first <- err
	}()
	for h.Stats().Working == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithCancel(t.Context())
	permit, second := s.permit(), make(chan error, 1)
	go func() {
		_, err := h.Verify(ctx, permit, stored, secret.New(right), home)
		second <- err
	}()
	for h.Stats().Waiting == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("left: %v", err)
	}
	if err := permit.Return(t.Context()); err != nil {
		t.Errorf("its permit: %v", err)
	}
	close(hold)
	if err := <-first; err != nil {
		t.Error(err)
	}
}
