package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/session"
)

func TestSignInAndOut(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	if b.load().Live() {
		t.Fatal("a visitor without cookie has a session")
	}
	b.signIn(5)
	s := b.load()
	if !s.Live() || s.User() != 5 || s.Level().Factors != 1 || s.Touched() {
		t.Fatalf("not signed in: %+v", s.Level())
	}
	if s.Reader().User() != 5 || !s.Touched() {
		t.Error("the reader shows nobody, or reading is not noticed")
	}
	kept := b.copy()
	b.signOut()
	if b.cookie != "" {
		t.Error("the cookie was not deleted")
	}
	after := kept.load()
	if after.Live() {
		t.Error("a session lives after sign-out")
	}
	if why, ok := after.Lost(); !ok || why != "sign-out" {
		t.Errorf("Lost = %q, %v", why, ok)
	}
	if h.events.count(session.RuleRotated) != 1 || h.events.count(session.RuleEnded) != 1 {
		t.Error("sign-in and sign-out left no events")
	}
	// Signed out means signed out, however often.
	if err := b.post(func(w *session.Writer) error { return w.End("sign-out") }); err != nil {
		t.Error(err)
	}
}

// M03: who knows the token from before the sign-in has nothing after it, in no direction.
func TestFixation(t *testing.T) {
	h := newHouse(t)
	victim := h.browser()
	if err := victim.post(func(w *session.Writer) error { note.Set(w, "basket"); return nil }); err != nil {
		t.Fatal(err)
	}
	attacker := victim.copy() // knows the token from before
	if s := attacker.load(); !s.Live() || s.User() != 0 {
		t.Fatal("the attack does not even begin")
	}
	victim.signIn(5)
	if attacker.cookie == victim.cookie || attacker.load().Live() {
		t.Error("the token from before the sign-in is alive")
	}
	if v, _ := note.Get(victim.load().Reader()); v != "basket" {
		t.Error("the visitor lost what he had before he signed in")
	}
	// A second factor, a step-up, another role: each a new token, the old one dead.
	for i, level := range []session.Level{
		{User: 5, Factors: 2}, {User: 5, Factors: 2, Recent: h.clock.Now()}, {User: 5, Factors: 2, Class: session.Administrator}, {User: 5, Factors: 1},
	} {
		old := victim.copy()
		if err := victim.post(func(w *session.Writer) error { return w.Rotate(level) }); err != nil {
			t.Fatal(err)
		}
		if old.cookie == victim.cookie || old.load().Live() {
			t.Errorf("step %d: the old token lives", i)
		}
		got := victim.load().Level()
		if got.User != level.User || got.Factors != level.Factors || got.Class != level.Class || !got.Recent.Equal(level.Recent) {
			t.Errorf("step %d: got %+v, want %+v", i, got, level)
		}
	}
	// Another user in the same browser sees nothing of the first.
	victim.signIn(6)
	if v, ok := note.Get(victim.load().Reader()); ok {
		t.Errorf("user 6 reads what user 5 kept: %q", v)
	}
}

func TestRolledBackSignInLeavesTheOldSession(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.signIn(5)
	was := b.cookie
	s := b.load()
	binding := string(s.Binding())
	stop := errors.New("stop")
	if err := b.postAs(s, func(w *session.Writer) error {
		if err := w.Rotate(session.Level{User: 5, Factors: 2}); err != nil {
			return err
		}
		if string(w.Binding()) == binding {
			t.Error("the answer's forms are bound to the old token")
		}
		return stop
	}); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if b.cookie != was || !b.load().Live() || b.load().Level().Factors != 1 {
		t.Error("a rolled back rotation took effect")
	}
	if string(s.Binding()) != binding || s.Level().Factors != 1 {
		t.Error("the request's state is that of the rolled back transaction")
	}
}

func TestNoRowForWhoKeepsNothing(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	for range 3 {
		b.load()
		if err := b.post(func(w *session.Writer) error { note.Get(w); note.Delete(w); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if h.rows() != 0 || b.cookie != "" {
		t.Errorf("%d rows, cookie %q", h.rows(), b.cookie)
	}
	if err := b.post(func(w *session.Writer) error { number.Set(w, 7); return nil }); err != nil {
		t.Fatal(err)
	}
	if h.rows() != 1 || b.cookie == "" {
		t.Errorf("the first value made %d rows, cookie %q", h.rows(), b.cookie)
	}
	if v, ok := number.Get(b.load().Reader()); !ok || v != 7 {
		t.Errorf("got %d, %v", v, ok)
	}
}

func TestDeadlines(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		name           string
		level          session.Level
		idle, absolute time.Duration
	}{
		{"one factor", session.Level{User: 5, Factors: 1}, day, 30 * day},
		{"two factors", session.Level{User: 5, Factors: 2}, time.Hour, day},
		{"administrator", session.Level{User: 5, Factors: 2, Class: session.Administrator}, 15 * time.Minute, 8 * time.Hour},
	} {
		for _, shared := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, shared %v", c.name, shared), func(t *testing.T) {
				h := newHouse(t, func(c *session.Config) { c.Shared = shared })
				sign := func() *browser {
					b := h.browser()
					if err := b.post(func(w *session.Writer) error { return w.Rotate(c.level) }); err != nil {
						t.Fatal(err)
					}
					return b
				}
				b := sign()
				h.clock.Add(c.idle - time.Second)
				if !b.copy().load().Live() {
					t.Error("ended before its idle deadline")
				}
				b = sign()
				h.clock.Add(c.idle)
				if s := b.load(); s.Live() {
					t.Error("lives at its idle deadline")
				} else if why, _ := s.Lost(); why != session.ReasonExpired {
					t.Errorf("lost by %q", why)
				}
				// In use all the time, with and without writes: it ends at the absolute deadline, not a moment later.
				b = sign()
				end := h.clock.Now().Add(c.absolute)
				for h.clock.Now().Add(c.idle / 2).Before(end) {
					h.clock.Add(c.idle / 2)
					if !b.load().Live() {
						t.Fatalf("ended %v before its absolute deadline", end.Sub(h.clock.Now()))
					}
					if err := h.m.Seen(h.ctx, h.engine); err != nil {
						t.Fatal(err)
					}
					if err := b.post(func(w *session.Writer) error { number.Set(w, 1); return nil }); err != nil {
						t.Fatal(err)
					}
				}
				h.clock.Add(end.Sub(h.clock.Now()) - time.Millisecond)
				if !b.load().Live() {
					t.Error("ended before its absolute deadline")
				}
				// M05: neither a step-up nor a write moves it.
				up := c.level
				up.Recent = h.clock.Now()
				if err := b.post(func(w *session.Writer) error { number.Set(w, 2); return w.Rotate(up) }); err != nil {
					t.Fatal(err)
				}
				h.clock.Add(time.Millisecond)
				if b.load().Live() {
					t.Error("lives at its absolute deadline")
				}
				// The same where no use was written down yet: what is only remembered moves it no more than what is written.
				b = sign()
				end = h.clock.Now().Add(c.absolute)
				for h.clock.Now().Add(c.idle / 2).Before(end) {
					h.clock.Add(c.idle / 2)
					b.load()
				}
				h.clock.Add(end.Sub(h.clock.Now()))
				if b.load().Live() {
					t.Error("lives at its absolute deadline, by uses that were not written down")
				}
				if err := b.post(func(w *session.Writer) error { return nil }); err != nil {
					t.Errorf("an expired session is no error, but a visitor without one: %v", err)
				}
			})
		}
	}
}

func TestIdleCountsFromUseEvenIfNothingWasWritten(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.signIn(5)
	for range 5 {
		h.clock.Add(23 * time.Hour)
		if !b.load().Live() {
			t.Fatal("idle although in use")
		}
	}
	// And the uses are in the database when they are flushed: another process sees them.
	if err := h.m.Seen(h.ctx, h.engine); err != nil {
		t.Fatal(err)
	}
	other, err := session.New(session.Config{Clock: h.clock.Now, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Add(23 * time.Hour)
	q := h.engine.Read(h.ctx)
	defer q.Close()
	if s, err := other.Load(q, b.request()); err != nil || !s.Live() {
		t.Errorf("the flushed use is not in the database: %v", err)
	}
}

func TestPrefetchIsNoUse(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.signIn(5)
	for range 3 {
		h.clock.Add(10 * time.Hour)
		r := b.request()
		r.Header.Set("Sec-Purpose", "prefetch;prerender")
		q := h.engine.Read(h.ctx)
		_, _ = h.m.Load(q, r)
		q.Close()
	}
	if b.load().Live() {
		t.Error("prefetches kept the session alive")
	}
}

func TestClockSetBack(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.signIn(5)
	h.clock.Add(-4 * time.Minute)
	if !b.load().Live() {
		t.Error("a clock that is mended by minutes signs everybody out")
	}
	for _, back := range []time.Duration{-2 * time.Hour, -10 * 365 * 24 * time.Hour} {
		h.clock.Add(back)
		if b.load().Live() {
			t.Errorf("with the clock %v back the session lives longer than its time", back)
		}
		h.clock.Add(-back)
	}
	if !b.load().Live() {
		t.Error("the clock is right again, the session is not back")
	}
}

func TestValuesAndCache(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprint("shared ", shared), func(t *testing.T) {
			h := newHouse(t, func(c *session.Config) { c.Shared = shared })
			b := h.browser()
			b.signIn(5)
			for i := range 20 {
				want := strings.Repeat("v", i)
				if err := b.post(func(w *session.Writer) error {
					note.Set(w, want)
					if got, ok := note.Get(w); !ok || got != want {
						t.Errorf("the writer reads %q", got)
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				if got, ok := note.Get(b.load().Reader()); !ok || got != want {
					t.Fatalf("round %d: the next request reads %q, %v", i, got, ok)
				}
			}
			if err := b.post(func(w *session.Writer) error { note.Delete(w); return nil }); err != nil {
				t.Fatal(err)
			}
			if got, ok := note.Get(b.load().Reader()); ok {
				t.Errorf("deleted, but the next request reads %q", got)
			}
		})
	}
}

func TestRemember(t *testing.T) {
	h := newHouse(t)
	for _, remember := range []bool{false, true} {
		b := h.browser()
		if err := b.post(func(w *session.Writer) error {
			if err := w.Rotate(session.Level{User: 5, Factors: 1, Remember: remember}); err != nil {
				return err
			}
			c, _ := w.Cookie()
			if want := map[bool]time.Duration{true: 30 * 24 * time.Hour}[remember]; c.MaxAge != want {
				t.Errorf("remember %v: MaxAge %v, want %v", remember, c.MaxAge, want)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLevelsThatMakeNoSense(t *testing.T) {
	h := newHouse(t)
	for _, l := range []session.Level{
		{User: -1, Factors: 1}, {User: 5}, {Factors: 1}, {User: 5, Factors: 9}, {User: 5, Factors: -1}, {User: 5, Factors: 1, Class: 9},
		{Class: session.Administrator}, {User: 5, Factors: 1, Recent: h.clock.Now().Add(time.Hour)},
	} {
		b := h.browser()
		if err := b.post(func(w *session.Writer) error { _ = w.Rotate(l); return nil }); err == nil || b.cookie != "" {
			t.Errorf("%+v: got %v, want an error from Save although Rotate's was overlooked", l, err)
		}
	}
	if h.rows() != 0 {
		t.Error("rows were written")
	}
}

func TestZeroValues(t *testing.T) {
	var r session.Reader
	if v, ok := note.Get(&r); ok || v != "" || r.Live() || r.User() != 0 || r.ID() != 0 || r.Level() != (session.Level{}) || !r.Began().IsZero() {
		t.Error("the zero Reader is somebody")
	}
	var none *session.Reader
	if none.Live() || none.User() != 0 {
		t.Error("the nil Reader is somebody")
	}
	var s *session.State
	if s.Live() || s.User() != 0 || s.Binding() != nil || s.Touched() || s.Reader().Live() {
		t.Error("the nil State is somebody")
	}
	var w session.Writer
	note.Set(&w, "x")
	for name, err := range map[string]error{"Rotate": w.Rotate(session.Level{}), "End": w.End("x"), "EndOthers": w.EndOthers(1, "x"), "Save": w.Save()} {
		if !errors.Is(err, session.ErrClosed) {
			t.Errorf("the zero Writer's %s: %v, want ErrClosed", name, err)
		}
	}
	if w.Live() || w.User() != 0 || w.Binding() != nil {
		t.Error("the zero Writer is somebody")
	}
	if _, ok := w.Cookie(); ok {
		t.Error("the zero Writer sets a cookie")
	}
	nobody := newHouse(t).m.Nobody()
	if nobody.Live() || nobody.Binding() != nil || nobody.Reader().Live() {
		t.Error("Nobody is somebody")
	}
}

func TestWriterIsDeadAfterItsRequest(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.signIn(5)
	var kept *session.Writer
	if err := b.post(func(w *session.Writer) error { kept = w; return nil }); err != nil {
		t.Fatal(err)
	}
	note.Set(kept, "late")
	if err := kept.Save(); err == nil {
		t.Error("a writer wrote after its transaction")
	}
	if err := kept.Rotate(session.Level{User: 1, Factors: 2}); err == nil {
		t.Error("a writer rotated after its transaction")
	}
}
