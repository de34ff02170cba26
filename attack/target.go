package attack

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// A target is what is attacked: a handler in this process, or a loopback address.
type target struct {
	name    string
	origin  *url.URL
	handler http.Handler // nil: send
	send    func(*http.Request) (*http.Response, error)

	routes []merlon.RouteInfo // nil: not known
	merlon bool
	signIn string                                      // path of the sign-in form, "" if none is known
	secret string                                      // the field of its password, "" before it was seen
	state  func() (string, bool)                       // all data as text; false: not known
	rows   func(context.Context) rowSums               // what each row holds; nil: not known
	rest   func(secret string) (where string)          // where in the data a text lies; "": nowhere
	said   map[string]func() string                    // "log", "mail", "sent": all of it so far
	renew  func(*actor) error                          // signs an actor in again
	tick   func(time.Duration)                         // nil: the clock cannot be moved
	serve  func() (addr string, end func(), err error) // over loopback; nil: not

	approaches []*actor // who comes to a page that links do not lead to

	noticed func() int                            // refusals and failures that were recorded so far; nil: not known
	disable func(*actor) (back func(), err error) // shuts a user out; nil: nobody can
	starts  []string
	keep    func() (back func()) // notes the data; nil: it stays as attacks leave it
	calls   []Call
	backups func(context.Context) (b *Backups, why string) // how copies are made; nil: nobody told
	endless sync.Map                                       // paths whose answers have no end
}

// A Request is one that was sent, as it can be sent again.
type Request struct {
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Header [][2]string `json:"header,omitempty"`
	Body   string      `json:"body,omitempty"`
	Host   string      `json:"host,omitempty"`
	From   string      `json:"from,omitempty"` // the network address that it came from

	plain bool   // without TLS
	slow  func() // called when the handler begins to read the body; in this process only
	whole string
}

// Whole is the request with all of its body: in reports one of megabytes is cut.
func (q Request) Whole() Request {
	if q.whole != "" {
		q.Body = q.whole
	}
	return q
}

const formType = "application/x-www-form-urlencoded"

func get(path string) *Request { return &Request{Method: http.MethodGet, Path: path} }

func post(path string, fields url.Values) *Request {
	return (&Request{Method: http.MethodPost, Path: path, Body: fields.Encode()}).with("Content-Type", formType)
}

func (q *Request) with(name, value string) *Request {
	q.Header = append(q.Header, [2]string{name, value})
	return q
}

// own adds what a browser sends with a request from the site's own pages.
func (q *Request) own(t *target) *Request {
	q.with("Sec-Fetch-Site", "same-origin").with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document").with("User-Agent", agent)
	if q.Method != http.MethodGet {
		q.with("Origin", t.origin.Scheme+"://"+t.origin.Host)
	}
	return q
}

const agent = "Mozilla/5.0 (X11; Linux x86_64) merlon-attack"

// An answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	path   string
	wrote  int // statements that wrote, of a Merlon route
	ran    int // all statements
	took   time.Duration

	endless bool // it had no end: what came first

	doc    *page
	parsed bool
}

func (a *answer) location() string { return a.header.Get("Location") }
func (a *answer) redirects() bool  { return a.status >= 300 && a.status < 400 && a.location() != "" }
func (a *answer) isHTML() bool     { return strings.HasPrefix(a.header.Get("Content-Type"), "text/html") }

// do sends one request with these cookies.
func (t *target) do(ctx context.Context, q *Request, cookies map[string]string) (*answer, error) {
	address := t.origin.Scheme + "://" + t.origin.Host + q.Path
	r, err := http.NewRequestWithContext(ctx, q.Method, address, strings.NewReader(q.Body))
	if err != nil {
		return nil, err
	}
	if q.slow != nil && t.handler != nil {
		r.Body = &slowBody{ReadCloser: r.Body, begin: q.slow}
	}
	for _, h := range q.Header {
		r.Header.Add(h[0], h[1])
	}
	if line := cookieLine(cookies); line != "" {
		r.Header.Set("Cookie", line)
	}
	if q.Host != "" {
		r.Host = q.Host
	}
	began := time.Now()
	if t.handler == nil {
		res, err := t.send(r)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		body, ended, err := readSome(res.Body, t.again(q.Path))
		t.hasEnd(q.Path, ended)
		return &answer{status: res.StatusCode, header: res.Header, body: body, path: q.Path, took: time.Since(began), endless: !ended}, err
	}
	var counter db.Counter
	r = r.WithContext(db.Counted(ctx, &counter))
	r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "203.0.113.7:40000"
	if q.From != "" {
		r.RemoteAddr = q.From + ":40000"
	}
	if t.origin.Scheme == "https" && !q.plain {
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: t.origin.Hostname()}
	}
	rec := newRecorder()
	ended := rec.serve(t.handler, r, t.again(q.Path))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	t.hasEnd(q.Path, ended)
	ans := rec.answer(ended)
	ans.path, ans.ran, ans.wrote, ans.took = q.Path, counter.Ran(), counter.Wrote("throttle", "journal"), time.Since(began)
	return ans, nil
}

// again reports whether an address has answered without an end before.
func (t *target) again(path string) bool {
	_, known := t.endless.Load(bare(path))
	return known
}

// hasEnd keeps which addresses answer without an end.
func (t *target) hasEnd(path string, ended bool) {
	if ended {
		return
	}
	t.endless.Store(bare(path), true)
}

func cookieLine(cookies map[string]string) string {
	names := make([]string, 0, len(cookies))
	for n := range cookies {
		names = append(names, n)
	}
	sort.Strings(names)
	for i, n := range names {
		names[i] = n + "=" + cookies[n]
	}
	return strings.Join(names, "; ")
}

// shown is the request without what is long.
func (q *Request) shown() Request {
	c := *q
	if len(c.Body) > 2000 {
		c.whole = c.Body
		c.Body = c.Body[:2000]
	}
	return c
}

func shell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// curl is the request for a terminal. Cookies and tokens are of one run: whoever repeats it signs in first.
func (q *Request) curl(t *target) string {
	c := q.shown()
	var b strings.Builder
	fmt.Fprintf(&b, "curl -i -X %s --path-as-is", c.Method)
	for _, h := range c.Header {
		fmt.Fprintf(&b, " -H %s", shell(h[0]+": "+h[1]))
	}
	if c.Host != "" {
		fmt.Fprintf(&b, " -H %s", shell("Host: "+c.Host))
	}
	if c.Body != "" {
		fmt.Fprintf(&b, " --data-binary %s", shell(c.Body))
	}
	fmt.Fprintf(&b, " %s", shell(t.origin.Scheme+"://"+t.origin.Host+c.Path))
	return b.String()
}

// goTest is the request as lines of a Go test against the handler.
func (q *Request) goTest(t *target) string {
	c := q.shown()
	var b strings.Builder
	fmt.Fprintf(&b, "r := httptest.NewRequest(%q, %q, strings.NewReader(%q))\n", c.Method, t.origin.Scheme+"://"+t.origin.Host+c.Path, c.Body)
	for _, h := range c.Header {
		fmt.Fprintf(&b, "r.Header.Add(%q, %q)\n", h[0], h[1])
	}
	if c.Host != "" {
		fmt.Fprintf(&b, "r.Host = %q\n", c.Host)
	}
	if c.From != "" {
		fmt.Fprintf(&b, "r.RemoteAddr = %q\n", c.From+":40000")
	}
	b.WriteString("w := httptest.NewRecorder()\nhandler.ServeHTTP(w, r)\n")
	return b.String()
}

// lines are kept texts: what a log was told. It is safe for concurrent use.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 32<<20 { // the newest are looked at
		l.b.Reset()
	}
	return l.b.Write(p)
}

// String returns all of it.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
