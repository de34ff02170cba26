package beside_test

import (
	"bytes"
	"context"
	"database/sql"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	"github.com/justinas/nosurf"
	"github.com/unrolled/secure"
	"golang.org/x/crypto/bcrypt"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

const (
	host     = "shop.example.com"
	origin   = "https://" + host
	password = "correct horse battery staple"
)

// A kit is a site put together from the usual parts, each as its README shows it. The tries below add their handlers to its mux.
type kit struct {
	t        *testing.T
	dir      string
	db       *sql.DB
	sessions *scs.SessionManager
	csrf     *nosurf.CSRFHandler
	mux      *http.ServeMux
	handler  http.Handler
	server   *httptest.Server
	hashes   atomic.Int32 // how many passwords were hashed
	hashing  func()       // called with each
}

func newKit(t *testing.T) *kit {
	k := &kit{t: t, dir: t.TempDir(), mux: http.NewServeMux(), hashing: func() {}}
	var err error
	if k.db, err = sql.Open("sqlite", "file:"+filepath.Join(k.dir, "kit.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(OFF)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.db.Close() })
	for _, s := range []string{
		"CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL)",
		"CREATE TABLE note (id INTEGER PRIMARY KEY, owner INTEGER, author TEXT NOT NULL, text TEXT NOT NULL, link TEXT NOT NULL DEFAULT '')",
		"CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash TEXT NOT NULL DEFAULT '', plain TEXT NOT NULL DEFAULT '', is_admin BOOLEAN NOT NULL DEFAULT FALSE)",
		"CREATE TABLE reset (token TEXT PRIMARY KEY, user INTEGER NOT NULL, made INTEGER NOT NULL)",
	} {
		k.exec(s)
	}
	for id, name := range []string{"Ann", "Ben"} {
		k.addUser(strings.ToLower(name))
		k.exec("INSERT INTO note (owner, author, text) VALUES (?, ?, ?)", id+1, name, "a note of "+name)
	}
	k.exec("INSERT INTO note (author, text, link) VALUES ('Eve', '=1+1', 'javascript:alert(1)')")
	if err := os.Mkdir(k.uploads(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.dir, "secret.txt"), []byte("outside of the uploads"), 0o600); err != nil {
		t.Fatal(err)
	}

	k.sessions = scs.New()
	k.sessions.Store = sqlite3store.NewWithCleanupInterval(k.db, 0)
	k.sessions.Cookie.Secure = true
	k.csrf = nosurf.New(k.mux)
	headers := secure.New(secure.Options{
		AllowedHosts:          []string{host},
		SSLRedirect:           true,
		STSSeconds:            31536000,
		STSIncludeSubdomains:  true,
		STSPreload:            true,
		FrameDeny:             true,
		ContentTypeNosniff:    true,
		BrowserXssFilter:      true,
		ContentSecurityPolicy: "script-src $NONCE",
	})
	k.handler = headers.Handler(k.sessions.LoadAndSave(k.csrf))
	k.server = httptest.NewUnstartedServer(k.handler)
	k.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	k.server.StartTLS()
	t.Cleanup(k.server.Close)

	k.handle("GET /form", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, nosurf.Token(r)) })
	k.handle("POST /sign-in", k.signIn)
	k.handle("POST /sign-out", func(w http.ResponseWriter, r *http.Request) { _ = k.sessions.Destroy(r.Context()) })
	k.handle("GET /who", k.who)
	return k
}

func (k *kit) uploads() string { return filepath.Join(k.dir, "uploads") }

func (k *kit) exec(query string, args ...any) {
	k.t.Helper()
	if _, err := k.db.Exec(query, args...); err != nil {
		k.t.Fatal(err)
	}
}

// count returns the one number that a query asks for.
func (k *kit) count(query string, args ...any) (n int) {
	k.t.Helper()
	if err := k.db.QueryRow(query, args...).Scan(&n); err != nil {
		k.t.Fatal(err)
	}
	return n
}

func (k *kit) addUser(name string) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		k.t.Fatal(err)
	}
	k.exec("INSERT INTO user (name, hash) VALUES (?, ?)", name, string(hash))
}

func (k *kit) handle(pattern string, f http.HandlerFunc) { k.mux.HandleFunc(pattern, f) }

// compare is bcrypt, counted.
func (k *kit) compare(hash, password string) bool {
	k.hashes.Add(1)
	k.hashing()
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
}

func (k *kit) signIn(w http.ResponseWriter, r *http.Request) {
	var id int
	var hash string
	err := k.db.QueryRow("SELECT id, hash FROM user WHERE name = ?", r.FormValue("name")).Scan(&id, &hash)
	if err != nil || !k.compare(hash, r.FormValue("password")) {
		http.Error(w, "wrong name or password", http.StatusUnauthorized)
		return
	}
	if err := k.sessions.RenewToken(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	k.sessions.Put(r.Context(), "user", id)
}

// user returns who is signed in, as the table has it now; "" when nobody is.
func (k *kit) user(r *http.Request) (id int, name string, admin bool) {
	id = k.sessions.GetInt(r.Context(), "user")
	_ = k.db.QueryRow("SELECT name, is_admin FROM user WHERE id = ?", id).Scan(&name, &admin)
	return id, name, admin
}

func (k *kit) who(w http.ResponseWriter, r *http.Request) {
	if _, name, admin := k.user(r); admin {
		_, _ = io.WriteString(w, name+", admin")
	} else {
		_, _ = io.WriteString(w, name)
	}
}

// list is the page of a query with one column of texts.
func (k *kit) list(w http.ResponseWriter, query string, args ...any) {
	rows, err := k.db.Query(query, args...)
	if err != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	}
	defer rows.Close()
	var texts []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			http.Error(w, "failed", http.StatusInternalServerError)
			return
		}
		texts = append(texts, text)
	}
	if rows.Err() != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	}
	_ = listPage.Execute(w, texts)
}

var listPage = template.Must(template.New("").Parse(`<!doctype html><title>Notes</title><ul>{{range .}}<li>{{.}}</li>{{end}}</ul>`))

// show executes a page that is written in a try straight to the visitor, as html/template's documentation does.
func show(w http.ResponseWriter, page string, data any) error {
	return template.Must(template.New("").Parse("<!doctype html><title>Page</title>"+page)).Execute(w, data)
}

// A browser is a visitor over https, with cookies.
type browser struct {
	k      *kit
	client *http.Client
	jar    http.CookieJar
}

func (k *kit) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		k.t.Fatal(err)
	}
	transport := k.server.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, k.server.Listener.Addr().String())
	}
	k.t.Cleanup(transport.CloseIdleConnections)
	return &browser{k, &http.Client{Transport: transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, jar}
}

// signedIn is a browser of somebody who signed in by the page.
func (k *kit) signedIn(name string) *browser {
	k.t.Helper()
	b := k.browser()
	b.post("/sign-in", url.Values{"name": {name}, "password": {password}})
	if !strings.HasPrefix(b.get("/who").body, name) {
		k.t.Fatalf("%s cannot sign in", name)
	}
	return b
}

// An answer was read whole; one that broke off has the status 0.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; headers are pairs, and Host is one of them.
func (b *browser) do(method, path string, body io.Reader, headers ...string) answer {
	r, err := http.NewRequest(method, origin+path, body)
	if err != nil {
		b.k.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := b.client.Do(r)
	if err != nil {
		return answer{}
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return answer{}
	}
	return answer{got.StatusCode, got.Header, string(text)}
}

func (b *browser) get(path string, headers ...string) answer {
	return b.do(http.MethodGet, path, nil, headers...)
}

// ask is a GET with a query of one value.
func (b *browser) ask(path, name, value string) answer {
	return b.get(path + "?" + url.Values{name: {value}}.Encode())
}

const formType = "application/x-www-form-urlencoded"

// post sends a form of the site's own, with its token.
func (b *browser) post(path string, in url.Values, headers ...string) answer {
	return b.send(path, formType, strings.NewReader(in.Encode()), headers...)
}

// send posts a body with the token in a header, as a script of the site's own does.
func (b *browser) send(path, kind string, body io.Reader, headers ...string) answer {
	token := b.get("/form").body
	return b.do(http.MethodPost, path, body, append([]string{"Content-Type", kind, "X-CSRF-Token", token, "Sec-Fetch-Site", "same-origin", "Origin", origin}, headers...)...)
}

// forge sends a form of another site's.
func (b *browser) forge(path string, in url.Values, headers ...string) answer {
	return b.do(http.MethodPost, path, strings.NewReader(in.Encode()), append([]string{"Content-Type", formType}, headers...)...)
}

// cookie returns a cookie's value, "" when it is not there.
func (b *browser) cookie(name string) string {
	at, _ := url.Parse(origin)
	for _, c := range b.jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) setCookie(name, value string) {
	at, _ := url.Parse(origin)
	b.jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
}

// with is a browser that has a session's cookie from elsewhere.
func (k *kit) with(session string) *browser {
	b := k.browser()
	b.setCookie("session", session)
	return b
}

func quiet(do func(log io.Writer)) string {
	var b bytes.Buffer
	do(&b)
	return b.String()
}
