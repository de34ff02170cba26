package main_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/examples/leaky/site"
)

// A replay sends the request of one finding to a fresh site, and looks for what the finding says.
type replay struct {
	t    *testing.T
	s    *site.Site
	p    attack.Profile
	f    attack.Finding
	sid  string // of who attacked
	ans  *httptest.ResponseRecorder
	body string

	mailed int  // how much was mailed before
	plain  bool // without TLS
}

// send sends a request of a finding with a session.
func (r *replay) send(q attack.Request, sid string) *httptest.ResponseRecorder {
	scheme := "https"
	if r.plain {
		scheme = "http"
	}
	req := httptest.NewRequest(q.Method, scheme+"://club.example"+q.Path, strings.NewReader(q.Body))
	for _, h := range q.Header {
		req.Header.Add(h[0], h[1])
	}
	if q.Host != "" {
		req.Host = q.Host
	}
	if q.From != "" {
		req.RemoteAddr = q.From + ":40000"
	}
	if sid != "" {
		req.AddCookie(&http.Cookie{Name: "sid", Value: sid})
	}
	w := httptest.NewRecorder()
	r.s.ServeHTTP(w, req)
	return w
}

func (r *replay) get(path, sid string) *httptest.ResponseRecorder {
	return r.send(attack.Request{Method: "GET", Path: path}, sid)
}

// enter signs a demo user in, with a cookie that may have been there before.
func (r *replay) enter(user int, before string) (sid string) {
	u := site.Users[user]
	w := r.send(signInRequest(u.Email, u.Password), before)
	for _, c := range w.Result().Cookies() {
		if c.Name == "sid" {
			return c.Value
		}
	}
	return ""
}

func signInRequest(email, password string) attack.Request {
	return attack.Request{Method: "POST", Path: "/login", Header: [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}},
		Body: url.Values{"email": {email}, "password": {password}}.Encode()}
}

// who are the demo users by the attacker's names for them.
var who = map[string]int{"user": 2, "user (another)": 3, "user (another, 2)": 4, "editor": 1, "admin": 0}

var (
	formToken = regexp.MustCompile(`\btoken=[0-9a-f]+`)
	partToken = regexp.MustCompile(`name="token"\r\n\r\n[0-9a-f]+`)
	touched   = regexp.MustCompile(`touch (\S+?/merlon-attack-\w+/files/)(\w+)`)
	mailed    = regexp.MustCompile(`code=\d+`)
	insides   = regexp.MustCompile(`SQL logic error|unrecognized token|no such (table|column)`)
)

// again replays a finding on the data that the crawl left: true when it happened again.
func again(t *testing.T, s *site.Site, p attack.Profile, f attack.Finding) bool {
	if f.Route == "backups" { // it takes no request: the class is tried once more
		report, err := attack.Probe(t.Context(), s, p, attack.Options{Classes: []string{"backup"}, Budget: 5 * time.Minute})
		return err == nil && slices.ContainsFunc(report.Findings, func(g attack.Finding) bool { return g.ID == f.ID && g.Route == f.Route })
	}
	r := &replay{t: t, s: s, p: p, f: f}
	if n, ok := who[f.As]; ok {
		r.sid = r.enter(n, "")
	} else {
		r.sid = r.get("/contact", "").Result().Cookies()[0].Value
	}
	q := f.Request.Whole()
	lender := r.sid
	if number(f) == "024" {
		lender = r.enter(3, "")
	}
	var token string
	if err := s.DB().QueryRow("SELECT token FROM sessions WHERE id = ?", lender).Scan(&token); err != nil {
		t.Fatal(err)
	}
	q.Body = partToken.ReplaceAllString(formToken.ReplaceAllString(q.Body, "token="+token), "name=\"token\"\r\n\r\n"+token)
	if q.Method == "RAW" {
		return false
	}
	if m := touched.FindStringSubmatch(decoded(q)); m != nil {
		if err := os.MkdirAll(m[1], 0o700); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(filepath.Dir(filepath.Clean(m[1])))
	}
	before := r.before(&q)
	state, log := p.State(), len(p.Log())
	r.mailed, r.plain = len(p.Mail()), number(f) == "125"
	if f.As == "anonymous" && !strings.Contains(q.Body, token) {
		r.sid = "" // as it came
	}
	r.ans = r.send(q, r.sid)
	r.body = r.ans.Body.String()
	return r.happened(q, state, p.Log()[log:], before)
}

// before does what must have been done before some requests: it returns the session of another browser.
func (r *replay) before(q *attack.Request) string {
	switch number(r.f) {
	case "002", "001":
		const chosen = "attacker0123456789abcdef0123456789abcdef"
		r.enter(2, chosen)
		r.sid = chosen
	case "003":
		r.send(attack.Request{Method: "POST", Path: "/logout"}, r.sid)
	case "005":
		return r.enter(2, "")
	case "012":
		r.p.Disable(attack.User{Fields: map[string]string{"email": site.Users[who[r.f.As]].Email}}, true)
	case "148": // a copy of its own: the site deletes old ones
		if err := r.s.Backup(); err != nil {
			r.t.Fatal(err)
		}
		if lies, err := filepath.Glob(filepath.Join(r.s.Folder(), "backups", "*"+filepath.Ext(q.Path))); err == nil && len(lies) > 0 {
			q.Path = "/backups/" + filepath.Base(lies[len(lies)-1])
		}
	case "101":
		for range 40 {
			r.send(signInRequest(site.Users[2].Email, "wrong"), "")
		}
	case "100":
		right, wrong := url.QueryEscape(site.Users[2].Password), "wrong"
		if q.Path == "/reset" {
			right = r.code(q, 2)
		}
		for range 40 {
			r.send(attack.Request{Method: q.Method, Path: q.Path, Header: q.Header, Body: strings.ReplaceAll(q.Body, right, wrong)}, r.sid)
		}
	case "013":
		r.sid = r.get("/contact", "").Result().Cookies()[0].Value // whoever has the link
		var token string
		if err := r.s.DB().QueryRow("SELECT token FROM sessions WHERE id = ?", r.sid).Scan(&token); err != nil {
			r.t.Fatal(err)
		}
		q.Body = formToken.ReplaceAllString(q.Body, "token="+token)
		r.code(q, who[r.f.As])
		once := *q
		once.Body = strings.Replace(q.Body, "password=", "password=first-", 1)
		r.send(once, r.sid)
	case "081":
		for range 4 { // what the other one wrote
			r.send(attack.Request{Method: "POST", Path: "/messages", Header: [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}}, Body: "to=3&subject=x"}, r.enter(2, ""))
		}
	}
	return ""
}

// code asks for the code that a demo user is mailed for a new password, and puts it into a request.
func (r *replay) code(q *attack.Request, user int) string {
	token := formToken.FindString(q.Body)
	r.send(attack.Request{Method: "POST", Path: "/forgot", Header: q.Header, Body: "email=" + url.QueryEscape(site.Users[user].Email) + "&" + token}, r.sid)
	mail := r.p.Mail()
	code := mail[strings.LastIndex(mail, "code=")+5:][:6]
	q.Body = mailed.ReplaceAllString(q.Body, "code="+code)
	return code
}

func decoded(q attack.Request) string {
	text, _ := url.QueryUnescape(q.Path + " " + q.Body)
	return text
}

// pageEnd stands between the pages of shown.
const pageEnd = "\x00end of a page\x00"

// shown are the pages on which what was written may come out.
func (r *replay) shown() string {
	all := r.body + pageEnd
	_, path, _ := strings.Cut(r.f.Route, " ")
	for _, p := range []string{r.ans.Header().Get("Location"), r.ans.Header().Get("Location") + "/print", strings.ReplaceAll(path, "{id}", "1"), "/members/3", "/news/1", "/news/2", "/news/3", "/profile/posts"} {
		if strings.HasPrefix(p, "/") {
			all += r.get(p, r.sid).Body.String() + pageEnd
		}
	}
	return all
}

// marked is the mark of the element or the attribute that a request tries to write.
var marked = regexp.MustCompile(`mqa=(mq\d+)`)

// isMarkup reports whether what the request wrote is an element or an attribute of a page now, with the request's own mark: as
// browsers read the page, and not by its bytes.
func (r *replay) isMarkup(q attack.Request) bool {
	m := marked.FindStringSubmatch(decoded(q))
	if m == nil {
		return false
	}
	within := func(page string) bool {
		root, err := html.Parse(strings.NewReader(page))
		if err != nil {
			return false
		}
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && n.Data == m[1] || slices.ContainsFunc(n.Attr, func(a html.Attribute) bool {
				return a.Key == "mqa" && a.Val == m[1] || a.Key == "srcdoc" && strings.Contains(a.Val, "<"+m[1])
			}) {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(strings.Split(r.shown(), pageEnd), within)
}

// isElsewhere reports whether a request is taken for another one's by the header that says so: a page that is refused without it is
// shown, or forty tries pass of which, without it, a limit stops some.
func (r *replay) isElsewhere(q attack.Request) bool {
	bare := q
	bare.Header = slices.DeleteFunc(slices.Clone(q.Header), func(h [2]string) bool { return h[0] == "X-Forwarded-For" || h[0] == "X-Real-IP" })
	if q.Method == http.MethodGet {
		return r.ans.Code == http.StatusOK && r.send(bare, r.sid).Code == http.StatusForbidden
	}
	stopped := func(q attack.Request, dress func(q *attack.Request, i int)) bool {
		for i := range 40 {
			one := q
			one.Header = slices.Clone(q.Header)
			if dress(&one, i); r.send(one, r.sid).Code == http.StatusTooManyRequests {
				return true
			}
		}
		return false
	}
	another := func(q *attack.Request, i int) {
		q.Header = append(q.Header, [2]string{"X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i+100)})
	}
	return !stopped(bare, another) && stopped(bare, func(*attack.Request, int) {})
}

// lax reports whether a cookie of the answer lacks what it should have.
func lax(w *httptest.ResponseRecorder) bool {
	return slices.ContainsFunc(w.Result().Cookies(), func(c *http.Cookie) bool { return !c.Secure || c.SameSite == 0 })
}

func (r *replay) happened(q attack.Request, state, log, other string) bool {
	h, code := r.ans.Header(), r.ans.Code
	changed := r.p.State() != state
	in := code < 400 && !strings.HasPrefix(h.Get("Location"), "/login")
	switch number(r.f) {
	case "001", "002", "003", "012", "069", "080", "081", "124":
		return code == 200 || changed && in
	case "004":
		return slices.ContainsFunc(r.ans.Result().Cookies(), func(c *http.Cookie) bool { return c.Name == "sid" && c.MaxAge < 0 })
	case "005":
		return changed && r.get("/profile/", other).Code == 200
	case "006":
		return lax(r.ans)
	case "017":
		again := r.send(q, "")
		return slices.ContainsFunc(r.ans.Result().Cookies(), func(c *http.Cookie) bool {
			return slices.ContainsFunc(again.Result().Cookies(), func(d *http.Cookie) bool { return c.Name == d.Name && c.Value == d.Value })
		})
	case "007":
		return strings.Contains(r.p.State(), r.sid)
	case "008":
		return strings.Contains(r.body, r.sid)
	case "018":
		v, _ := url.ParseQuery(q.Body)
		return strings.Contains(log, v.Get("password"))
	case "019":
		return hashRests(r.p.State())
	case "010", "020", "021", "022", "024", "027", "028", "031", "032", "082", "105", "111":
		return changed && in
	case "110":
		return changed && code >= 400
	case "029":
		return code == 303 && len(r.ans.Result().Cookies()) > 0 && r.get("/profile/", r.ans.Result().Cookies()[0].Value).Code == 200
	case "035":
		return h.Get("Access-Control-Allow-Origin") != "" && h.Get("Access-Control-Allow-Credentials") == "true"
	case "040":
		_, path, _ := strings.Cut(r.f.Route, " ")
		return code >= 500 || q.Path == "/api/login" && code == 200 || r.get(path, r.sid).Code >= 500
	case "042":
		m := touched.FindStringSubmatch(decoded(q))
		if m == nil {
			return false
		}
		_, err := os.Stat(filepath.Join(m[1], m[2]))
		return err == nil
	case "043":
		return strings.Contains(r.body, "Copyright") || strings.Contains(r.body, "GNU")
	case "045":
		return strings.Contains(log, "\nX-Mq:") || strings.HasPrefix(log, "X-Mq:")
	case "046":
		return strings.Contains(r.p.Mail()[r.mailed:], "\nX-Mq:")
	case "047":
		return strings.Contains(r.get("/admin/members.csv", r.enter(0, "")).Body.String(), "\n=")
	case "048":
		return strings.Contains(r.body, "7mqe")
	case "049":
		return strings.Contains(log, "fetches http://127.0.0.1:")
	case "050":
		return strings.Contains(r.body, "root:x:0:0") || strings.Contains(r.p.State(), "\n/mq") || strings.Contains(r.body, "root:")
	case "060":
		return r.isMarkup(q)
	case "062":
		return strings.Contains(strings.ToLower(r.shown()), `="javascript:`)
	case "063":
		return h.Get("Content-Security-Policy") == ""
	case "065":
		return h.Get("X-Frame-Options") == ""
	case "066":
		return h.Get("X-Content-Type-Options") == ""
	case "067":
		return strings.Contains(h.Get("Location"), "attacker.invalid")
	case "068":
		return !strings.Contains(h.Get("Cache-Control"), "no-store")
	case "070":
		return code >= 400 && insides.MatchString(r.body)
	case "071":
		return code < 400 && strings.HasPrefix(r.get("/files/mq.html", "").Header().Get("Content-Type"), "text/html")
	case "083":
		return hashRests(r.body)
	case "084":
		return r.get("/admin", r.sid).Code == 200
	case "013", "085", "100":
		return changed && code < 400
	case "101":
		return code == 401
	case "102":
		return r.isElsewhere(q)
	case "103":
		stranger := q
		stranger.Body = strings.ReplaceAll(q.Body, "anna%40club.example", "stranger%40club.example")
		return stranger.Body != q.Body && r.send(stranger, r.sid).Code != code
	case "120":
		return strings.Contains(strings.ToLower(r.body), "x-mq: mq1")
	case "121":
		return code < 400
	case "125":
		return code == 200 && strings.Contains(r.body, `type="password"`)
	case "122":
		return strings.Contains(r.p.Mail(), "attacker.invalid")
	case "126":
		return h.Get("Strict-Transport-Security") == ""
	case "148":
		return code == 200 && len(r.body) > 0
	case "130":
		return strings.Contains(r.body, "<pre>")
	}
	r.t.Errorf("%s has no replay", r.f.ID)
	return false
}

func bareHash(password string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(password))) }

// hashRests reports whether the bare hash of a demo user's password is in a text.
func hashRests(text string) bool {
	return slices.ContainsFunc(site.Users, func(u struct{ Email, Name, Role, Password string }) bool {
		return strings.Contains(text, bareHash(u.Password))
	})
}

// replayed replays all findings, each on the data as the crawl left it, and returns those that did not happen again.
func replayed(t *testing.T, s *site.Site, p attack.Profile, back func(), report *attack.Report) (failed []string) {
	t.Helper()
	for _, f := range report.Findings {
		back()
		happened := again(t, s, p, f)
		if !happened { // the crawl itself has taken some things away
			fresh, told := leaky(t)
			happened = again(t, fresh, told, f)
		}
		if !happened {
			failed = append(failed, fmt.Sprintf("%s %s as %s: %.1500s", f.ID, f.Route, f.As, f.Curl))
		}
	}
	return failed
}
