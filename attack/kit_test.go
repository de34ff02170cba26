package attack_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver"

	"github.com/merlon-web/merlon/attack"
)

// A kit is a small site of net/http, html/template and database/sql. With no hole it is sound; each hole takes one guard out.
type kit struct {
	hole   map[string]bool
	mu     sync.Mutex
	db     *sql.DB
	users  map[string]*kitUser
	live   map[string]*kitSession // by the hash of the token; by the token itself with the hole raw
	fails  map[string]int
	grown  int
	log    strings.Builder
	offset time.Duration
	dir    string
	mails  strings.Builder
	links  map[string]kitLink
	seen   atomic.Int64 // refusals that were recorded
	backup *kitBackup
}

// A kitLink is one that was mailed for a new password.
type kitLink struct {
	user  *kitUser
	until time.Duration // of the kit's clock
}

type kitUser struct {
	name, password string
	codes          map[string]bool // of the second step, not used yet; nil: there is none
	admin, out     bool
	wrong          int // old passwords that were wrong
	device         string
}

type kitSession struct {
	user  *kitUser
	half  bool // the second step is still to come
	pre   string
	begun time.Time
}

func newKit(t *testing.T, holes ...string) *kit {
	t.Helper()
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // each connection has a memory of its own
	t.Cleanup(func() { _ = db.Close() })
	k := &kit{hole: map[string]bool{}, db: db, live: map[string]*kitSession{}, fails: map[string]int{}, dir: t.TempDir(), users: map[string]*kitUser{
		"ann@kit.test": {name: "ann@kit.test", password: "ann-long-password-1"}, "ben@kit.test": {name: "ben@kit.test", password: "ben-long-password-2"},
		"cleo@kit.test": {name: "cleo@kit.test", password: "cleo-long-password-3", admin: true, codes: map[string]bool{}}},
		links: map[string]kitLink{}}
	for _, h := range holes {
		k.hole[h] = true
	}
	for _, s := range []string{"CREATE TABLE news (id INTEGER PRIMARY KEY, title TEXT)", "CREATE TABLE note (id INTEGER PRIMARY KEY, owner TEXT, body TEXT)",
		"INSERT INTO news (title) VALUES ('apple harvest'), ('boat for sale'), ('carnival plans')"} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(k.dir, "rules.txt"), []byte("be kind"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.backup = newKitBackup(t, k)
	return k
}

func (k *kit) profile() attack.Profile {
	return attack.Profile{Users: []attack.User{
		{Fields: map[string]string{"Email": "ann@kit.test", "Password": "ann-long-password-1"}},
		{Fields: map[string]string{"Email": "ben@kit.test", "Password": "ben-long-password-2"}},
		{Role: "admin", Fields: map[string]string{"Email": "cleo@kit.test", "Password": "cleo-long-password-3"}, Next: k.code}},
		Mail: k.mails.String, Noticed: func() int { return int(k.seen.Load()) }, Disable: k.disable, State: k.state, Log: k.log.String, Advance: func(d time.Duration) { k.offset += d }, Backups: k.backup.backups()}
}

// code makes a code for the second step, good once.
func (k *kit) code() map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := random()[:6]
	k.users["cleo@kit.test"].codes[c] = true
	return map[string]string{"Code": c}
}

func (k *kit) disable(u attack.User, out bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.users[u.Fields["Email"]].out = out
}

// refuse answers and records it.
func (k *kit) refuse(w http.ResponseWriter, text string, status int) {
	if !k.hole["unnoticed"] {
		k.seen.Add(1)
	}
	http.Error(w, text, status)
}

// state is all that the kit keeps.
func (k *kit) state() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []string
	for _, q := range []string{"SELECT id || title FROM news", "SELECT id || owner || body FROM note"} {
		rows, err := k.db.Query(q)
		if err != nil {
			return err.Error()
		}
		for rows.Next() {
			var s string
			_ = rows.Scan(&s)
			all = append(all, s)
		}
		_ = rows.Close()
	}
	for key, s := range k.live {
		if s.user != nil {
			all = append(all, "session "+key+" "+s.user.name)
		}
	}
	for _, u := range k.users {
		all = append(all, fmt.Sprint(u.name, sha256.Sum256([]byte("kit"+u.password)), u.admin))
	}
	sort.Strings(all)
	return fmt.Sprint(k.grown, strings.Join(all, "\n"))
}

func random() string {
	var b [24]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func (k *kit) key(token string) string {
	if k.hole["raw"] {
		return token
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func (k *kit) cookieName() string {
	if k.hole["cookie"] {
		return "sid"
	}
	return "__Host-sid"
}

func (k *kit) session(r *http.Request) (string, *kitSession) {
	c, err := r.Cookie(k.cookieName())
	if err != nil || len(c.Value) < 16 {
		return "", nil
	}
	s := k.live[k.key(c.Value)]
	if s != nil && s.user != nil && s.user.out && !k.hole["disabled"] {
		return "", nil
	}
	if s != nil && !k.hole["endless"] && time.Since(s.begun)+k.offset > 30*24*time.Hour {
		return "", nil
	}
	return c.Value, s
}

func (k *kit) give(w http.ResponseWriter, s *kitSession) string {
	token := random()
	s.pre, s.begun = random(), time.Now().Add(k.offset).Add(-k.offset)
	k.live[k.key(token)] = s
	k.setCookie(w, token)
	return token
}

func (k *kit) setCookie(w http.ResponseWriter, token string) {
	c := &http.Cookie{Name: k.cookieName(), Value: token, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if k.hole["cookie"] {
		c.Secure, c.HttpOnly, c.SameSite = false, false, 0
	}
	if k.hole["socket"] && !k.hole["socketlax"] {
		c.SameSite = http.SameSiteNoneMode
	}
	http.SetCookie(w, c)
}

// token of a form, bound to the session.
func (k *kit) token(s *kitSession) string {
	if s == nil {
		return ""
	}
	return k.key("form " + s.pre)
}

// ServeHTTP implements [http.Handler].
func (k *kit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.Method == http.MethodPost {
		token, was := k.session(r)
		k.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		k.mu.Lock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if k.hole["revive"] && was != nil && r.URL.Path != "/sign-out" {
			defer func() { k.live[k.key(token)] = was }()
		}
	}
	if k.hole["trace"] && r.Method == "TRACE" {
		_ = r.Write(w)
		return
	}
	if r.Host != "site.test" && !k.hole["host"] {
		http.Error(w, "another name", http.StatusMisdirectedRequest)
		return
	}
	if r.TLS == nil && !k.hole["plain"] {
		http.Redirect(w, r, "https://site.test/", http.StatusPermanentRedirect)
		return
	}
	h := w.Header()
	for name, v := range map[string]string{"Content-Security-Policy": "default-src 'none'; script-src 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'",
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Strict-Transport-Security": "max-age=63072000"} {
		h.Set(name, v)
	}
	switch {
	case k.hole["csp"]:
		h.Set("Content-Security-Policy", "script-src 'self' 'unsafe-inline'; frame-ancestors 'none'; require-trusted-types-for 'script'")
	case k.hole["types"]:
		h.Set("Content-Security-Policy", "script-src 'self'; frame-ancestors 'none'")
	case k.hole["frame"]:
		h.Set("Content-Security-Policy", "script-src 'self'; require-trusted-types-for 'script'")
	case k.hole["sniff"]:
		h.Del("X-Content-Type-Options")
	case k.hole["cache"]:
		h.Set("Cache-Control", "public, max-age=600")
	case k.hole["hsts"]:
		h.Del("Strict-Transport-Security")
	}
	if r.Method == http.MethodPost && !k.mayPost(w, r) {
		return
	}
	k.route(w, r)
}

// mayPost is the kit's guard against forged requests.
func (k *kit) mayPost(w http.ResponseWriter, r *http.Request) bool {
	most := int64(1 << 20)
	if k.hole["large"] {
		most = 64 << 20
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	if err := r.ParseForm(); err != nil && !k.hole["large"] {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return false
	}
	if k.hole["crosssite"] || k.hole["signinforged"] && r.URL.Path == "/sign-in" {
		return true
	}
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	ok := site == "same-origin" && origin == "https://site.test"
	ok = ok || k.hole["samesite"] && site == "same-site" || k.hole["noproof"] && site == "" && origin == "" || k.hole["plainorigin"] && origin == "http://site.test"
	_, s := k.session(r)
	tokenOK := s != nil && r.PostFormValue("csrf_token") == k.token(s)
	if k.hole["exempt"] || k.hole["samesite"] || k.hole["noproof"] || k.hole["plainorigin"] {
		tokenOK = true
	}
	if k.hole["foreigntoken"] && len(r.PostFormValue("csrf_token")) == 64 {
		tokenOK = true
	}
	if !ok || !tokenOK {
		k.refuse(w, "forged", http.StatusForbidden)
		return false
	}
	return true
}

var kitPage = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><title>{{.Title}}</title><body><h1>{{.Title}}</h1>
<nav><a href="/">home</a> <a href="/news?q=&amp;sort=title">news</a> <a href="/sign-in">sign in</a>
{{if .User}}<a href="/notes">notes</a> <a href="/password">password</a> <form method="post" action="/sign-out"><input type="hidden" name="csrf_token" value="{{.Token}}"><button>out</button></form>{{end}}
{{if .Admin}}<a href="/admin">admin</a> <a href="/admin/export.csv">export</a>{{end}}{{range .Links}}<a href="{{.}}">{{.}}</a> {{end}}</nav>
{{range .Lines}}<p>{{.}}</p>{{end}}{{.Raw}}
{{range .Forms}}<form method="post" action="{{.Action}}" >{{range .Fields}}<input name="{{.}}" type="{{if eq . "Email"}}email{{else if or (eq . "Password") (eq . "OldPassword")}}password{{else if eq . "next"}}hidden{{else}}text{{end}}">{{end}}
<input type="hidden" name="csrf_token" value="{{$.Token}}"><button>send</button></form>{{end}}</body></html>`))

type kitForm struct {
	Action string
	Fields []string
}

type kitData struct {
	Title, Token string
	User, Admin  bool
	Links, Lines []string
	Forms        []kitForm
	Raw          template.HTML
}

func (k *kit) show(w http.ResponseWriter, r *http.Request, d kitData) {
	_, s := k.session(r)
	if s == nil {
		if len(d.Forms) > 0 {
			s = &kitSession{}
			k.give(w, s)
		}
	} else {
		d.User, d.Admin = s.user != nil && !s.half, s.user != nil && s.user.admin && !s.half
	}
	d.Token = k.token(s)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = kitPage.Execute(w, d)
}

func (k *kit) limited(email string, r *http.Request) bool {
	if c, err := r.Cookie("__Host-device"); err == nil && k.users[email] != nil && c.Value == k.users[email].device && !k.hole["lockout"] {
		return false
	}
	return k.fails[email] >= 10 && !k.hole["guess"]
}

func (k *kit) signIn(w http.ResponseWriter, r *http.Request) {
	email, password := r.PostFormValue("Email"), r.PostFormValue("Password")
	old, s := k.session(r)
	u := k.users[email]
	if k.limited(email, r) {
		http.Error(w, "too many tries", http.StatusTooManyRequests)
		return
	}
	if k.hole["sqlsignin"] {
		var n int
		_ = k.db.QueryRow("SELECT count(*) FROM news WHERE title = '" + password + "'").Scan(&n)
		if n > 0 {
			u, password = k.users["ann@kit.test"], k.users["ann@kit.test"].password
		}
	}
	if k.hole["parallel"] { // it compares, and counts afterwards
		k.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
		k.mu.Lock()
	}
	if u == nil || u.password != password || u.out {
		k.fails[email]++
		text := "No such user or password."
		if k.hole["told"] && u == nil {
			text = "There is no such user."
		}
		k.show(w, r, kitData{Title: "Sign in", Lines: []string{text}, Forms: []kitForm{{"/sign-in", []string{"Email", "Password", "next"}}}})
		return
	}
	k.fails[email] = 0
	u.device = random()
	http.SetCookie(w, &http.Cookie{Name: "__Host-device", Value: u.device, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	half := u.codes != nil && !k.hole["halfway"]
	switch {
	case k.hole["fixation"] && s != nil:
		s.user, s.half = u, half
	default:
		delete(k.live, k.key(old))
		k.give(w, &kitSession{user: u, half: half})
	}
	to := "/"
	if u.codes != nil {
		to = "/second"
	} else if next := r.PostFormValue("next"); k.hole["next"] && next != "" && next != "mq0x" {
		to = next
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
