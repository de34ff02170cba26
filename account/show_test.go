package account_test

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/merlontest"
)

// TestShowPassword: the second button shows what was typed, judges nothing, stores nothing and hashes nothing.
func TestShowPassword(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	before := account.Hashed(s.Site.House())
	v := s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Password": `four "wide" rivers`, "Show": "on"}).Is(422).HasNot("problem", "Enter a value")
	if !strings.Contains(v.Body, `value="four &#34;wide&#34; rivers"`) {
		t.Fatalf("the password is not shown: %s", v.Body)
	}
	v.Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Ann", "Email": ann, "Password": good, "Show": "on"}).Is(422).At("/sign-up")
	if n := countUsers(t, s); n != 0 || account.Hashed(s.Site.House()) != before || len(mails(t, s, ann)) != 0 {
		t.Error("to look at the password has signed up")
	}
	v.Submit("/sign-up", merlontest.Values{"Password": good}).At("/sign-up/sent")
	if n := countUsers(t, s); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
}

// TestAllProblemsAtOnce: a missing name does not hide a password that is too short.
func TestAllProblemsAtOnce(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Email": ann, "Password": "short"}).Is(422).Has("Your name: Enter a value.", "Password: Use at least 15 characters")
}
