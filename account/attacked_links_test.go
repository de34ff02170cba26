package account_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

// What attackers found in mailed links and what they lead to.

// TestASignUpTellsNothingByItsLimit: whoever signs up with somebody's address and signs in with the password of that sign-up
// reaches the limit as soon as with the address of an account: then nothing is hashed any more, and the network has lost its
// tries. Otherwise it would be known whether the account was there before. (AUTH-6)
func TestASignUpTellsNothingByItsLimit(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	hashes := map[string][]uint64{}
	for _, email := range []string{ann, "new@example.test"} {
		signUp(s, email, other).At("/sign-up/sent")
		for range 12 {
			before := account.Hashed(s.Site.House())
			signIn(s.Visitor(), email, other).Is(422)
			hashes[email] = append(hashes[email], account.Hashed(s.Site.House())-before)
		}
		tellGuessed(t, s)
		if all := mails(t, s, email); len(all) != 2 || !strings.Contains(all[0].Subject, "Somebody is trying passwords") {
			t.Errorf("%s got %d mails, the last %q, want it to be told of the limit", email, len(all), all[0].Subject)
		}
	}
	for i := range 12 {
		if known, unknown := hashes[ann][i], hashes["new@example.test"][i]; known != unknown || (known == 0) != (i >= 10) {
			t.Errorf("try %d: %d hashes for an account, %d for a sign-up", i+1, known, unknown)
		}
	}
}

// TestEachTabDoesWhatItsPageSays: people open the links of several mails one after the other and press the buttons then.
func TestEachTabDoesWhatItsPageSays(t *testing.T) {
	s := merlontest.Start(t, factors)
	id := addUser(t, s, ann)
	addUser(t, s, "ben@example.test")
	thief := signIn(s.Visitor(), ann, good)
	setUp(t, s, thief)
	added := link(t, s, ann, 0)
	thief.Get("/account/password").Submit("/account/password", merlontest.Values{"Current": good, "New": other}).At("/account")
	changed := link(t, s, ann, 0)

	v := s.Visitor().Get(added).Has("are taken away")
	first := v.Fields("/account/not-me")
	second := v.Get(changed).HasNot("are taken away").Fields("/account/not-me")
	forged := v.Get(changed).Fields("/account/not-me")
	forged.Set("Link", strings.Repeat("A", len(first.Get("Link"))))
	if v.Post("/account/not-me", s.Site.Origin(), forged); v.Status != 410 {
		t.Errorf("a link of nobody's is answered by %d", v.Status)
	}
	if v.Post("/account/not-me", s.Site.Origin(), first); v.Status != 303 {
		t.Fatalf("the first tab is answered by %d", v.Status)
	}
	s.Read(func(r *db.Reader) error {
		on, left, err := account.StateOf(r, id)
		if on || left != 0 {
			t.Errorf("the first tab said that the app is taken away: on %v, %d codes", on, left)
		}
		return err
	})
	s.Visitor().Get(added).Is(410)
	if v.Post("/account/not-me", s.Site.Origin(), second); v.Status != 410 { // ended by the first
		t.Errorf("the second tab is answered by %d", v.Status)
	}

	// two links for a new password, of two accounts
	reset := link(t, s, ann, 0)
	askReset(s.Visitor(), "ben@example.test")
	v = s.Visitor().Get(reset).Has(ann)
	first = v.Fields("/account/reset")
	first.Set("Password", "seven slow paper boats")
	v.Get(link(t, s, "ben@example.test", 0)).Has("ben@example.test")
	v.Post("/account/reset", s.Site.Origin(), first)
	signIn(s.Visitor(), "ben@example.test", good).At("/")
	signIn(s.Visitor(), ann, "seven slow paper boats").At("/")

	// a link is of one kind, also in a form
	askReset(s.Visitor(), ann)
	reset, notMe := link(t, s, ann, 0), link(t, s, ann, 1)
	v = s.Visitor().Get(reset)
	first = v.Fields("/account/reset")
	v.Get(notMe)
	first.Set("Link", v.Fields("/account/not-me").Get("Link"))
	first.Set("Password", other)
	if v.Post("/account/reset", s.Site.Origin(), first); v.Status != 410 {
		t.Errorf("another kind's link is answered by %d", v.Status)
	}
	s.Visitor().Get(reset).At("/account/reset")
}

// TestAPageAboutALinkEnds: as long as its step lives.
func TestAPageAboutALinkEnds(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	askReset(s.Visitor(), ann)
	v := s.Visitor().Get(link(t, s, ann, 1)).At("/account/not-me")
	s.Advance(16 * time.Minute)
	v.Submit("/account/not-me", nil).Is(410)
	signIn(s.Visitor(), ann, good).At("/")
}

// TestALeavingAccountIsCalledBackInABrowserOfAnother: whoever is signed in to a second account.
func TestALeavingAccountIsCalledBackInABrowserOfAnother(t *testing.T) {
	s := merlontest.Start(t, (&area{}).open)
	addUser(t, s, ann)
	addUser(t, s, "ben@example.test")
	v := signIn(s.Visitor(), "ben@example.test", good)
	deleteAccount(signIn(s.Visitor(), ann, good))
	if v.Get(link(t, s, ann, 0)).At("/account/stay"); strings.Count(v.Text(), "Sign out") != 1 { // the header's, of Ben
		t.Errorf("the page offers to sign out of an account that nobody is signed in to: %s", v.Text())
	}
	v.Submit("/account/stay", nil).Has("Your account stays.")
	v.Get("/private").At("/private")
	if m := mails(t, s, ann)[0]; !strings.Contains(m.Subject, "Your account at Test stays") {
		t.Errorf("the owner is told %q", m.Subject)
	}
	signIn(s.Visitor(), ann, good).At("/")
}

// TestNotMeDeletesAStrangersSignUp: it would keep the address without a password, never be swept, and stand in the way of
// whoever moves an account there.
func TestNotMeDeletesAStrangersSignUp(t *testing.T) {
	var ran calls
	s := merlontest.Start(t, openWith(account.Config{Hooks: ran.hooks()}))
	addUser(t, s, old)
	signUp(s, ann, other)
	askReset(s.Visitor(), ann)
	if m := mails(t, s, ann)[0]; !strings.Contains(m.Text, "delete here what somebody signed up") {
		t.Errorf("the mail says: %s", m.Text)
	}
	s.Visitor().Get(link(t, s, ann, 1)).At("/account/not-me").Has("nobody has confirmed the address").HasNot("signed out").
		Submit("/account/not-me", nil).At("/sign-in").Has("What somebody signed up with your address is deleted.")
	if n := countUsers(t, s); n != 1 {
		t.Errorf("%d accounts are there, want the one of before", n)
	}
	ran.want(t)
	moveFrom(t, s, signIn(s.Visitor(), old, good), ann)
}

// TestAMoveEndsWithThePassword: whoever knew the old one may have asked for it.
func TestAMoveEndsWithThePassword(t *testing.T) {
	for _, by := range []string{"change", "reset"} {
		t.Run(by, func(t *testing.T) {
			s := merlontest.Start(t, openWith(account.Config{}))
			addUser(t, s, old)
			owner, thief := signIn(s.Visitor(), old, good), signIn(s.Visitor(), old, good)
			askMove(thief, next)
			to := link(t, s, next, 0)
			opened := owner.Clone().Get(to).At("/account/address/confirm")
			if by == "change" {
				owner.Get("/account/password").Submit("/account/password", merlontest.Values{"Current": good, "New": other}).At("/account")
				s.Advance(time.Second)
			} else {
				askReset(s.Visitor(), old)
				s.Visitor().Get(link(t, s, old, 0)).Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
				signIn(owner, old, other).At("/")
			}
			owner.Get(to).Is(410)
			opened.Submit("/account/address/confirm", nil)
			signIn(s.Visitor(), old, other).At("/")
		})
	}
}

// TestACodeIsOfTheAppThatItWasComparedWith: the app is another one when the code is used up, so it is worth nothing.
func TestACodeIsOfTheAppThatItWasComparedWith(t *testing.T) {
	s := merlontest.Start(t, factors)
	id := addUser(t, s, ann)
	app, _ := setUp(t, s, signIn(s.Visitor(), ann, good))
	thief := signIn(s.Visitor(), ann, good).At("/sign-in/second")
	code, done := app.code(t), make(chan struct{})
	s.Write(func(w *db.Writer) error { // the thief's code is read, and waits for its turn to be counted
		go func() {
			defer close(done)
			thief.Submit("/sign-in/second", merlontest.Values{"Code": code})
		}()
		time.Sleep(300 * time.Millisecond)
		return account.ReplaceApp(s.Site.House(), w, id, s.Now())
	})
	<-done
	thief.Is(422).Get("/private").At("/sign-in?next=%2Fprivate")
}

// TestNewCodesEndWhatOldOnesOpened: sessions, and what else has this one's cookie.
func TestNewCodesEndWhatOldOnesOpened(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	owner := signIn(s.Visitor(), ann, good)
	_, codes := setUp(t, s, owner)
	finder := second(signIn(s.Visitor(), ann, good), codes[0]).At("/")
	copied := owner.Clone()
	readCodes(t, owner.Get("/account/codes").Has("all other sessions are ended").Submit("/account/codes/new", nil).At("/account/codes"))
	finder.Get("/private").At("/sign-in?next=%2Fprivate")
	copied.Get("/account/codes").At("/sign-in?next=%2Faccount%2Fcodes")
	owner.Get("/private").At("/private")
}

// TestAnUndoWaitsForItsAddress: its owner has signed up again meanwhile. Whoever took the account asks for the next password
// at its present address; the link still gives it back when the address is free.
func TestAnUndoWaitsForItsAddress(t *testing.T) {
	for _, by := range []string{"undo", "not me"} {
		t.Run(by, func(t *testing.T) {
			s := merlontest.Start(t, openWith(account.Config{}))
			addUser(t, s, old)
			thief := signIn(s.Visitor(), old, good)
			moveFrom(t, s, thief, evil)
			undo, notMe := link(t, s, old, 0), link(t, s, old, 1)
			addUser(t, s, old)
			press := undo
			if by == "not me" {
				press = notMe
			}
			v := s.Visitor().Get(press)
			v.Submit(v.Path, nil).At("/account/reset/sent").Has("Your address has a second account by now")
			thief.Get("/private").At("/sign-in?next=%2Fprivate")
			askReset(s.Visitor(), evil)
			s.Visitor().Get(link(t, s, evil, 0)).Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
			signIn(thief, evil, other).At("/")

			moveFrom(t, s, signIn(s.Visitor(), old, good), next) // the second account
			s.Visitor().Get(undo).At("/account/address/undo").Submit("/account/address/undo", nil).At("/account/reset/sent").Has("The address is changed back")
			thief.Get("/private").At("/sign-in?next=%2Fprivate")
			s.Visitor().Get(link(t, s, old, 0)).Submit("/account/reset", merlontest.Values{"Password": "owner has a new phrase"}).At("/sign-in")
			signIn(s.Visitor(), old, "owner has a new phrase").At("/")
			signIn(s.Visitor(), evil, other).Is(422)
			s.Visitor().Get(undo).Is(410)
		})
	}
}

// TestDisablingLeavesTheWayBack: an administrator who hears of a theft shuts the account out, and lets its owner in again.
func TestDisablingLeavesTheWayBack(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	id := addUser(t, s, old)
	thief := signIn(s.Visitor(), old, good)
	moveFrom(t, s, thief, evil)
	askReset(s.Visitor(), evil)
	undo, reset := link(t, s, old, 0), link(t, s, evil, 0)
	disable := func(yes bool) {
		s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, id, yes) })
	}
	disable(true)
	s.Visitor().Get(reset).Is(410)
	s.Visitor().Get(undo).Submit("/account/address/undo", nil).Is(410) // as long as it is shut out
	disable(false)
	s.Visitor().Get(undo).Submit("/account/address/undo", nil).At("/account/reset/sent")
	s.Visitor().Get(link(t, s, old, 0)).Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
	signIn(s.Visitor(), old, other).At("/")
}

// TestAStrangersSignUpKeepsNoAddressFromTheFirstAdministrator: on a fresh site everybody may sign up before the link is opened.
func TestAStrangersSignUpKeepsNoAddressFromTheFirstAdministrator(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	signUp(s, ann, other)
	lines, err := s.Site.Ready(context.Background())
	if err != nil || len(lines) != 1 {
		t.Fatalf("Ready = %v, %v; want one line", lines, err)
	}
	setup, _, _ := strings.Cut(strings.TrimPrefix(lines[0][1], s.Site.Origin()), " ")
	s.Visitor().Get(setup).Submit("/_merlon/setup", merlontest.Values{"Name": "Ann", "Email": ann, "Password": good}).At("/account/app")
	if n := countUsers(t, s); n != 1 {
		t.Errorf("%d accounts are there, want the administrator's", n)
	}
}

// TestAnInvitationEndsWithItsPurpose: once the address has an account, by whatever way, an older invitation brings back nobody who was
// deleted; that of an address with which a stranger has signed up stays.
func TestAnInvitationEndsWithItsPurpose(t *testing.T) {
	for name, way := range map[string]func(t *testing.T, s *merlontest.Server){
		"the account was made by a command": func(t *testing.T, s *merlontest.Server) {
			if _, err := command(t, s, "user add", nil, ann, "Ann"); err != nil {
				t.Fatal(err)
			}
		},
		"its owner signed up without it": func(t *testing.T, s *merlontest.Server) {
			signUp(s, ann, good).Get(link(t, s, ann, 0)).Submit("/account/verify", nil).At("/sign-in")
		},
		"its owner signed up without it, elsewhere": func(t *testing.T, s *merlontest.Server) {
			signUp(s, ann, other)
			s.Visitor().Get(link(t, s, ann, 0)).Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": good}).At("/sign-in")
		},
		"its owner signed up without it, and is deleted": func(t *testing.T, s *merlontest.Server) {
			v := signUp(s, ann, good)
			v.Get(link(t, s, ann, 0)).Submit("/account/verify", nil).At("/sign-in")
			if _, err := command(t, s, "user delete", map[string]string{"reason": "thrown out", "confirm": ann}, ann); err != nil {
				t.Fatal(err)
			}
		},
		"an account moved there": func(t *testing.T, s *merlontest.Server) {
			addUser(t, s, old)
			moveFrom(t, s, signIn(s.Visitor(), old, good), ann)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := merlontest.Start(t, openWith(account.Config{}))
			if _, err := command(t, s, "user invite", nil, ann); err != nil {
				t.Fatal(err)
			}
			invitation := link(t, s, ann, 0)
			s.Visitor().Get(invitation).At("/sign-up").Is(200)
			way(t, s)
			s.Visitor().Get(invitation).Is(410)
		})
	}

	s := merlontest.Start(t, openWith(account.Config{}))
	if _, err := command(t, s, "user invite", nil, ann); err != nil {
		t.Fatal(err)
	}
	invitation := link(t, s, ann, 0)
	signUp(s, ann, other).Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": evil}).At("/sign-up/sent") // deletes the first
	s.Visitor().Get(invitation).At("/sign-up").Is(200)
}
