package merlon

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/merlon-web/merlon/csrf"
)

// A Local is an address of this site that was proven to be one of its GET pages. Its zero value is the front page.
type Local struct {
	path string
	own  string // for a page that other sites may not link to: the token of who was on the way there
}

// String returns path, query and fragment, as a next parameter of this site's own pages carries them. For a page that other
// sites may not link to, the fragment is the mark of the visitor who was on the way there: [RedirectLocal] leaves it out.
func (l Local) String() string {
	if l.own != "" {
		return l.address() + ownMark + l.own
	}
	return l.address()
}

func (l Local) address() string {
	if l.path == "" {
		return "/"
	}
	return l.path
}

// ownMark stands before the token of [Local.own].
const ownMark = "#own="

// ownNext is what the token of a way back is bound to, beside the visitor's session.
func ownNext(path string) string { return "next " + path }

const maxNext = 2048

// local proves that next is the address of a page of this site (testdata/vectors/redirects.json; WHATWG URL 4.4 for what browsers
// make of slashes, backslashes and control characters). The reason is one word for the event.
//
// A page that other sites may not link to ([OwnLinksOnly], [Mount]) is none that next leads to, or they would link to the
// sign-in page, which leads there from here. But owned says whether a token shows that the visitor was on the way there.
func (s *Site) local(next string, owned func(path, token string) bool) (Local, string) {
	next, token, marked := strings.Cut(next, ownMark)
	switch {
	case next == "":
		return Local{}, "empty"
	case len(next) > maxNext:
		return Local{}, "length"
	case next[0] != '/':
		return Local{}, "form"
	}
	for i := 0; i < len(next); i++ {
		if next[i] < 0x20 || next[i] == 0x7f {
			return Local{}, "control"
		}
	}
	if len(next) > 1 && (next[1] == '/' || next[1] == '\\') {
		return Local{}, "slashes"
	}
	u, err := url.Parse(next)
	if err != nil {
		return Local{}, "parse"
	}
	if u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return Local{}, "form"
	}
	if strings.Contains(u.RawQuery, ";") {
		return Local{}, "query"
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return Local{}, "query"
	}
	if strings.HasPrefix(u.Path, "/_merlon/") && u.Path != keptPath || !s.isPage(u) {
		return Local{}, "route"
	}
	if rt, _ := s.find(http.MethodGet, u); rt.target.Linkable {
		return Local{path: next}, ""
	}
	if !marked || !owned(next, token) {
		return Local{}, "link"
	}
	return Local{next, token}, ""
}

// isPage reports whether the address is one that a GET route of the site answers with its path values bound.
func (s *Site) isPage(u *url.URL) bool {
	rt, r := s.find(http.MethodGet, u)
	if rt != nil && rt.mount != nil {
		return true // a mounted handler answers its own 404s
	}
	return rt != nil && rt.method == http.MethodGet && (rt.pathOK == nil || rt.pathOK(r.PathValue))
}

// find asks the router which route an address has, without running it.
func (s *Site) find(method string, u *url.URL) (*route, *http.Request) {
	path := u.EscapedPath()
	if !canonical(path) {
		return nil, nil
	}
	r := &http.Request{Method: method, URL: &url.URL{Path: u.Path, RawPath: u.RawPath}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Host: "probe"}
	p := &probe{}
	s.mux.ServeHTTP(p, r)
	return p.route, p.request
}

// canonical reports whether a path is one that browsers and the router read alike: no empty, dot or encoded-slash segments,
// no backslash, nothing outside ASCII, no encoded control character.
func canonical(path string) bool {
	if path == "" || path[0] != '/' || strings.Contains(path, "//") {
		return false
	}
	for _, seg := range strings.Split(path[1:], "/") {
		plain, err := url.PathUnescape(seg)
		if err != nil || plain == "." || plain == ".." {
			return false
		}
		for i := 0; i < len(plain); i++ {
			if c := plain[i]; c == '/' || c == '\\' || c < 0x20 || c == 0x7f {
				return false
			}
		}
	}
	return !strings.ContainsAny(path, "\\")
}

// probe is the writer with which find walks the router: handlers of the site recognise it, note which route was found, and
// do nothing else.
type probe struct {
	route   *route
	request *http.Request
	header  http.Header
}

func (p *probe) Header() http.Header {
	if p.header == nil {
		p.header = http.Header{}
	}
	return p.header
}
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(int)             {}

// Local proves that an address that a visitor sent (a next parameter) is a page of this site. If it is not, the answer is
// the front page and false, and an event is recorded.
func (r *facts) Local(next ...string) (Local, bool) {
	reason := "duplicate"
	if len(next) == 1 {
		var l Local
		if l, reason = r.w.site.local(next[0], r.w.ownsNext); reason == "" {
			return l, true
		}
	}
	if reason != "empty" {
		r.w.refused(RuleNext, slog.String("reason", reason))
	}
	return Local{}, false
}

// ownsNext reports whether a token was made by this site when this session was on the way to a page.
func (w *walk) ownsNext(path, token string) bool {
	binding := w.state.Binding()
	if binding == nil {
		return false
	}
	_, ok := csrf.VerifyToken(w.run.csrfKey, binding, ownNext(path), token)
	return ok
}

// wayBack is the next parameter for who was on the way to a page, "" for the front page and for what is none.
func (w *walk) wayBack(next string) string {
	l, reason := w.site.local(next, func(string, string) bool { return false })
	if binding := w.state.Binding(); reason == "link" && binding != nil {
		l, reason = Local{next, string(csrf.AppendToken(nil, w.run.csrfKey, binding, ownNext(next), nil))}, ""
	}
	if reason != "" || l.String() == "/" {
		return ""
	}
	return l.String()
}
