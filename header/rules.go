package header

import "github.com/merlon-web/merlon/check"

// The rules of the room.
var (
	RuleValue = check.Rule{
		ID: "MRL-HDR-001", Property: check.Integrity, Severity: check.High,
		Title:  "response header with a byte that ends its line",
		Why:    "a line break in a header lets a visitor write headers and a body of their own",
		Attack: "A name with \\r\\nSet-Cookie: … in it sets a cookie for the victim; with an empty line it is a page of\nthe attacker's on your address, and a shared cache keeps it.",
		Wrong:  `w.Header().Set("X-Note", note.Text)`,
		Right:  `if err := header.Set(w.Header(), "X-Note", note.Text); err != nil { … }`,
		Source: "RFC 9110 5.5; CWE-113; OWASP ASVS 5.0 1.2.1; U+560A U+560D truncate to LF CR (Twitter, 2015)",
	}
	RuleName = check.Rule{
		ID: "MRL-HDR-002", Property: check.Integrity, Severity: check.High,
		Title:  "response header that is not set by hand",
		Why:    "this header guards the site or frames its messages, and has a function that keeps its rule",
		Attack: "One handler that sets Set-Cookie, Access-Control-Allow-Origin, Content-Security-Policy or\nContent-Length by hand undoes the protection of every page behind it.",
		Wrong:  `header.Set(h, "Set-Cookie", "id="+id)`,
		Right:  `header.SetCookie(h, header.Cookie{Name: "__Host-id", Value: id})`,
		Source: "RFC 9110 5.1; OWASP ASVS 5.0 3.3, 3.4, 3.5.6",
	}
	RuleLocation = check.Rule{
		ID: "MRL-HDR-003", Property: check.Integrity, Severity: check.High,
		Title:  "redirect to another site",
		Why:    "a redirect that leaves the site lends your name to whoever chose the address",
		Attack: "A mailed link to your sign-in page with next=//evil.example ends on a copy of it, after the visitor\nhas seen your address. Browsers also read /\\evil.example and /<tab>/evil.example as another host.",
		Wrong:  `http.Redirect(w, r, r.FormValue("next"), 303)`,
		Right:  `header.SetLocation(w.Header(), "/notes/"+url.PathEscape(id))`,
		Source: "CWE-601; WHATWG URL; OWASP ASVS 5.0 1.2.2; GO-2025-3770",
	}
	RuleCookie = check.Rule{
		ID: "MRL-HDR-004", Property: check.Confidentiality, Severity: check.High,
		Title:  "cookie that browsers would drop or others could set",
		Why:    "without the __Host- prefix a sub-domain can set it, and browsers drop what is malformed or too large without a word",
		Attack: "blog.example.org sets session=… for .example.org, and the visitor works in the attacker's session.\nA value with a semicolon adds Domain= and sends the cookie to every sub-domain.",
		Wrong:  `header.SetCookie(h, header.Cookie{Name: "session", Value: name + "; Domain=example.org"})`,
		Right:  `header.SetCookie(h, header.Cookie{Name: "__Host-session", Value: token})`,
		Source: "RFC 6265bis 4.1, 4.1.3.2; OWASP ASVS 5.0 3.3.1–3.3.5",
	}
	RuleScriptCookie = check.Rule{
		ID: "MRL-HDR-005", Property: check.Confidentiality, Severity: check.Low,
		Title:  "cookie that scripts can read",
		Why:    "a script that an attacker brings into the page reads it and sends it away",
		Attack: "One hole in one page's escaping, and document.cookie goes to the attacker.",
		Wrong:  `header.InsecureScriptCookie("__Host-session", "the menu shows it")`,
		Right:  `header.InsecureScriptCookie("__Host-theme", "the colours are set before the page is painted")`,
		Source: "OWASP ASVS 5.0 3.3.4",
	}
	RuleSource = check.Rule{
		ID: "MRL-HDR-006", Property: check.Integrity, Severity: check.High,
		Title:  "content security policy with a source that cannot stand",
		Why:    "a policy names hosts and hashes; a wildcard, a scheme, an unsafe- word or a stray semicolon opens the page",
		Attack: "With script-src https: any script on the web runs in the page, with 'unsafe-inline' any that is\ninjected; with a semicolon in an origin the rest of the policy is the attacker's.",
		Wrong:  `header.Policy{Img: header.Sources{Origins: []string{"*"}}}`,
		Right:  `header.Policy{Img: header.Sources{Self: true, Origins: []string{"https://img.example"}}}`,
		Source: "CSP Level 3; Weichselbaum et al., CSP Is Dead, 2016; OWASP ASVS 5.0 3.4.3",
	}
	RuleHashes = check.Rule{
		ID: "MRL-HDR-007", Property: check.Availability, Severity: check.High,
		Title:  "content security policy with more than 20 hashes",
		Why:    "the policy is sent with every answer, and proxies refuse heads of more than 8 KiB",
		Attack: "None is needed: the page fails for visitors behind the proxy with the smallest buffer.",
		Wrong:  "thirty small <script> elements in one page",
		Right:  `one file: <script src="/static/app.js" defer></script>`,
		Source: "CSP Level 3 2.3.1; nginx proxy_buffer_size",
	}
	RuleFrame = check.Rule{
		ID: "MRL-HDR-008", Property: check.Integrity, Severity: check.Medium,
		Title:  "page that another site may frame",
		Why:    "what is framed can be clicked through an invisible layer, so each opening has an origin and a reason",
		Attack: "The framing site lays its own button over yours: the visitor's click deletes the account (clickjacking).",
		Wrong:  `header.Options{Frames: []header.Frame{{Origin: "https://partner.example"}}}`,
		Right:  `header.Options{Frames: []header.Frame{{Origin: "https://partner.example", Reason: "their page shows our map"}}}`,
		Source: "CSP Level 3 6.4.2; OWASP ASVS 5.0 3.4.6; CWE-1021",
	}
	RuleFeature = check.Rule{
		ID: "MRL-HDR-009", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "browser feature that is not known",
		Why:    "a feature is opened by the name that browsers know; a misspelt one opens nothing and the script fails",
		Attack: "None: the feature stays closed.",
		Wrong:  `header.Options{Features: []string{"passkeys"}}`,
		Right:  `header.Options{Features: []string{"publickey-credentials-get"}}`,
		Source: "W3C Permissions Policy",
	}
	RuleMissing = check.Rule{
		ID: "MRL-HDR-010", Property: check.Integrity, Severity: check.High,
		Title:  "answer without one of the protecting headers",
		Why:    "browsers protect a page only as its headers say",
		Attack: "Without nosniff a JSON answer is shown as a page and its text runs; without frame-ancestors the page\nis framed; without a policy an injected script runs.",
		Wrong:  `mux.Handle("/", pages)`,
		Right:  `mux.Handle("/", header.Handler(pages))`,
		Source: "OWASP ASVS 5.0 3.4; OWASP HTTP Headers Cheat Sheet",
	}
	RuleCacheable = check.Rule{
		ID: "MRL-HDR-011", Property: check.Confidentiality, Severity: check.High,
		Title:  "answer that sets a cookie and may be cached",
		Why:    "a shared cache would hand one visitor's cookie and page to the next",
		Attack: "The attacker asks for the same address after the victim and is signed in as the victim.",
		Wrong:  "Cache-Control: public with Set-Cookie",
		Right:  "Cache-Control: no-store, which header.Strict sends",
		Source: "RFC 9111 7.3; OWASP ASVS 5.0 14.2.2, 14.3.2",
	}
)

// Rules returns every rule of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleValue, RuleName, RuleLocation, RuleCookie, RuleScriptCookie, RuleSource, RuleHashes, RuleFrame,
		RuleFeature, RuleMissing, RuleCacheable}
}
