package account_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/sqlite"
)

func intAttr(key string, n int64) slog.Attr { return slog.Int64(key, n) }

func exists(t *testing.T, s *merlontest.Server, user int64) (yes bool) {
	t.Helper()
	s.Read(func(r *db.Reader) error {
		list, err := account.List(r, 100)
		yes = slices.ContainsFunc(list, func(m account.Member) bool { return m.ID == user })
		return err
	})
	return yes
}

// mailedLink is the first link of the newest mail.
func mailedLink(t *testing.T, s *merlontest.Server) string {
	t.Helper()
	_, rest, found := strings.Cut(s.Visitor().Get("/_merlon/dev/mail").Text(), s.Site.Origin()+"/account/link/")
	if !found {
		t.Fatal("no link was mailed")
	}
	code, _, _ := strings.Cut(rest, " ")
	return "/account/link/" + code
}

func deleteAccount(v *merlontest.Visitor) *merlontest.Visitor {
	return v.Get("/account/leave").Has("For 14 days").Submit("/account/leave", merlontest.Values{"Sure": "on"})
}

func TestLeaveAndComeBack(t *testing.T) {
	o := &area{}
	s := merlontest.Start(t, o.open)
	id := addUser(t, s, "ann@example.test")
	ann, phone := signIn(s.Visitor(), "ann@example.test", good), signIn(s.Visitor(), "ann@example.test", good)

	ann.Get("/account/leave").Submit("/account/leave", nil).Is(422).Has("Tick this box.")
	ann.Get("/private").At("/private")
	deleteAccount(ann).At("/").Has("Your account is to be deleted in 14 days.")
	ann.Get("/private").At("/sign-in?next=%2Fprivate")
	phone.Get("/private").At("/sign-in?next=%2Fprivate").Has("signed out here")
	s.Visitor().Get("/_merlon/dev/mail").Has("Your account at Test is to be deleted", "If that was not you")
	link := mailedLink(t, s)

	// signing in leads to the button and to nothing else
	signIn(ann, "ann@example.test", "wrong").Is(422)
	signIn(ann, "ann@example.test", good).At("/account/stay").Has("The account of Ann is to be deleted on", "Keep the account")
	for _, path := range append([]string{"/private"}, areaPages...) {
		ann.Get(path).At("/account/stay")
	}
	ann.Get("/").HasNot("Ann")
	if to := ann.Post("/account/name", s.Site.Origin(), ann.Get("/account/stay").Fields("/account/stay")).Header.Get("Location"); !strings.HasPrefix(to, "/sign-in") {
		t.Errorf("a leaving user's POST leads to %q", to)
	}
	before := ann.Cookie("__Host-test-session")
	ann.Get("/account/stay").Submit("/account/stay", nil).At("/account").Has("Your account stays.")
	if ann.Cookie("__Host-test-session") == before {
		t.Error("the session has the token of before")
	}
	ann.Get("/private").At("/private")
	ann.Get("/account/log").Has("The account was to be deleted", "The account was called back")
	s.Visitor().Get(link).Is(410) // used up with it
	ann.Get("/account/stay").Is(410)
	s.Advance(15 * 24 * time.Hour)
	if err := account.Sweep(s.Site.House()); err != nil || !exists(t, s, id) {
		t.Errorf("the account that was called back is swept: %v", err)
	}
}

func TestComeBackByTheMailedLink(t *testing.T) {
	s := merlontest.Start(t, (&area{}).open)
	id := addUser(t, s, "ann@example.test")
	deleteAccount(signIn(s.Visitor(), "ann@example.test", good))
	s.Advance(13 * 24 * time.Hour)
	v := s.Visitor()
	for range 3 { // programs that open the links of mails change nothing
		v.Get(mailedLink(t, s)).At("/account/stay").Has("Keep the account")
	}
	v.Submit("/account/stay", nil).At("/sign-in").Has("Your account stays.")
	v.Get("/private").At("/sign-in?next=%2Fprivate") // the mailbox is no sign-in
	signIn(v, "ann@example.test", good).At("/")
	s.Advance(2 * 24 * time.Hour)
	if err := account.Sweep(s.Site.House()); err != nil || !exists(t, s, id) {
		t.Errorf("the account that was called back is swept: %v", err)
	}
}

// TestNotMeKeepsTheAccount: who got in and deleted the account loses it to its owner, who has the mailbox.
func TestNotMeKeepsTheAccount(t *testing.T) {
	s := merlontest.Start(t, (&area{}).open)
	id := addUser(t, s, "ann@example.test")
	deleteAccount(signIn(s.Visitor(), "ann@example.test", good))
	_, rest, _ := strings.Cut(s.Visitor().Get("/_merlon/dev/mail").Text(), "If that was not you")
	_, code, found := strings.Cut(rest, s.Site.Origin()+"/account/link/")
	code, _, _ = strings.Cut(code, " ")
	if !found {
		t.Fatal("the mail has no link for it")
	}
	s.Visitor().Get("/account/link/"+code).At("/account/not-me").Submit("/account/not-me", nil).At("/account/reset/sent")
	s.Advance(15 * 24 * time.Hour)
	if err := account.Sweep(s.Site.House()); err != nil || !exists(t, s, id) {
		t.Errorf("the account is deleted all the same: %v", err)
	}
	signIn(s.Visitor(), "ann@example.test", good).Is(422) // whoever deleted it knew the password: the mail has a link for another
}

func TestLeaveNeedsARecentSignIn(t *testing.T) {
	s := merlontest.Start(t, (&area{}).open)
	ann := s.SignedIn("Ann")
	page := ann.Get("/account/leave").Clone()
	s.Advance(16 * time.Minute)
	ann.Get("/account/leave").At("/sign-in/again?ask=1&next=%2Faccount%2Fleave")
	if page.Submit("/account/leave", merlontest.Values{"Sure": "on"}); !strings.HasPrefix(page.Path, "/sign-in/again?ask=1") {
		t.Errorf("the form leads to %s", page.Path)
	}
	ann.Get("/private").At("/private")
}

func TestSweepDeletesForGood(t *testing.T) {
	o := &area{}
	s := merlontest.Start(t, o.open)
	ben := s.SignedIn("Ben")
	id := addUser(t, s, "ann@example.test") // the newest account
	deleteAccount(signIn(s.Visitor(), "ann@example.test", good))
	late := signIn(s.Visitor(), "ann@example.test", good).At("/account/stay")
	link := mailedLink(t, s)
	s.Advance(14*24*time.Hour - time.Minute)
	if err := account.Sweep(s.Site.House()); err != nil || !exists(t, s, id) {
		t.Fatalf("a minute too early: %v", err)
	}
	s.Advance(2 * time.Minute)
	late.Get("/account/stay").Is(410) // its time is over, swept or not
	signIn(s.Visitor(), "ann@example.test", good).Is(410)
	o.refuse = true
	if err := account.Sweep(s.Site.House()); err == nil || !strings.Contains(err.Error(), "the site's rows cannot go") || !exists(t, s, id) {
		t.Fatalf("with a hook that fails: %v", err)
	}
	o.refuse = false
	if err := account.Sweep(s.Site.House()); err != nil || exists(t, s, id) {
		t.Fatalf("after its time the account is there: %v", err)
	}
	if want := fmt.Sprint([]string{"hook of Ann", fmt.Sprint("way of ", id)}); fmt.Sprint(o.deleted) != want {
		t.Errorf("asked: %v, want %s", o.deleted, want)
	}
	if off := s.Now().Sub(o.at); off < 0 || off > time.Hour { // the clock is 14 days ahead
		t.Errorf("the hook was told %v, the site has %v", o.at, s.Now())
	}
	if err := account.Sweep(s.Site.House()); err != nil || len(o.deleted) != 2 {
		t.Errorf("a second sweep: %v, %v", err, o.deleted)
	}
	signIn(s.Visitor(), "ann@example.test", good).Is(422)
	s.Visitor().Get(link).Is(410)
	s.Read(func(r *db.Reader) error {
		list, err := journal.List(r, journal.Filter{ID: account.RuleDeleted.ID})
		if len(list) != 1 {
			t.Errorf("%d events tell of the deletion, want 1", len(list))
		}
		return err
	})
	if next := addUser(t, s, "ann@example.test"); next <= id {
		t.Errorf("the next account has the number %d, and the deleted one had %d", next, id)
	}
	if !exists(t, s, ben.UserID) {
		t.Error("Ben is gone too")
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	s := merlontest.Start(t, (&area{}).open)
	cleo := s.SignedIn("Cleo", account.Admin)
	page := cleo.Get("/account/leave").Has("You are the only administrator.")
	if strings.Contains(page.Body, `action="/account/leave"`) {
		t.Error("the button is there")
	}
	dora := s.SignedIn("Dora", account.Admin)
	cleo.Get("/account/leave")
	dora.Get("/account/leave")
	s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, dora.UserID, true) })
	cleo.Submit("/account/leave", merlontest.Values{"Sure": "on"}).Is(422).Has("You are the only administrator.")
	cleo.Get("/private").At("/private")
	// who may leave, and is the last one when the time comes, stays
	s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, dora.UserID, false) })
	deleteAccount(cleo).At("/")
	s.Write(func(w *db.Writer) error {
		return errors.Join(account.SetRoles(s.Site.House(), w, dora.UserID), account.SetRoles(s.Site.House(), w, cleo.UserID, account.Admin))
	})
	s.Advance(15 * 24 * time.Hour)
	if err := account.Sweep(s.Site.House()); err != nil || !exists(t, s, cleo.UserID) {
		t.Errorf("the last administrator is deleted: %v", err)
	}
}

// TestTheKeptAdministratorComesBack: whom the sweep keeps, since nobody else is left, signs in as before. Of two whose time is over one
// is kept.
func TestTheKeptAdministratorComesBack(t *testing.T) {
	s := merlontest.Start(t, factors)
	id, other := addUser(t, s, "ann@example.test", account.Admin), addUser(t, s, "ben@example.test", account.Admin)
	dora := addUser(t, s, "dora@example.test", account.Admin)
	ann := signIn(s.Visitor(), "ann@example.test", good)
	app, _ := setUp(t, s, ann)
	deleteAccount(ann).At("/")
	deleteAccount(signIn(s.Visitor(), "ben@example.test", good)).At("/")
	s.Write(func(w *db.Writer) error { return account.SetRoles(s.Site.House(), w, dora) })
	s.Advance(14*24*time.Hour - time.Hour)
	waiting := second(signIn(s.Visitor(), "ann@example.test", good), app.code(t)).At("/account/stay")
	s.Advance(2 * time.Hour)
	for range 2 {
		if err := account.Sweep(s.Site.House()); err != nil {
			t.Fatal(err)
		}
	}
	if !exists(t, s, id) || exists(t, s, other) {
		t.Errorf("Ann is there: %v, Ben is there: %v; want one administrator", exists(t, s, id), exists(t, s, other))
	}
	waiting.Get("/private").At("/sign-in?next=%2Fprivate") // a session of nobody is none of an administrator
	second(signIn(s.Visitor(), "ann@example.test", good), app.code(t)).At("/").Get("/admin").At("/admin")
	sentMails(s).Has("There is no other administrator any more")
	s.Read(func(r *db.Reader) error {
		list, err := journal.List(r, journal.Filter{ID: account.RuleStayed.ID})
		if len(list) != 1 {
			t.Errorf("%d events tell that the account stays, want 1", len(list))
		}
		return err
	})
}

// What cannot be taken back asks for the code of the app, also on a trusted device; without an app one factor will do.
func TestLeaveAndExportAskForTheSecondStep(t *testing.T) { // OWASP ASVS 7.5.3
	s := merlontest.Start(t, factors)
	addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good)
	paths := []string{"/account/export", "/account/export/file", "/account/leave"}
	for _, path := range paths {
		ann.Get(path).At(path) // no app: the password is all there is
	}
	app, codes := setUp(t, s, ann)
	s.Advance(16 * time.Minute)
	// one who has only the password, in a session of the owner's
	ann.Get("/account/leave").Submit("/sign-in/again", merlontest.Values{"Password": good})
	for _, path := range paths {
		ann.Get(path).At("/sign-in/again?ask=a&next=" + url.QueryEscape(path)).Has("Six digits from your app")
	}
	ann.Submit("/sign-in/again/code", merlontest.Values{"Code": app.code(t)}).At("/account/leave")
	for _, path := range paths {
		ann.Get(path).At(path)
	}
	for _, path := range paths { // and leads there, also to what other sites may not link to, through both steps
		s.Advance(16 * time.Minute)
		ann.Get(path).Submit("/sign-in/again", merlontest.Values{"Password": good}).Submit("/sign-in/again/code", merlontest.Values{"Code": app.code(t)}).At(path)
	}
	// the app is lost: a recovery code stands in for it
	s.Advance(16 * time.Minute)
	ann.Get("/account/leave").Submit("/sign-in/again", merlontest.Values{"Password": good})
	ann.Submit("/sign-in/again/code", merlontest.Values{"Code": codes[0]}).At("/account/leave")
	ann.Submit("/account/leave", merlontest.Values{"Sure": "on"}).At("/")
}

// Who has lost the only passkey, and signs in by the password, reaches the own data.
func TestLeaveWithoutTheLostPasskey(t *testing.T) {
	k := &keys{have: map[int64]int{}}
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Pages: pages,
			Parts:  []merlon.Part{account.New(account.Config{}), k.part()},
			Routes: []merlon.Route{merlon.Get("/", account.Anyone(), home), merlon.Get("/private", account.SignedIn(), private)}})
	})
	k.have[addUser(t, s, "ann@example.test")] = 1
	ann := signIn(s.Visitor(), "ann@example.test", good)
	ann.Get("/account/export").At("/account/export")
	s.Advance(16 * time.Minute)
	ann.Get("/account/leave").At("/sign-in/again?ask=1&next=%2Faccount%2Fleave")
	ann.Submit("/sign-in/again", merlontest.Values{"Password": good}).At("/account/leave")
}

// TestWhoIsShutOutIsNotSwept: a thief has asked for the deletion, and the administrator who hears of it disables the account. Nobody can
// call it back then; its owner can when it is let in again, and who does not is deleted after all.
func TestWhoIsShutOutIsNotSwept(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	const ben = "ben@example.test"
	ids := map[string]int64{ann: addUser(t, s, ann), ben: addUser(t, s, ben)}
	for email := range ids {
		deleteAccount(signIn(s.Visitor(), email, good)).At("/")
		if out, err := command(t, s, "user disable", map[string]string{"reason": "taken over"}, email); err != nil || !strings.Contains(out, "its deletion was asked for on its page, and waits") {
			t.Errorf("user disable: %q, %v", out, err)
		}
	}
	if out, _ := command(t, s, "user list", nil); strings.Count(out, "disabled, leaving") != 2 {
		t.Errorf("user list tells nothing of it: %q", out)
	}
	left := func(after time.Duration, want int) {
		t.Helper()
		s.Advance(after)
		if err := account.Sweep(s.Site.House()); err != nil {
			t.Fatal(err)
		}
		if n := countUsers(t, s); n != want {
			t.Fatalf("%d accounts are left, want %d", n, want)
		}
	}
	left(100*24*time.Hour, 2)
	for email := range ids {
		if _, err := command(t, s, "user enable", map[string]string{"reason": "heard"}, email); err != nil {
			t.Fatal(err)
		}
	}
	left(13*24*time.Hour, 2)
	s.Visitor().Get(link(t, s, ann, 0)).At("/account/stay").Submit("/account/stay", nil).At("/sign-in")
	left(2*24*time.Hour, 1)
	signIn(s.Visitor(), ann, good).At("/").Get("/private").At("/private")
	if exists(t, s, ids[ben]) {
		t.Error("the wish to be deleted is lost")
	}
}
