package account_test

import (
	"encoding/base32"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/sqlite"
)

// factors is a site with a page for each need.
func factors(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Pages: pages,
		Parts: []merlon.Part{account.New(account.Config{})},
		Routes: []merlon.Route{
			merlon.Get("/", account.Anyone(), home),
			merlon.Get("/private", account.SignedIn(), private),
			merlon.Get("/fresh", account.SignedIn().With(account.NeedRecent()), private),
			merlon.Get("/fresher", account.SignedIn().With(account.NeedRecent(time.Minute)), private),
			merlon.Get("/all", account.SignedIn().With(account.NeedRecentAll()), private),
			merlon.Get("/strong", account.SignedIn().With(account.NeedFactor(2)), private),
			merlon.Get("/board", account.HasRole("board"), private),
			merlon.Get("/admin", account.HasRole(account.Admin), private),
		}})
}

var (
	shownSecret = regexp.MustCompile(`<code class="secret">([A-Z2-7 ]+)</code>`)
	shownCode   = regexp.MustCompile(`<li><code>([0-9A-Z-]{29})</code></li>`)
)

// phone is the app of a user.
type phone struct {
	s      *merlontest.Server
	secret string
	ahead  time.Duration // how far its clock is wrong
}

func (p *phone) code(t *testing.T) string {
	t.Helper()
	code, err := totp.GenerateCode(p.secret, p.s.Now().Add(p.ahead))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// wrong is a code that the app shows at no time near now: one in four thousand is of the last two hours, which the site would tell.
func (p *phone) wrong(t *testing.T) string {
	t.Helper()
	near := map[string]bool{}
	for at := -3 * time.Hour; at < time.Hour; at += 30 * time.Second {
		code, err := totp.GenerateCode(p.secret, p.s.Now().Add(at))
		if err != nil {
			t.Fatal(err)
		}
		near[code] = true
	}
	for n := 0; ; n++ {
		if code := fmt.Sprintf("%06d", n); !near[code] {
			return code
		}
	}
}

// scan reads the secret of the page that the visitor is on.
func scan(t *testing.T, s *merlontest.Server, v *merlontest.Visitor) *phone {
	t.Helper()
	m := shownSecret.FindStringSubmatch(v.Body)
	if m == nil {
		t.Fatalf("no secret on the page: %s", v.Text())
	}
	secret := strings.ReplaceAll(m[1], " ", "")
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret); err != nil || len(raw) != 20 {
		t.Fatalf("the secret has %d bytes, %v", len(raw), err)
	}
	return &phone{s: s, secret: secret}
}

// setUp gives a visitor who is signed in an app, and returns it with the recovery codes.
func setUp(t *testing.T, s *merlontest.Server, v *merlontest.Visitor) (*phone, []string) {
	t.Helper()
	v.Get("/account/app").Is(200).Has("Off").Submit("/account/app/start", nil).At("/account/app")
	p := scan(t, s, v)
	v.Submit("/account/app/confirm", merlontest.Values{"Code": p.code(t)}).Is(200).At("/account/codes")
	codes := readCodes(t, v)
	v.Submit("/account/codes/kept", merlontest.Values{"Last": codes[2][25:]}).At("/account/codes").Has("10 of 10 left")
	s.Advance(time.Minute)
	return p, codes
}

func readCodes(t *testing.T, v *merlontest.Visitor) (codes []string) {
	t.Helper()
	for _, m := range shownCode.FindAllStringSubmatch(v.Body, -1) {
		codes = append(codes, m[1])
	}
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes are shown, want 10", len(codes))
	}
	return codes
}

func second(v *merlontest.Visitor, code string) *merlontest.Visitor {
	return v.Submit("/sign-in/second", merlontest.Values{"Code": code})
}

func sentMails(s *merlontest.Server) *merlontest.Visitor { return s.Visitor().Get("/_merlon/dev/mail") }

func TestAppFromOffToOnToOff(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good).At("/")
	other := signIn(s.Visitor(), "ann@example.test", good).At("/")
	ann.Get("/account/app").Submit("/account/app/start", nil).At("/account/app").Has("Scan this picture")
	app := scan(t, s, ann)
	ann.Clone().Submit("/account/app/confirm", merlontest.Values{"Code": app.wrong(t)}).Is(422).Has("does not fit", "clock of this site says")
	ann.Submit("/account/app/confirm", merlontest.Values{"Code": app.code(t)}).At("/account/codes")
	other.Get("/private").At("/sign-in?next=%2Fprivate") // the other sessions end
	ann.Get("/strong").At("/strong")                     // this one is one of two factors now
	codes := readCodes(t, ann.Get("/account/codes"))
	if !strings.Contains(ann.Body, `href="/account/codes/file">`) {
		t.Error("with the attribute download a browser saves the page to which an old link leads, in the place of the file")
	}
	if got := ann.Get("/account/codes/file").Is(200); !strings.Contains(got.Body, codes[9]) || !strings.Contains(got.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the file lacks a code, or is shown: %v", got.Header)
	}
	ann.Get("/account/codes").Submit("/account/codes/kept", merlontest.Values{"Last": "AAAA"}).Is(422).Has("This is not how code 3 ends")
	ann.Submit("/account/codes/kept", merlontest.Values{"Last": strings.ToLower(codes[2][25:])}).At("/account/codes").Has("10 of 10 left")
	if strings.Contains(ann.Body, codes[0]) {
		t.Error("the codes are shown a second time")
	}
	ann.Get("/account/codes/file").At("/account/codes").Has("10 of 10 left").HasNot(codes[0])
	sentMails(s).Has("Authenticator app added at Test")
	ann.Get("/account/app").Has("On", "10 recovery codes left")
	ann.Get("/account/app/remove").Has("last second factor", "recovery codes become void").HasNot("rights sleep")
	ann.Submit("/account/app/remove", nil).At("/account/app").Has("Off")
	sentMails(s).Has("Authenticator app removed at Test").HasNot("its rights sleep")
	ann.Get("/account/app/remove").At("/account/app") // there is nothing to remove
	ann.Get("/strong").At("/account/app?why=1&next=%2Fstrong")
	ann.Get("/account/codes").Has("Recovery codes come with the authenticator app")
	signIn(s.Visitor(), "ann@example.test", good).At("/")
}

func TestSecondStep(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, "ann@example.test")
	app, codes := setUp(t, s, signIn(s.Visitor(), "ann@example.test", good))
	v := s.Visitor().Get("/private").At("/sign-in?next=%2Fprivate")
	v.Submit("/sign-in", merlontest.Values{"Email": "ann@example.test", "Password": good}).At("/sign-in/second")
	before := v.Cookie("__Host-test-session")
	for _, path := range []string{"/private", "/fresh", "/all", "/strong", "/board", "/account/app", "/account/codes", "/account/codes/file"} {
		v.Get(path) // M53: the second step skipped by a direct address
		if want := "/sign-in?next=" + url.QueryEscape(path); v.Path != want {
			t.Errorf("%s with the second step open: %s, want %s", path, v.Path, want)
		}
	}
	v.Get("/").Has("Home of nobody")
	v.Get("/sign-in/second")
	second(v, app.wrong(t)).Is(422).Has("does not fit")
	second(v, app.code(t)).Is(200).At("/private").Has("Ann")
	if v.Cookie("__Host-test-session") == before {
		t.Error("the session of the first step is the one of the sign-in")
	}
	thief := s.Visitor()
	thief.SetCookie("__Host-test-session", before)
	thief.Get("/private").At("/sign-in?next=%2Fprivate")
	v.Get("/strong").At("/strong")
	v.Get("/sign-in/second").At("/") // back button
	// a recovery code, as people type it
	w := signIn(s.Visitor(), "ann@example.test", good).At("/sign-in/second")
	second(w, " "+strings.ToLower(strings.ReplaceAll(codes[4], "-", " "))).At("/").Has("Ann")
	w.Get("/account/codes").Has("9 of 10 left", "Used")
	sentMails(s).Has("A recovery code was used at Test", "Codes left: 9")
	again := signIn(s.Visitor(), "ann@example.test", good)
	second(again, codes[4]).Is(422)
}

func TestCodeWorksOnce(t *testing.T) { // M55
	s := merlontest.Start(t, factors)
	addUser(t, s, "ann@example.test")
	app, _ := setUp(t, s, signIn(s.Visitor(), "ann@example.test", good))
	code := app.code(t)
	second(signIn(s.Visitor(), "ann@example.test", good), code).At("/")
	second(signIn(s.Visitor(), "ann@example.test", good), code).Is(422).Has("was used already")
	// nor does an earlier one after a later one
	s.Advance(30 * time.Second)
	early := app.code(t)
	s.Advance(30 * time.Second)
	second(signIn(s.Visitor(), "ann@example.test", good), app.code(t)).At("/")
	second(signIn(s.Visitor(), "ann@example.test", good), early).Is(422)
}

func TestClockIsWrong(t *testing.T) { // first-hour F3
	s := merlontest.Start(t, factors)
	addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good)
	ann.Get("/account/app").Submit("/account/app/start", nil)
	app := scan(t, s, ann)
	app.ahead = -2 * time.Hour
	need.Calm(t, 30*time.Second, 5*time.Second) // the next half minute is not to begin between the code and the look at it
	ann.Submit("/account/app/confirm", merlontest.Values{"Code": app.code(t)}).Is(422).Has("120 minutes ago", "clock of your phone or of this site is wrong")
	app.ahead = 2 * time.Hour
	need.Calm(t, 30*time.Second, 5*time.Second)
	ann.Submit("/account/app/confirm", merlontest.Values{"Code": app.code(t)}).Is(422).Has("in 120 minutes")
	app.ahead = 29 * time.Second // a step too early is fine
	ann.Submit("/account/app/confirm", merlontest.Values{"Code": app.code(t)}).At("/account/codes")
	s.Advance(3 * time.Minute)
	app.ahead = -10 * time.Minute
	v := signIn(s.Visitor(), "ann@example.test", good)
	need.Calm(t, 30*time.Second, 5*time.Second)
	second(v, app.code(t)).Is(422).Has("10 minutes ago")
	app.ahead = 10 * time.Minute // what is to come is not told
	second(v, app.code(t)).Is(422).HasNot("minutes").Has("the clock of this site says")
}

func TestCodeLimits(t *testing.T) { // AUTH-4
	s := merlontest.Start(t, factors)
	addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good)
	app, codes := setUp(t, s, ann)
	stranger := signIn(s.Visitor(), "ann@example.test", good)
	for range 5 {
		second(stranger, "123456").Is(422)
	}
	second(stranger, app.code(t)).Is(429).Has("try again after")
	if stranger.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	// a new session wins no tries, nor does a recovery code
	next := signIn(s.Visitor(), "ann@example.test", good)
	second(next, codes[0]).Is(429)
	// the owner's device has a count of its own
	ann.Get("/").Submit("/sign-out", nil)
	second(signIn(ann, "ann@example.test", good), app.code(t)).Is(200).At("/")
	s.Advance(16 * time.Minute)
	second(signIn(s.Visitor(), "ann@example.test", good), app.code(t)).Is(200).At("/")
}

// TestFiftyAtOnce: of one code, and of one recovery code, one use wins (B3).
func TestFiftyAtOnce(t *testing.T) {
	s := merlontest.Start(t, factors)
	id := addUser(t, s, "ann@example.test")
	app, codes := setUp(t, s, signIn(s.Visitor(), "ann@example.test", good))
	for _, c := range []struct {
		name string
		code func(*testing.T) string
	}{{"app", app.code}, {"recovery", func(*testing.T) string { return codes[7] }}} {
		var code string
		var all sync.WaitGroup
		var won, refused atomic.Int64
		var posts []func() *merlontest.Visitor
		for range 5 { // sessions, ten tabs each
			first := signIn(s.Visitor(), "ann@example.test", good).At("/sign-in/second")
			for range 10 {
				v := first.Clone().Get("/sign-in/second")
				f := v.Fields("/sign-in/second")
				posts = append(posts, func() *merlontest.Visitor {
					f.Set("Code", code)
					return v.Post("/sign-in/second", s.Site.Origin(), f)
				})
			}
		}
		code = c.code(t) // as late as can be: it is good for half a minute
		for _, post := range posts {
			all.Go(func() {
				switch v := post(); {
				case v.Status == 303 && v.Header.Get("Location") == "/":
					won.Add(1)
				case v.Status == 422, v.Status == 429, v.Status == 303, v.Status == 403:
					refused.Add(1)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || refused.Load() != 49 {
			t.Errorf("%s: %d of 50 signed in and %d were refused, want 1 and 49", c.name, won.Load(), refused.Load())
		}
		s.Advance(16 * time.Minute)
	}
	// the same without the limit before it: the row alone decides
	for name, spend := range map[string]func(*db.Writer) (bool, error){
		"app":      func(w *db.Writer) (bool, error) { return account.SpendStep(w, id, s.Now().Unix()/30) },
		"recovery": func(w *db.Writer) (bool, error) { return account.SpendCode(w, id, codes[8]) },
	} {
		var all sync.WaitGroup
		var won atomic.Int64
		for range 50 {
			all.Go(func() {
				s.Write(func(w *db.Writer) error {
					ok, err := spend(w)
					if ok {
						w.OnCommit(func() { won.Add(1) })
					}
					return err
				})
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%s: %d of 50 used it, want 1", name, won.Load())
		}
	}
}

func TestPendingStepEnds(t *testing.T) {
	s := merlontest.Start(t, factors)
	id := addUser(t, s, "ann@example.test")
	app, _ := setUp(t, s, signIn(s.Visitor(), "ann@example.test", good))
	late := signIn(s.Visitor(), "ann@example.test", good)
	s.Advance(11 * time.Minute)
	second(late, app.code(t)).At("/sign-in")
	late.Get("/private").At("/sign-in?next=%2Fprivate")

	changed := signIn(s.Visitor(), "ann@example.test", good)
	s.Write(func(w *db.Writer) error { return account.SetPasswordHash(w, id, account.NoPassword) })
	second(changed, app.code(t)).At("/sign-in")
	changed.Get("/private").At("/sign-in?next=%2Fprivate")
	if !strings.Contains(s.Log.String(), "MRL-ACCT-031") {
		t.Error("no event of a second step that is over")
	}

	ben := addUser(t, s, "ben@example.test")
	app, _ = setUp(t, s, signIn(s.Visitor(), "ben@example.test", good))
	shut := signIn(s.Visitor(), "ben@example.test", good)
	s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, ben, true) })
	second(shut, app.code(t)).At("/sign-in")
}

func TestTrustedDevice(t *testing.T) {
	s := merlontest.Start(t, factors)
	id := addUser(t, s, "ann@example.test")
	app, _ := setUp(t, s, signIn(s.Visitor(), "ann@example.test", good))
	v := signIn(s.Visitor(), "ann@example.test", good).At("/sign-in/second")
	v.Submit("/sign-in/second", merlontest.Values{"Code": app.code(t), "Trust": "on"}).At("/")
	v.Get("/").Submit("/sign-out", nil)
	signIn(v, "ann@example.test", good).At("/")
	v.Get("/strong").At("/strong")
	v.Get("/all").At("/sign-in/again?ask=a&next=%2Fall").Has("Six digits") // the code was not shown in this session
	signIn(s.Visitor(), "ann@example.test", good).At("/sign-in/second")    // another device
	var ids []int64
	s.Read(func(r *db.Reader) (err error) {
		ids, err = account.TrustedDevices(r, id, s.Now())
		return err
	})
	if len(ids) != 1 {
		t.Fatalf("%d trusted devices, want 1", len(ids))
	}
	v.Get("/").Submit("/sign-out", nil)
	s.Write(func(w *db.Writer) error { return account.Untrust(w, id, ids[0]) })
	signIn(v, "ann@example.test", good).At("/sign-in/second")
	s.Advance(time.Minute)
	v.Submit("/sign-in/second", merlontest.Values{"Code": app.code(t), "Trust": "on"}).At("/")
	s.Advance(31 * 24 * time.Hour)
	signIn(v, "ann@example.test", good).At("/sign-in/second")
}

func TestNeedRecentDoesNotSlide(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, "ann@example.test")
	addUser(t, s, "ben@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good)
	for range 3 {
		s.Advance(4 * time.Minute)
		ann.Get("/fresh").At("/fresh")
	}
	ann.Get("/fresher").At("/sign-in/again?ask=1&next=%2Ffresher")
	s.Advance(4 * time.Minute)
	ann.Get("/fresh").At("/sign-in/again?ask=1&next=%2Ffresh").Has("Sign in again", "Cancel")
	if got := ann.Value("/sign-in/again", "Next"); got != "/fresh" {
		t.Errorf("the way back is %q", got)
	}
	before := ann.Cookie("__Host-test-session")
	ann.Submit("/sign-in/again", merlontest.Values{"Password": "a wrong one"}).Is(422).Has("not the password of this account")
	ann.Submit("/sign-in/again", merlontest.Values{"Password": good}).At("/fresh")
	if ann.Cookie("__Host-test-session") == before {
		t.Error("the token is the one from before the re-authentication")
	}
	ann.Get("/fresher").At("/fresher")
	s.Visitor().Get("/sign-in/again?ask=1&next=%2Ffresh").At("/sign-in?next=%2Ffresh")
	foreign := ann.Get("/sign-in/again?ask=1&next=" + url.QueryEscape("//evil.test/"))
	foreign.Submit("/sign-in/again", merlontest.Values{"Password": good, "Next": "https://evil.test/"}).At("/")
}

func TestNeedRecentAll(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good)
	app, codes := setUp(t, s, ann)
	ann.Get("/all").At("/all")
	s.Advance(15 * time.Minute)
	ann.Get("/fresh").At("/sign-in/again?ask=1&next=%2Ffresh").Submit("/sign-in/again/code", merlontest.Values{"Code": app.code(t)}).At("/fresh") // any one
	ann.Get("/all").At("/sign-in/again?ask=a&next=%2Fall").HasNot("Six digits").Submit("/sign-in/again", merlontest.Values{"Password": good}).At("/all")
	s.Advance(16 * time.Minute)
	ann.Get("/all").HasNot("Six digits").Submit("/sign-in/again", merlontest.Values{"Password": good}).At("/sign-in/again?ask=a&next=%2Fall")
	ann.Submit("/sign-in/again/code", merlontest.Values{"Code": app.wrong(t)}).Is(422).Has("does not fit")
	ann.Submit("/sign-in/again/code", merlontest.Values{"Code": codes[0]}).At("/all")
	// the acts that need it, with the form kept
	s.Advance(16 * time.Minute)
	ann.Get("/account/codes").Submit("/account/codes/new", nil)
	ann.Submit("/sign-in/again", merlontest.Values{"Password": good}).Submit("/sign-in/again/code", merlontest.Values{"Code": app.code(t)}).At("/_merlon/kept")
	fresh := readCodes(t, ann.Submit("/account/codes/new", nil).At("/account/codes"))
	sentMails(s).Has("New recovery codes at Test")
	second(signIn(s.Visitor(), "ann@example.test", good), codes[1]).Is(422) // the old ones are void
	second(signIn(s.Visitor(), "ann@example.test", good), fresh[1]).At("/")
}

func TestAdministratorsNeedTwoFactors(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, "cleo@example.test", account.Admin, "board")
	cleo := signIn(s.Visitor(), "cleo@example.test", good).At("/account/app?why=1&next=%2F").Has("An administrator needs a second factor")
	cleo.Get("/private").At("/private")
	for _, path := range []string{"/admin", "/board"} {
		cleo.Get(path).At("/account/app?why=1&next=" + url.QueryEscape(path))
	}
	cleo.Submit("/account/app/start", nil)
	app := scan(t, s, cleo)
	cleo.Submit("/account/app/confirm", merlontest.Values{"Code": app.code(t)})
	codes := readCodes(t, cleo)
	cleo.Submit("/account/codes/kept", merlontest.Values{"Last": codes[2]}).At("/board") // and on to where the way began
	cleo.Get("/admin").At("/admin")
	s.Advance(11 * time.Minute)
	cleo.Get("/fresh").At("/sign-in/again?ask=1&next=%2Ffresh") // ten minutes, not fifteen
	// a trusted device does not count
	cleo.Get("/").Submit("/sign-out", nil)
	signIn(cleo, "cleo@example.test", good).At("/sign-in/second").HasNot("30 days")
	f := cleo.Fields("/sign-in/second")
	f.Set("Code", app.code(t))
	f.Set("Trust", "on")
	cleo.Post("/sign-in/second", s.Site.Origin(), f).Is(303)
	cleo.Get("/").Submit("/sign-out", nil)
	signIn(cleo, "cleo@example.test", good).At("/sign-in/second")
	s.SignedIn("Dora", account.Admin).Get("/admin").At("/admin")
}

// TestSetupWithApp: the first administrator, from the link to the front page, without script (first-hour A2.4).
func TestSetupWithApp(t *testing.T) {
	s := merlontest.Start(t, factors)
	lines, err := s.Site.Ready(t.Context())
	if err != nil || len(lines) != 1 {
		t.Fatalf("Ready = %v, %v", lines, err)
	}
	link, _, _ := strings.Cut(strings.TrimPrefix(lines[0][1], s.Site.Origin()), " ")
	v := s.Visitor().Get(link).Submit("/_merlon/setup", merlontest.Values{"Name": "Cleo", "Email": "cleo@example.test", "Password": good})
	v.At("/account/app").Has("Scan this picture")
	app := scan(t, s, v)
	v.Submit("/account/app/confirm", merlontest.Values{"Code": app.code(t)}).At("/account/codes")
	codes := readCodes(t, v)
	v.Submit("/account/codes/kept", merlontest.Values{"Last": codes[2][25:]}).At("/")
	v.Get("/admin").At("/admin")
}

func TestSecretsRestSealed(t *testing.T) {
	s := merlontest.Start(t, factors)
	ann, ben := addUser(t, s, "ann@example.test"), addUser(t, s, "ben@example.test")
	a, codes := setUp(t, s, signIn(s.Visitor(), "ann@example.test", good))
	b, _ := setUp(t, s, signIn(s.Visitor(), "ben@example.test", good))
	dump := ""
	s.Read(func(r *db.Reader) (err error) {
		dump, err = account.Sealed(r)
		return err
	})
	if len(dump) < 20*32 {
		t.Fatalf("%d bytes rest, which are too few to be right", len(dump))
	}
	for _, secret := range []string{a.secret, b.secret, codes[0], strings.ReplaceAll(codes[0], "-", "")} {
		if strings.Contains(dump, secret) || strings.Contains(s.Log.String(), secret) {
			t.Error("a secret rests in the clear")
		}
	}
	s.Write(func(w *db.Writer) error { return account.MoveSecret(w, ann, ben) })
	second(signIn(s.Visitor(), "ben@example.test", good), a.code(t)).Is(500) // bound to its user
}

// TestAnAppMakesNoPasswordShorter: the app can be taken away again, and then the password stands alone.
func TestAnAppMakesNoPasswordShorter(t *testing.T) {
	s := merlontest.Start(t, factors)
	id := addUser(t, s, "ann@example.test")
	look := func(on bool, left int) {
		t.Helper()
		s.Read(func(r *db.Reader) error {
			isOn, isLeft, err := account.StateOf(r, id)
			if isOn != on || isLeft != left {
				t.Errorf("on %v, %d codes; want %v, %d", isOn, isLeft, on, left)
			}
			return err
		})
	}
	look(false, 0)
	v := signIn(s.Visitor(), "ann@example.test", good)
	setUp(t, s, v)
	look(true, 10)
	v.Get("/account/password").Submit("/account/password", merlontest.Values{"New": "fourteen chars"}).Is(422)
}

// TestDoubleClick: the second click on a button whose first click gave the session a new token ends where the first did, also
// when the browser has dropped the first answer with its cookie. Another text, or the cookie alone, ends nowhere.
func TestDoubleClick(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, "ann@example.test")
	app, _ := setUp(t, s, signIn(s.Visitor(), "ann@example.test", good))
	v := signIn(s.Visitor(), "ann@example.test", good).At("/sign-in/second")
	f := v.Fields("/sign-in/second")
	f.Set("Code", app.code(t))
	click, edited, thief := v.Clone(), v.Clone(), v.Clone()
	v.Post("/sign-in/second", s.Site.Origin(), f).Is(303)
	click.Post("/sign-in/second", s.Site.Origin(), f).Is(303)
	click.Get("/private").At("/private").Has("Ann")
	f.Set("Code", "000000")
	edited.Post("/sign-in/second", s.Site.Origin(), f)
	edited.Get("/private").At("/sign-in?next=%2Fprivate")
	f.Del("merlon_token")
	thief.Post("/sign-in/second", s.Site.Origin(), f)
	thief.Get("/private").At("/sign-in?next=%2Fprivate")
	s.Advance(time.Minute)

	// at the same time
	v = signIn(s.Visitor(), "ann@example.test", good).At("/sign-in/second")
	f = v.Fields("/sign-in/second")
	f.Set("Code", app.code(t))
	clicks := []*merlontest.Visitor{v.Clone(), v.Clone(), v.Clone()}
	var all sync.WaitGroup
	for _, c := range clicks {
		all.Go(func() { c.Post("/sign-in/second", s.Site.Origin(), f) })
	}
	all.Wait()
	for i, c := range clicks {
		if c.Get("/private").Path != "/private" {
			t.Errorf("click %d of three at once ended at %s", i+1, c.Path)
		}
	}
	// on a page behind access
	s.Advance(16 * time.Minute)
	c := clicks[0].Get("/fresh")
	f = c.Fields("/sign-in/again")
	f.Set("Password", good)
	twice := c.Clone()
	c.Post("/sign-in/again", s.Site.Origin(), f).Is(303)
	twice.Post("/sign-in/again", s.Site.Origin(), f).Is(303)
	twice.Get("/fresh").At("/fresh")
}

func TestNeedRecentThatNobodyCanFulfil(t *testing.T) {
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "give 30s or more") {
			t.Errorf("NeedRecent(0) said %q", p)
		}
	}()
	account.NeedRecent(0)
}

// TestAResetAsksForTheCode: who has the mailbox alone sets a password and is signed in by nothing: the code is asked for.
func TestAResetAsksForTheCode(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	app, _ := setUp(t, s, signIn(s.Visitor(), ann, good))
	askReset(s.Visitor(), ann)
	v := s.Visitor().Get(link(t, s, ann, 0)).Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
	v.Get("/private").At("/sign-in?next=%2Fprivate")
	signIn(v, ann, other).At("/sign-in/second")
	v.Get("/private").At("/sign-in?next=%2Fprivate")
	v.Get("/sign-in/second")
	s.Advance(time.Minute)
	second(v, app.code(t)).Is(200)
}

// TestSignOutEmptiesTheBrowser: what scripts stored goes with the session.
func TestSignOutEmptiesTheBrowser(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	v := signIn(s.Visitor(), ann, good).Get("/")
	v.Post("/sign-out", s.Site.Origin(), v.Fields("/sign-out")).Is(303)
	if got := v.Header.Get("Clear-Site-Data"); got != `"storage"` {
		t.Errorf("signing out says Clear-Site-Data %q", got)
	}
}
