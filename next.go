package merlon

import (
	"bytes"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Local is an address of this site that was proven to be one of its GET pages. Its zero value is the front page.
type Local struct{ path string }

// String returns path, query and fragment.
func (l Local) String() string {
	if l.path == "" {
		return "/"
	}
	return l.path
}

const maxNext = 2048

// local proves that next is the address of a page of this site (testdata/vectors/redirects.json; WHATWG URL 4.4 for what browsers
// make of slashes, backslashes and control characters). The reason is one word for the event.
//
// A page that other sites may not link to ([OwnLinksOnly], [Mount]) is none that next leads to, or they would link to the
// sign-in page, which leads there from here: unless the visitor was on the way there.
func (s *Site) local(next string, onTheWay func(path string) bool) (Local, string) {
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
	if rt, _ := s.find(http.MethodGet, u); !rt.target.Linkable && !onTheWay(next) {
		return Local{}, "link"
	}
	return Local{next}, ""
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
		if l, reason = r.w.site.local(next[0], r.w.onTheWay); reason == "" {
			return l, true
		}
	}
	if reason != "empty" {
		r.w.refused(RuleNext, slog.String("reason", reason))
	}
	return Local{}, false
}

// Page proves that an address of the program's own, as of a part's configuration, is a page of this site. What a visitor sent is
// proven by [Read.Local].
func (h *House) Page(path string) (Local, bool) {
	l, reason := h.site.local(path, func(string) bool { return true })
	return l, reason == ""
}

// wayCookie names the page that a visitor was on the way to when the sign-in came between, if other sites may not link to it: its
// hash. It outlives the sign-in, which changes the session. No other site can have it set for a page of its choice: a link of
// theirs to such a page is refused, and leads to no sign-in.
var wayCookie = NewCookie[[]byte]("way", time.Hour)

func wayOf(path string) []byte {
	sum := sha256.Sum256([]byte(path))
	return sum[:]
}

func (w *walk) onTheWay(path string) bool {
	way, has := wayCookie.Get(&facts{w: w})
	return has && bytes.Equal(way, wayOf(path))
}

// wayBack is the next parameter for who was on the way to a page, "" for the front page and for what is none.
func (w *walk) wayBack(next string) string {
	l, reason := w.site.local(next, func(path string) bool { return wayCookie.give(w, wayOf(path)) == nil })
	if reason != "" || l.String() == "/" {
		return ""
	}
	return l.String()
}
