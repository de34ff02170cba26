package header

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// Inspect judges the headers of an answer as a browser received them: what protects is there and says nothing weaker than
// this package would; what an owner opens by name, as an origin that may frame the page or a feature for the own origin, is not
// weak. HSTS is to hold for a year at the least (OWASP ASVS 5.0 3.4.1). Where is the route, for the findings; https, that the answer came over TLS from a [PublicName].
//
// Pages (text/html, and answers without a type) need the whole set, other answers what applies to them. It is for tests and
// checks of a site's own answers; no handler needs it.
func Inspect(where string, h http.Header, https bool) check.Faults {
	in := &inspection{where: where, h: h}
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	page := err != nil || media == "text/html" || media == "application/xhtml+xml"
	if strings.HasPrefix(media, "text/") && !strings.EqualFold(params["charset"], "utf-8") {
		in.missing("Content-Type", "a text without charset=utf-8", "write it into the type")
	}
	in.is("X-Content-Type-Options", "nosniff")
	in.is("Cross-Origin-Resource-Policy", "same-origin", "same-site", "cross-origin")
	in.policy(page)
	if page {
		in.is("Referrer-Policy", "same-origin", "strict-origin", "strict-origin-when-cross-origin")
		in.is("Cross-Origin-Opener-Policy", "same-origin", "same-origin-allow-popups")
		in.permissions()
	}
	if https {
		in.transport()
	}
	if v := h["Access-Control-Allow-Origin"]; v != nil {
		in.found = append(in.found, RuleName.Finding(where, fmt.Sprintf("Access-Control-Allow-Origin: %.80q", v), "send no CORS header; give the other origin a route of its own"))
	}
	in.cookies()
	return in.found
}

type inspection struct {
	where string
	h     http.Header
	found check.Faults
}

func (in *inspection) missing(name, what, do string) {
	in.found = append(in.found, RuleMissing.Finding(in.where, name+": "+what, do))
}

// one returns the value of a header that may be there once, "" otherwise: of two, browsers take one, the other, or neither.
func (in *inspection) one(name string) string {
	if v := in.h[name]; len(v) == 1 {
		return v[0]
	}
	return ""
}

func (in *inspection) is(name string, values ...string) {
	got := in.one(name)
	for _, v := range values {
		if strings.EqualFold(got, v) {
			return
		}
	}
	in.missing(name, fmt.Sprintf("%.80q", in.h[name]), "send "+values[0])
}

// permissions demands that no feature is opened to others. Of a feature that is not named browsers open to the own origin at the most, by
// their own default.
func (in *inspection) permissions() {
	const name = "Permissions-Policy"
	if in.one(name) == "" {
		in.missing(name, "none", "send the one of header.Strict")
		return
	}
	for one := range strings.SplitSeq(in.one(name), ",") {
		feature, who, _ := strings.Cut(strings.TrimSpace(one), "=")
		if !slices.Contains([]string{"()", "(self)", "self"}, who) {
			in.missing(name, fmt.Sprintf("%.60s is open to %.60q", feature, who), "send the one of header.Strict, or name the feature in header.Options")
		}
	}
}

// leastHSTS is how long browsers are to use TLS, in seconds.
const leastHSTS = 365 * 24 * 60 * 60

func (in *inspection) transport() {
	const name = "Strict-Transport-Security"
	for one := range strings.SplitSeq(in.one(name), ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(one), "=")
		if !strings.EqualFold(key, "max-age") {
			continue
		}
		if age, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 64); err != nil || age < leastHSTS {
			in.missing(name, fmt.Sprintf("max-age is %.20q", value), "call header.SetHSTS")
		}
		return // of two the header is void or the first counts
	}
	in.missing(name, "none", "call header.SetHSTS")
}

// ownOnly are the directives that take no origin of another site (see [Policy]).
var ownOnly = []string{"script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem", "style-src-attr", "manifest-src", "worker-src", "object-src", "base-uri"}

func (in *inspection) policy(page bool) {
	const name = "Content-Security-Policy"
	directives := map[string][]string{}
	for d := range strings.SplitSeq(in.one(name), ";") {
		words := strings.Fields(d)
		if len(words) == 0 {
			continue
		}
		if words[0] = strings.ToLower(words[0]); directives[words[0]] == nil { // the first of a name counts
			directives[words[0]] = words
		}
	}
	value := func(d string) string {
		if v := directives[d]; v != nil {
			return strings.Join(v[1:], " ")
		}
		return "absent"
	}
	demand := func(d, want string) {
		if got := value(d); got != want {
			in.missing(name, fmt.Sprintf("%s is %.80q", d, got), fmt.Sprintf("compile it with header.New: %s %s", d, want))
		}
	}
	demand("default-src", "'none'")
	if value("frame-ancestors") == "absent" {
		in.missing(name, "no frame-ancestors", "compile it with header.New")
	}
	for d, words := range directives {
		for _, w := range words[1:] {
			w = strings.ToLower(w)
			weak := strings.HasPrefix(w, "'unsafe-") || strings.HasPrefix(w, "'nonce-") || w == "'strict-dynamic'" ||
				strings.Contains(w, "*") || strings.HasSuffix(w, ":") && d != "report-uri"
			if d == "style-src" && w == "'unsafe-inline'" && directives["sandbox"] != nil {
				weak = false // an SVG in its own box
			}
			if slices.Contains(ownOnly, d) && !strings.HasPrefix(w, "'") {
				weak = true
			}
			if d == "frame-ancestors" && w != "'none'" && !validOrigin(w, "https") {
				weak = true // the own origin is not opened: what frames itself can be framed by what is injected
			}
			if weak {
				in.found = append(in.found, RuleSource.Finding(in.where, fmt.Sprintf("%s %s", d, w), "name files by 'self', an origin or a hash"))
			}
		}
	}
	if page {
		demand("base-uri", "'none'")
		demand("require-trusted-types-for", "'script'")
		if v := value("trusted-types"); v == "absent" || strings.Contains(v, "'allow-duplicates'") { // without it a script may make any policy
			in.missing(name, fmt.Sprintf("trusted-types is %.80q", v), "compile it with header.New: trusted-types 'none'")
		}
		if v := value("form-action"); !strings.HasPrefix(v, "'self'") && v != "'none'" {
			in.missing(name, fmt.Sprintf("form-action is %.80q", v), "compile it with header.New")
		}
		if value("frame-ancestors") == "'none'" {
			in.is("X-Frame-Options", "DENY")
		}
	}
}

func (in *inspection) cookies() {
	lines := in.h["Set-Cookie"]
	if len(lines) > 0 && !strings.Contains(strings.ToLower(in.one("Cache-Control")), "no-store") {
		in.found = append(in.found, RuleCacheable.Finding(in.where, fmt.Sprintf("Set-Cookie with Cache-Control %.80q", in.h["Cache-Control"]), "send no-store with it"))
	}
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			in.found = append(in.found, RuleCookie.Finding(in.where, "Set-Cookie that is malformed", "set it with header.SetCookie"))
			continue
		}
		if !strings.HasPrefix(c.Name, CookiePrefix) || !c.Secure || c.Path != "/" || c.Domain != "" || strings.Contains(strings.ToLower(line), "domain=") ||
			c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode {
			in.found = append(in.found, RuleCookie.Finding(in.where, fmt.Sprintf("cookie %.60q lacks %s, Secure, Path=/ or SameSite, or has a Domain", c.Name, CookiePrefix), "set it with header.SetCookie"))
		}
		if !c.HttpOnly {
			in.found = append(in.found, RuleScriptCookie.Finding(in.where, fmt.Sprintf("cookie %.60q is open to scripts", c.Name), "set it with header.SetCookie, unless a script must read it"))
		}
	}
}
