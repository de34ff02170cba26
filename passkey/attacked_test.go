package passkey_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/secret"
)

// What attackers found at the seam of passkeys and accounts, so that nobody finds it again.

const annsPassword = "quiet harbour seven lanterns"

func withPassword(t *testing.T) *merlontest.Server {
	t.Helper()
	s := merlontest.Start(t, open)
	hash, err := account.HashFor(t.Context(), s.Site.House(), secret.New(annsPassword))
	if err != nil {
		t.Fatal(err)
	}
	s.Write(func(w *db.Writer) error {
		_, err := account.Create(w, "ann@example.test", "Ann", hash, s.Now())
		return err
	})
	return s
}

func byPassword(s *merlontest.Server, password string) *merlontest.Visitor {
	return s.Visitor().Get("/sign-in").Submit("/sign-in", merlontest.Values{"Email": "ann@example.test", "Password": password})
}

// lastLink is the last link of the newest mail, resetLink the first.
func lastLink(t *testing.T, s *merlontest.Server) string {
	t.Helper()
	all := links(t, s)
	return all[len(all)-1]
}

func resetLink(t *testing.T, s *merlontest.Server) string {
	t.Helper()
	return links(t, s)[0]
}

func links(t *testing.T, s *merlontest.Server) (found []string) {
	t.Helper()
	s.Read(func(r *db.Reader) error {
		all, err := s.Site.House().Mails.List(r, 0, 1)
		if len(all) == 1 {
			found = regexp.MustCompile(`/account/link/[a-z-]+/[A-Za-z0-9_-]+`).FindAllString(all[0].Text, -1)
		}
		return err
	})
	if len(found) == 0 {
		t.Fatal("the newest mail has no link")
	}
	return found
}

// TestNotMeTakesANewPasskey: "that was not me" in the mail about a passkey takes it away, and the sessions that it opened.
func TestNotMeTakesANewPasskey(t *testing.T) {
	s := withPassword(t)
	d := newDevice(t, s)
	d.add(byPassword(s, annsPassword), "evil").At("/account/passkeys")
	s.Visitor().Get(lastLink(t, s)).At("/account/not-me").Submit("/account/not-me", nil).At("/account/reset/sent")
	d.signIn(s.Visitor()).Is(422)
	byPassword(s, annsPassword).Is(422)
}

// TestTheThiefsPasskeyGoesByItsOwnMail: also when the address was moved and the owner undid that first.
func TestTheThiefsPasskeyGoesByItsOwnMail(t *testing.T) {
	const evil = "evil@evil.example"
	for _, undone := range []bool{true, false} {
		s := withPassword(t)
		thief, d := byPassword(s, annsPassword), newDevice(t, s)
		d.add(thief, "evil").At("/account/passkeys")
		first := lastLink(t, s)
		s.Advance(time.Minute)
		thief.Get("/account/address").Submit("/account/address", merlontest.Values{"Email": evil}).At("/account/address")
		thief.Get(links(t, s)[0]).Submit("/account/address/confirm", nil).At("/account/address")
		if undone {
			s.Visitor().Get(links(t, s)[0]).At("/account/address/undo").Submit("/account/address/undo", nil).At("/account/reset/sent")
			byMail := s.Visitor().Get("/_merlon/dev/mail").Is(200)
			byMail.Has("your account keeps: Passkeys (1).")
		}
		s.Visitor().Get(first).At("/account/not-me").Submit("/account/not-me", nil).At("/account/reset/sent")
		s.Visitor().Get(resetLink(t, s)).Submit("/account/reset", merlontest.Values{"Password": "owner has a new phrase"}).At("/sign-in")
		d.signIn(s.Visitor()).Is(422)
		byPassword(s, "owner has a new phrase").At("/").Get("/account/passkeys").Is(200).HasNot("evil")
	}
}

// TestOneOfTwoPasskeysGoes: the mail takes away the one that it told of, and leaves the owner's and her codes.
func TestOneOfTwoPasskeysGoes(t *testing.T) {
	s, ann, d := withPasskey(t)
	s.Advance(time.Minute)
	theirs := newDevice(t, s)
	theirs.add(ann, "evil").At("/account/passkeys")
	first := lastLink(t, s)
	s.Advance(time.Minute)
	later := newDevice(t, s)
	later.add(ann, "Later").At("/account/passkeys")
	s.Visitor().Get(first).At("/account/not-me").Submit("/account/not-me", nil).At("/account/reset/sent")
	theirs.signIn(s.Visitor()).Is(422)
	d.signIn(s.Visitor()).At("/")
	later.signIn(s.Visitor()).At("/")
	s.Read(func(r *db.Reader) error {
		left, err := account.CodesLeft(r, ann.UserID)
		if left != 10 {
			t.Errorf("%d codes of the owner are left, want 10", left)
		}
		return err
	})
}

// TestAnOlderSessionChangesNoPasskey: a session by password from before the first passkey ends when that is added.
func TestAnOlderSessionChangesNoPasskey(t *testing.T) {
	s := withPassword(t)
	thief := byPassword(s, annsPassword)
	newDevice(t, s).add(byPassword(s, annsPassword), "My phone").At("/account/passkeys")
	thief.Get("/account/passkeys/1").At("/sign-in?next=%2Faccount%2Fpasskeys%2F1")
}

// TestARemovedPasskeyEndsItsSessions: and the session that removed the last one is of one factor again.
func TestARemovedPasskeyEndsItsSessions(t *testing.T) {
	s, ann, d := withPasskey(t)
	thief := d.signIn(s.Visitor()).At("/")
	ann.Get("/account/passkeys/1").Submit("/account/passkeys/1/remove", nil).At("/account/passkeys")
	thief.Get("/strong").At("/sign-in?next=%2Fstrong")
	if ann.Get("/strong"); ann.Path == "/strong" {
		t.Error("without a passkey and an app the session still has two factors")
	}
}

// TestAnAdministratorsRightsSleep: the last passkey of an administrator without an app takes the rights along, and that is
// said before, afterwards and by mail.
func TestAnAdministratorsRightsSleep(t *testing.T) {
	s, ann, d := withPasskey(t)
	s.Write(func(w *db.Writer) error { return account.SetRoles(s.Site.House(), w, ann.UserID, account.Admin) })
	ann = d.signIn(s.Visitor()).At("/")
	ann.Get("/account/passkeys/1").Has("your rights sleep")
	ann.Submit("/account/passkeys/1/remove", nil).At("/account/app").Has("An administrator needs a second factor")
	ann.Get("/_merlon/dev/mail").Has("A passkey was removed at Test", "its rights sleep until you set one up again")
}

// TestAChangedPasskeyTrustsNoBrowser: one that skipped the second step before a passkey was added, or removed, is not in again by the
// password alone.
func TestAChangedPasskeyTrustsNoBrowser(t *testing.T) {
	s := withPassword(t)
	owner := byPassword(s, annsPassword)
	code, _ := addApp(t, s, owner)
	for _, c := range []struct {
		name   string
		change func()
	}{
		{"added", func() { newDevice(t, s).add(owner, "Key").At("/account/passkeys") }},
		{"another added", func() { newDevice(t, s).add(owner, "Another").At("/account/passkeys") }},
		{"removed", func() {
			owner.Get("/account/passkeys/2").Submit("/account/passkeys/2/remove", nil).At("/account/passkeys")
		}},
		{"the last one removed", func() {
			owner.Get("/account/passkeys/1").Submit("/account/passkeys/1/remove", nil).At("/account/passkeys")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			thief := byPassword(s, annsPassword).At("/sign-in/second")
			thief.Submit("/sign-in/second", merlontest.Values{"Code": code(), "Trust": "on"}).At("/")
			thief.Get("/").Submit("/sign-out", nil)
			again := func() *merlontest.Visitor {
				return thief.Get("/sign-in").Submit("/sign-in", merlontest.Values{"Email": "ann@example.test", "Password": annsPassword})
			}
			again().At("/")
			s.Advance(time.Minute)
			c.change()
			thief.Get("/private").At("/sign-in?next=%2Fprivate")
			again().At("/sign-in/second")
		})
	}
}
