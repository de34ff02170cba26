package account_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/sqlite"
)

// area is a site whose hooks and way to sign in tell what they were asked.
type area struct {
	mu      sync.Mutex
	deleted []string
	at      time.Time // what the hook was told
	refuse  bool      // the hook of a deletion fails
	lang    string
}

func (o *area) open(env merlon.Env) (*merlon.Site, error) {
	way := account.Way{Name: "passkey", Manage: "/private", Title: "account.app.title", Empty: "account.overview.app-off",
		Count:  func(db.Querier, int64) (int, error) { return 2, nil },
		Export: func(_ db.Querier, user int64) (any, error) { return []string{fmt.Sprint("key of ", user)}, nil },
		Delete: func(_ *db.Writer, user int64) error { o.note(fmt.Sprint("way of ", user)); return nil }}
	cfg := account.Config{SecurityContact: "mailto:security@example.test",
		Hooks: account.Hooks{
			Deleted: func(_ context.Context, _ *db.Writer, u account.User, now time.Time) error {
				if o.refuse {
					return errors.New("the site's rows cannot go")
				}
				o.note("hook of " + u.Name)
				o.at = now
				return nil
			},
			Export: func(_ context.Context, _ *db.Reader, u account.User) (map[string]any, error) {
				return map[string]any{"notes": []string{"a note of " + u.Name}}, nil
			},
		}}
	return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Lang: o.lang, Engine: sqlite.Engine("test.db"), Pages: pages,
		Parts: []merlon.Part{account.New(cfg), {Name: "ways", Offers: way}},
		Routes: []merlon.Route{
			merlon.Get("/", account.Anyone(), home),
			merlon.Get("/private", account.SignedIn(), private),
		}})
}

func (o *area) note(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deleted = append(o.deleted, what)
}

// anID is an id of the catalogue or of a rule.
var anID = regexp.MustCompile(`\b(account|when|form)\.[a-z]|MRL-`)

var areaPages = []string{"/account", "/account/name", "/account/password", "/account/sessions", "/account/devices", "/account/log", "/account/export", "/account/leave"}

// TestAreaPages: every page in both languages, closed to others, kept by no cache, small and without script (A3.3, A3.9, A3.11).
func TestAreaPages(t *testing.T) {
	css, err := os.Stat("../assets/merlon.css")
	if err != nil || css.Size() > 12<<10 {
		t.Fatalf("the stylesheet has %v bytes: %v", css, err)
	}
	for _, lang := range []string{"en", "de"} {
		t.Run(lang, func(t *testing.T) {
			s := merlontest.Start(t, (&area{lang: lang}).open)
			ann := s.SignedIn("Ann")
			s.Write(func(w *db.Writer) error {
				_, err := account.Remember(w, ann.UserID, "Firefox on Linux", s.Now(), s.Now().Add(time.Hour))
				return err
			})
			ann.Get("/account/name").Submit("/account/name", merlontest.Values{"Name": "Anna"}).At("/account").Has("Anna")
			for _, path := range areaPages {
				ann.Get(path).Is(200).At(path)
				if id := anID.FindString(ann.Text()); id != "" {
					t.Errorf("%s shows the id %s", path, id)
				}
				if c := ann.Header.Get("Cache-Control"); c != "no-store" {
					t.Errorf("%s: Cache-Control is %q: the back button shows it after a sign-out", path, c)
				}
				if n := len(ann.Body); n > 12<<10 || int64(n)+css.Size() > 40<<10 {
					t.Errorf("%s has %d bytes, want at most 12 KB", path, n)
				}
				if strings.Contains(ann.Body, "<script") {
					t.Errorf("%s has a script", path)
				}
				if stranger := s.Visitor().Get(path); !strings.HasPrefix(stranger.Path, "/sign-in?next=") {
					t.Errorf("%s is open to strangers: they are at %s", path, stranger.Path)
				}
			}
		})
	}
}

func TestOverviewSaysStatesAsWords(t *testing.T) { // A3.3
	s := merlontest.Start(t, (&area{}).open)
	ann := s.SignedIn("Ann")
	ann.Get("/account").Has("Name Ann Change name or language E-mail address Confirmed user1@example.test Change address Password Not set", "Authenticator app On 2 are set up.", "Authenticator app Off No code is asked for when you sign in. Set up the app",
		"Recovery codes None", "Sessions One active", "Remembered browsers 0 remembered Look", "Security log 90 days", "Download my data", "Delete account")
	s.Write(func(w *db.Writer) error {
		for i := range 2 {
			until := time.Time{}
			if i == 0 {
				until = s.Now().Add(time.Hour)
			}
			if _, err := account.Remember(w, ann.UserID, "Firefox on Linux", s.Now(), until); err != nil {
				return err
			}
		}
		return nil
	})
	ann.Get("/account").Has("2 remembered One of them skips the second step.")
	for _, link := range strings.Split(ann.Body, `href="`)[1:] {
		to, _, _ := strings.Cut(link, `"`)
		if strings.HasPrefix(to, "/account") || to == "/private" {
			ann.Clone().Get(to).Is(200).At(to)
		}
	}
}

func TestChangePassword(t *testing.T) { // A3.5
	s := merlontest.Start(t, (&area{}).open)
	id := addUser(t, s, "ann@example.test")
	ann, phone := signIn(s.Visitor(), "ann@example.test", good).At("/"), signIn(s.Visitor(), "ann@example.test", good).At("/")
	var reset string
	s.Write(func(w *db.Writer) (err error) {
		reset, err = account.IssueReset(w, id, "ann@example.test", s.Now())
		return err
	})
	const next = "eleven quiet paper boats"
	change := func(current, chosen string) *merlontest.Visitor {
		return ann.Get("/account/password").Submit("/account/password", merlontest.Values{"Current": current, "New": chosen})
	}
	change("", next).Is(422).Has("Current password: Enter a value.")
	change(good, "short").Is(422).Has("Use at least 15 characters")
	change(good, "example ann example ann").Is(422)
	change("not the one", next).Is(422).Has("This is not your current password.")
	if strings.Contains(ann.Body, "not the one") || strings.Contains(ann.Body, next) {
		t.Error("a password is echoed")
	}
	phone.Get("/private").At("/private")
	before, thief := ann.Cookie("__Host-test-session"), ann.Clone()
	change(good, next).At("/account").Has("Your password is changed.", "Chosen just now.")
	if ann.Cookie("__Host-test-session") == before {
		t.Error("the session has the token of before")
	}
	thief.Get("/private").At("/sign-in?next=%2Fprivate")
	phone.Get("/private").At("/sign-in?next=%2Fprivate").Has("the password of the account was changed")
	phone.Get("/sign-in").HasNot("the password of the account was changed") // said once
	if v := s.Visitor().Get("/account/link/reset/" + reset); v.Status != 410 {
		t.Errorf("a reset link of before answers %d", v.Status)
	}
	mail := s.Visitor().Get("/_merlon/dev/mail").Has("Your password at Test was changed", "If that was not you")
	if strings.Contains(mail.Body, next) {
		t.Error("the password is in a mail")
	}
	signIn(s.Visitor(), "ann@example.test", good).Is(422)
	signIn(s.Visitor(), "ann@example.test", next).At("/")
	ann.Get("/account/log").Has("The password was changed")
	// guessing at a browser left open stops where guessing at the sign-in does
	for range 10 {
		change("a guess", good).Is(422)
	}
	change(next, good).Is(429)
}

// TestTwoChangesAtOnce: of two browsers that change the password at the same moment one wins, and the other is signed out.
func TestTwoChangesAtOnce(t *testing.T) { // B3
	s := merlontest.Start(t, (&area{}).open)
	id := addUser(t, s, "ann@example.test")
	chosen := []string{"eleven quiet paper boats", "nine loud copper kettles"}
	var browsers []*merlontest.Visitor
	for range chosen {
		browsers = append(browsers, signIn(s.Visitor(), "ann@example.test", good))
	}
	var forms []url.Values // of both, before either is sent
	for i, v := range browsers {
		f := v.Get("/account/password").Fields("/account/password")
		f.Set("Current", good)
		f.Set("New", chosen[i])
		forms = append(forms, f)
	}
	var all sync.WaitGroup
	for i, v := range browsers {
		all.Go(func() { v.Post("/account/password", s.Site.Origin(), forms[i]) })
	}
	all.Wait()
	won, alive := 0, 0
	for i, v := range browsers {
		if v.Get("/private").Path == "/private" {
			alive++
		}
		if signIn(s.Visitor(), "ann@example.test", chosen[i]).Path == "/" {
			won++
		}
	}
	if won != 1 || alive != 1 {
		t.Errorf("%d passwords hold and %d browsers are signed in, want one of each", won, alive)
	}
	if ids := sessionIDs(t, s, id); len(ids) != 2 { // the winner's, and that of the sign-in just now
		t.Errorf("%d sessions, want 2", len(ids))
	}
}

func TestFirstPasswordNeedsARecentSignIn(t *testing.T) {
	s := merlontest.Start(t, (&area{}).open)
	ann := s.SignedIn("Ann")
	page := ann.Get("/account/password").Has("Set a password").HasNot("Current password").Clone()
	s.Advance(16 * time.Minute)
	ann.Get("/account/password").At("/sign-in/again?ask=a&next=%2Faccount%2Fpassword")
	if page.Submit("/account/password", merlontest.Values{"New": good}); !strings.HasPrefix(page.Path, "/sign-in/again?ask=a") {
		t.Errorf("the form leads to %s", page.Path)
	}
	signIn(s.Visitor(), ann.Email, good).Is(422)

	ben := s.SignedIn("Ben")
	ben.Get("/account/password").Submit("/account/password", merlontest.Values{"New": good}).At("/account")
	signIn(s.Visitor(), ben.Email, good).At("/")
}

// press sends a form as one of its buttons does.
func press(v *merlontest.Visitor, s *merlontest.Server, page, action, button, value string) *merlontest.Visitor {
	f := v.Get(page).Fields(action)
	f.Set(button, value)
	v.Post(action, s.Site.Origin(), f)
	if to := v.Header.Get("Location"); to != "" {
		return v.Get(to)
	}
	return v
}

func sessionIDs(t *testing.T, s *merlontest.Server, user int64) (ids []string) {
	t.Helper()
	s.Read(func(r *db.Reader) error {
		list, err := s.Site.House().Sessions.List(r, user)
		for _, one := range list {
			ids = append(ids, fmt.Sprint(one.ID))
		}
		return err
	})
	return ids
}

func TestSessions(t *testing.T) { // A3.4
	s := merlontest.Start(t, (&area{}).open)
	id := addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good)
	s.Advance(5 * time.Minute)
	phone, tablet := signIn(s.Visitor(), "ann@example.test", good), signIn(s.Visitor(), "ann@example.test", good)
	ids := sessionIDs(t, s, id)
	ben := s.SignedIn("Ben")
	bens := sessionIDs(t, s, ben.UserID)[0]

	ann.Get("/account/sessions").Has("this one", "With a password", "Signed in", "Last seen just now", "Sign out everywhere else")
	own := ""
	for _, one := range ids {
		if !strings.Contains(ann.Body, `value="`+one+`"`) {
			own = one
		}
	}
	if own == "" || strings.Count(ann.Body, `name="End"`) != 2 || strings.Contains(ann.Body, bens) {
		t.Fatalf("the list is not Ann's two others: %s", ann.Body)
	}
	// another user's session: nothing happens, and nothing is told
	press(ann, s, "/account/sessions", "/account/sessions", "End", bens).At("/account/sessions").HasNot("Signed out there.")
	ben.Get("/private").At("/private")
	// one
	press(phone, s, "/account/sessions", "/account/sessions", "End", own).Has("Signed out there.")
	ann.Get("/private").At("/sign-in?next=%2Fprivate").Has("signed out here from another device")
	phone.Get("/account/log").Has("Sessions were ended")
	ben.Get("/account/log").HasNot("Sessions were ended")
	// all others
	press(phone, s, "/account/sessions", "/account/sessions", "Others", "on").Has("Signed out there.")
	tablet.Get("/private").At("/sign-in?next=%2Fprivate").Has("signed out here from another device")
	phone.Get("/private").At("/private")
	ben.Get("/private").At("/private")
	// a browser left open for long asks who it is
	f := phone.Get("/account/sessions").Fields("/account/sessions")
	f.Set("Others", "on")
	s.Advance(16 * time.Minute)
	if to := phone.Clone().Post("/account/sessions", s.Site.Origin(), f).Header.Get("Location"); !strings.HasPrefix(to, "/sign-in?again=1") {
		t.Errorf("after 16 minutes the button leads to %q", to)
	}
	signIn(s.Visitor(), "ann@example.test", good)
	phone.Get("/account/sessions").Has("Sign in again").HasNot("Sign out everywhere else")
	phone.Get("/account/sessions/recent").At("/sign-in/again?ask=1&next=%2Faccount%2Fsessions%2Frecent")
	phone.Submit("/sign-in/again", merlontest.Values{"Password": good}).At("/account/sessions").Has("Sign out everywhere else")
}

// TestEndOthersAgainstRequestsOnTheirWay: whatever the others do meanwhile, none of them is signed in afterwards.
func TestEndOthersAgainstRequestsOnTheirWay(t *testing.T) { // B3
	s := merlontest.Start(t, (&area{}).open)
	id := addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good)
	var others []*merlontest.Visitor
	for range 6 {
		others = append(others, signIn(s.Visitor(), "ann@example.test", good))
	}
	f := ann.Get("/account/sessions").Fields("/account/sessions")
	f.Set("Others", "on")
	var all sync.WaitGroup
	for i, v := range others {
		form := v.Get("/account/name").Fields("/account/name")
		all.Go(func() {
			for n := range 8 {
				form.Set("Name", fmt.Sprint("Ann ", i, n))
				v.Clone().Post("/account/name", s.Site.Origin(), form)
				v.Clone().Get("/private")
			}
		})
	}
	all.Go(func() { ann.Post("/account/sessions", s.Site.Origin(), f) })
	all.Wait()
	for i, v := range others {
		if v.Get("/private"); v.Path == "/private" {
			t.Errorf("browser %d is signed in after all others were ended", i)
		}
	}
	if ids := sessionIDs(t, s, id); len(ids) != 1 {
		t.Errorf("%d sessions are left, want one", len(ids))
	}
	ann.Get("/private").At("/private")
}

func TestDevices(t *testing.T) {
	s := merlontest.Start(t, (&area{}).open)
	addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good)
	ben := s.SignedIn("Ben")
	var bens, laptop int64
	s.Write(func(w *db.Writer) (err error) {
		if bens, err = account.Remember(w, ben.UserID, "Safari on macOS", s.Now(), s.Now().Add(30*24*time.Hour)); err == nil {
			laptop, err = account.Remember(w, 1, "Firefox on Linux", s.Now(), s.Now().Add(30*24*time.Hour))
		}
		return err
	})
	const path = "/account/devices"
	ann.Get(path).Has("this one", "Firefox on Linux", "Skips the second step until").HasNot("Safari on macOS")
	// another user's: nothing happens
	for _, button := range []string{"Forget", "Distrust"} {
		press(ann, s, path, path, button, fmt.Sprint(bens)).HasNot("is changed")
	}
	ben.Get(path).Has("Safari on macOS", "Skips the second step until")
	press(ann, s, path, path, "Distrust", fmt.Sprint(laptop)).Has("The list of browsers is changed.").HasNot("Skips the second step")
	press(ann, s, path, path, "Forget", fmt.Sprint(laptop)).HasNot("Firefox on Linux")
	// at once: the browser is one among strangers, whose guesses count against it
	press(ann, s, path, path, "All", "on").Has("No browser is remembered.")
	for range 10 {
		signIn(s.Visitor(), "ann@example.test", "wrong").Is(422)
	}
	ann.Get("/").Submit("/sign-out", nil)
	signIn(ann, "ann@example.test", good).Is(422)
	ben.Get(path).Has("Safari on macOS")
	s.Advance(16 * time.Minute)
	if ben.Get(path).Has("Safari on macOS", "Sign in again"); strings.Contains(ben.Body, `name="Forget"`) {
		t.Error("a browser left open for long has the buttons")
	}
	ben.Get(path + "/recent").At("/sign-in/again?ask=1&next=%2Faccount%2Fdevices%2Frecent")
}

func TestSecurityLog(t *testing.T) {
	s := merlontest.Start(t, (&area{}).open)
	id := addUser(t, s, "ann@example.test")
	signIn(s.Visitor(), "ann@example.test", "wrong").Is(422)
	ann, ben := signIn(s.Visitor(), "ann@example.test", good), s.SignedIn("Ben")
	s.Write(func(w *db.Writer) error { // what an operator does by a command
		e := event.New(account.RuleName, event.Done)
		e.Time = s.Now()
		var all []event.Event
		for range 35 {
			all = append(all, e)
		}
		for i := range all {
			all[i].Detail = append(all[i].Detail, intAttr("account", id))
		}
		return journal.Append(w, all...)
	})
	const path = "/account/log"
	for range 600 { // the failed sign-in is written a moment later
		if ann.Get(path + "?kind=sign-in"); strings.Contains(ann.Text(), "A wrong password") {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	ann.Has("A wrong password at sign-in", "somebody who was not signed in", "Signed in", "you, unknown browser", "127.0.0.0/24").HasNot("The name was changed")
	ann.Get(path+"?kind=account").Has("The name was changed", "the operators of this site").HasNot("A wrong password", "127.0.0")
	if n := strings.Count(ann.Body, "The name was changed"); n != 30 {
		t.Errorf("%d on the first page, want 30", n)
	}
	if n := len(ann.Body); n > 12<<10 {
		t.Errorf("a full page of the log has %d bytes, want at most 12 KB", n)
	}
	_, older, _ := strings.Cut(ann.Body, `href="/account/log?kind=account&amp;before=`)
	older, _, _ = strings.Cut(older, `"`)
	ann.Get(path + "?kind=account&before=" + older)
	if n := strings.Count(ann.Body, "The name was changed"); n != 5 || strings.Contains(ann.Body, "before=") {
		t.Errorf("%d on the second page, want 5 and no third: %s", n, ann.Text())
	}
	ann.Get(path + "?kind=nonsense").Is(200)
	ben.Get(path).HasNot("The name was changed", "A wrong password")

	file := ann.Clone().Get(path + "/file").Is(200)
	if d := file.Header.Get("Content-Disposition"); !strings.Contains(d, "attachment") || strings.Count(file.Body, "\n") != 38 || !strings.Contains(file.Body, "A wrong password at sign-in") {
		t.Errorf("the file is %q with %d lines:\n%s", d, strings.Count(file.Body, "\n"), file.Body)
	}
	if b := ben.Clone().Get(path + "/file"); strings.Count(b.Body, "\n") != 1 {
		t.Errorf("Ben's file has what is not his: %s", b.Body)
	}
	s.Advance(91 * 24 * time.Hour)
	signIn(s.Visitor(), "ann@example.test", good).Get(path).HasNot("The name was changed", "A wrong password").Has("Signed in")
}

// TestLogFileHasNoFormulas: what a spreadsheet would run stands in the file as text, also behind spaces that it skips.
func TestLogFileHasNoFormulas(t *testing.T) {
	s := merlontest.Start(t, (&area{}).open)
	ann := s.SignedIn("Ann")
	browsers := map[string]string{"=1+1": "'=1+1", " \u00a0=1+1": "' \u00a0=1+1", "\uff1d1+1": "'\uff1d1+1", "a=b": "a=b", "Firefox, or so": "Firefox, or so"}
	s.Write(func(w *db.Writer) error {
		for browser := range browsers {
			e := event.New(account.RuleSignedIn, event.Done, slog.Int64("account", ann.UserID), slog.String("browser", browser))
			e.Time = s.Now()
			if err := journal.Append(w, e); err != nil {
				return err
			}
		}
		return nil
	})
	rows, err := csv.NewReader(strings.NewReader(ann.Get("/account/log/file").Is(200).Body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for browser, want := range browsers {
		if !slices.ContainsFunc(rows, func(row []string) bool { return row[4] == want }) {
			t.Errorf("no row has %q for %q:\n%q", want, browser, rows)
		}
	}
}

// TestRulesHaveWords: what the log shows of this room's rules stands in the catalogue.
func TestRulesHaveWords(t *testing.T) {
	silent := map[string]bool{ // of no account, or not kept as rows of one
		account.RuleLimited.ID: true, account.RuleSetupLink.ID: true, account.RuleLink.ID: true, account.RuleWeak.ID: true,
		account.RuleDeleted.ID: true, account.RuleImported.ID: true, account.RuleInvited.ID: true, account.RuleUnverified.ID: true, account.RuleVoidStep.ID: true, account.RuleAskedAgain.ID: true, account.RuleContact.ID: true,
		// found by check
		account.RuleNoAdmin.ID: true, account.RuleOneFactor.ID: true, account.RuleManyAdmins.ID: true, account.RuleLostRole.ID: true, account.RuleUnproven.ID: true, account.RuleBreaches.ID: true, account.RuleRows.ID: true}
	for _, r := range account.Rules() {
		if account.Words(r.ID) == silent[r.ID] {
			t.Errorf("%s (%s) has words in the log: %v", r.ID, r.Title, account.Words(r.ID))
		}
	}
}

func TestExport(t *testing.T) {
	s := merlontest.Start(t, (&area{}).open)
	addUser(t, s, "ann@example.test")
	ann, ben := signIn(s.Visitor(), "ann@example.test", good), s.SignedIn("Ben")
	_ = ben
	ann.Get("/account/export").Has("no secret in it")
	file := ann.Clone().Get("/account/export/file").Is(200)
	var data struct {
		Account struct {
			Email    string `json:"email"`
			Password bool   `json:"has_password"`
		} `json:"account"`
		Sessions []any            `json:"sessions"`
		Devices  []any            `json:"devices"`
		Events   []map[string]any `json:"events"`
		SignIn   map[string]any   `json:"sign_in"`
		Site     map[string]any   `json:"site"`
	}
	if err := json.Unmarshal([]byte(file.Body), &data); err != nil {
		t.Fatal(err)
	}
	if data.Account.Email != "ann@example.test" || !data.Account.Password || len(data.Sessions) != 1 || len(data.Devices) != 1 || len(data.Events) == 0 ||
		fmt.Sprint(data.SignIn) != "map[passkey:[key of 1]]" || fmt.Sprint(data.Site) != "map[notes:[a note of Ann]]" {
		t.Errorf("got %s", file.Body)
	}
	for _, secret := range []string{"argon2", "$", "hash", ann.Cookie("__Host-test-session"), ann.Cookie("__Host-test-device"), "Ben", ben.Email} {
		if strings.Contains(file.Body, secret) {
			t.Errorf("%q is in the file: %s", secret, file.Body)
		}
	}
	// another site cannot make a browser fetch it
	r, _ := http.NewRequest(http.MethodGet, s.URL("/account/export/file"), nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if v := ann.Clone().Do(r); v.Status != 403 {
		t.Errorf("a link of another site gets %d", v.Status)
	}
	s.Advance(16 * time.Minute)
	ann.Get("/account/export/file").At("/sign-in/again?ask=1&next=%2Faccount%2Fexport%2Ffile")
	ann.Get("/account/export").At("/sign-in/again?ask=1&next=%2Faccount%2Fexport")
	ann.Get("/account/export/file").Submit("/sign-in/again", merlontest.Values{"Password": good}).At("/account/export/file").Is(200)
}

func TestWellKnown(t *testing.T) { // A3.10
	s := merlontest.Start(t, (&area{}).open)
	s.Visitor().Get("/.well-known/change-password").At("/sign-in?next=%2Faccount%2Fpassword")
	v := s.Visitor().Get("/.well-known/passkey-endpoints").Is(200)
	if want := fmt.Sprintf(`{"enroll":"%[1]s/private","manage":"%[1]s/private"}`, s.Site.Origin()); strings.TrimSpace(v.Body) != want || v.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s (%s), want %s", v.Body, v.Header.Get("Content-Type"), want)
	}
	v = s.Visitor().Get("/.well-known/security.txt").Is(200)
	fields := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(v.Body), "\n") {
		name, value, _ := strings.Cut(line, ": ")
		fields[name] = value
	}
	expires, err := time.Parse(time.RFC3339, fields["Expires"])
	if err != nil || expires.Before(s.Now().Add(90*24*time.Hour)) || expires.After(s.Now().AddDate(1, 0, 0)) || fields["Contact"] != "mailto:security@example.test" ||
		v.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("got %s (%s), %v", v.Body, v.Header.Get("Content-Type"), err)
	}
	t.Run("without", func(t *testing.T) {
		s := merlontest.Start(t, open)
		s.Visitor().Get("/.well-known/security.txt").Is(404)
		s.Visitor().Get("/.well-known/passkey-endpoints").Is(404)
		found := false
		for _, f := range s.Site.Check(context.Background()).Findings(0) {
			found = found || f.ID == account.RuleContact.ID
		}
		if !found {
			t.Error("check does not say that nobody is named")
		}
	})
}
