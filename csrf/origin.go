package csrf

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// Vary names the request headers that the answer of [CheckOrigin] depends on, as the value of a Vary header.
const Vary = "Sec-Fetch-Site, Sec-Fetch-Mode, Sec-Fetch-Dest, Origin"

// A Target is what a route lets other sites do with GET. The zero value lets them do nothing. It has no say over methods
// that may change something, nor over websocket upgrades.
type Target struct {
	// Linkable lets a visitor follow a link from anywhere to this page: a top-level navigation, by GET.
	Linkable bool
	// Embeddable names the origins that may show the page in a frame. A request does not say which page frames it: here the
	// list only matters by not being empty, and the page's frame-ancestors policy decides on each origin.
	Embeddable []string
}

// A Refusal is a request whose origin is refused. It is an error; answer it with status 403 and nothing of the page.
type Refusal struct {
	Rule   check.Rule
	Reason Reason
	Detail string // the headers that decided, quoted: for the log, not for the visitor
}

// Error returns what was seen, why it is refused and what to do.
func (r *Refusal) Error() string {
	return fmt.Sprintf("csrf: %s: %s; %s [%s]", r.Detail, r.Rule.Why, remedy(r), r.Rule.ID)
}

func remedy(r *Refusal) string {
	switch r.Reason {
	case NoProof:
		return "let the proxy in front pass Origin and Sec-Fetch-*, and let programs send Origin"
	case Contradiction:
		if strings.HasSuffix(r.Detail, nullOrigin) {
			return "the usual cause is a page sent with Referrer-Policy: no-referrer: send same-origin"
		}
		return "add the origin to the configured ones if it is the site's own"
	case CrossSite:
		return "add the origin to the configured ones if it is the site's own"
	case NotLinkable:
		return "take OwnLinksOnly from the route if others may link to it"
	case Framed:
		return "name the framing origin on the route if it is meant to be framed"
	}
	return "send each of Origin and Sec-Fetch-* once, as browsers do"
}

const nullOrigin = `Origin "null"`

// CheckOrigin decides by its headers whether a request may be answered: nil, or a *[Refusal].
//
// Every method but GET, HEAD and OPTIONS, and every websocket upgrade, must come from a page of the site: Sec-Fetch-Site
// same-origin (or none, as a navigation), or without that header an Origin that is one of own; neither is refused. Own are
// the site's configured origins as browsers write them (scheme://host[:port], no default port, no slash); the Host header is
// never asked, since it is the client's word, and http is another origin than https.
//
// GET, HEAD and OPTIONS are answered for the site's own pages and for typed addresses; for other sites only as target says.
// Requests without any of the headers pass, as from an old browser: they must not change anything.
//
// Same-site counts as cross-site: a sub-domain may belong to somebody else. See [http.CrossOriginProtection] for the
// milder check; the differences are in the table of TestCrossOriginProtection.
func CheckOrigin(r *http.Request, own []string, target Target) error {
	var h headers
	if name := h.read(r.Header); name != "" {
		return h.refuse(Duplicate, name+" given twice")
	}
	switch {
	case h.upgrade:
		return h.changing(own, true)
	case r.Method == http.MethodGet, r.Method == http.MethodHead, r.Method == http.MethodOptions:
		return h.reading(r.Method, own, target)
	}
	return h.changing(own, false)
}

// headers are the request headers that decide. A pointer to an absent header is nil: empty is not absent.
type headers struct {
	site, mode, dest, origin *string
	upgrade                  bool
}

func (h *headers) read(from http.Header) (twice string) {
	for _, one := range [...]struct {
		name string
		to   **string
	}{{"Sec-Fetch-Site", &h.site}, {"Origin", &h.origin}, {"Sec-Fetch-Mode", &h.mode}, {"Sec-Fetch-Dest", &h.dest}} {
		switch v := from[one.name]; len(v) {
		case 0:
		case 1:
			*one.to = &v[0]
		default:
			return one.name
		}
	}
	// An upgrade to a websocket is a GET that opens a channel in both directions, with cookies. Any sign of one counts.
	h.upgrade = len(from["Sec-Websocket-Key"]) > 0
	for _, line := range from["Upgrade"] {
		h.upgrade = h.upgrade || strings.Contains(strings.ToLower(line), "websocket")
	}
	return ""
}

func is(header *string, value string) bool { return header != nil && *header == value }

// changing judges a request that may change something.
func (h *headers) changing(own []string, socket bool) error {
	if h.site == nil {
		// A browser from before Fetch Metadata, or plain http off loopback, where it is not sent.
		switch {
		case h.origin == nil:
			return h.refuse(NoProof, "neither Sec-Fetch-Site nor Origin")
		case !slices.Contains(own, *h.origin):
			return h.refuse(CrossSite, h.sawOrigin())
		}
	} else {
		switch *h.site {
		case "cross-site", "same-site":
			return h.refuse(CrossSite, h.saw())
		case "none":
			// The visitor's own act, such as sending a form again after a restart; but extensions and webviews fetch so too.
			if !is(h.mode, "navigate") {
				return h.refuse(Contradiction, h.saw())
			}
		case "same-origin":
		default:
			return h.refuse(UnknownValue, h.saw())
		}
		if h.origin != nil && !slices.Contains(own, *h.origin) {
			return h.refuse(Contradiction, h.saw())
		}
	}
	// Firefox calls the destination of an upgrade "websocket", Chromium and Safari "empty".
	if h.dest != nil && *h.dest != "document" && *h.dest != "empty" && !(socket && *h.dest == "websocket") {
		return h.refuse(Destination, h.saw())
	}
	return nil
}

// reading judges a request that cannot change anything.
func (h *headers) reading(method string, own []string, target Target) error {
	foreign := h.origin != nil && !slices.Contains(own, *h.origin)
	if h.site == nil {
		// A GET carries Origin only when script asks for it across origins; links and typed addresses do not.
		if foreign {
			return h.refuse(CrossSite, h.sawOrigin())
		}
		return nil
	}
	framed := false
	if h.dest != nil {
		switch *h.dest {
		case "iframe", "frame", "embed", "object", "fencedframe":
			framed = true
		}
	}
	switch *h.site {
	case "same-origin", "none":
		switch {
		case foreign, *h.site == "none" && is(h.mode, "cors"):
			return h.refuse(Contradiction, h.saw())
		case framed && len(target.Embeddable) == 0:
			return h.refuse(Framed, h.saw())
		}
		return nil
	case "cross-site", "same-site":
	default:
		return h.refuse(UnknownValue, h.saw())
	}
	switch {
	case !is(h.mode, "navigate") || method != http.MethodGet:
		return h.refuse(CrossSite, h.saw())
	case framed:
		if len(target.Embeddable) == 0 {
			return h.refuse(Framed, h.saw())
		}
	case !is(h.dest, "document"):
		return h.refuse(CrossSite, h.saw())
	case !target.Linkable:
		return h.refuse(NotLinkable, h.saw())
	}
	return nil
}

func (h *headers) refuse(reason Reason, saw string) error {
	return &Refusal{Rule: reason.Rule(), Reason: reason, Detail: saw}
}

func (h *headers) saw() string {
	var b strings.Builder
	for _, one := range [...]struct {
		name  string
		value *string
	}{{"Sec-Fetch-Site", h.site}, {"Sec-Fetch-Mode", h.mode}, {"Sec-Fetch-Dest", h.dest}, {"Origin", h.origin}} {
		if one.value == nil {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %q", one.name, short(*one.value))
	}
	return b.String()
}

func (h *headers) sawOrigin() string {
	return fmt.Sprintf("Origin %q without Sec-Fetch-Site", short(*h.origin))
}

// short keeps a header of kilobytes out of the log.
func short(s string) string { return s[:min(len(s), 100)] }

// ValidOrigin reports, as an error, why a configured origin could never equal what a browser sends.
func ValidOrigin(origin string) error {
	u, err := url.Parse(origin)
	switch {
	case err != nil:
		return fmt.Errorf("csrf: origin %q cannot be parsed: %w", origin, err)
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("csrf: origin %q has no http or https scheme: browsers always send one; write https://host", origin)
	case u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return fmt.Errorf("csrf: origin %q is not scheme://host[:port]: browsers send nothing else; leave out path, slash and user", origin)
	case origin != strings.ToLower(origin) || u.Scheme+"://"+u.Host != origin:
		return fmt.Errorf("csrf: origin %q is not as browsers write it: they send lower case; write %s", origin, strings.ToLower(origin))
	case u.Port() == "443" && u.Scheme == "https", u.Port() == "80" && u.Scheme == "http", strings.HasSuffix(u.Host, ":"):
		return fmt.Errorf("csrf: origin %q spells the default port: browsers leave it out; leave it out too", origin)
	case strings.ContainsFunc(origin, func(c rune) bool { return c >= 0x80 || c <= ' ' || c == '*' || c == '%' }):
		return fmt.Errorf("csrf: origin %q has characters that no origin has: it could never match; name one host, letters beyond ASCII in the xn-- form", origin)
	}
	return nil
}

var _ error = (*Refusal)(nil)

// AsRefusal returns the refusal in an error of this package.
func AsRefusal(err error) (*Refusal, bool) {
	var r *Refusal
	return r, errors.As(err, &r)
}
