package attack_test

import (
	"crypto/tls"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/attack"
)

// leftOf attacks a handler with one class, before which something is done, and returns the verdict and what was left out.
func leftOf(t *testing.T, h http.Handler, p attack.Profile, class string, before func()) (verdict, left string) {
	t.Helper()
	report, err := attack.Probe(t.Context(), h, p, attack.Options{Classes: []string{class}, Budget: time.Minute, Told: func(_ string, f *attack.Finding) {
		if f == nil {
			before()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := tallyOf(t, report, class)
	return c.Verdict, strings.Join(c.Left, "\n")
}

// TestNotRefused: a site that answers that there are too many requests, or that fails, refuses nothing: its class does not pass.
func TestNotRefused(t *testing.T) {
	for status, want := range map[int]string{http.StatusOK: "", http.StatusTooManyRequests: "GET /: answered 429, too many requests", http.StatusServiceUnavailable: "class output: the site fails at the end of it"} {
		hall, now := newHall(), atomic.Int64{}
		hall.routes["/login"] = says("Sign in", "not today")
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if is := int(now.Load()); is >= 400 {
				http.Error(w, "no", is)
				return
			}
			hall.ServeHTTP(w, r)
		})
		verdict, left := leftOf(t, h, attack.Profile{}, "output", func() { now.Store(int64(status)) })
		if (verdict == "PASS") != (want == "") || !strings.Contains(left, want) {
			t.Errorf("%d: %s: %s", status, verdict, left)
		}
	}
}

// TestSpentUser: what is tried as a user who does not get in any more says nothing.
func TestSpentUser(t *testing.T) {
	for class, want := range map[string]string{"output": "what is tried as user: they were signed out, and after the sign-in /private is not shown", "limits": "guessing passwords: user does not get in by the right one"} {
		h := newHall()
		verdict, left := leftOf(t, h, h.profile(), class, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.pass["ann@site.test"] = "another-password"
			clear(h.live)
		})
		if verdict != "OPEN" || !strings.Contains(left, want) {
			t.Errorf("%s: %s: %s", class, verdict, left)
		}
	}
}

// TestNotTried: what a class of sessions did not come to is told.
func TestNotTried(t *testing.T) {
	h := newHall() // which does one thing at a time
	h.mine = []string{"/keep", "/password"}
	h.routes["/keep"] = keeps("/keep")
	h.routes["/password"] = signedIn(says("Password", `<form method="post" action="/password"><input type="password" name="Fresh">TOKEN</form>`))
	_, left := leftOf(t, h, h.profile(), "sessions", func() {})
	for _, want := range []string{"the sign-out in the midst of POST /keep did not end one", "sessions after a new password: none of the "} {
		if !strings.Contains(left, want) {
			t.Errorf("nothing is said of %q: %s", want, left)
		}
	}
	k := newKit(t)
	p := k.profile()
	p.Advance = nil
	if _, left := leftOf(t, k, p, "sessions", func() {}); !strings.Contains(left, "two days after they were mailed: the site's clock cannot be moved") {
		t.Errorf("nothing is said of old links: %s", left)
	}
}

// hangsUp ends the connection of a request without an answer.
func hangsUp(t *testing.T, w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_ = c.Close()
}

// TestNoAnswerNoFinding: a page that was not answered once has no headers that lack, and is nobody's alone.
func TestNoAnswerNoFinding(t *testing.T) {
	hall, looks := newHall(), atomic.Int64{}
	front := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Site") != "" && looks.Add(1) <= 3 {
			hangsUp(t, w)
			return
		}
		hall.ServeHTTP(w, r)
	})
	visited(t, front, attack.Profile{Starts: []string{"/login"}}, nil, "platform")
	other := newHall()
	other.links = []string{"/public"}
	other.routes["/public"] = says("Public", "for everybody")
	asked := atomic.Int64{}
	visited(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/public" && asked.Add(1) == 1 {
			hangsUp(t, w)
			return
		}
		other.ServeHTTP(w, r)
	}), other.profile(), nil, "sessions")
}

// TestRefusedKindly: what a site writes by itself is no proof that a form or a call was taken that it refuses with a page.
func TestRefusedKindly(t *testing.T) {
	h := newHall()
	h.mine, h.free, h.sameSite = []string{"/keep"}, "/keep", http.SameSiteNoneMode
	keep := keeps("/keep")
	h.routes["/keep"] = func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
		if r.Method == http.MethodPost && (r.Header.Get("Sec-Fetch-Site") != "same-origin" || r.Header.Get("Origin") != "https://site.test" || r.FormValue(h.token) != h.proof(nil, r)) {
			h.page(w, r, "Keep", "that was not you")
			return
		}
		keep(h, w, r, user)
	}
	h.routes["/api/like"] = says("Like", "that was not you")
	p := h.profile()
	p.Calls = []attack.Call{{Method: "POST", Path: "/api/like", JSON: `{"up":true,"why":"x"}`}}
	p.State = func() string { return fmt.Sprint(h.state(), time.Now().UnixNano()) }
	visited(t, h, p, nil, "forgery")
}

// TestPolicyOfThePage: a policy that stands in the page is one (CSP3 3.3), but for frames.
func TestPolicyOfThePage(t *testing.T) {
	for policy, want := range map[string][]string{"default-src 'none'; script-src 'nonce-x'; require-trusted-types-for 'script'": nil,
		"script-src *; require-trusted-types-for 'script'": {attack.RulePolicy.ID + " GET /"}, "script-src 'self'": {attack.RuleTrustedTypes.ID + " GET /"}, "": {attack.RulePolicy.ID + " GET /"}} {
		probed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			w.Header().Set("X-Frame-Options", "DENY")
			fmt.Fprintf(w, `<title>x</title><meta http-equiv="Content-Security-Policy" content="%s"><a href="/?q=a">a</a>`, policy)
		}), attack.Profile{}, want, "output")
	}
}

// TestUniqueTexts: a form that refuses a text which it has taken already runs none.
func TestUniqueTexts(t *testing.T) {
	h := newHall()
	h.mine = []string{"/one", "/two"}
	taken := map[string]string{"a": "another's"}
	for _, p := range h.mine {
		keep := keeps(p)
		h.routes[p] = func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
			text := r.PostFormValue("Text")
			if by, is := taken[text]; r.Method == http.MethodPost && is && by != p {
				h.page(w, r, "Taken", "There is one of that name.")
				return
			}
			if r.Method == http.MethodPost {
				taken[text] = p
			}
			keep(h, w, r, user)
		}
	}
	probed(t, h, h.profile(), nil, "injection")
}

// TestFailsByChance: a page that fails once, when a statement was typed, is not run by it.
func TestFailsByChance(t *testing.T) {
	failed := atomic.Bool{}
	probed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.FormValue("q"), "(SELECT '' FROM mq") && failed.CompareAndSwap(false, true) {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<title>x</title><a href="/?q=a">a</a>`)
	}), attack.Profile{}, nil, "injection")
	h := newHall()
	h.mine = []string{"/keep", "/other"}
	keep, armed := keeps("/keep"), false
	h.routes["/keep"] = func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
		armed = armed || strings.Contains(r.FormValue("Text"), "(SELECT '' FROM mq")
		keep(h, w, r, user)
	}
	h.routes["/other"] = func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
		if armed {
			armed = false
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		h.page(w, r, "Other", "another page")
	}
	visited(t, h, h.profile(), nil, "injection")
}

// TestOneAddress: over a connection strangers and the owner of an account have one address; a site that stops it keeps nobody out.
func TestOneAddress(t *testing.T) {
	wrong := atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		c, err := r.Cookie("who")
		switch in := err == nil && c.Value == restlessCookie; {
		case r.URL.Path == "/mine" && in:
			fmt.Fprint(w, `<title>mine</title>mine alone`)
		case r.URL.Path != "/":
			http.Redirect(w, r, "/", http.StatusSeeOther)
		case r.Method == http.MethodPost && wrong.Load() > 30:
			http.Error(w, "too many", http.StatusTooManyRequests)
		case r.Method == http.MethodPost && r.FormValue("Password") == "ann-long-password-1":
			http.SetCookie(w, &http.Cookie{Name: "who", Value: restlessCookie, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
			http.Redirect(w, r, "/mine", http.StatusSeeOther)
		default:
			if r.Method == http.MethodPost {
				wrong.Add(1)
			}
			fmt.Fprint(w, `<title>in</title><a href="/mine">mine</a><form method="post" action="/"><input type="email" name="Email"><input type="password" name="Password"></form>`)
		}
	}))
	defer srv.Close()
	p := attack.Profile{SignIn: "/", Users: []attack.User{{Fields: map[string]string{"Email": "ann@site.test", "Password": "ann-long-password-1"}}}}
	report, err := attack.URL(t.Context(), srv.URL, p, attack.Options{Classes: []string{"limits"}, Budget: time.Minute})
	if err != nil || len(report.Findings) > 0 {
		t.Fatalf("found %q, %v", told(report), err)
	}
	if left := strings.Join(tallyOf(t, report, "limits").Left, "\n"); !strings.Contains(left, "whether strangers can keep an owner out") {
		t.Errorf("the report says %s", left)
	}
}

// TestSecureOverHTTP: whether a cookie is Secure is told of a site that has TLS.
func TestSecureOverHTTP(t *testing.T) {
	for origin, want := range map[string][]string{"https://site.test": {attack.RuleCookie.ID}, "http://site.test": nil} {
		h := newHall()
		p := h.profile()
		p.Origin = origin
		report := visited(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.TLS = &tls.ConnectionState{} // the hall wants it
			if o := r.Header.Get("Origin"); o == "http://site.test" {
				r.Header.Set("Origin", "https://site.test")
			}
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			for name, all := range rec.Header() {
				for _, value := range all {
					w.Header().Add(name, strings.ReplaceAll(value, "; Secure", ""))
				}
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		}), p, want, "sessions")
		if left := strings.Join(tallyOf(t, report, "sessions").Left, "\n"); strings.Contains(left, "whether the cookie __Host-sid is Secure") != (want == nil) {
			t.Errorf("%s: %s", origin, left)
		}
	}
}

// TestManyPictures: of the pictures of a site no more is kept than tells what they are.
func TestManyPictures(t *testing.T) {
	h := newHall()
	for i := range 150 {
		h.links = append(h.links, fmt.Sprintf("/pictures/of-wall-%d-and-more.jpg", i))
	}
	picture := append([]byte("\xff\xd8\xff"), make([]byte, 1<<20)...)
	h.routes["/pictures/"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(picture)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, _ = leftOf(t, h, h.profile(), "platform", func() {
		runtime.GC()
		runtime.ReadMemStats(&after)
	})
	if kept := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) >> 20; kept > 100 {
		t.Errorf("%d MB are kept of 450 pictures of 1 MB", kept)
	}
}

// TestGuessedCodes: a code that is taken after many wrong ones was guessed; a site that counts them and takes none any more writes, too.
func TestGuessedCodes(t *testing.T) {
	for most, want := range map[int][]string{5: nil, 1000: {attack.RuleGuessing.ID}} {
		h := newHall()
		h.links = []string{"/forgot", "/code"}
		code, wrong := "", 0
		h.routes["/forgot"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			if r.Method == http.MethodPost && h.pass[r.PostFormValue("Email")] != "" {
				code = fmt.Sprint(730000 + h.n)
				h.n++
				fmt.Fprintf(&h.mails, "your code is %s\n", code)
			}
			h.page(w, r, "Forgot", `A mail is on its way to whom we know<form method="post" action="/forgot"><input type="email" name="Email">TOKEN</form>`)
		}
		h.routes["/code"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			text := ""
			if typed := r.PostFormValue("Code"); r.Method == http.MethodPost {
				if typed == code && wrong < most {
					h.data["taken"] = typed
					http.Redirect(w, r, "/login", http.StatusSeeOther)
					return
				}
				wrong++
				h.data["wrong"] = fmt.Sprint(wrong)
				text = template.HTMLEscapeString(typed) + " is not it, or too many were not"
			}
			h.page(w, r, "Code", text+`<form method="post" action="/code"><input name="Code">TOKEN</form>`)
		}
		p := h.profile()
		p.Mail = h.mails.String
		visited(t, h, p, want, "limits")
	}
}

// TestNoticedLater: a refusal that is recorded behind its answer is noticed.
func TestNoticedLater(t *testing.T) {
	h, seen := newHall(), atomic.Int64{}
	h.mine = []string{"/keep"}
	h.routes["/keep"] = keeps("/keep")
	p := h.profile()
	p.Noticed = func() int { return int(seen.Load()) }
	visited(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		time.AfterFunc(10*time.Millisecond, func() { seen.Add(1) })
	}), p, nil, "forgery", "platform")
}

// TestLateToken: a token by another name is one also in a form that stands there only once another was sent.
func TestLateToken(t *testing.T) {
	h := newHall()
	h.mine, h.free = []string{"/keep"}, "/more"
	keep := keeps("/keep")
	h.routes["/keep"] = func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
		if r.Method == http.MethodGet && h.data["/keep"+user] != "" {
			h.page(w, r, "Keep", `<a href="/more">more</a><form method="post" action="/keep"><input name="Text">TOKEN</form>`)
			return
		}
		keep(h, w, r, user)
	}
	h.routes["/more"] = signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
		seal := hashed("seal" + h.proof(w, r))
		switch {
		case r.Method == http.MethodPost && r.PostFormValue("seal") != seal:
			http.Error(w, "forged", http.StatusForbidden)
		case r.Method == http.MethodPost:
			h.data["more"+user] = r.PostFormValue("Text")
			http.Redirect(w, r, "/more", http.StatusSeeOther)
		default:
			h.page(w, r, "More", `<form method="post" action="/more"><input name="Text"><input type="hidden" name="seal" value="`+seal+`"></form>`)
		}
	})
	report := visited(t, h, h.profile(), nil, "forgery")
	if c := report.Coverage; c.Accepted < 2 {
		t.Errorf("the form was not sent\n%s", c)
	}
}

// TestDeedOnce: a link that only looks as if it took something away changed nothing, not even once.
func TestDeedOnce(t *testing.T) {
	h := newHall()
	h.mine = []string{"/things/1/delete"}
	h.routes["/things/1/delete"] = signedIn(says("Delete", "really?"))
	report := visited(t, h, h.profile(), nil, "forgery")
	if told := report.Coverage.String(); strings.Contains(told, "they changed once") {
		t.Errorf("the report says\n%s", told)
	}
}

// TestUntrusted: a site whose certificate this machine does not trust is told as that.
func TestUntrusted(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	if _, err := attack.URL(t.Context(), srv.URL, attack.Profile{}, attack.Options{Classes: []string{"platform"}}); err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("got %v", err)
	}
}

// TestWrongPasswordSaysLittle: a password that opens nothing is told, also where the site answers with a page that has no form.
func TestWrongPasswordSaysLittle(t *testing.T) {
	for password, want := range map[string]string{"ann-long-password-1": "", "x": "/login answers as to a password that was made up"} {
		hall := newHall()
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			if hall.ServeHTTP(rec, r); r.Method == http.MethodPost && rec.Code == http.StatusOK {
				rec = httptest.NewRecorder()
				rec.Header().Set("Content-Type", "text/html")
				fmt.Fprintf(rec, "<title>no</title>That was not it, at %d", time.Now().UnixNano())
			}
			for name, all := range rec.Header() {
				w.Header()[name] = slices.Clone(all)
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
		p := attack.Profile{SignIn: "/login", Users: []attack.User{{Fields: map[string]string{"Email": "ann@site.test", "Password": password}}}}
		if _, err := attack.Probe(t.Context(), h, p, attack.Options{Classes: []string{"output"}}); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", password, err)
		}
	}
}
