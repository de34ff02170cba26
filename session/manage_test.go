package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/session"
)

func TestEndOthersAndUser(t *testing.T) {
	h := newHouse(t)
	var of5 []*browser
	for range 4 {
		b := h.browser()
		b.signIn(5)
		of5 = append(of5, b)
	}
	of6 := h.browser()
	of6.signIn(6)
	for _, b := range append(of5, of6) {
		b.load() // into the cache
	}
	// M08: a change of password ends the others and keeps this one, under a new token.
	if err := of5[0].post(func(w *session.Writer) error {
		if err := w.EndOthers(5, "password changed"); err != nil {
			return err
		}
		return w.Rotate(session.Level{User: 5, Factors: 1, Recent: h.clock.Now()})
	}); err != nil {
		t.Fatal(err)
	}
	if !of5[0].load().Live() || !of6.load().Live() {
		t.Error("the own or a foreign session ended")
	}
	for _, b := range of5[1:] {
		s := b.load()
		if why, _ := s.Lost(); s.Live() || why != "password changed" {
			t.Error("another session of the user lives")
		}
	}
	// M09: a disabled user is not served any more.
	h.write(func(w *db.Writer) error {
		if n, err := h.m.EndUser(w, 5, "disabled"); n != 1 || err != nil {
			t.Errorf("EndUser = %d, %v", n, err)
		}
		return nil
	})
	if of5[0].load().Live() || !of6.load().Live() {
		t.Error("EndUser ended the wrong sessions")
	}
	h.write(func(w *db.Writer) error {
		for _, user := range []int64{0, -1} {
			if _, err := h.m.EndUser(w, user, "x"); err == nil {
				t.Error("user 0 is nobody, and was ended")
			}
		}
		return nil
	})
}

// TestEndMeansUsesNotYetWritten: a session that its row calls idle for too long, since its last use waits to be written, in this
// process or another, ends with the others. The use that is written later does not bring it back.
func TestEndMeansUsesNotYetWritten(t *testing.T) {
	for name, end := range map[string]func(h *house, id int64) func(*db.Writer) error{
		"EndUser": func(h *house, _ int64) func(*db.Writer) error {
			return func(w *db.Writer) error {
				n, err := h.m.EndUser(w, 5, "disabled")
				if n != 1 {
					t.Errorf("EndUser = %d, want 1", n)
				}
				return err
			}
		},
		"EndOne": func(h *house, id int64) func(*db.Writer) error {
			return func(w *db.Writer) error {
				ok, err := h.m.EndOne(w, 5, id, "ended by its user")
				if !ok {
					t.Error("EndOne reports false")
				}
				return err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			other, err := session.New(session.Config{Store: session.NewStore(), Clock: h.clock.Now, Secret: secret})
			if err != nil {
				t.Fatal(err)
			}
			b := h.browser()
			b.signIn(5)
			id := b.load().Reader().ID()
			elsewhere := *h
			elsewhere.m = other // another process, which has seen the last use
			h.clock.Add(24*time.Hour - 10*time.Second)
			if there := (&browser{house: &elsewhere, cookie: b.cookie}); !there.load().Live() {
				t.Fatal("idle for too long before its time")
			}
			h.clock.Add(15 * time.Second)
			h.write(end(h, id))
			if err := other.Seen(h.ctx, h.engine); err != nil {
				t.Fatal(err)
			}
			if b.load().Live() {
				t.Error("a use that was written late brought the session back")
			}
		})
	}
}

func TestListAndEndOne(t *testing.T) {
	h := newHouse(t)
	a, b, c := h.browser(), h.browser(), h.browser()
	a.signIn(5)
	h.clock.Add(time.Minute)
	b.signIn(5)
	c.signIn(6)
	q := h.engine.Read(h.ctx)
	list, err := h.m.List(q, 5)
	_ = q.Close()
	if err != nil || len(list) != 2 {
		t.Fatalf("List = %v, %v", list, err)
	}
	if list[0].ID != b.load().ID() || list[0].Device != "Firefox on Linux" || list[0].Network != "192.0.2.0/24" || list[0].Began.IsZero() || list[0].Until.IsZero() {
		t.Errorf("got %+v", list[0])
	}
	id := list[1].ID
	h.write(func(w *db.Writer) error {
		if ok, err := h.m.EndOne(w, 6, id, "revoked"); ok || err != nil {
			t.Error("user 6 ended a session of user 5 by its id")
		}
		return nil
	})
	if !a.load().Live() {
		t.Fatal("a foreign id ended a session")
	}
	h.write(func(w *db.Writer) error {
		if ok, err := h.m.EndOne(w, 5, id, "revoked"); !ok || err != nil {
			t.Errorf("EndOne = %v, %v", ok, err)
		}
		return nil
	})
	if s := a.load(); s.Live() {
		t.Error("revoked, and served on the next request")
	}
	if !b.load().Live() || !c.load().Live() {
		t.Error("another session ended")
	}
	q = h.engine.Read(h.ctx)
	defer q.Close()
	all, err := h.m.Page(q, 0, 10)
	if err != nil || len(all) != 2 || all[0].User != 6 {
		t.Errorf("Page = %+v, %v", all, err)
	}
}

func TestTooManySessions(t *testing.T) {
	h := newHouse(t, func(c *session.Config) { c.PerUser = 3 })
	var all []*browser
	for range 3 {
		b := h.browser()
		b.signIn(5)
		all = append(all, b)
		h.clock.Add(time.Hour)
	}
	// The first is used, so the second is the one unseen for longest.
	all[0].load()
	if err := h.m.Seen(h.ctx, h.engine); err != nil {
		t.Fatal(err)
	}
	fourth := h.browser()
	fourth.signIn(5)
	if !all[0].load().Live() || all[1].load().Live() || !all[2].load().Live() || !fourth.load().Live() {
		t.Error("not the one unseen for longest ended")
	}
	if h.events.count(session.RuleTooMany) != 1 {
		t.Error("no event tells of it")
	}
	// Signing in again in the same browser is no new session.
	for range 5 {
		fourth.signIn(5)
	}
	if !all[0].load().Live() || !all[2].load().Live() {
		t.Error("a rotation counted as a session more")
	}
}

func TestEndAll(t *testing.T) {
	h := newHouse(t)
	var all []*browser
	for i := range 5 {
		b := h.browser()
		b.signIn(int64(i + 1))
		b.load()
		all = append(all, b)
	}
	h.write(func(w *db.Writer) error { _, err := h.m.EndAll(w, "restored"); return err })
	for _, b := range all {
		if b.load().Live() {
			t.Error("a session survived")
		}
	}
	all[0].signIn(1)
	if !all[0].load().Live() {
		t.Error("nobody can sign in any more")
	}
}

func TestDisabledHook(t *testing.T) {
	off := map[int64]bool{}
	h := newHouse(t, func(c *session.Config) {
		c.Disabled = func(_ db.Querier, user int64) (bool, error) { return off[user], nil }
	})
	b := h.browser()
	b.signIn(5)
	s := b.load()
	if !s.Live() {
		t.Fatal("disabled at once")
	}
	off[5] = true
	if b.load().Live() {
		t.Error("a disabled user is served")
	}
	if err := b.postAs(s, func(w *session.Writer) error { return nil }); !errors.Is(err, session.ErrEnded) {
		t.Errorf("a request on its way got %v, want ErrEnded", err)
	}
}

func TestSweep(t *testing.T) {
	h := newHouse(t)
	gone, kept := h.browser(), h.browser()
	gone.signIn(1)
	gone.signOut()
	old := h.browser()
	old.signIn(2)
	h.clock.Add(session.Keep + 25*time.Hour)
	kept.signIn(3)
	if err := h.m.Sweep(h.ctx, h.engine); err != nil {
		t.Fatal(err)
	}
	if n := h.rows(); n != 1 || !kept.load().Live() {
		t.Errorf("%d rows are left, want the living one", n)
	}
}

var brief = session.NewKeyFor[string]("test.brief", 15*time.Minute)

// TestAValueWithATimeOfItsOwn: it is absent when its time is over, and the next POST takes it out of the row.
func TestAValueWithATimeOfItsOwn(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.signIn(7)
	if err := b.post(func(w *session.Writer) error {
		brief.Set(w, "a recovery code")
		note.Set(w, "kept")
		if v, ok := brief.Get(w); !ok || v != "a recovery code" {
			t.Errorf("in its own request: %q, %v", v, ok)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	h.clock.Add(15*time.Minute - time.Second)
	if v, ok := brief.Get(b.load().Reader()); !ok || v != "a recovery code" {
		t.Errorf("within its time: %q, %v", v, ok)
	}
	size := func() int {
		q := h.engine.Read(h.ctx)
		defer q.Close()
		all, err := lookIn.All(q)
		if err != nil || len(all) != 1 {
			t.Fatalf("%d rows, %v", len(all), err)
		}
		return len(all[0])
	}
	full := size()
	h.clock.Add(time.Second)
	if v, ok := brief.Get(b.load().Reader()); ok {
		t.Errorf("after its time: %q", v)
	}
	if err := b.post(func(*session.Writer) error { return nil }); err != nil { // any POST
		t.Fatal(err)
	}
	if now := size(); now >= full {
		t.Errorf("the row has %d bytes as before, want the value gone", now)
	}
	if v, ok := note.Get(b.load().Reader()); !ok || v != "kept" {
		t.Errorf("the other value: %q, %v", v, ok)
	}
}
