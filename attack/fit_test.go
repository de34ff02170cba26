package attack_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/attack"
)

// TestNothingToAttack: a handler that is none, or fails at every request, fails a test and says why; one that shows nobody a page is
// not clean.
func TestNothingToAttack(t *testing.T) {
	var none http.HandlerFunc
	for name, c := range map[string]struct {
		handler http.Handler
		want    string // of the error; "": there is none
	}{
		"nil":        {nil, "the handler is nil"},
		"nil inside": {none, "(/: 500, the handler panicked: runtime error: invalid memory address"},
		"panics":     {http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no template\nat all") }), "(/: 500, the handler panicked: no template)"},
		"fails":      {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) }), "(/: 502)"},
		"not found":  {http.NotFoundHandler(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			said := &recorder{ctx: t.Context()}
			report := attack.Handler(said, c.handler, attack.Profile{}, func(o *attack.Options) { o.Classes = []string{"access", "injection"} })
			got := strings.Join(said.errors(), "\n")
			if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("the test says %q, want %q", got, c.want)
			}
			if c.want != "" {
				return
			}
			if left := strings.Join(tallyOf(t, report, "injection").Left, "\n"); !strings.Contains(left, "no page was shown to anybody") {
				t.Errorf("the class is clean: %q\n%s", left, report.Coverage)
			}
		})
	}
}

// TestPanicIsTold: what a handler would have done after it has panicked was not seen.
func TestPanicIsTold(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			panic("no row " + r.FormValue("q"))
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<title>x</title><a href="/broken?q=1">a</a>`)
	})
	report, err := attack.Probe(t.Context(), h, attack.Profile{}, attack.Options{Classes: []string{"injection"}})
	if err != nil {
		t.Fatal(err)
	}
	if left := tallyOf(t, report, "injection").Left; strings.Count(strings.Join(left, "\n"), "panicked") != 1 || !strings.Contains(strings.Join(left, "\n"), "the rest of GET /broken: the handler panicked: no row 1") {
		t.Errorf("the report says %q", left)
	}
}

// TestWrongUsers: who is named and does not get in fails a test, whatever the site answers then.
func TestWrongUsers(t *testing.T) {
	fields := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	ann, ben := fields("Email", "ann@site.test", "Password", "ann-long-password-1"), fields("Email", "ben@site.test", "Password", "ben-long-password-2")
	for name, c := range map[string]struct {
		refusal int // how a wrong password is answered; 0: with the form
		signIn  string
		users   []map[string]string
		want    string
	}{
		"right":                  {0, "/login", []map[string]string{ann, ben}, ""},
		"with the form again":    {0, "/login", []map[string]string{fields("Email", "ann@site.test", "Password", "x")}, "user of Profile.Users is not signed in, so that what is theirs would not be tried: after the sign-in the form of /login was shown again"},
		"with 401":               {http.StatusUnauthorized, "/login", []map[string]string{fields("Email", "ann@site.test", "Password", "x")}, "the sign-in as user answered 401"},
		"with the way back":      {http.StatusSeeOther, "/login", []map[string]string{fields("Email", "ann@site.test", "Password", "x")}, "the form of /login was shown again"},
		"the second of the role": {0, "/login", []map[string]string{ann, fields("Email", "ben@site.test", "Password", "x")}, "user (another) of Profile.Users is not signed in"},
		"another field":          {0, "/login", []map[string]string{fields("Mail", "ann@site.test", "Password", "ann-long-password-1")}, ". User.Fields has Mail, Password, and the form of /login has Email, Password"},
		"another page":           {0, "/nosuch", []map[string]string{ann}, "/nosuch has no form with one password"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHall()
			p := attack.Profile{SignIn: c.signIn, State: h.state}
			for _, u := range c.users {
				p.Users = append(p.Users, attack.User{Fields: u})
			}
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rec := &refuser{ResponseWriter: w, status: c.refusal}
				if r.URL.Path != "/login" || r.Method != http.MethodPost {
					rec.status = 0
				}
				h.ServeHTTP(rec, r)
			})
			said := &recorder{ctx: t.Context()}
			attack.Handler(said, handler, p, func(o *attack.Options) { o.Classes = []string{"output"} })
			if got := strings.Join(said.errors(), "\n"); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("the test says %q, want %q", got, c.want)
			}
		})
	}
}

// A refuser answers with a status of its own where a page would be shown.
type refuser struct {
	http.ResponseWriter
	status int
	begun  bool
}

// WriteHeader implements [http.ResponseWriter].
func (w *refuser) WriteHeader(status int) {
	if w.begun = true; status == http.StatusOK && w.status != 0 {
		if status = w.status; status == http.StatusSeeOther {
			w.Header().Set("Location", "/login?wrong=1")
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *refuser) Write(b []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// TestWrongCalls: a call that cannot be sent, or is nobody's, is refused.
func TestWrongCalls(t *testing.T) {
	ann := attack.User{Fields: map[string]string{"Email": "ann@site.test", "Password": "ann-long-password-1"}}
	for name, c := range map[string]struct {
		profile attack.Profile
		want    string
	}{
		"json":    {attack.Profile{Calls: []attack.Call{{Method: "PUT", Path: "/api/me", JSON: `{"nick`}}}, `"PUT /api/me" of Profile.Calls has a body that is no JSON object: {"nick`},
		"method":  {attack.Profile{Calls: []attack.Call{{Path: "/api/me"}}}, "needs a method"},
		"path":    {attack.Profile{Calls: []attack.Call{{Method: "GET", Path: "api/me"}}}, "a path from the first / on"},
		"nobody":  {attack.Profile{Users: []attack.User{ann}, Calls: []attack.Call{{Method: "GET", Path: "/api/me", Of: "anne@site.test"}}}, `is of "anne@site.test", which none of Profile.Users types`},
		"sign-in": {attack.Profile{SignIn: "login"}, `Profile.SignIn "login" is no path`},
		"start":   {attack.Profile{Starts: []string{"https://site.test/a"}}, `"https://site.test/a" of Profile.Starts is no path`},
	} {
		if _, err := attack.Probe(t.Context(), newHall(), c.profile, attack.Options{Classes: []string{"platform"}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestNoSuchStart: a path that the profile names and the site does not have is told, one that it has is not.
func TestNoSuchStart(t *testing.T) {
	h := newHall()
	p := h.profile()
	p.Starts, p.Calls = []string{"/nosuch", "/private"}, []attack.Call{{Method: "GET", Path: "/api/nosuch"}}
	report := visited(t, h, p, nil, "output")
	got := strings.Join(tallyOf(t, report, "output").Left, "\n")
	for path, want := range map[string]bool{"/nosuch": true, "/api/nosuch": true, "/private": false} {
		if strings.Contains(got, "pages from "+path+" on, where the attack was to begin: there is no such page (404)") != want {
			t.Errorf("%s: the report says %q", path, got)
		}
	}
}
