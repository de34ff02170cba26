package account_test

import (
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

// TestALinkOfAClockThatWasAhead: it works for half an hour, not until that time comes.
func TestALinkOfAClockThatWasAhead(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	s.Advance(365 * 24 * time.Hour)
	askReset(s.Visitor(), ann)
	to := link(t, s, ann, 0)
	v := s.Visitor().Get(to).At("/account/reset")
	s.Advance(-365 * 24 * time.Hour)
	over(t, s.Visitor().Get(to), itRanOut)
	s.Write(func(w *db.Writer) error {
		code, err := account.IssueReset(w, 1, ann, s.Now().Add(time.Hour))
		if err != nil {
			return err
		}
		if ok, err := account.SpendReset(w, code, s.Now()); ok || err != nil {
			t.Errorf("a link that is made in an hour was used: %v, %v", ok, err)
		}
		if code, err = account.IssueReset(w, 1, ann, s.Now().Add(4*time.Minute)); err != nil {
			return err
		}
		if ok, err := account.SpendReset(w, code, s.Now()); !ok || err != nil {
			t.Errorf("a link of a clock that was four minutes ahead was not used: %v", err)
		}
		return nil
	})
	v.Submit("/account/reset", merlontest.Values{"Password": other}).Is(410)
	signIn(s.Visitor(), ann, good).At("/")
}

// TestABrowserOfAClockThatWasAhead: it is trusted, and known at all, for no longer than others.
func TestABrowserOfAClockThatWasAhead(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	p, _ := setUp(t, s, signIn(s.Visitor(), ann, good))
	s.Advance(365 * 24 * time.Hour)
	v := signIn(s.Visitor(), ann, good).At("/sign-in/second")
	v.Submit("/sign-in/second", merlontest.Values{"Code": p.code(t), "Trust": "on"}).At("/")
	v.Get("/").Submit("/sign-out", nil)
	s.Advance(-4 * time.Minute)
	signIn(v, ann, good).At("/").Submit("/sign-out", nil)
	s.Advance(-364 * 24 * time.Hour)
	signIn(v, ann, good).At("/sign-in/second")
}
