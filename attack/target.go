package attack

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// A target is what is attacked: a handler in this process, or a loopback address.
type target struct {
	name    string
	data    string // whose data are attacked, in words
	origin  *url.URL
	handler http.Handler // nil: send
	send    func(*http.Request) (*http.Response, error)

	routes []merlon.RouteInfo // nil: not known
	merlon bool
	signIn string                                                  // path of the sign-in form, "" if none is known
	secret string                                                  // the field of its password, "" before it was seen
	state  func() (string, bool)                                   // all data as text; false: not known
	rows   func(context.Context) (rowSums, error)                  // what each row holds; nil: not known
	rest   func(context.Context, string) (where string, err error) // where in the data a text lies; "": nowhere
	said   map[string]func() string                                // "log", "mail", "sent": all of it so far
	renew  func(*actor) error                                      // signs an actor in again
	tick   func(time.Duration)                                     // nil: the clock cannot be moved
	serve  func() (addr string, end func(), err error)             // over loopback; nil: not

	tokens     []string // names of tokens that were learnt
	absent     []string // what of the site is not here, each with the reason
	approaches []*actor // who comes to a page that links do not lead to

	noticed func() int                            // refusals and failures that were recorded so far; nil: not known
	disable func(*actor) (back func(), err error) // shuts a user out; nil: nobody can
	starts  []string
	keep    func() (back func()) // notes the data; nil: it stays as attacks leave it
	calls   []Call
	backups func(context.Context) (b *Backups, why string) // how copies are made; nil: nobody told
	ends    endings
}

// A Request is one that was sent, as it can be sent again.
type Request struct {
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Header [][2]string `json:"header,omitempty"`
	Body   string      `json:"body,omitempty"`
	Host   string      `json:"host,omitempty"`
	From   string      `json:"from,omitempty"`  // the network address that it came from
	Plain  bool        `json:"plain,omitempty"` // it came without TLS, to a site of https
	Cut    int         `json:"cut,omitempty"`   // bytes of the body that are left out in a report

	slow  func() // called when the handler begins to read the body; in this process only
	whole string
}

// Whole is the request with all of its body: in reports one of megabytes is cut.
func (q Request) Whole() Request {
	if q.whole != "" {
		q.Body, q.Cut = q.whole, 0
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
	cut     bool // it was longer than what is read

	panicked string // what the handler panicked with, in the process
	silence  string // why there is none

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
	silent, stream := t.ends.patience(q)
	if t.handler == nil {
		res, err := t.send(r)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		body, ended, err := readSome(res.Body, stream)
		t.ends.note(q, res.Header, ended)
		return &answer{status: res.StatusCode, header: res.Header, body: body, path: q.Path, took: time.Since(began), endless: !ended, cut: len(body) > maxAnswer}, err
	}
	var counter db.Counter
	r = r.WithContext(db.Counted(ctx, &counter))
	r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "203.0.113.7:40000"
	if q.From != "" {
		r.RemoteAddr = q.From + ":40000"
	}
	if t.origin.Scheme == "https" && !q.Plain {
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: t.origin.Hostname()}
	}
	rec := newRecorder()
	ended := rec.serve(t.handler, r, silent, stream)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	ans := rec.answer(ended)
	t.ends.note(q, ans.header, ended)
	ans.path, ans.ran, ans.wrote, ans.took = q.Path, counter.Ran(), counter.Wrote("throttle", "journal"), time.Since(began)
	return ans, nil
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
