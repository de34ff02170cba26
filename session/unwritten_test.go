package session_test

import (
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/session"
)

// TestUnwrittenUsesAreListed: a session that goes on by a use which is not written yet is in both lists, is counted where there is
// no room for one more, and can be ended.
func TestUnwrittenUsesAreListed(t *testing.T) {
	h := newHouse(t, func(c *session.Config) { c.PerUser = 2 })
	old := h.browser()
	old.signIn(5)
	id := old.load().ID()
	h.browser().signIn(7) // and never seen again
	h.clock.Add(24*time.Hour - 10*time.Second)
	quiet, used := h.browser(), h.browser()
	quiet.signIn(6)
	used.signIn(5)
	old.load()
	h.clock.Add(time.Minute)
	if !old.load().Live() {
		t.Fatal("it is not alive: this shows nothing")
	}
	h.write(func(w *db.Writer) error {
		list, err := h.m.List(w, 5)
		if err != nil || len(list) != 2 || list[0].ID == list[1].ID || list[1].ID != id && list[0].ID != id {
			t.Errorf("List = %+v, %v; want both", list, err)
		}
		var found []int64
		for below := int64(0); ; {
			some, err := h.m.Page(w, below, 1)
			if err != nil || len(some) == 0 {
				break
			}
			below = some[0].ID
			found = append(found, below)
		}
		if len(found) != 3 || found[2] != id {
			t.Errorf("Page lists %v, want three, the last %d", found, id)
		}
		return nil
	})
	third := h.browser()
	h.clock.Add(time.Second)
	third.signIn(5)
	h.write(func(w *db.Writer) error {
		list, err := h.m.List(w, 5)
		if err != nil || len(list) != 2 {
			t.Errorf("after one more there are %d, %v; want the two that a user may have", len(list), err)
		}
		return nil
	})
}

// TestOneOfNobodyIsEnded: a visitor who is not signed in has a session, too, as one whose second step is waited for.
func TestOneOfNobodyIsEnded(t *testing.T) {
	h := newHouse(t)
	a, b := h.browser(), h.browser()
	if err := a.post(func(w *session.Writer) error { keyInt.Set(w, 1); return w.Save() }); err != nil {
		t.Fatal(err)
	}
	b.signIn(5)
	h.write(func(w *db.Writer) error {
		for _, user := range []int64{0, 6, -1} {
			if ok, err := h.m.EndOne(w, user, b.load().ID(), "revoked"); ok || err != nil {
				t.Errorf("by the number %d a session of user 5 is ended: %v, %v", user, ok, err)
			}
		}
		if ok, err := h.m.EndOne(w, 5, a.load().ID(), "revoked"); ok || err != nil {
			t.Errorf("user 5 ended a session of nobody: %v, %v", ok, err)
		}
		if ok, err := h.m.EndOne(w, 0, 1<<63-1, "revoked"); ok || err != nil {
			t.Errorf("the last of all numbers: %v, %v", ok, err)
		}
		if ok, err := h.m.EndOne(w, 0, a.load().ID(), "revoked"); !ok || err != nil {
			t.Errorf("EndOne = %v, %v", ok, err)
		}
		return nil
	})
	if a.load().Live() || !b.load().Live() {
		t.Error("the wrong one has ended")
	}
}
