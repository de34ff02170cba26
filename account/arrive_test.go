package account_test

import (
	"testing"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/merlontest"
)

// TestArrival: whoever comes from the page of a mailed link has the address typed already, in this browser alone and until the
// sign-in; a link that another tab has opened is not lost by it.
func TestArrival(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	typed := "E-mail address " + ann
	v := signUp(s, ann, good)
	v.Get(link(t, s, ann, 0)).At("/account/verify").Submit("/account/verify", merlontest.Values{}).At("/sign-in").Has(typed).Get("/sign-in").Has(typed)
	s.Visitor().Get("/sign-in").HasNot(ann)
	if v.Cookie("__Host-test-step") == "" {
		t.Error("there is no step cookie of this name")
	}
	v.Submit("/sign-in", merlontest.Values{"Password": good}).At("/")
	if step := v.Cookie("__Host-test-step"); step != "" {
		t.Errorf("the step outlives the sign-in: %q", step)
	}

	v = s.Visitor()
	askReset(v, ann)
	v.Get(link(t, s, ann, 0)).At("/account/reset").Submit("/account/reset", merlontest.Values{"Password": "seven calm brown otters"}).At("/sign-in").Has(typed)

	addUser(t, s, "ben@example.test")
	askReset(v, ann)
	askReset(v, "ben@example.test")
	first := v.Get(link(t, s, ann, 0)).At("/account/reset").Fields("/account/reset")
	first.Set("Password", "eight mild green herons")
	v.Get(link(t, s, "ben@example.test", 0)).At("/account/reset").Has("ben@example.test")
	v.Post("/account/reset", s.Site.Origin(), first).Is(303)
	v.Get("/account/reset").At("/account/reset").Has("ben@example.test")
}
