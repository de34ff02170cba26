package csrf

import "github.com/merlon-web/merlon/check"

// A Reason names why the origin of a request is refused.
type Reason string

// The reasons of [CheckOrigin]. Each has a rule.
const (
	NoProof       Reason = "no-proof"      // neither Sec-Fetch-Site nor Origin on a request that may change something
	CrossSite     Reason = "cross-site"    // another origin, a sub-domain included
	Contradiction Reason = "contradiction" // headers that no browser sends together
	Duplicate     Reason = "duplicate"     // a header twice
	UnknownValue  Reason = "unknown-value" // a Sec-Fetch-Site that the specification does not have
	Destination   Reason = "destination"   // a POST for an image, a frame …
	NotLinkable   Reason = "not-linkable"  // a navigation from another site to a page that is closed to it
	Framed        Reason = "framed"        // a page to be shown inside another one
)

const (
	fetchMetadata = "W3C Fetch Metadata; https://web.dev/articles/fetch-metadata; OWASP ASVS 5.0 3.5.1, 3.5.3, 3.5.8"
	originHeader  = "RFC 6454; WHATWG Fetch, \"Origin header\"; OWASP CSRF Prevention Cheat Sheet; OWASP ASVS 5.0 3.5.1"
)

// The rules of this room.
var (
	RuleNoProof = check.Rule{
		ID: "MRL-CSRF-001", Property: check.Integrity, Severity: check.Low,
		Title:  "a changing request that does not say where it comes from",
		Why:    "without Sec-Fetch-Site and Origin nothing tells an own form from a foreign one",
		Attack: "Finds a browser, a proxy or a header trick that strips both headers, and sends the visitor's cookies along.",
		Wrong:  "curl -X POST https://site.test/notes -d Text=x",
		Right:  "Every browser since 2020 sends at least Origin with a POST. A program names itself:\n  curl -H 'Origin: https://site.test' …\nand still needs the token. A machine's endpoint is a route without cookies (InsecureNoToken).\nIf browsers are refused, a proxy in front strips the headers: let Origin and Sec-Fetch-* pass.",
		Source: originHeader,
	}
	RuleCrossSite = check.Rule{
		ID: "MRL-CSRF-002", Property: check.Integrity, Severity: check.Medium,
		Title:  "a request that another site made",
		Why:    "the browser says that the page which sent it is not one of this site's, and a sub-domain is another site too",
		Attack: "Puts a form, a fetch, an image or a script on a page of his own; the visitor's browser adds the cookies of this site.",
		Wrong:  "<form method=post action=\"https://site.test/notes\"> on https://evil.test",
		Right:  "Nothing to do when it was an attack. If it is your own site under another name or scheme, add that origin to the\nconfigured ones; a widget for other sites is a route of its own, without cookies.",
		Source: fetchMetadata,
	}
	RuleContradiction = check.Rule{
		ID: "MRL-CSRF-003", Property: check.Integrity, Severity: check.Medium,
		Title:  "origin headers that contradict each other",
		Why:    "no browser sends this pair of Sec-Fetch-Site and Origin (or Sec-Fetch-Mode): one of them is forged or was rewritten",
		Attack: "Sends the header that one check reads with the good value, and the one that the other check reads as it is.",
		Wrong:  "Sec-Fetch-Site: same-origin\nOrigin: null\n(the usual cause is no attack: a page sent with Referrer-Policy: no-referrer makes its own posts carry Origin: null)",
		Right:  "Send Referrer-Policy: same-origin (or strict-origin-when-cross-origin) on pages with forms; never no-referrer, neither\nas a header, nor as <meta name=referrer>, nor by a proxy that adds it. If Origin names the site itself, a proxy rewrote it\nor the site runs under an origin that is not configured.",
		Source: "WHATWG Fetch, \"append a request Origin header\"; tried in Chromium 156 and Firefox 153; golang/go#73626",
	}
	RuleDuplicate = check.Rule{
		ID: "MRL-CSRF-004", Property: check.Integrity, Severity: check.Medium,
		Title:  "an origin header given twice",
		Why:    "no browser sends two, and two programs may each believe another one",
		Attack: "Adds a second Sec-Fetch-Site or Origin line, so that a filter in front reads one and the site reads the other.",
		Wrong:  "Sec-Fetch-Site: same-origin\nSec-Fetch-Site: cross-site",
		Right:  "Send each once. A proxy that appends instead of replacing must be told not to touch these headers.",
		Source: "RFC 9110 5.3; W3C Fetch Metadata 2; measured: http.CrossOriginProtection reads the first line",
	}
	RuleUnknownValue = check.Rule{
		ID: "MRL-CSRF-005", Property: check.Integrity, Severity: check.Low,
		Title:  "a Sec-Fetch-Site that does not exist",
		Why:    "its values are same-origin, same-site, cross-site and none, and what is not known is not trusted",
		Attack: "Sends an empty or a listed value and hopes that it counts as absent.",
		Wrong:  "Sec-Fetch-Site: same-origin, cross-site",
		Right:  "Send one of the four values. If a browser brought a new one, Merlon must learn it: report it.",
		Source: "W3C Fetch Metadata 2.4",
	}
	RuleDestination = check.Rule{
		ID: "MRL-CSRF-006", Property: check.Integrity, Severity: check.Low,
		Title:  "a changing request for something that is not posted",
		Why:    "a form or a fetch asks for a document or for nothing, never for an image, a script or a frame",
		Attack: "Frames the site's own page and presses its buttons with the visitor's clicks, or finds an element that sends a POST.",
		Wrong:  "Sec-Fetch-Dest: iframe on a POST",
		Right:  "Post from a page that is not framed. A page that other origins may frame should link to the one with the form.",
		Source: fetchMetadata,
	}
	RuleNotLinkable = check.Rule{
		ID: "MRL-CSRF-007", Property: check.Confidentiality, Severity: check.Low,
		Title:  "a link from another site to a page that is closed to it",
		Why:    "the route says that only the site's own links lead here",
		Attack: "Opens the page in a window of his own and learns from its timing, its frames or its size what the visitor may see.",
		Wrong:  "a link on https://blog.test to a page with OwnLinksOnly",
		Right:  "Take OwnLinksOnly from the route if others may link to it: a GET cannot write.",
		Source: fetchMetadata,
	}
	RuleFramed = check.Rule{
		ID: "MRL-CSRF-008", Property: check.Integrity, Severity: check.Medium,
		Title:  "a page asked for by a frame",
		Why:    "a framed page can be laid invisibly over another, so that a click lands where the attacker wants it",
		Attack: "Frames the page transparently over a game (clickjacking).",
		Wrong:  "<iframe src=\"https://site.test/account\">",
		Right:  "Open the one route that is meant to be framed, and name the origin: Embeddable(origin, reason).",
		Source: "CSP 3 frame-ancestors; RFC 7034; OWASP ASVS 5.0 3.4.6; " + "W3C Fetch Metadata",
	}
	RuleToken = check.Rule{
		ID: "MRL-CSRF-009", Property: check.Integrity, Severity: check.Medium,
		Title:  "a form without a valid token",
		Why:    "the token proves that this session was shown this form; without it anybody may have made the form",
		Attack: "Replays a token of his own session, of another form, or none, in the visitor's browser (login CSRF included).",
		Wrong:  "<form method=post> whose page was shown before the visitor signed in, or to another session",
		Right:  "Show the form again, filled in, with a fresh token: nothing typed is lost. A form written by hand needs the hidden\nfield merlon_token; page puts it in by itself.",
		Source: "OWASP CSRF Prevention Cheat Sheet, \"HMAC based token pattern\"; BREACH (masking); OWASP ASVS 5.0 3.5.1",
	}
)

// Rules returns the rules of this room.
func Rules() []check.Rule {
	return []check.Rule{
		RuleNoProof, RuleCrossSite, RuleContradiction, RuleDuplicate, RuleUnknownValue,
		RuleDestination, RuleNotLinkable, RuleFramed, RuleToken,
	}
}

// Rule returns the rule of a reason.
func (r Reason) Rule() check.Rule {
	switch r {
	case NoProof:
		return RuleNoProof
	case CrossSite:
		return RuleCrossSite
	case Contradiction:
		return RuleContradiction
	case Duplicate:
		return RuleDuplicate
	case UnknownValue:
		return RuleUnknownValue
	case Destination:
		return RuleDestination
	case NotLinkable:
		return RuleNotLinkable
	}
	return RuleFramed
}
