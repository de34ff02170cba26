package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/merlontest"
)

// toldOf counts the mails to an address whose subject begins so.
func toldOf(t *testing.T, s *merlontest.Server, to, subject string) (n int) {
	t.Helper()
	tellGuessed(t, s)
	for _, m := range mails(t, s, to) {
		if strings.HasPrefix(m.Subject, subject) {
			n++
		}
	}
	return n
}

const guessed = "Somebody is trying passwords"

// TestPacedGuessesAreTold: who waits each time until the limit has a place again is never refused, and is told of all the same,
// once a day.
func TestPacedGuessesAreTold(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	for i := range 12 {
		signIn(s.Visitor(), ann, "wrong wrong wrong").Is(422)
		if n, want := toldOf(t, s, ann, guessed), i/9; n != min(want, 1) {
			t.Fatalf("after %d wrong passwords the owner has %d mails", i+1, n)
		}
		if i >= 9 {
			s.Advance(time.Minute<<(i-9) + time.Second)
		}
	}
	if strings.Contains(s.Log.String(), account.RuleLimited.ID) {
		t.Error("one was refused: this shows nothing")
	}
	s.Advance(25 * time.Hour)
	for range 10 { // each day its ten
		signIn(s.Visitor(), ann, "wrong wrong wrong").Is(422)
	}
	if n := toldOf(t, s, ann, guessed); n != 2 {
		t.Errorf("after ten more on the next day the owner has %d mails, want 2", n)
	}
}

// TestOwnersWhoMistypeAreNotTold: the last place of the limit is taken by the right password.
func TestOwnersWhoMistypeAreNotTold(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	for range 9 {
		signIn(s.Visitor(), ann, "wrong wrong wrong").Is(422)
	}
	signIn(s.Visitor(), ann, good).At("/")
	if n := toldOf(t, s, ann, guessed); n != 0 {
		t.Errorf("nine wrong passwords and the right one: %d mails", n)
	}
}

// TestGuessesBehindAFullNetworkAreTold: who first fills the limit of their own network, for longer, hides nothing.
func TestGuessesBehindAFullNetworkAreTold(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	for i := range 40 {
		signIn(s.Visitor(), string(rune('a'+i%8))+"@example.test", "wrong wrong wrong").Is(422)
	}
	for range 30 {
		signIn(s.Visitor(), ann, "wrong wrong wrong").Is(422)
	}
	if n := toldOf(t, s, ann, guessed); n != 1 {
		t.Errorf("%d mails, want one", n)
	}
}

// TestMailOfGuessesAsksForNothing: strangers cause it at will, and an owner who follows it to the letter must not have to give
// password and sessions up each time.
func TestMailOfGuessesAsksForNothing(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	for range 10 {
		signIn(s.Visitor(), ann, "wrong wrong wrong")
	}
	tellGuessed(t, s)
	told := mails(t, s, ann)[0].Text
	if !strings.Contains(told, "you need do nothing") || strings.Contains(told, "If that was not you, end it here") {
		t.Errorf("the mail:\n%s", told)
	}
	s.Visitor().Get(link(t, s, ann, 0)).At("/account/not-me") // for who thinks that the password is known
}

// TestWrongCodesAreTold: whoever tries codes has the password. It is told when no more are taken for a while, also of who never
// tries one that is refused, and once a day.
func TestWrongCodesAreTold(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	p, _ := setUp(t, s, signIn(s.Visitor(), ann, good))
	s.Advance(time.Hour)
	const subject = "Somebody is trying codes"
	for round := range 4 {
		thief := signIn(s.Visitor(), ann, good).At("/sign-in/second")
		for range 4 {
			second(thief, p.wrong(t)).Is(422)
		}
		if n := toldOf(t, s, ann, subject); n != min(round, 1) {
			t.Errorf("round %d, four wrong codes: %d mails", round, n)
		}
		second(thief, p.wrong(t)).Is(422)
		if n := toldOf(t, s, ann, subject); n != 1 {
			t.Errorf("round %d, five wrong codes: %d mails, want one", round, n)
		}
		second(thief, p.wrong(t)).Is(429)
		s.Advance(16 * time.Minute)
	}
	m := mails(t, s, ann)
	for _, one := range m {
		if strings.HasPrefix(one.Subject, subject) && !strings.Contains(one.Text, "If that was not you, end it here") {
			t.Errorf("the mail:\n%s", one.Text)
		}
	}
}

// TestStrangersKeepNobodyFromTheStepUp: in a session that is signed in the password is counted for the session, also of a browser
// that its owner has forgotten; who has a copy of its cookie is limited there, and told of.
func TestStrangersKeepNobodyFromTheStepUp(t *testing.T) {
	s := merlontest.Start(t, open)
	addUser(t, s, ann)
	v := signIn(s.Visitor(), ann, good).At("/")
	v.Get("/account/devices").Submit("/account/devices", merlontest.Values{"All": "on"})
	s.Advance(time.Hour)
	for range 10 {
		signIn(s.Visitor(), ann, "wrong wrong wrong").Is(422)
	}
	v.Get("/fresh").At("/sign-in/again?ask=1&next=%2Ffresh").Submit("/sign-in/again", merlontest.Values{"Password": good}).At("/fresh")
	s.Advance(25 * time.Hour)
	toldOf(t, s, ann, guessed)

	v = signIn(s.Visitor(), ann, good).At("/")
	v.Get("/account/devices").Submit("/account/devices", merlontest.Values{"All": "on"})
	s.Advance(time.Hour)
	thief := v.Clone().Get("/fresh")
	for range 10 {
		thief.Submit("/sign-in/again", merlontest.Values{"Password": "wrong wrong wrong"}).Is(422)
	}
	thief.Clone().Submit("/sign-in/again", merlontest.Values{"Password": good}).Is(429)
	thief.Clone().Get("/account/password").Submit("/account/password", merlontest.Values{"Current": good, "New": other}).Is(429)
	if n := toldOf(t, s, ann, guessed); n != 2 {
		t.Errorf("the owner has %d mails, want 2: of the strangers, and of the thief", n)
	}
	signIn(s.Visitor(), ann, good).At("/") // strangers have places left
}
