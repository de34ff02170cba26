package account_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/throttle"
)

func askReset(v *merlontest.Visitor, email string) *merlontest.Visitor {
	return v.Get("/account/reset/ask").Submit("/account/reset/ask", merlontest.Values{"Email": email})
}

func TestReset(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	id := addUser(t, s, ann)
	home := signIn(s.Visitor(), ann, good).At("/")
	thief := signIn(s.Visitor(), ann, good).At("/")
	s.Write(func(w *db.Writer) error { return account.TrustAll(w, id, s.Now().Add(time.Hour)) })
	for range 11 { // strangers fill the limit
		signIn(s.Visitor(), ann, "wrong").Is(422)
	}

	v := s.Visitor().Get("/sign-in").Has("I forgot my password")
	askReset(v, "Ann@Example.test").At("/account/reset/sent").Has("We sent you a mail")
	first := link(t, s, ann, 0)
	askReset(v, ann)
	s.Visitor().Get(first).Is(410) // the last mail's link alone works
	to := link(t, s, ann, 0)
	for range 3 { // scanners of mails
		s.Visitor().Get(to).At("/account/reset").Has(ann)
	}
	tab := s.Visitor().Get(to)
	home.Get(to).Submit("/account/reset", merlontest.Values{"Password": "short"}).Is(422).
		Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in").Has("Your password is set.")
	tab.Submit("/account/reset", merlontest.Values{"Password": good + " again"}).Is(410)
	s.Visitor().Get(to).Is(410)

	for _, v := range []*merlontest.Visitor{home, thief} {
		v.Get("/private").At("/sign-in?next=%2Fprivate")
	}
	if n := account.Trusted(s.Site.House(), id, s.Now()); n != 0 {
		t.Errorf("%d devices are still trusted", n)
	}
	if left, err := s.Site.House().Limits.Inspect(context.Background(), throttle.Account(ann)); err != nil || left.Attempts != 0 {
		t.Errorf("the limit of the account: %+v, %v; want it released", left, err)
	}
	signIn(s.Visitor(), ann, good).Is(422)
	signIn(s.Visitor(), ann, other).At("/")
	notice := false
	for _, m := range mails(t, s, ann) {
		notice = notice || strings.Contains(m.Subject, "A new password at Test") && strings.Contains(m.Text, "If that was not you")
	}
	if !notice {
		t.Error("the owner is not told that the password is another one")
	}
	if !strings.Contains(s.Log.String(), "MRL-ACCT-014") {
		t.Error("the reset is no event")
	}
}

// TestResetOpensAWayPastGuesses: the browser that set a new password by a link signs in with it while strangers go on
// guessing (AUTH-5).
func TestResetOpensAWayPastGuesses(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	id := addUser(t, s, ann)
	fill := func() {
		for range 11 {
			signIn(s.Visitor(), ann, "wrong").Is(422)
		}
	}
	fill()
	askReset(s.Visitor(), ann)
	owner := s.Visitor().Get(link(t, s, ann, 0)).Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
	fill()
	signIn(s.Visitor(), ann, other).Is(422) // a browser that nobody knows waits
	signIn(owner, ann, other).At("/")

	var to string
	s.Write(func(w *db.Writer) (err error) {
		to, err = account.Enrolment(s.Site.House(), w, id, ann, s.Now())
		return err
	})
	owner = s.Visitor().Get(strings.TrimPrefix(to, s.Site.Origin())).At("/account/enrol").Submit("/account/enrol", merlontest.Values{"Password": good}).At("/sign-in")
	fill()
	signIn(owner, ann, good).At("/")
}

func TestResetLinkEndsAfterHalfAnHour(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	askReset(s.Visitor(), ann)
	to := link(t, s, ann, 0)
	s.Advance(29 * time.Minute)
	v := s.Visitor().Get(to).At("/account/reset")
	s.Advance(2 * time.Minute)
	s.Visitor().Get(to).Is(410)
	v.Submit("/account/reset", merlontest.Values{"Password": other}).Is(410)
	signIn(s.Visitor(), ann, good).At("/")
}

func TestParallelResets(t *testing.T) { // B3
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	askReset(s.Visitor(), ann)
	to := link(t, s, ann, 0)
	got := together(s, 50, func() *merlontest.Visitor { return s.Visitor().Get(to) }, "/account/reset", merlontest.Values{"Password": other})
	// those for whom the line of hashes was full are told to come back
	if got[303] != 1 || got[410]+got[503] != 49 {
		t.Errorf("answers by status: %v, want 1 times 303, the rest 410 or 503", got)
	}
	signIn(s.Visitor(), ann, other).At("/")
}

func TestResetOfNobody(t *testing.T) {
	var ran calls
	s := merlontest.Start(t, openWith(account.Config{Hooks: ran.hooks()}))
	askReset(s.Visitor(), "new@example.test").At("/account/reset/sent")
	if m := mails(t, s, "new@example.test"); len(m) != 1 || !strings.Contains(m[0].Subject, "No account at Test") || strings.Contains(m[0].Text, "/account/link/") {
		t.Errorf("mails to an unknown address: %v", m)
	}

	id := addUser(t, s, ann)
	askReset(s.Visitor(), ann)
	v := s.Visitor().Get(link(t, s, ann, 0)).At("/account/reset")
	s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, id, true) })
	v.Submit("/account/reset", merlontest.Values{"Password": other}).Is(410)
	askReset(s.Visitor(), ann).At("/account/reset/sent")
	if m := mails(t, s, ann)[0]; strings.Contains(m.Text, "/account/link/") {
		t.Errorf("a disabled account got a link: %s", m.Text)
	}
	s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, id, false) })
	signIn(s.Visitor(), ann, good).At("/")

	// whoever reads the mailbox of an account that was never proven proves it by the reset
	signUp(s, "ben@example.test", good)
	askReset(s.Visitor(), "ben@example.test")
	s.Visitor().Get(link(t, s, "ben@example.test", 0)).Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
	signIn(s.Visitor(), "ben@example.test", other).At("/")
	ran.want(t, "signed up ben@example.test", "verified ben@example.test")
}

func TestResetLimits(t *testing.T) { // requirements of attempts: 3 an hour for an address, 20 for a network
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	for range 5 {
		askReset(s.Visitor(), ann).At("/account/reset/sent")
	}
	if n := len(mails(t, s, ann)); n != 3 {
		t.Errorf("%d mails to one address, want 3", n)
	}
	for i := range 17 {
		askReset(s.Visitor(), fmt.Sprintf("u%d@example.test", i)).At("/account/reset/sent")
	}
	askReset(s.Visitor(), "one@example.test").Is(429).Has("try again in")
	s.Advance(61 * time.Minute)
	askReset(s.Visitor(), ann).At("/account/reset/sent")
	if n := len(mails(t, s, ann)); n != 4 {
		t.Errorf("%d mails after an hour, want one more", n)
	}
}

func TestNotMe(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	thief := signIn(s.Visitor(), ann, good).At("/") // a new device: the owner is told
	to := link(t, s, ann, 0)
	askReset(s.Visitor(), ann)
	reset := link(t, s, ann, 0)
	for range 10 {
		s.Visitor().Get(to).At("/account/not-me").Has("That was not me")
	}
	thief.Get("/private").At("/private")

	v := s.Visitor().Get(to)
	v.Submit("/account/not-me", nil).At("/account/reset/sent").Has("All devices are signed out.")
	thief.Get("/private").At("/sign-in?next=%2Fprivate")
	s.Visitor().Get(to).Is(410)
	s.Visitor().Get(reset).Is(410)
	s.Visitor().Get(link(t, s, ann, 0)).At("/account/reset").Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
	signIn(thief, ann, good).Is(422)
	if !strings.Contains(s.Log.String(), "MRL-ACCT-015") {
		t.Error("it is no event")
	}
}
