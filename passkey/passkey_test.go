package passkey_test

import (
	"embed"
	"encoding/base64"
	"fmt"
	"net/http"
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
	"github.com/merlon-web/merlon/passkey"
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
		Parts: []merlon.Part{account.New(account.Config{}), passkey.New(passkey.Config{})},
		Routes: []merlon.Route{
			merlon.Get("/", account.Anyone(), home),
			merlon.Get("/private", account.SignedIn(), private),
			merlon.Get("/fresh", account.SignedIn().With(account.NeedRecent()), private),
			merlon.Get("/strong", account.SignedIn().With(account.NeedFactor(2)), private),
		}})
}

// withPasskey is a site, a user who has a passkey, and the device that has it.
func withPasskey(t *testing.T) (*merlontest.Server, *merlontest.Visitor, *device) {
	t.Helper()
	s := merlontest.Start(t, open)
	ann, d := s.SignedIn("Ann"), newDevice(t, s)
	d.add(ann, "My phone").Is(200).At("/account/passkeys").Has("My phone", "Not used yet")
	return s, ann, d
}

const wrong = "That did not work: the passkey"

func TestAddAndSignIn(t *testing.T) {
	s, ann, d := withPasskey(t)
	ann.Get("/_merlon/dev/mail").Has("A passkey was added at Test", `a passkey was added`, ann.Email)
	v := s.Visitor().Get("/private").At("/sign-in?next=%2Fprivate")
	a := askOf(t, v)
	if a.RPID != "test.localhost" || a.Verify != "required" {
		t.Errorf("the page asks for %+v, want the site's name and user verification", a)
	}
	before := v.Cookie("__Host-test-session")
	v.Submit("/passkey/sign-in", merlontest.Values{"Answer": d.get(a)}).Is(200).At("/private").Has("Ann")
	if v.Cookie("__Host-test-session") == before {
		t.Error("the cookie is the one from before the sign-in")
	}
	v.Get("/strong").At("/strong") // a passkey that asked its user is two factors
	v.Get("/account/passkeys").Has("Last used: just now", "Kept on one device")
	s.Visitor().Get("/passkey/sign-in?next=%2Fprivate").Is(200).Has("Sign in with a passkey", "Passkeys need JavaScript")
}

func TestWhatARegistrationAsksFor(t *testing.T) {
	s, ann, d := withPasskey(t)
	a := askOf(t, ann.Get("/account/passkeys/add"))
	handle, err := base64.RawURLEncoding.DecodeString(a.User.ID)
	if err != nil || len(handle) < 32 || string(handle) != string(d.handle) {
		t.Errorf("the handle is %q, then %q, %v; want the same 32 bytes", d.handle, handle, err)
	}
	if len(a.Exclude) != 1 || a.Exclude[0].ID != b64(d.id) {
		t.Errorf("excluded are %v, want the passkey that is there", a.Exclude)
	}
	if a.Selection.Resident != "required" || a.Selection.Verify != "required" || a.Attestation != "none" {
		t.Errorf("asked for %+v", a)
	}
	// EdDSA, ES256, RS256 (RFC 8812, RFC 9053), in this order
	if got := fmt.Sprint(a.Params); got != "[{-8} {-7} {-257}]" {
		t.Errorf("the algorithms asked for are %s", got)
	}
	if ben := askOf(t, s.SignedIn("Ben").Get("/account/passkeys/add")); ben.User.ID == a.User.ID || len(ben.Exclude) != 0 {
		t.Error("another user has the same handle or passkeys")
	}
}

// TestFalseAnswers: each lie of an authenticator, a browser or a thief is refused, with the same words.
func TestFalseAnswers(t *testing.T) {
	s := merlontest.Start(t, open)
	for name, lie := range map[string]func(d, other *device, a *asked){
		"another origin":                  func(d, _ *device, _ *asked) { d.origin = "https://evil.test" },
		"another port":                    func(d, _ *device, _ *asked) { d.origin = "http://test.localhost:1" },
		"another site's passkey":          func(d, _ *device, _ *asked) { d.rpID = "evil.test" },
		"no user verification":            func(d, _ *device, _ *asked) { d.flags = present },
		"nobody present":                  func(d, _ *device, _ *asked) { d.flags = verified },
		"a registration's answer":         func(d, _ *device, _ *asked) { d.kind = "webauthn.create" },
		"now eligible for copies":         func(d, _ *device, _ *asked) { d.flags |= eligible },
		"a challenge of one's own":        func(_, _ *device, a *asked) { a.Challenge = b64(make([]byte, 64)) },
		"a challenge cut short":           func(_, _ *device, a *asked) { a.Challenge = a.Challenge[:40] },
		"another's credential id":         func(d, other *device, _ *asked) { d.id = other.id },
		"another's handle":                func(d, other *device, _ *asked) { d.handle = other.handle },
		"another's handle and credential": func(d, other *device, _ *asked) { d.id, d.handle = other.id, other.handle },
		"an unknown credential":           func(d, _ *device, _ *asked) { d.id = make([]byte, 32) },
		"no handle":                       func(d, _ *device, _ *asked) { d.handle = nil },
		"another key":                     func(d, other *device, _ *asked) { d.key = other.key },
	} {
		t.Run(name, func(t *testing.T) {
			d, other := newDevice(t, s), newDevice(t, s)
			d.add(s.SignedIn("Ann"), "Ann's")
			other.add(s.SignedIn("Ben"), "Ben's")
			s.Advance(time.Second) // of one kind ten lines a second are logged
			before := strings.Count(s.Log.String(), passkey.RuleFailed.ID)
			honest := *d
			v := s.Visitor().Get("/sign-in")
			a := askOf(t, v)
			lie(d, other, &a)
			v.Submit("/passkey/sign-in", merlontest.Values{"Answer": d.get(a)}).Is(422).Has(wrong)
			v.Get("/private").At("/sign-in?next=%2Fprivate")
			if n := strings.Count(s.Log.String(), passkey.RuleFailed.ID); n != before+1 {
				t.Errorf("%d events of the failure, want 1", n-before)
			}
			honest.counter = 10
			honest.signIn(v).Is(200).At("/")
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	s := merlontest.Start(t, open)
	for _, answer := range []string{"", "x", "{}", "null", `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`, strings.Repeat("[", 16000)} {
		s.Visitor().Get("/sign-in").Submit("/passkey/sign-in", merlontest.Values{"Answer": answer}).Is(422).Has(wrong)
		s.SignedIn("Ann").Get("/account/passkeys/add").Submit("/account/passkeys/add", merlontest.Values{"Name": "x", "Answer": answer}).Is(422).Has("was not added")
	}
}

// TestAnAnswerIsGoodOnce: in the same browser, with a fresh form, and whoever sends it.
func TestAnAnswerIsGoodOnce(t *testing.T) {
	s, _, d := withPasskey(t)
	v := s.Visitor().Get("/sign-in")
	thief, second := v.Clone(), v.Clone()
	answer := d.get(askOf(t, v))
	elsewhere := s.Visitor().Get("/sign-in")
	elsewhere.Submit("/passkey/sign-in", merlontest.Values{"Answer": answer}).Is(422).Has(wrong) // before it was used: another browser
	v.Submit("/passkey/sign-in", merlontest.Values{"Answer": answer}).At("/")
	thief.Get("/sign-in").Submit("/passkey/sign-in", merlontest.Values{"Answer": answer}).Is(422).Has(wrong)
	// the same challenge, signed anew
	again := askOf(t, second)
	second.Get("/sign-in").Submit("/passkey/sign-in", merlontest.Values{"Answer": d.get(again)}).Is(422).Has(wrong)
	if n := strings.Count(s.Log.String(), "reason=used"); n != 2 {
		t.Errorf("%d refusals of a used challenge, want 2:\n%s", n, s.Log)
	}
}

func TestAChallengeGetsOld(t *testing.T) {
	s, ann, d := withPasskey(t)
	v := s.Visitor().Get("/sign-in")
	answer := d.get(askOf(t, v))
	s.Advance(5*time.Minute + time.Second)
	v.Submit("/passkey/sign-in", merlontest.Values{"Answer": answer}).Is(422).Has(wrong)
	other := newDevice(t, s)
	ann.Get("/account/passkeys/add")
	answer = other.create(askOf(t, ann))
	s.Advance(5*time.Minute + time.Second)
	ann.Submit("/account/passkeys/add", merlontest.Values{"Name": "Old", "Answer": answer}).Is(422).Has("was not added", "Old")
}

// TestFiftyAtOnce: fifty forms of one browser send one answer at the same time; one signs in.
func TestFiftyAtOnce(t *testing.T) {
	s, _, d := withPasskey(t)
	d.counter = ^uint32(0) // it does not count, so that its counter is no second guard
	v := s.Visitor().Get("/sign-in")
	answer := d.get(askOf(t, v))
	var in, out atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		c := v.Clone().Get("/sign-in")
		f := c.Fields("/passkey/sign-in")
		f.Set("Answer", answer)
		all.Go(func() {
			switch c.Post("/passkey/sign-in", s.Site.Origin(), f).Status {
			case http.StatusSeeOther:
				in.Add(1)
			case http.StatusUnprocessableEntity:
				out.Add(1)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 || out.Load() != 49 {
		t.Errorf("%d signed in and %d were refused, want 1 and 49", in.Load(), out.Load())
	}
}

func TestCounter(t *testing.T) {
	t.Run("kept on one device", func(t *testing.T) {
		s, _, d := withPasskey(t)
		d.counter = 9
		d.signIn(s.Visitor()).At("/")
		d.counter = 5
		d.signIn(s.Visitor()).Is(422).Has(wrong)
		if !strings.Contains(s.Log.String(), passkey.RuleCounter.ID) {
			t.Error("no event of the counter")
		}
		d.counter = 10
		d.signIn(s.Visitor()).At("/")
	})
	t.Run("copied", func(t *testing.T) {
		s := merlontest.Start(t, open)
		d := newDevice(t, s)
		d.flags |= eligible | backed
		d.add(s.SignedIn("Ann"), "Everywhere").Has("Copied between your devices")
		d.counter = 9
		d.signIn(s.Visitor()).At("/")
		d.counter = 5
		d.signIn(s.Visitor()).Is(200).At("/")
		if !strings.Contains(s.Log.String(), passkey.RuleCounter.ID) {
			t.Error("no event of the counter")
		}
		d.flags &^= backed
		d.signIn(s.Visitor()).At("/").Get("/account/passkeys").Has("Kept on one device")
	})
	t.Run("none", func(t *testing.T) { // Firefox's and Apple's stay 0
		s, _, d := withPasskey(t)
		for range 2 {
			d.counter = ^uint32(0) // get adds one
			d.signIn(s.Visitor()).At("/")
		}
		if strings.Contains(s.Log.String(), passkey.RuleCounter.ID) {
			t.Error("an event of a counter that does not count")
		}
	})
}

// TestWhoMayNotComeIn: a user who is disabled, and one whose address is not proven, are answered as a false passkey is.
func TestWhoMayNotComeIn(t *testing.T) {
	s, ann, d := withPasskey(t)
	stranger := *newDevice(t, s)
	stranger.handle = d.handle
	unknown := answerShape(stranger.signIn(s.Visitor()).Is(422))
	s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, ann.UserID, true) })
	if disabled := answerShape(d.signIn(s.Visitor()).Is(422)); disabled != unknown {
		t.Errorf("answers differ:\n%s\n%s", disabled, unknown)
	}
	s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, ann.UserID, false) })
	d.signIn(s.Visitor()).At("/")
}

func answerShape(v *merlontest.Visitor) string {
	body := askBlock.ReplaceAllString(v.Body, "ASK")
	for _, m := range strings.Split(body, `name="merlon_token" value="`)[1:] {
		body = strings.ReplaceAll(body, m[:86], "TOKEN")
	}
	return fmt.Sprint(v.Status, body)
}

// TestPasswordsThatFailDoNotMatter: who guesses passwords keeps no passkey out; false passkeys have a limit of their own.
func TestPasswordsThatFailDoNotMatter(t *testing.T) {
	s, ann, d := withPasskey(t)
	for range 12 {
		s.Visitor().Get("/sign-in").Submit("/sign-in", merlontest.Values{"Email": ann.Email, "Password": "wrong"}).Is(422)
	}
	d.signIn(s.Visitor()).At("/")
	for range 51 { // what carries no challenge of this browser costs nobody a place, and is counted
		s.Visitor().Get("/sign-in").Submit("/passkey/sign-in", merlontest.Values{"Answer": "{}"}).Is(422)
	}
	d.signIn(s.Visitor()).At("/")
	for line := range strings.Lines(s.Log.String()) {
		if strings.Contains(line, passkey.RuleFailed.ID) && !strings.Contains(line, "refused") && !strings.Contains(line, "more of the same") {
			t.Errorf("what anybody can bring about is a row of its own: %s", line)
		}
	}
	if n := strings.Count(s.Log.String(), passkey.RuleFailed.ID); n > 30 {
		t.Errorf("%d log lines of 51 posts, want ten a second at most", n)
	}
	liar := newDevice(t, s)
	liar.id, liar.handle = d.id, d.handle
	for range 50 {
		liar.signIn(s.Visitor()).Is(422)
	}
	d.signIn(s.Visitor()).Is(429)
	s.Advance(16 * time.Minute)
	d.signIn(s.Visitor()).At("/")
}

func TestConfirmingWithAPasskey(t *testing.T) {
	s, ann, d := withPasskey(t)
	s.Advance(16 * time.Minute)
	stale := func(path string) {
		t.Helper()
		if ann.Get(path); !strings.HasPrefix(ann.Path, "/sign-in") {
			t.Errorf("%s needs no fresh sign-in: at %s", path, ann.Path)
		}
	}
	stale("/fresh")
	ben := newDevice(t, s)
	ben.add(s.SignedIn("Ben"), "Ben's")
	ann.Get("/passkey/sign-in?next=%2Ffresh")
	ann.Submit("/passkey/sign-in", merlontest.Values{"Answer": ben.get(askOf(t, ann))}).Is(422).Has(wrong) // another user's
	ann.Get("/private").Has("Ann")
	ann.Get("/passkey/sign-in?next=%2Ffresh").Submit("/passkey/sign-in", merlontest.Values{"Answer": d.get(askOf(t, ann))}).At("/fresh").Has("Ann")
	ann.Get("/account/passkeys/add").At("/account/passkeys/add")
	s.Advance(16 * time.Minute)
	ann.Get("/account/passkeys").Is(200).At("/account/passkeys")
	stale("/account/passkeys/add")
	stale("/account/passkeys/1")
}

// TestAPasswordAloneChangesNoPasskeys: whoever has only stolen the password neither adds a passkey nor removes the owner's.
func TestAPasswordAloneChangesNoPasskeys(t *testing.T) {
	s := merlontest.Start(t, open)
	d := newDevice(t, s)
	const good = "quiet harbour seven lanterns"
	hash, err := account.HashFor(t.Context(), s.Site.House(), secret.New(good))
	if err != nil {
		t.Fatal(err)
	}
	s.Write(func(w *db.Writer) error {
		_, err := account.Create(w, "ann@example.test", "Ann", hash, s.Now())
		return err
	})
	byPassword := func() *merlontest.Visitor {
		return s.Visitor().Get("/sign-in").Submit("/sign-in", merlontest.Values{"Email": "ann@example.test", "Password": good}).At("/")
	}
	d.add(byPassword(), "My phone").At("/account/passkeys") // the first one: there is nothing else to show
	v := byPassword()
	for _, path := range []string{"/account/passkeys/add", "/account/passkeys/1"} {
		if v.Get(path); !strings.HasPrefix(v.Path, "/sign-in/again?") {
			t.Errorf("%s opens to a password alone: at %s", path, v.Path)
		}
	}
	if !strings.Contains(v.Body, `href="/passkey/sign-in?next=`) {
		t.Errorf("the page does not lead to the passkey:\n%s", v.Body)
	}
	v.Get("/passkey/sign-in?next=%2Faccount%2Fpasskeys%2F1")
	v.Submit("/passkey/sign-in", merlontest.Values{"Answer": d.get(askOf(t, v))}).At("/account/passkeys/1").Has("My phone")
}

// TestNeighboursKeepNoPasskeyOut: fresh challenges of this site, by the hundred, from the address of honest visitors, with
// passkeys that are unknown or the neighbour's own, cost nobody else a place; whoever knows which passkey to name is stopped,
// and its owner's own browser is not.
func TestNeighboursKeepNoPasskeyOut(t *testing.T) {
	s, _, d := withPasskey(t)
	own := newDevice(t, s)
	own.add(s.SignedIn("Mallory"), "Mine")
	home := d.signIn(s.Visitor()).At("/") // a browser that is known from now on
	stranger, broken := newDevice(t, s), *own
	stranger.handle = own.handle
	broken.key = stranger.key
	limited := 0
	for range 120 {
		stranger.signIn(s.Visitor()).Is(422)
		if broken.signIn(s.Visitor()).Status == 429 {
			limited++
		}
	}
	if limited < 60 {
		t.Errorf("%d of 120 false signatures of one passkey were refused unseen, want all after 50", limited)
	}
	d.signIn(s.Visitor()).At("/").Get("/private").Has("Ann")
	back := func() *merlontest.Visitor { return d.signIn(home.Get("/").Submit("/sign-out", nil)) }
	back().At("/")

	liar := *d // who knows the number of Ann's passkey
	liar.key = stranger.key
	for range 50 {
		liar.signIn(s.Visitor()).Is(422)
	}
	liar.signIn(s.Visitor()).Is(429)
	back().At("/").Submit("/sign-out", nil)
	// the known browser's own count: ten, then it waits
	for range 10 {
		liar.signIn(home).Is(422)
	}
	d.signIn(home).Is(429)
	s.Advance(16 * time.Minute)
	d.signIn(home).At("/")
	d.signIn(s.Visitor()).At("/")
}

// TestMaintenanceLetsPasskeysIn: an administrator who has nothing but a passkey gets in while the site is closed, on the
// sign-in page and on the passkey's own.
func TestMaintenanceLetsPasskeysIn(t *testing.T) {
	s, ann, d := withPasskey(t)
	s.Write(func(w *db.Writer) error { return account.SetRoles(s.Site.House(), w, ann.UserID, account.Admin) })
	if err := s.Site.House().SetMaintenance(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if v := s.Visitor(); v.Get("/").Status != 503 || v.Get("/account/passkeys").Status != 503 {
		t.Error("a visitor is let in")
	}
	d.signIn(s.Visitor()).Is(200).At("/").Has("Ann")
	v := s.Visitor().Get("/passkey/sign-in").Is(200)
	v.Submit("/passkey/sign-in", merlontest.Values{"Answer": d.get(askOf(t, v))}).Is(200).At("/").Has("Ann")
}
