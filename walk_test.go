package merlon_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/merlontest"
)

func TestHeadersOfEveryAnswer(t *testing.T) {
	s := merlontest.Start(t, openTestSite)
	v := s.Visitor()
	for _, path := range []string{"/", "/notes", "/nowhere", "/notes/x", "/search?q=a;b", "/files/a", "/_merlon/static/merlon.css", "/hook/x", "/sign-in"} {
		v.Get(path)
		for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy",
			"Cross-Origin-Resource-Policy", "Permissions-Policy"} {
			if v.Header.Get(h) == "" {
				t.Errorf("%s (%d) lacks %s", path, v.Status, h)
			}
		}
		if v.Header.Get("X-Content-Type-Options") != "nosniff" || v.Header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: nosniff %q, referrer policy %q", path, v.Header.Get("X-Content-Type-Options"), v.Header.Get("Referrer-Policy"))
		}
		if kind := v.Header.Get("Content-Type"); v.Body != "" && !regexp.MustCompile(`^(text/[a-z]+; charset=utf-8|application/[a-z]+)$`).MatchString(kind) {
			t.Errorf("%s (%d) is of the type %q", path, v.Status, kind)
		}
		if csp := v.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s has policy %q", path, csp)
		}
		if v.Header.Get("Server") != "" || v.Header.Get("X-Powered-By") != "" {
			t.Errorf("%s names its server", path)
		}
	}
}

func TestWhoMayKeepAnAnswer(t *testing.T) { // CACHE-1
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return openTestSiteWith(env, // without a form, whose token alone would say it
			merlon.Get("/bare/mine", account.SignedIn(), bareOwn), merlon.Get("/bare/{id}", account.Anyone(), bareAny))
	})
	ann := s.SignedIn("Ann")
	for _, c := range []struct {
		v    *merlontest.Visitor
		path string
		want string
	}{
		{ann, "/bare/mine", "no-store"},
		{ann, "/bare/1", "no-store"},
		{s.Visitor(), "/bare/1", "no-cache"},
		{s.Visitor(), "/", "no-cache"},
		{s.Visitor(), "/notes", "no-store"}, // a form: the answer sets the pre-session cookie
		{ann, "/", "no-cache"},              // public and untouched
		{ann, "/mine", "no-store"},
		{ann, "/notes/1", "no-store"},
		{s.Visitor(), "/notes/1", "no-cache"},
	} {
		if got := c.v.Get(c.path).Header.Get("Cache-Control"); got != c.want {
			t.Errorf("%s: Cache-Control %q, want %q", c.path, got, c.want)
		}
	}
	if s.Visitor().Get("/").Header.Get("Set-Cookie") != "" {
		t.Error("an anonymous reader got a cookie")
	}
}

func bareOwn(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Text("of one"), nil
}

func bareAny(*merlon.Read[account.Guest], noteByID) (*merlon.Response, error) {
	return merlon.Text("of one or all"), nil
}

func TestAccess(t *testing.T) {
	s := merlontest.Start(t, openTestSite)
	s.Visitor().Get("/mine").At("/sign-in?next=%2Fmine")
	s.SignedIn("Ann").Get("/mine").Is(200).Has("private Ann")
	s.SignedIn("Ann").Get("/board").Is(403)
	s.SignedIn("Ben", "board").Get("/board").Is(200)
	s.SignedIn("Cleo", "admin").Get("/board").Is(200)
}

func TestHostMethodAndPath(t *testing.T) { // TRUST-2, TRUST-4
	s := merlontest.Start(t, openTestSite)
	send := func(method, path, host string) *merlontest.Visitor {
		r, err := http.NewRequest(method, s.URL(path), nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		return s.Visitor().Do(r)
	}
	send("GET", "/", "evil.test").Is(421)
	send("GET", "/", "").Is(200)
	send("HEAD", "/", "").Is(200)
	for _, m := range []string{"TRACE", "TRACK", "FOO", "OPTIONS", "PUT", "DELETE", "QUERY"} {
		v := send(m, "/notes", "").Is(405)
		if got := v.Header.Get("Allow"); !strings.Contains(got, "GET") || !strings.Contains(got, "POST") {
			t.Errorf("%s: Allow %q, want GET, HEAD, POST", m, got)
		}
	}
	if got := send("POST", "/mine", "").Is(405).Header.Get("Allow"); got != "GET, HEAD" {
		t.Errorf("POST to a page: Allow %q, want GET, HEAD", got)
	}
	send("GET", "/notes/1/delete", "").Is(405)
	send("GET", "/nowhere", "").Is(404)
	send("GET", "/notes/", "").Is(404)
	send("GET", "/notes/one", "").Is(404)
	send("GET", "/mine/x.css", "").Is(404)
	send("GET", "/search?page=x", "").Is(400)
}

func TestForgery(t *testing.T) { // CSRF-1, CSRF-4, CSRF-5
	s := merlontest.Start(t, openTestSite)
	own := s.Site.Origin()
	ann := s.SignedIn("Ann")
	token := ann.Get("/notes").Fields("/notes")
	post := func(v *merlontest.Visitor, origin, path string, fields url.Values) int {
		return v.Clone().Post(path, origin, fields).Status
	}
	with := func(tok string) url.Values { return url.Values{"merlon_token": {tok}, "Text": {"forged"}} }
	ben := s.SignedIn("Ben").Get("/notes")
	anon := s.Visitor().Get("/notes")
	before := handled.Load()
	for name, got := range map[string]int{
		"no origin":                  post(ann, "", "/notes", with(token.Get("merlon_token"))),
		"foreign origin":             post(ann, "https://evil.test", "/notes", with(token.Get("merlon_token"))),
		"own origin, no token":       post(ann, own, "/notes", url.Values{"Text": {"x"}}),
		"own origin, another's":      post(ann, own, "/notes", with(ben.Fields("/notes").Get("merlon_token"))),
		"own origin, a visitor's":    post(ann, own, "/notes", with(anon.Fields("/notes").Get("merlon_token"))),
		"own origin, another form's": post(ann, own, "/notes", with(ann.Fields("/notes/1/delete").Get("merlon_token"))),
		"sign-in, another's token":   post(s.Visitor().Get("/sign-in"), own, "/sign-in", with(anon.Fields("/notes").Get("merlon_token"))),
	} {
		if got != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403", name, got)
		}
	}
	if n := handled.Load() - before; n != 0 {
		t.Errorf("the handler ran %d times for forged posts", n)
	}
	if got := post(ann, own, "/notes", with(token.Get("merlon_token"))); got != http.StatusSeeOther {
		t.Errorf("the honest post: status %d, want 303", got)
	}
}

func TestStaleFormKeepsWhatWasTyped(t *testing.T) {
	s := merlontest.Start(t, openTestSite)
	v := s.Visitor().Get("/notes")
	old := v.Clone()
	v.SetCookie("__Host-test-session", "") // as after signing in and out in another tab
	fields := old.Fields("/notes")
	fields.Set("Text", "three <b>lines</b>\nof text")
	v.Post("/notes", s.Site.Origin(), fields).Is(403).Has("open too long")
	if got := v.Value("/notes", "Text"); got != "three <b>lines</b>\nof text" {
		t.Errorf("the stale form holds %q, want what was typed", got)
	}
	v.Submit("/notes", merlontest.Values{}).Is(200).At("/notes").Has("three <b>lines</b> of text")
}

func TestOneTimeForms(t *testing.T) { // FORM-3
	s := merlontest.Start(t, openTestSite)
	rows := func() int {
		n := 0
		s.Read(func(r *db.Reader) error {
			list, err := allNotes.All(r, 100)
			n = len(list)
			return err
		})
		return n
	}
	v := s.Visitor().Get("/notes")
	first := v.Clone()
	first.Submit("/notes", merlontest.Values{"Text": "once"}).Is(200)
	second := v.Clone()
	second.Submit("/notes", merlontest.Values{"Text": "once"}).Is(200).At("/notes").Has("once")
	if rows() != 1 {
		t.Fatalf("a double click stored %d rows, want 1", rows())
	}
	third := v.Clone()
	third.Submit("/notes", merlontest.Values{"Text": "edited"}).Is(403).Has("already sent")
	if got := third.Value("/notes", "Text"); got != "edited" {
		t.Errorf("back, edit, resend: the form holds %q, want edited", got)
	}
	third.Submit("/notes", nil).Is(200)
	if rows() != 2 {
		t.Errorf("after sending the edited form there are %d rows, want 2", rows())
	}
	// a refused form marks nothing: the same page can be sent again
	w := s.Visitor().Get("/notes")
	w.Clone().Submit("/notes", merlontest.Values{"Text": ""}).Is(422)
	w.Submit("/notes", merlontest.Values{"Text": "after all"}).Is(200).Has("after all")
}

// onceSums is what rests of the texts that forms were sent with.
var onceSums = db.Query[struct{ Sum []byte }](siteSchema, "SELECT sum FROM merlon_once ORDER BY at LIMIT 10")

// TestNoPlainSumOfAForm: a password is among what was typed, so its sum has a key, and each form another one (PASS-1).
func TestNoPlainSumOfAForm(t *testing.T) {
	s := merlontest.Start(t, openTestSite)
	for range 2 {
		s.Visitor().Get("/notes").Submit("/notes", merlontest.Values{"Text": "the same"}).At("/notes")
	}
	s.Read(func(r *db.Reader) error {
		rows, err := onceSums.All(r)
		if err != nil || len(rows) != 2 || string(rows[0].Sum) == string(rows[1].Sum) {
			t.Errorf("%v: of %d forms with one text the sums are the same", err, len(rows))
		}
		return err
	})
}

func TestDoubleClickAtTheSameMoment(t *testing.T) { // FORM-3
	s := merlontest.Start(t, openTestSite)
	v := s.Visitor().Get("/notes")
	before := handled.Load()
	done := make(chan int)
	for range 10 {
		c := v.Clone()
		go func() {
			f := c.Fields("/notes")
			f.Set("Text", "at once")
			done <- c.Post("/notes", s.Site.Origin(), f).Status
		}()
	}
	for range 10 {
		if status := <-done; status != http.StatusSeeOther {
			t.Errorf("status %d, want 303", status)
		}
	}
	if n := handled.Load() - before; n != 1 {
		t.Errorf("the handler ran %d times, want 1", n)
	}
}

func TestNothingIsLeftOfAFailure(t *testing.T) { // FORM-4, PAGE-2, SECR-2
	for _, how := range []string{"error", "panic", "status", "page", "nil", "redirect"} {
		t.Run(how, func(t *testing.T) {
			s := merlontest.Start(t, openTestSite)
			v := s.SignedIn("Ann")
			cookie := v.Cookie("__Host-test-session")
			v.Get("/trap").Submit("/trap", merlontest.Values{"How": how})
			want := 500
			if how == "status" {
				want = 409
			}
			v.Is(want).HasNot("trap's own", "goroutine", ".go:", "half-way")
			if v.Cookie("__Host-test-session") != cookie {
				t.Error("the session's cookie changed")
			}
			s.Read(func(r *db.Reader) error {
				if list, err := allNotes.All(r, 10); err != nil || len(list) != 0 {
					t.Errorf("rows left: %v, %v", list, err)
				}
				if mails, err := s.Site.House().Mails.List(r, 0, 10); err != nil || len(mails) != 0 {
					t.Errorf("mails left: %v, %v", mails, err)
				}
				return nil
			})
			if strings.Contains(s.Log.String(), "a test event") {
				t.Error("the event of success was recorded")
			}
			if log := s.Log.String(); how != "status" && !strings.Contains(log, "a handler failed") && !strings.Contains(log, "a redirect to a path that is no page") {
				t.Errorf("the failure is not in the log:\n%s", s.Log)
			}
			v.Get("/notes").Is(200) // the site goes on
		})
	}
}

func TestMounts(t *testing.T) {
	s := merlontest.Start(t, openTestSite)
	ann := s.SignedIn("Ann")
	ann.Get("/mounted/x").Is(200).Has("GET /mounted/x")
	if got := ann.Post("/mounted/x", s.Site.Origin(), url.Values{"a": {"b"}}).Status; got != 403 {
		t.Errorf("a post without a token to a mount: %d, want 403", got)
	}
	v := ann.Post("/hook/x", "", url.Values{"a": {"b"}}).Is(200)
	if !strings.Contains(v.Body, `cookie=""`) || !strings.Contains(v.Body, `body="a=b"`) {
		t.Errorf("the webhook saw %s, want its body and no cookie", v.Body)
	}
}

// TestMountsSeeNoSession: the session's cookie is a secret between the browser and the site, also for the handlers that it mounts;
// their own cookies reach them.
func TestMountsSeeNoSession(t *testing.T) {
	s := merlontest.Start(t, openTestSite)
	ann := s.SignedIn("Ann")
	if ann.Cookie("__Host-test-session") == "" {
		t.Fatal("no session cookie")
	}
	ann.SetCookie("theirs", "1")
	if v := ann.Get("/mounted/x").Is(200); !strings.Contains(v.Body, `cookie="theirs=1"`) {
		t.Errorf("a mounted handler saw %s, want its own cookie alone", v.Body)
	}
}

// TestBodiesOfMountsAreBounded: one that says its length is refused unread, one that does not is cut off.
func TestBodiesOfMountsAreBounded(t *testing.T) {
	t.Parallel()
	read := make(chan int, 4)
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		read <- len(body)
	})
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return openTestSiteWith(env, merlon.Mount("/small/", merlon.Public(), h, merlon.InsecureNoToken("a test posts without one"), merlon.MaxBody(100)))
	})
	post := func(body io.Reader) int {
		r, _ := http.NewRequest("POST", s.URL("/small/x"), body)
		return s.Visitor().Do(r).Status
	}
	text := strings.Repeat("a", 101)
	if status := post(strings.NewReader(text)); status != http.StatusRequestEntityTooLarge || len(read) > 0 {
		t.Errorf("101 bytes that say so: %d, %d times read; want 413 and none", status, len(read))
	}
	post(io.MultiReader(strings.NewReader(text))) // chunked
	if n := <-read; n > 100 {
		t.Errorf("%d bytes of a body of 100 were read", n)
	}
	if status := post(strings.NewReader(text[:100])); status != 200 || <-read != 100 {
		t.Errorf("100 bytes: %d", status)
	}
}

func TestFraming(t *testing.T) { // FRAME-1
	s := merlontest.Start(t, openTestSite)
	v := s.Visitor().Get("/")
	if v.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("X-Frame-Options %q, want DENY", v.Header.Get("X-Frame-Options"))
	}
	v.Get("/framed")
	if csp := v.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors https://partner.example") || v.Header.Get("X-Frame-Options") != "" {
		t.Errorf("the opened page has %q, %q", csp, v.Header.Get("X-Frame-Options"))
	}
	framed := func(path string) int {
		r, _ := http.NewRequest("GET", s.URL(path), nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "iframe")
		return s.Visitor().Do(r).Status
	}
	if framed("/") != 403 || framed("/framed") != 200 {
		t.Errorf("in a frame: / %d, /framed %d; want 403, 200", framed("/"), framed("/framed"))
	}
	linked := func(path string) int {
		r, _ := http.NewRequest("GET", s.URL(path), nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		return s.Visitor().Do(r).Status
	}
	if linked("/") != 200 || linked("/own") != 403 {
		t.Errorf("linked from elsewhere: / %d, /own %d; want 200, 403", linked("/"), linked("/own"))
	}
}

func TestMountToken(t *testing.T) {
	var token string
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token = merlon.MountToken(r.Context())
		_, _ = w.Write([]byte("ok"))
	})
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return openTestSiteWith(env, merlon.Mount("/app/", merlon.Public(), h))
	})
	send := func(v *merlontest.Visitor, tok string) int {
		r, _ := http.NewRequest("PUT", s.URL("/app/x"), strings.NewReader("{}"))
		r.Header.Set("Origin", s.Site.Origin())
		r.Header.Set("Merlon-Token", tok)
		return v.Clone().Do(r).Status
	}
	v := s.Visitor().Get("/app/").Is(200)
	own := token
	if own == "" || v.Cookie("__Host-test-session") == "" {
		t.Fatalf("a visitor got token %q and cookie %q", own, v.Cookie("__Host-test-session"))
	}
	s.Visitor().Get("/app/")
	foreign := token
	if a, b, c := send(v, own), send(v, foreign), send(v, ""); a != 200 || b != 403 || c != 403 {
		t.Errorf("own token %d, another's %d, none %d; want 200, 403, 403", a, b, c)
	}
}

func TestMiddlewareWraps(t *testing.T) {
	order := ""
	mw := func(name string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order += name
				w.Header().Set("X-Seen", name)
				next.ServeHTTP(w, r)
			})
		}
	}
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		inner := merlon.Wrap(mw("b"), merlon.Get("/wrapped", account.Anyone(), showNotes), merlon.Get("/wrapped/two", merlon.Public(), plain))
		return openTestSiteWith(env, merlon.Wrap(mw("a"), inner...)...)
	})
	v := s.SignedIn("Ann").Get("/wrapped").Is(200).Has("Notes of Ann")
	if order != "ab" || v.Header.Get("X-Seen") != "b" || v.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("order %q, header %q", order, v.Header.Get("X-Seen"))
	}
	v.Submit("/notes", merlontest.Values{"Text": "through a wrapped page"}).Is(200)
	order = ""
	s.Visitor().Get("/wrapped/two").Is(200).Has("hello")
	if order != "ab" {
		t.Errorf("order %q, want ab", order)
	}
}

// TestDeniedIsRecorded: that somebody who is signed in was not let in is in the journal, with where and from which network.
func TestDeniedIsRecorded(t *testing.T) {
	dir := t.TempDir()
	t.Run("first", func(t *testing.T) {
		s := merlontest.StartIn(t, dir, openTestSite)
		s.SignedIn("Ann").Get("/board").Is(403)
	})
	s := merlontest.StartIn(t, dir, openTestSite)
	s.Read(func(r *db.Reader) error {
		refused, err := journal.ListRefused(r, journal.Filter{})
		if len(refused) != 1 || refused[0].ID != merlon.RuleDenied.ID || refused[0].Route != "GET /board" || refused[0].Network == "" || refused[0].Count != 1 {
			t.Errorf("the journal has %+v", refused)
		}
		return err
	})
}
