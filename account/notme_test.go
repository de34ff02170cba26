package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

const evil = "evil@evil.example"

// pressed opens a mailed link and presses its button, which leads to the page about the next mail.
func pressed(s *merlontest.Server, link string) {
	v := s.Visitor().Get(link)
	v.Submit(v.Path, nil).At("/account/reset/sent")
}

// chosen sets a new password by the newest mail's link and signs in with it.
func chosen(t *testing.T, s *merlontest.Server, pass string) *merlontest.Visitor {
	t.Helper()
	s.Visitor().Get(link(t, s, ann, 0)).Submit("/account/reset", merlontest.Values{"Password": pass}).At("/sign-in")
	return signIn(s.Visitor(), ann, pass)
}

// TestTheThiefsAppGoesByItsOwnMail: whatever else the owner pressed before, and wherever the address is.
func TestTheThiefsAppGoesByItsOwnMail(t *testing.T) {
	moved := func(s *merlontest.Server, thief *merlontest.Visitor) { moveFrom(t, s, thief, evil) }
	for name, do := range map[string]func(s *merlontest.Server, thief *merlontest.Visitor){
		"after the undo": func(s *merlontest.Server, thief *merlontest.Visitor) {
			moved(s, thief)
			s.Visitor().Get(link(t, s, ann, 0)).At("/account/address/undo").Has("Older ones stay")
			pressed(s, link(t, s, ann, 0))
		},
		"after the undo and not-me of a mail in between": func(s *merlontest.Server, thief *merlontest.Visitor) {
			thief.Get("/account/password").Submit("/account/password", merlontest.Values{"Current": good, "New": other}).At("/account")
			between := link(t, s, ann, 0)
			moved(s, thief)
			pressed(s, between)
		},
		"after not-me of a later mail": func(s *merlontest.Server, thief *merlontest.Visitor) {
			thief.Get("/account/password").Submit("/account/password", merlontest.Values{"Current": good, "New": other}).At("/account")
			s.Visitor().Get(link(t, s, ann, 0)).At("/account/not-me").Has("recovery codes stay").HasNot("are taken away")
			pressed(s, link(t, s, ann, 0))
		},
		"after the thief pressed one that went to the next address": func(s *merlontest.Server, thief *merlontest.Visitor) {
			moved(s, thief)
			thief.Get("/account/password").Submit("/account/password", merlontest.Values{"Current": good, "New": other}).At("/account")
			s.Visitor().Get(link(t, s, evil, 0)).At("/account/not-me").Submit("/account/not-me", nil).At("/account/reset/sent")
			pressed(s, undoOf(t, s))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := merlontest.Start(t, factors)
			addUser(t, s, ann)
			thief := signIn(s.Visitor(), ann, good)
			setUp(t, s, thief)
			first := link(t, s, ann, 0)
			do(s, thief)
			if m := mails(t, s, ann)[0]; !strings.Contains(m.Text, "your account keeps: Authenticator app.") {
				t.Errorf("the owner is not told that an app stays: %s", m.Text)
			}
			chosen(t, s, "owner has a new phrase").At("/sign-in/second")
			s.Visitor().Get(first).At("/account/not-me").Has("are taken away")
			pressed(s, first)
			if m := mails(t, s, ann)[0]; strings.Contains(m.Text, "your account keeps") {
				t.Errorf("the owner is told that something stays: %s", m.Text)
			}
			chosen(t, s, "owner has one more phrase").At("/")
		})
	}
	t.Run("as the first, after the move", func(t *testing.T) {
		s := merlontest.Start(t, factors)
		addUser(t, s, ann)
		thief := signIn(s.Visitor(), ann, good)
		setUp(t, s, thief)
		first := link(t, s, ann, 0)
		moved(s, thief)
		pressed(s, first)
		chosen(t, s, other).At("/")
	})
}

// undoOf is the link of the mail that told of the change of address.
func undoOf(t *testing.T, s *merlontest.Server) string {
	t.Helper()
	for _, m := range mails(t, s, ann) {
		if strings.Contains(m.Text, "For seven days") {
			return linkInMail.FindStringSubmatch(m.Text)[2]
		}
	}
	t.Fatal("no mail tells of a change of address")
	return ""
}

// TestUndoTakesFactorsOfAfterTheMove: the mails that told of them went to the thief.
func TestUndoTakesFactorsOfAfterTheMove(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	thief := signIn(s.Visitor(), ann, good)
	moveFrom(t, s, thief, evil)
	s.Advance(time.Second)
	setUp(t, s, thief)
	theirs := link(t, s, evil, 0)
	pressed(s, undoOf(t, s))
	s.Visitor().Get(theirs).Is(410)
	chosen(t, s, other).At("/")
}

// TestAnAddressInBetweenHasNoSay: the owner moved the account back by herself; the thief's mailbox shuts nobody out.
func TestAnAddressInBetweenHasNoSay(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	owner, thief := signIn(s.Visitor(), ann, good), signIn(s.Visitor(), ann, good)
	moveFrom(t, s, thief, evil)
	askReset(s.Visitor(), evil)
	early := link(t, s, evil, 1)
	opened := s.Visitor().Get(early).At("/account/not-me")
	s.Advance(time.Second)
	moveFrom(t, s, owner, ann)
	if told := mails(t, s, evil)[0]; !strings.Contains(told.Subject, "changed back") || strings.Contains(told.Text, "/account/link/") {
		t.Errorf("the address in between is told %q: %s", told.Subject, told.Text)
	}
	s.Visitor().Get(early).Is(410)
	opened.Submit("/account/not-me", nil).Is(410)
	signIn(s.Visitor(), ann, good).At("/")
}

// TestAMailboxAloneTakesNoYoungFactor: a mail that is older than the app does not take it away.
func TestAMailboxAloneTakesNoYoungFactor(t *testing.T) {
	s := merlontest.Start(t, factors)
	id := addUser(t, s, ann)
	askReset(s.Visitor(), ann) // by whoever reads the mailbox
	early := link(t, s, ann, 1)
	s.Advance(24 * time.Hour)
	setUp(t, s, signIn(s.Visitor(), ann, good))
	s.Advance(5 * 24 * time.Hour)
	pressed(s, early)
	chosen(t, s, other).At("/sign-in/second")
	s.Read(func(r *db.Reader) error {
		left, err := account.CodesLeft(r, id)
		if left != 10 {
			t.Errorf("%d recovery codes are left, want the owner's 10", left)
		}
		return err
	})
}
