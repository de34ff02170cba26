package account_test

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed testdata/pages
var files embed.FS

type data struct{}

var (
	pages    = page.From(files, "testdata/pages")
	homePage = page.New[data](pages, "home.html")
)

func home(*merlon.Read[account.Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Show(homePage, data{}), nil
}

func private(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Show(homePage, data{}), nil
}

func open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Pages: pages,
		Parts: []merlon.Part{account.New(account.Config{})},
		Routes: []merlon.Route{
			merlon.Get("/", account.Anyone(), home),
			merlon.Get("/private", account.SignedIn(), private),
			merlon.Get("/fresh", account.SignedIn().With(account.NeedRecent()), private),
			merlon.Get("/strong", account.SignedIn().With(account.NeedFactor(2)), private),
		}})
}

const good = "quiet harbour seven lanterns"

func addUser(t *testing.T, s *merlontest.Server, email string, roles ...string) int64 {
	t.Helper()
	hash, err := account.HashFor(context.Background(), s.Site.House(), secret.New(good))
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	s.Write(func(w *db.Writer) (err error) {
		id, err = account.Create(w, email, "Ann", hash, s.Now(), roles...)
		return err
	})
	return id
}

func signIn(v *merlontest.Visitor, email, pass string) *merlontest.Visitor {
	return v.Get("/sign-in").Submit("/sign-in", merlontest.Values{"Email": email, "Password": pass})
}

func TestSignUpSignInSignOut(t *testing.T) {
	s := merlontest.Start(t, open)
	v := s.Visitor()
	v.Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Ann", "Email": "ann@example.test", "Password": good}).At("/sign-up/sent").Has("We sent you a mail")
	v.Get("/_merlon/dev/mail").Has("Welcome to Test", "ann@example.test")
	v.Get(link(t, s, "ann@example.test", 0)).Submit("/account/verify", nil).At("/sign-in")
	v.Get("/private").At("/sign-in?next=%2Fprivate")
	before := v.Cookie("__Host-test-session")
	v.Submit("/sign-in", merlontest.Values{"Email": "Ann@Example.test", "Password": good}).Is(200).At("/private").Has("Ann")
	if now := v.Cookie("__Host-test-session"); now == before || now == "" {
		t.Error("the cookie is the one from before the sign-in (SESS-1)")
	}
	if v.Cookie("__Host-test-device") == "" {
		t.Error("no device cookie")
	}
	thief := v.Clone()
	v.Get("/").Submit("/sign-out", nil).Is(200)
	thief.Get("/private").At("/sign-in?next=%2Fprivate") // SESS-2
}

func TestSignUpTellsNobodyWhoHasAnAccount(t *testing.T) { // AUTH-6
	s := merlontest.Start(t, open)
	addUser(t, s, "ann@example.test")
	answer := func(email string) (*merlontest.Visitor, string) {
		v := s.Visitor().Get("/sign-up")
		f := v.Fields("/sign-up")
		f.Set("Name", "X")
		f.Set("Email", email)
		f.Set("Password", good)
		v.Post("/sign-up", s.Site.Origin(), f)
		return v, shape(v)
	}
	_, known := answer("ann@example.test")
	_, unknown := answer("new@example.test")
	if known != unknown {
		t.Errorf("sign-up answers differ:\n%s\n%s", known, unknown)
	}
	s.Visitor().Get("/_merlon/dev/mail").Has("You have an account", "Welcome to Test")
}

// shape is what an answer tells besides tokens and dates.
func shape(v *merlontest.Visitor) string {
	h := v.Header.Clone()
	h.Del("Date")
	h.Del("Set-Cookie")
	body := v.Body
	for _, m := range strings.Split(body, `name="merlon_token" value="`)[1:] {
		body = strings.ReplaceAll(body, m[:86], "TOKEN")
	}
	body = strings.NewReplacer("ann@example.test", "EMAIL", "new@example.test", "EMAIL").Replace(body)
	h.Del("Content-Length")
	return fmt.Sprint(v.Status, h, body)
}

func TestSignInTellsNobodyWhoHasAnAccount(t *testing.T) { // AUTH-6
	s := merlontest.Start(t, open)
	addUser(t, s, "ann@example.test")
	known := shape(signIn(s.Visitor(), "ann@example.test", "wrong").Is(422))
	unknown := shape(signIn(s.Visitor(), "new@example.test", "wrong").Is(422))
	if known != unknown {
		t.Errorf("sign-in answers differ:\n%s\n%s", known, unknown)
	}
}

// tellGuessed does at once what a task does each second.
func tellGuessed(t *testing.T, s *merlontest.Server) {
	t.Helper()
	if err := account.TellGuessed(t.Context(), s.Site.House()); err != nil {
		t.Fatal(err)
	}
}

func TestGuessingStopsAtTheLimit(t *testing.T) { // AUTH-4, AUTH-5
	s := merlontest.Start(t, open)
	addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good).At("/")
	for range 10 {
		signIn(s.Visitor(), "ann@example.test", "wrong").Is(422).Has("do not belong together")
	}
	stranger := signIn(s.Visitor(), "ann@example.test", good).Is(422).Has("do not belong together")
	signIn(s.Visitor(), "ann@example.test", good).Is(422)
	tellGuessed(t, s)
	if n := strings.Count(s.Visitor().Get("/_merlon/dev/mail").Text(), "Somebody is trying passwords"); n != 1 {
		t.Errorf("the owner is told %d times, want once", n)
	}
	stranger.Get("/private").At("/sign-in?next=%2Fprivate")
	// the owner's device signs in meanwhile
	ann.Get("/").Submit("/sign-out", nil)
	signIn(ann, "ann@example.test", good).Is(200).At("/")
	// a known device that guesses is told when to come back
	ann.Get("/").Submit("/sign-out", nil)
	for range 10 {
		signIn(ann, "ann@example.test", "wrong").Is(422)
	}
	signIn(ann, "ann@example.test", good).Is(429).Has("try again in")
	if ann.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	s.Advance(16 * time.Minute)
	signIn(ann, "ann@example.test", good).Is(200)
}

// TestParallelGuesses: 100 at once pass the limit exactly at its number, and a restart forgets nothing (A11).
func TestParallelGuesses(t *testing.T) {
	dir := t.TempDir()
	guess := func(s *merlontest.Server, n int) (tried int64) {
		var wrong atomic.Int64
		var all sync.WaitGroup
		for range n {
			v := s.Visitor().Get("/sign-in")
			f := v.Fields("/sign-in")
			f.Set("Email", "ann@example.test")
			f.Set("Password", "a wrong one")
			all.Go(func() {
				if v.Post("/sign-in", s.Site.Origin(), f).Status == http.StatusServiceUnavailable {
					wrong.Add(1)
				}
			})
		}
		all.Wait()
		return wrong.Load()
	}
	t.Run("first", func(t *testing.T) {
		s := merlontest.StartIn(t, dir, open)
		addUser(t, s, "ann@example.test")
		busy := guess(s, 100)
		if n := strings.Count(s.Log.String(), "MRL-ACCT-002"); int64(n)+busy != 10 {
			t.Errorf("%d guesses were compared and %d found the queue full, want 10 together", n, busy)
		}
	})
	t.Run("after a restart", func(t *testing.T) {
		s := merlontest.StartIn(t, dir, open)
		guess(s, 5)
		if n := strings.Count(s.Log.String(), "MRL-ACCT-002"); n != 0 {
			t.Errorf("%d guesses were compared after the restart, want 0", n)
		}
	})
}

func TestSetupLink(t *testing.T) {
	s := merlontest.Start(t, open)
	lines, err := s.Site.Ready(context.Background())
	if err != nil || len(lines) != 1 {
		t.Fatalf("Ready = %v, %v; want one line", lines, err)
	}
	link, _, _ := strings.Cut(lines[0][1], " ")
	path := strings.TrimPrefix(link, s.Site.Origin())
	v := s.Visitor().Get(path).At("/_merlon/setup").Is(200)
	if v.Cookie("__Host-test-step") == "" {
		t.Fatal("the link was not traded for a step cookie")
	}
	second := v.Clone().Get("/_merlon/setup")
	v.Submit("/_merlon/setup", merlontest.Values{"Name": "Cleo", "Email": "cleo@example.test", "Password": good}).Is(200).At("/account/app").Has("needs a second factor")
	s.Visitor().Get(path).Is(410)
	second.Submit("/_merlon/setup", merlontest.Values{"Name": "Eve", "Email": "eve@example.test", "Password": good}).Is(410)
	if lines, err := s.Site.Ready(context.Background()); err != nil || len(lines) != 0 {
		t.Errorf("with an administrator Ready = %v, %v; want nothing", lines, err)
	}
	t.Run("too late", func(t *testing.T) {
		s := merlontest.Start(t, open)
		lines, _ := s.Site.Ready(context.Background())
		link, _, _ := strings.Cut(lines[0][1], " ")
		s.Advance(16 * time.Minute)
		s.Visitor().Get(strings.TrimPrefix(link, s.Site.Origin())).Is(410)
	})
}

func TestRolesAndDisabling(t *testing.T) { // SESS-2
	s := merlontest.Start(t, open)
	ann := s.SignedIn("Ann")
	ann.Get("/private").Is(200).At("/private")
	s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, ann.UserID, true) })
	ann.Get("/private").At("/sign-in?next=%2Fprivate")
	ben := s.SignedIn("Ben")
	s.Write(func(w *db.Writer) error { return account.SetRoles(s.Site.House(), w, ben.UserID, "board") })
	ben.Get("/private").At("/sign-in?next=%2Fprivate")
}

func TestNeeds(t *testing.T) {
	s := merlontest.Start(t, open)
	ann := s.SignedIn("Ann")
	ann.Get("/fresh").At("/fresh")
	s.Advance(16 * time.Minute)
	ann.Get("/private").At("/private")
	ann.Get("/fresh").At("/sign-in/again?ask=1&next=%2Ffresh").Has("Sign in again")
	ann.Get("/strong").At("/account/app?why=1&next=%2Fstrong").Has("asks for a second factor")
}

func TestWeakPasswordsAreRefused(t *testing.T) { // PASS-1
	s := merlontest.Start(t, open)
	for _, p := range []string{"short", "aaaaaaaaaaaaaaaaaaaa", "passwordpassword", "example test example"} {
		v := s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Ann", "Email": "ann@example.test", "Password": p}).Is(422)
		if strings.Contains(v.Body, p) {
			t.Errorf("the password %q is echoed", p)
		}
	}
}

func TestForeignNextIsNotFollowed(t *testing.T) { // TRUST-3
	s := merlontest.Start(t, open)
	addUser(t, s, "ann@example.test")
	v := s.Visitor().Get("/sign-in?next=" + url.QueryEscape("//evil.test/"))
	v.Submit("/sign-in", merlontest.Values{"Email": "ann@example.test", "Password": good, "Next": "https://evil.test/"}).At("/")
}

func TestNoPasswordInTheLog(t *testing.T) { // PASS, LOG
	s := merlontest.Start(t, open)
	addUser(t, s, "ann@example.test")
	signIn(s.Visitor(), "ann@example.test", "canary-password-7731")
	signIn(s.Visitor(), "ann@example.test", good)
	if log := s.Log.String(); strings.Contains(log, "canary-password-7731") || strings.Contains(log, good) {
		t.Errorf("a password is in the log:\n%s", log)
	}
}
