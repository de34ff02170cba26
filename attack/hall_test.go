package attack_test

import (
	"crypto/sha256"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/attack"
)

// A hall is a sound site of net/http and nothing else: a sign-in, a sign-out, a page for each. A test plugs further routes in,
// sound ones that look wrong, and wrong ones.
type hall struct {
	mu          sync.Mutex
	pass, role  map[string]string // by the name of a user
	live        map[string]string // hash of a cookie: user
	fails       map[string]int
	devices     map[string]string
	data        map[string]string
	routes      map[string]hallRoute // by path; one that ends in / has all below it
	links, mine []string             // of the menu: everybody's, and who is signed in's
	name, pwd   string               // names of the sign-in's fields
	token       string
	tokenAlone  bool   // no look at where a form came from
	free        string // path of a form that looks itself at where it came from, or does not
	leave       string
	wrongName   string
	sameSite    http.SameSite // of its cookies
	mails       strings.Builder
	n           int
}

type hallRoute func(h *hall, w http.ResponseWriter, r *http.Request, user string)

func newHall() *hall {
	return &hall{pass: map[string]string{"ann@site.test": "ann-long-password-1", "ben@site.test": "ben-long-password-2"}, role: map[string]string{}, live: map[string]string{}, fails: map[string]int{},
		devices: map[string]string{}, data: map[string]string{}, routes: map[string]hallRoute{}, name: "Email", pwd: "Password", token: "csrf_token", leave: "/logout", sameSite: http.SameSiteLaxMode, wrongName: "No such user or password."}
}

// chair adds a user of another role, with a page that is for them alone.
func (h *hall) chair(role string) {
	h.pass["cleo@site.test"], h.role["cleo@site.test"] = "cleo-long-password-3", role
	h.mine = append(h.mine, "/house")
	h.routes["/house"] = signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
		link := ""
		if h.role[user] == role {
			link = `<a href="/desk">desk</a>`
		}
		h.page(w, r, "House", "the house of all "+link)
	})
	h.routes["/desk"] = signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
		if h.role[user] != role {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		h.page(w, r, "Desk", `the plans of those who have the chair, for them alone <a href="/manual">the manual</a>`)
	})
}

func (h *hall) profile() attack.Profile {
	p := attack.Profile{SignIn: "/login", State: h.state}
	for _, name := range slices.Sorted(maps.Keys(h.pass)) {
		p.Users = append(p.Users, attack.User{Role: h.role[name], Fields: map[string]string{h.name: name, h.pwd: h.pass[name]}})
	}
	return p
}

func (h *hall) state() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return fmt.Sprint(h.data, h.role, h.live, slices.Sorted(maps.Keys(h.pass)))
}

func hashed(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

// proof is the token of the browser, which is given a cookie where it has none.
func (h *hall) proof(w http.ResponseWriter, r *http.Request) string {
	for _, name := range []string{"__Host-sid", "__Host-pre"} {
		if c, err := r.Cookie(name); err == nil && (name == "__Host-pre" || h.live[hashed(c.Value)] != "") {
			return hashed("csrf" + c.Value)
		}
	}
	if w == nil {
		return ""
	}
	return hashed("csrf" + h.cookie(w, "__Host-pre"))
}

func (h *hall) cookie(w http.ResponseWriter, name string) string {
	value := random()
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: h.sameSite})
	return value
}

// page writes a page; body is markup, in which TOKEN stands for the hidden field.
func (h *hall) page(w http.ResponseWriter, r *http.Request, title, body string) {
	token := fmt.Sprintf(`<input type="hidden" name="%s" value="%s">`, h.token, h.proof(w, r))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><html lang="en"><title>%[1]s</title><body><h1>%[1]s</h1><nav><a href="/">home</a> `, title)
	links := h.links
	if h.user(r) != "" {
		links = append(append(slices.Clone(links), h.mine...), "/private")
		fmt.Fprintf(w, `<form method="post" action="%s">%s<button>out</button></form>`, h.leave, token)
	} else {
		links = append(slices.Clone(links), "/login")
	}
	for _, l := range links {
		fmt.Fprintf(w, `<a href="%[1]s">%[1]s</a> `, template.HTMLEscapeString(l))
	}
	fmt.Fprintf(w, `</nav><main>%s</main></body></html>`, strings.ReplaceAll(body, "TOKEN", token))
}

func (h *hall) user(r *http.Request) string {
	c, err := r.Cookie("__Host-sid")
	if err != nil {
		return ""
	}
	return h.live[hashed(c.Value)]
}

// ServeHTTP implements [http.Handler].
func (h *hall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	own := r.Header.Get("Sec-Fetch-Site") == "same-origin" && r.Header.Get("Origin") == "https://site.test"
	for name, value := range map[string]string{"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Strict-Transport-Security": "max-age=63072000"} {
		w.Header().Set(name, value)
	}
	call := strings.HasPrefix(r.URL.Path, "/api/")
	switch {
	case r.Method == http.MethodTrace:
		http.Error(w, "no", http.StatusMethodNotAllowed)
	case r.Host != "site.test":
		http.Error(w, "another name", http.StatusMisdirectedRequest)
	case r.TLS == nil:
		http.Redirect(w, r, "https://site.test/", http.StatusPermanentRedirect)
	case r.Method == http.MethodPost && !call && r.ParseMultipartForm(1<<20) != nil && r.ParseForm() != nil:
		http.Error(w, "bad", http.StatusRequestEntityTooLarge)
	case r.Method == http.MethodPost && !call && r.URL.Path != h.free && (!own && !h.tokenAlone || r.FormValue(h.token) == "" || r.FormValue(h.token) != h.proof(nil, r)):
		http.Error(w, "forged", http.StatusForbidden)
	default:
		h.route(r.URL.Path)(h, w, r, h.user(r))
	}
}

func (h *hall) route(path string) hallRoute {
	if f := h.routes[path]; f != nil {
		return f
	}
	for at, f := range h.routes {
		if strings.HasSuffix(at, "/") && strings.HasPrefix(path, at) {
			return f
		}
	}
	switch path {
	case "/":
		return func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			h.page(w, r, "Home", "welcome to the hall of people who like walls")
		}
	case "/private":
		return signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
			h.page(w, r, "Mine", "this page is for "+template.HTMLEscapeString(user)+" and for nobody else")
		})
	case "/login":
		return (*hall).login
	case h.leave:
		return func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			if c, err := r.Cookie("__Host-sid"); err == nil && r.Method == http.MethodPost {
				delete(h.live, hashed(c.Value))
				http.SetCookie(w, &http.Cookie{Name: "__Host-sid", Path: "/", MaxAge: -1, Secure: true})
			}
			http.Redirect(w, r, "/", http.StatusSeeOther)
		}
	}
	return func(_ *hall, w http.ResponseWriter, r *http.Request, _ string) { http.NotFound(w, r) }
}

func (h *hall) login(w http.ResponseWriter, r *http.Request, _ string) {
	name, text := r.PostFormValue(h.name), ""
	device, err := r.Cookie("__Host-dev")
	known := err == nil && h.devices[name] == device.Value
	switch {
	case r.Method != http.MethodPost:
	case h.fails[name] >= 10 && !known:
		http.Error(w, "too many tries", http.StatusTooManyRequests)
		return
	case h.pass[name] != "" && h.pass[name] == r.PostFormValue(h.pwd):
		if c, err := r.Cookie("__Host-sid"); err == nil {
			delete(h.live, hashed(c.Value))
		}
		h.fails[name] = 0
		h.live[hashed(h.cookie(w, "__Host-sid"))] = name
		h.devices[name] = h.cookie(w, "__Host-dev")
		http.Redirect(w, r, "/private", http.StatusSeeOther)
		return
	default:
		h.fails[name]++
		if text = "No such user or password."; h.pass[name] == "" {
			text = h.wrongName
		}
	}
	kind := "text"
	if h.name == "Email" {
		kind = "email"
	}
	h.page(w, r, "Sign in", fmt.Sprintf(`<p>%s</p><form method="post" action="/login"><input name="%s" type="%s"><input type="password" name="%s">TOKEN<button>in</button></form>`, text, h.name, kind, h.pwd))
}

// signedIn sends others to the sign-in.
func signedIn(f hallRoute) hallRoute {
	return func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
		if user == "" {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		}
		f(h, w, r, user)
	}
}

// says is a page with one text.
func says(title, body string) hallRoute {
	return func(h *hall, w http.ResponseWriter, r *http.Request, _ string) { h.page(w, r, title, body) }
}

// keeps is a form with one text for who is signed in, whose last text the page shows.
func keeps(path string) hallRoute {
	return signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
		if r.Method == http.MethodPost {
			h.data[path+user] = r.PostFormValue("Text")
			http.Redirect(w, r, path, http.StatusSeeOther)
			return
		}
		h.page(w, r, "Keep", template.HTMLEscapeString(h.data[path+user])+`<form method="post" action="`+path+`"><input name="Text">TOKEN</form>`)
	})
}

// visited attacks a hall with some classes, and holds the rules that are told against those that are wanted, none for a sound one.
func visited(t *testing.T, handler http.Handler, p attack.Profile, want []string, classes ...string) *attack.Report {
	t.Helper()
	report, err := attack.Probe(t.Context(), handler, p, attack.Options{Classes: classes, Budget: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, f := range report.Findings {
		got[f.ID] = true
	}
	if ids := slices.Sorted(maps.Keys(got)); !slices.Equal(ids, want) {
		t.Errorf("found %q, want %q\n%s", ids, want, report.Coverage)
		for _, f := range report.Findings {
			t.Logf("%s\n%s", f.Text(), f.Curl)
		}
	}
	return report
}

// TestHall: the hall as it stands has no findings.
func TestHall(t *testing.T) {
	h := newHall()
	h.chair("chair")
	visited(t, h, h.profile(), nil)
}
