package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

const old, next = "ann@old.example", "ann@new.example"

// moveFrom asks for another address in a browser that is signed in, and confirms it by the mailed link.
func moveFrom(t *testing.T, s *merlontest.Server, v *merlontest.Visitor, to string) {
	t.Helper()
	askMove(v, to)
	v.Get(link(t, s, to, 0)).At("/account/address/confirm").Has(to).Submit("/account/address/confirm", nil).At("/account/address").Has("Your address is changed.")
}

func askMove(v *merlontest.Visitor, to string) *merlontest.Visitor {
	return v.Get("/account/address").Submit("/account/address", merlontest.Values{"Email": to})
}

func TestMoveAndUndo(t *testing.T) {
	var ran calls
	s := merlontest.Start(t, openWith(account.Config{Hooks: ran.hooks()}))
	addUser(t, s, old)
	v := signIn(s.Visitor(), old, good)
	askReset(s.Visitor(), old)
	reset := link(t, s, old, 0)
	askMove(v, old).Is(422).Has("This is your address already.")
	askMove(v, next).At("/account/address").Has("We sent a mail to the new address.", old)
	to := link(t, s, next, 0)
	for range 10 {
		v.Get(to).At("/account/address/confirm")
	}
	ran.want(t)
	// a link that went to a mistyped address is worth nothing without the account
	s.Visitor().Get(to).At("/sign-in?next=%2Faccount%2Faddress%2Fconfirm")
	addUser(t, s, "eve@example.test")
	eve := signIn(s.Visitor(), "eve@example.test", good).Get(to).Is(410)
	askMove(eve, "eve@new.example")
	eve.Get(link(t, s, "eve@new.example", 0)).At("/account/address/confirm")
	sent := eve.Fields("/account/address/confirm")
	sent.Set("Link", v.Fields("/account/address/confirm").Get("Link"))
	eve.SetCookie("__Host-test-step", v.Cookie("__Host-test-step"))
	eve.Post("/account/address/confirm", s.Site.Origin(), sent).Is(410)

	v.Get(to).Submit("/account/address/confirm", nil).At("/account/address").Has("Your address is changed.", next)
	ran.want(t, "moved from "+old+" to "+next)
	v.Get(to).Is(410)
	s.Visitor().Get(reset).Is(410) // it went to the old address
	signIn(s.Visitor(), next, good).At("/")
	if m := mails(t, s, old)[0]; !strings.Contains(m.Subject, "was changed") || !strings.Contains(m.Text, next) || !strings.Contains(m.Text, "If that was not you") {
		t.Errorf("the old address is told %q: %s", m.Subject, m.Text)
	}

	s.Advance(6 * 24 * time.Hour)
	undo := link(t, s, old, 0)
	for range 10 {
		s.Visitor().Get(undo).At("/account/address/undo").Has(old)
	}
	s.Visitor().Get(undo).Submit("/account/address/undo", nil).At("/account/reset/sent").Has("The address is changed back")
	ran.want(t, "moved from "+old+" to "+next, "moved from "+next+" to "+old)
	v.Get("/private").At("/sign-in?next=%2Fprivate")
	s.Visitor().Get(undo).Is(410)
	s.Visitor().Get(link(t, s, old, 0)).Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
	signIn(s.Visitor(), next, other).Is(422)
	signIn(s.Visitor(), old, other).At("/")
}

func TestUndoEndsAfterSevenDays(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, old)
	moveFrom(t, s, signIn(s.Visitor(), old, good), next)
	undo := link(t, s, old, 0)
	s.Advance(7*24*time.Hour + time.Minute)
	s.Visitor().Get(undo).Is(410)
}

// TestMoveTellsNobodyWhoHasAnAccount: the answers for an address that is taken and one that is free are the same.
func TestMoveTellsNobodyWhoHasAnAccount(t *testing.T) { // AUTH-6
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, old)
	addUser(t, s, ann)
	v := signIn(s.Visitor(), old, good)
	taken := shape(askMove(v, ann).At("/account/address"))
	free := shape(askMove(v, "new@example.test").At("/account/address"))
	if taken != free {
		t.Errorf("the answers differ:\n%s\n%s", taken, free)
	}
	if m := mails(t, s, ann)[0]; !strings.Contains(m.Subject, "You have an account") || strings.Contains(m.Text, "/account/link/") {
		t.Errorf("the owner of a taken address gets %q: %s", m.Subject, m.Text)
	}
	// between the mail and the button somebody else took it
	to := link(t, s, "new@example.test", 0)
	addUser(t, s, "new@example.test")
	v.Get(to).Submit("/account/address/confirm", nil).Is(422).Has("This address has an account already.")
	signIn(s.Visitor(), old, good).At("/")
}

// TestTwoMovesAreUndoneByTheFirstOwner: whoever took an account and moved it twice keeps it by neither undo link.
func TestTwoMovesAreUndoneByTheFirstOwner(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, old)
	thief := signIn(s.Visitor(), old, good)
	moveFrom(t, s, thief, "one@evil.example")
	mine := link(t, s, old, 0)
	moveFrom(t, s, thief, "two@evil.example")
	theirs := link(t, s, "one@evil.example", 0)
	s.Visitor().Get(theirs).Submit("/account/address/undo", nil).At("/account/reset/sent") // to one@: mine still works
	s.Visitor().Get(mine).Submit("/account/address/undo", nil).At("/account/reset/sent")
	s.Visitor().Get(link(t, s, "one@evil.example", 0)).Is(410)
	s.Visitor().Get(link(t, s, old, 0)).Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
	signIn(s.Visitor(), old, other).At("/")
}

// TestAnUndoEndsTheLaterOnes: whoever moved the account on cannot undo that after its owner has it back.
func TestAnUndoEndsTheLaterOnes(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, old)
	thief := signIn(s.Visitor(), old, good)
	moveFrom(t, s, thief, "one@evil.example")
	moveFrom(t, s, thief, "two@evil.example")
	theirs := link(t, s, "one@evil.example", 0)
	s.Visitor().Get(link(t, s, old, 0)).Submit("/account/address/undo", nil).At("/account/reset/sent")
	s.Visitor().Get(theirs).Is(410)
}

// TestUndoTakesTheAddressBack: a sign-up that waits with the old address, or a second account, does not keep the owner out.
func TestUndoTakesTheAddressBack(t *testing.T) {
	for _, proven := range []bool{false, true} {
		var ran calls
		s := merlontest.Start(t, openWith(account.Config{Hooks: ran.hooks()}))
		addUser(t, s, old)
		moveFrom(t, s, signIn(s.Visitor(), old, good), next)
		undo := link(t, s, old, 0)
		if proven {
			addUser(t, s, old)
		} else {
			signUp(s, old, other)
		}
		s.Visitor().Get(undo).Submit("/account/address/undo", nil).At("/account/reset/sent")
		s.Visitor().Get(link(t, s, old, 0)).Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
		if proven {
			signIn(s.Visitor(), next, good).Is(422)
			signIn(s.Visitor(), next, other).At("/")
			ran.want(t, "moved from "+old+" to "+next)
		} else {
			signIn(s.Visitor(), old, other).At("/")
			ran.want(t, "moved from "+old+" to "+next, "moved from "+next+" to "+old)
		}
	}
}

// TestNotMeAfterAMove: the account comes back to the address that the notice went to.
func TestNotMeAfterAMove(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, old)
	thief := signIn(s.Visitor(), old, good)
	moveFrom(t, s, thief, next)
	askMove(thief, "two@evil.example")
	pending := link(t, s, "two@evil.example", 0)
	s.Visitor().Get(link(t, s, old, 1)).At("/account/not-me").Has("It gets "+old+" back").Submit("/account/not-me", nil).At("/account/reset/sent")
	thief.Get("/private").At("/sign-in?next=%2Fprivate")
	s.Visitor().Get(pending).Is(410)
	s.Visitor().Get(link(t, s, old, 0)).Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
	signIn(s.Visitor(), old, other).At("/")
}

func TestMoveAsksForAFreshSignIn(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	s.Visitor().Get("/account/address").At("/sign-in?next=%2Faccount%2Faddress")
	v := s.SignedIn("Ann")
	v.Get("/account/address").At("/account/address")
	s.Advance(16 * time.Minute)
	v.Get("/account/address").HasNot("We send a link to the new address")
}

func TestMoveOfADisabledAccount(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	id := addUser(t, s, old)
	v := signIn(s.Visitor(), old, good)
	moveFrom(t, s, v, next)
	undo := link(t, s, old, 0)
	in := s.Visitor().Get(undo).At("/account/address/undo")
	s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, id, true) })
	in.Submit("/account/address/undo", nil).Is(410)
}
