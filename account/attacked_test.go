package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/merlontest"
)

// What attackers found, so that nobody finds it again.

// TestAReturnedAddressHasNoUndoForTheThief: the owner moves the account back by herself; the address in between undoes nothing.
func TestAReturnedAddressHasNoUndoForTheThief(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	const evil = "evil@example.test"
	owner, thief := signIn(s.Visitor(), ann, good), signIn(s.Visitor(), ann, good)
	moveFrom(t, s, thief, evil)
	s.Advance(time.Second)
	moveFrom(t, s, owner, ann)
	told := mails(t, s, evil)[0]
	if !strings.Contains(told.Subject, "changed back") || strings.Contains(told.Text, "For seven days") {
		t.Errorf("the address in between is told %q: %s", told.Subject, told.Text)
	}
	for _, m := range mails(t, s, evil) { // whatever links the thief's mailbox has
		for _, l := range linkInMail.FindAllStringSubmatch(m.Text, -1) {
			if v := s.Visitor().Get(l[2]); v.Path == "/account/address/undo" {
				t.Error("the thief's mailbox holds a link that undoes the owner's return")
			}
		}
	}
}

// TestNotMeTakesThePasswordAndNewFactors: whoever was there knew the password, and what was added since is theirs.
func TestNotMeTakesThePasswordAndNewFactors(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	thief := signIn(s.Visitor(), ann, good)
	setUp(t, s, thief)
	v := s.Visitor().Get(link(t, s, ann, 0)).At("/account/not-me").Submit("/account/not-me", nil)
	signIn(thief, ann, good).Is(422)
	v.Get(link(t, s, ann, 0)).Submit("/account/reset", merlontest.Values{"Password": other})
	signIn(s.Visitor(), ann, other).At("/") // no code of the thief's app is asked for
}

// TestNotMeKeepsOlderFactors: whoever reads the mailbox alone does not get in.
func TestNotMeKeepsOlderFactors(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	setUp(t, s, signIn(s.Visitor(), ann, good))
	s.Advance(time.Minute)
	p := signIn(s.Visitor(), ann, good).At("/sign-in/second")
	p.Get("/account/reset/ask").Submit("/account/reset/ask", merlontest.Values{"Email": ann})
	s.Visitor().Get(link(t, s, ann, 1)).At("/account/not-me").Submit("/account/not-me", nil)
	s.Visitor().Get(link(t, s, ann, 0)).At("/account/reset").Submit("/account/reset", merlontest.Values{"Password": other})
	signIn(s.Visitor(), ann, other).At("/sign-in/second")
}

// TestAChangedPasswordTrustsNoDevice: nor does it leave a thief's browser its own limit.
func TestAChangedPasswordTrustsNoDevice(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	v := signIn(s.Visitor(), ann, good)
	p, _ := setUp(t, s, v)
	s.Advance(time.Minute)
	device := signIn(s.Visitor(), ann, good).At("/sign-in/second")
	device.Submit("/sign-in/second", merlontest.Values{"Code": p.code(t), "Trust": "on"}).Is(200)
	v.Get("/account/password").Submit("/account/password", merlontest.Values{"Current": good, "New": other}).At("/account")
	signIn(device, ann, other).At("/sign-in/second")
	s.Advance(16 * time.Minute)
	for range 10 {
		signIn(device, ann, "wrong wrong wrong").Is(422)
	}
	signIn(device, ann, "wrong wrong wrong").Is(422) // not 429: it counts as a stranger
}

// TestAResetForgetsEveryDevice: guesses of browsers that a thief signed in with count as strangers'.
func TestAResetForgetsEveryDevice(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	thief := signIn(s.Visitor(), ann, good)
	askReset(s.Visitor(), ann)
	s.Visitor().Get(link(t, s, ann, 0)).Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
	for range 12 {
		signIn(thief, ann, "wrong wrong wrong").Is(422) // a known device would be told 429
	}
	if n := strings.Count(s.Log.String(), "MRL-ACCT-002"); n != 10 {
		t.Errorf("%d guesses were compared, want those of one bucket: 10", n)
	}
}

// TestNoMailCarriesAStrangersText: the name of a sign-up that nobody has proven is not repeated to the address.
func TestNoMailCarriesAStrangersText(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "You won, see https://evil.example/win", "Email": ann, "Password": other})
	askReset(s.Visitor(), ann)
	for _, m := range mails(t, s, ann) {
		if strings.Contains(m.Text, "evil.example") {
			t.Errorf("%q carries the stranger's text:\n%s", m.Subject, m.Text)
		}
	}
}

// TestAnotherVisitorIsNoOperator: the log of an account does not call somebody who is signed in elsewhere the operators.
func TestAnotherVisitorIsNoOperator(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	addUser(t, s, "evil@example.test")
	askReset(signIn(s.Visitor(), "evil@example.test", good), ann)
	signIn(s.Visitor(), ann, good).Get("/account/log").Has("A new password was asked for").HasNot("operator")
}

// TestHooksOfSignIn: the site hears of each sign-in, in its transaction.
func TestHooksOfSignIn(t *testing.T) {
	var ran calls
	hooks := ran.hooks()
	hooks.SignedIn = ran.add("signed in")
	s := merlontest.Start(t, openWith(account.Config{Hooks: hooks}))
	addUser(t, s, ann)
	signIn(s.Visitor(), ann, good).At("/")
	ran.want(t, "signed in "+ann)
}

// TestAnOldTabSignsNobodyOut: a page that was asked for with the token from before a step-up sets no cookie: it may arrive
// after the new one.
func TestAnOldTabSignsNobodyOut(t *testing.T) {
	s := merlontest.Start(t, open)
	addUser(t, s, ann)
	v := signIn(s.Visitor(), ann, good).At("/")
	s.Advance(time.Hour)
	v.Get("/fresh").At("/sign-in/again?ask=1&next=%2Ffresh")
	tab := v.Clone()
	v.Submit("/sign-in/again", merlontest.Values{"Password": good}).At("/fresh")
	if tab.Get("/sign-in").Is(200); len(tab.Header["Set-Cookie"]) > 0 {
		t.Errorf("the old tab is given %v", tab.Header["Set-Cookie"])
	}
	tab.Submit("/sign-in", merlontest.Values{"Email": ann, "Password": good}).Is(403)
	v.Get("/private").At("/private")
}
