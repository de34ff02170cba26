package session_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/session"
)

// M04: a thousand requests are on their way with the session, each about to write into it, while it is signed out. None of
// them brings it back, and whoever comes to write after the sign-out is told so.
func TestRevivalRace(t *testing.T) {
	for _, how := range []string{"sign-out", "other browser", "disabled"} {
		t.Run(how, func(t *testing.T) {
			h := newHouse(t)
			b, second := h.browser(), h.browser()
			b.signIn(5)
			second.signIn(5)
			const n = 1000
			states := make([]*session.State, n)
			for i := range states {
				states[i] = b.load() // in flight: all of them saw it alive
			}
			var wg sync.WaitGroup
			var wrote, refused, late atomic.Int32
			var ended atomic.Bool
			start := make(chan struct{})
			for i := range states {
				wg.Go(func() {
					<-start
					was := ended.Load()
					one := b.copy()
					err := one.postAs(states[i], func(w *session.Writer) error {
						number.Set(w, int64(i))
						if i%7 == 0 {
							return w.Rotate(session.Level{User: 5, Factors: 2}) // ends the row for all others too
						}
						return nil
					})
					switch {
					case err == nil && i%7 != 0:
						wrote.Add(1)
						if was {
							late.Add(1)
						}
					case err == nil:
						// Rotated: the new session is the same user's own, and must be ended as well.
					case errors.Is(err, session.ErrEnded):
						refused.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			wg.Go(func() {
				<-start
				switch how {
				case "sign-out":
					if err := b.copy().post(func(w *session.Writer) error { return w.EndOthers(5, "sign-out everywhere") }); err != nil && !errors.Is(err, session.ErrEnded) {
						t.Error(err)
					}
					h.write(func(w *db.Writer) error { _, err := h.m.EndUser(w, 5, "sign-out"); return err })
				case "other browser":
					_ = second.post(func(w *session.Writer) error { return w.EndOthers(5, "revoked") })
				default:
					h.write(func(w *db.Writer) error { _, err := h.m.EndUser(w, 5, "disabled"); return err })
				}
				ended.Store(true)
			})
			close(start)
			wg.Wait()
			if late.Load() != 0 {
				t.Errorf("%d writes after the end", late.Load())
			}
			if b.load().Live() {
				t.Error("the session rose again")
			}
			if h.events.count(session.RuleRevived) < int(refused.Load()) {
				t.Errorf("%d refused, %d events", refused.Load(), h.events.count(session.RuleRevived))
			}
			if refused.Load() == 0 {
				t.Error("nothing raced")
			}
		})
	}
}

// The cache never serves what has ended: readers that began before the end, during it and after, with the cache in between.
// A reader with an old snapshot is the hard one: it reads the row alive after it has ended, and must not cache it.
func TestCacheNeverRevives(t *testing.T) {
	h := newHouse(t)
	for range 50 {
		b := h.browser()
		b.signIn(5)
		old := h.engine.Read(h.ctx)
		if _, err := countRows.One(old); err != nil { // its snapshot is taken
			t.Fatal(err)
		}
		b.copy().signOut()
		s, err := h.m.Load(old, b.request())
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Live() // by its own snapshot it may be
		_ = old.Close()
		if b.load().Live() {
			t.Fatal("a reader with an old snapshot put an ended session into the cache")
		}
	}
}

func TestCacheUnderLoad(t *testing.T) {
	h := newHouse(t)
	ctx, stop := context.WithCancel(h.ctx)
	defer stop()
	var wg sync.WaitGroup
	current := make([]atomic.Pointer[browser], 8)
	for i := range current {
		b := h.browser()
		b.signIn(int64(i + 1))
		current[i].Store(b)
	}
	var loads atomic.Int64
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				for i := range current {
					b := current[i].Load()
					s := b.load()
					if s.Live() && s.User() != int64(i+1) {
						t.Errorf("user %d got the session of user %d", i+1, s.User())
					}
					loads.Add(1)
				}
			}
		})
	}
	for round := range 40 {
		i := round % len(current)
		b := current[i].Load().copy()
		if err := b.post(func(w *session.Writer) error { number.Set(w, int64(round)); return nil }); err != nil {
			t.Fatal(err)
		}
		if v, ok := number.Get(b.load().Reader()); !ok || v != int64(round) {
			t.Fatalf("round %d: after the commit the value is %d, %v", round, v, ok)
		}
		ended := b.copy()
		b.signOut()
		if ended.load().Live() {
			t.Fatalf("round %d: served after sign-out", round)
		}
		b.signIn(int64(i + 1))
		current[i].Store(b)
	}
	stop()
	wg.Wait()
	if loads.Load() == 0 {
		t.Error("nothing was loaded beside")
	}
}

// A write that is rolled back is forgotten by the cache as well: the old values are served, not those that never were.
func TestCacheAfterRollback(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.signIn(5)
	if err := b.post(func(w *session.Writer) error { number.Set(w, 1); return nil }); err != nil {
		t.Fatal(err)
	}
	b.load()
	stop := errors.New("stop")
	if err := b.post(func(w *session.Writer) error {
		number.Set(w, 2)
		if err := w.Save(); err != nil {
			return err
		}
		if v, _ := number.Get(b.load().Reader()); v != 1 {
			t.Errorf("another request reads %d, which is not committed", v)
		}
		return stop
	}); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if v, _ := number.Get(b.load().Reader()); v != 1 {
		t.Errorf("after the rollback %d is served", v)
	}
	if err := b.post(func(w *session.Writer) error { _ = w.End("sign-out"); return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if !b.load().Live() {
		t.Error("a rolled back sign-out signed out")
	}
}

func TestCacheSavesLookups(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.signIn(5)
	h.store.lookups()
	for range 10 {
		b.load()
	}
	if n := h.store.lookups(); n > 1 {
		t.Errorf("%d look-ups for ten requests", n)
	}
	shared := newHouse(t, func(c *session.Config) { c.Shared = true })
	b = shared.browser()
	b.signIn(5)
	shared.store.lookups()
	for range 10 {
		b.load()
	}
	if n := shared.store.lookups(); n != 10 {
		t.Errorf("shared: %d look-ups for ten requests, want 10", n)
	}
}

// Two processes on one store, neither caching: what one ends the other does not serve.
func TestSharedManagersAgree(t *testing.T) {
	h := newHouse(t, func(c *session.Config) { c.Shared = true })
	other, err := session.New(session.Config{Clock: h.clock.Now, Secret: secret, Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	b := h.browser()
	b.signIn(5)
	load := func() *session.State {
		q := h.engine.Read(h.ctx)
		defer q.Close()
		s, err := other.Load(q, b.request())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if !load().Live() {
		t.Fatal("the other process does not know the session")
	}
	b.copy().signOut()
	if load().Live() {
		t.Error("the other process serves what has ended")
	}
}

// What a writer reads is not committed yet, and may never be: it stays out of the cache.
func TestWritersStayOutOfTheCache(t *testing.T) {
	h := newHouse(t)
	b, next := h.browser(), h.browser()
	b.signIn(5)
	stop := errors.New("stop")
	err := h.engine.Write(h.ctx, func(_ context.Context, w *db.Writer) error {
		sw, err := h.m.Begin(b.load(), w)
		if err != nil {
			return err
		}
		if err := sw.Rotate(session.Level{User: 6, Factors: 2}); err != nil {
			return err
		}
		c, _ := sw.Cookie()
		next.cookie = c.Value
		s, err := h.m.Load(w, next.request())
		if err != nil || s.User() != 6 {
			t.Errorf("within the transaction: user %d, %v", s.User(), err)
		}
		if old, err := h.m.Load(w, b.request()); err != nil || old.Live() {
			t.Errorf("within the transaction the old session lives: %v", err)
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if next.load().Live() {
		t.Error("a session that was never committed is served")
	}
	if !b.load().Live() {
		t.Error("the old session is gone, although nothing was committed")
	}
}
