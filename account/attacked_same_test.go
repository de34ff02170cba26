package account_test

import (
	"fmt"
	"testing"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/merlontest"
)

// What an attacker found by the own earlier links, numbers and mails: nobody learns who has an account.

// askedFor makes three strangers ask for an address, so that it has had its mails.
func askedFor(s *merlontest.Server, email string) {
	for range 3 {
		signUp(s, email, other).At("/sign-up/sent")
	}
}

// TestAnEarlierLinkTellsNothing: whoever asks for another address, which is free, taken, or asked for by others, finds that the
// link to the own one of before has ended. (AUTH-6)
func TestAnEarlierLinkTellsNothing(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	addUser(t, s, evil)
	askedFor(s, "asked@example.test")
	v := signIn(s.Visitor(), evil, good).At("/")
	for i, x := range []string{"free@example.test", ann, "asked@example.test"} {
		mine := fmt.Sprintf("mine%d@example.test", i)
		askMove(v, mine)
		l := link(t, s, mine, 0)
		v.Clone().Get(l).At("/account/address/confirm")
		askMove(v, x).At("/account/address")
		v.Clone().Get(l).Is(410)
	}
	// three mails went to the own one: the fourth asking leaves the last one's link
	for range 4 {
		askMove(v, "mine@example.test")
	}
	v.Clone().Get(link(t, s, "mine@example.test", 0)).At("/account/address/confirm")

	for i, x := range []string{"free2@example.test", ann, "asked@example.test"} {
		mine := fmt.Sprintf("signed%d@example.test", i)
		up := signUp(s, mine, good)
		l := link(t, s, mine, 0)
		up.Clone().Get(l).At("/account/verify")
		up.Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": x}).At("/sign-up/sent")
		s.Visitor().Get(l).Is(410)
	}
	up := signUp(s, "same@example.test", good)
	for range 3 {
		up.Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": "same@example.test"}).At("/sign-up/sent")
	}
	up.Get(link(t, s, "same@example.test", 0)).At("/account/verify")
}
