package trust

import (
	"context"
	"fmt"

	"github.com/merlon-web/merlon/check"
)

// The rules of the room.
var (
	RuleHost = check.Rule{
		ID: "MRL-TRUST-001", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "request for a host that is not this site's",
		Why:    "the Host header is the visitor's word: an answer to any name poisons caches and the links that are built from it",
		Attack: "The attacker asks for a reset link with Host: evil.example, and the mail's link leads there with the\nvictim's secret; or a cache keeps a page that loads its scripts from there.",
		Wrong:  "curl -H 'Host: evil.example' https://example.org/",
		Right:  `trust.New(trust.Config{Hosts: []string{"example.org"}}), and no address is ever built from r.Host`,
		Source: "RFC 9110 7.4, 15.5.20; OWASP WSTG-INPV-17; Kettle, Practical HTTP Host header attacks, 2013",
	}
	RulePeer = check.Rule{
		ID: "MRL-TRUST-002", Property: check.Integrity, Severity: check.Medium,
		Title:  "request whose peer has no address",
		Why:    "limits and events are kept by address; a request without one would have none",
		Attack: "A listener or middleware that leaves RemoteAddr empty of an address makes one bucket of the whole world.",
		Wrong:  `r.RemoteAddr = r.Header.Get("X-Forwarded-For") // as some middleware does`,
		Right:  "leave RemoteAddr to net/http and name the proxies in the settings",
		Source: "GO-2026-5774 and its like: middleware that writes the client's word into RemoteAddr",
	}
	RuleUnbelieved = check.Rule{
		ID: "MRL-TRUST-003", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "forwarding header from a peer who is no trusted proxy",
		Why:    "either a visitor tries to choose an address, or a proxy is not named and all visitors share one limit",
		Attack: "With X-Forwarded-For believed from anybody, each guess of a password comes from a new address and no\nlimit holds.",
		Wrong:  "a proxy in front of the site, and no trusted_proxies",
		Right:  "name the proxy's address and the header that it writes; without a proxy there is nothing to do",
		Source: "MDN X-Forwarded-For, security; OWASP ASVS 5.0 4.1.3; adam-p, The perils of the real client IP, 2022",
	}
	RuleMethod = check.Rule{
		ID: "MRL-TRUST-004", Property: check.Confidentiality, Severity: check.Low,
		Title:  "request with a method that the site does not know",
		Why:    "TRACE echoes cookies, and a method that no route names must not reach one",
		Attack: "A script makes the browser TRACE the site and reads the HttpOnly cookie in the echo; a QUERY reaches a\nhandler that takes everything but POST for a read.",
		Wrong:  "curl -X TRACE https://example.org/",
		Right:  "GET, HEAD and POST; a mounted handler names its further methods",
		Source: "OWASP ASVS 5.0 13.4.4, 4.1.4; Grossman, Cross-Site Tracing, 2003; RFC 9110 15.5.6",
	}
	RuleForm = check.Rule{
		ID: "MRL-TRUST-005", Property: check.Integrity, Severity: check.Medium,
		Title:  "request whose first line is malformed",
		Why:    "a request that a proxy and this server read differently goes past the proxy's rules",
		Attack: "GET http://evil.example/ with Host: example.org: the cache files the answer under one, the site\nanswers for the other.",
		Wrong:  "GET example.org:443 HTTP/1.1",
		Right:  "GET / HTTP/1.1",
		Source: "RFC 9112 3.2, 2.6; Kettle, HTTP Desync Attacks, 2019",
	}
	RuleSize = check.Rule{
		ID: "MRL-TRUST-006", Property: check.Availability, Severity: check.Low,
		Title:  "request with too large a head",
		Why:    "a head is held in memory before anybody knows whose it is",
		Attack: "Thousands of connections send a megabyte of headers each; or 5,000 cookies make every parser slow.",
		Wrong:  "a head of more than 100 lines or 16 KiB, a target of more than 8 KiB",
		Right:  "what browsers send: 20 lines, 2 KiB",
		Source: "CVE-2023-45288 (HTTP/2 CONTINUATION flood); OWASP ASVS 5.0 4.2.5",
	}
	RuleBody = check.Rule{
		ID: "MRL-TRUST-007", Property: check.Integrity, Severity: check.Medium,
		Title:  "GET or HEAD with a body",
		Why:    "a proxy that does not forward the body, or a server that does not read it, takes it for the next request",
		Attack: "The body is GET /admin …, and the next visitor on the shared connection gets its answer (desync).",
		Wrong:  "curl -X GET -d a=1 https://example.org/",
		Right:  "send values of a GET in the query, values that change something by POST",
		Source: "RFC 9110 9.3.1; Kettle, Browser-Powered Desync Attacks, 2022",
	}
	RuleCompressed = check.Rule{
		ID: "MRL-TRUST-008", Property: check.Availability, Severity: check.Low,
		Title:  "request with a compressed body",
		Why:    "a few kilobytes would become gigabytes, and no browser compresses a form",
		Attack: "10 MB of gzip hold 10 GB of zeros; the limit of the body counts only the 10 MB.",
		Wrong:  "Content-Encoding: gzip on a POST",
		Right:  "send it as it is",
		Source: "CWE-409; OWASP ASVS 5.0 5.2.3",
	}
	RuleQuery = check.Rule{
		ID: "MRL-TRUST-009", Property: check.Integrity, Severity: check.Low,
		Title:  "query that parsers read differently",
		Why:    "a semicolon or a broken escape gives the proxy's cache and this server two different requests",
		Attack: "/search?q=a;utm=x is one field here and two in the cache, which files the attacker's answer under the\nvictim's address (parameter cloaking).",
		Wrong:  "/search?a=1;b=2",
		Right:  "/search?a=1&b=2, and %3B for a semicolon",
		Source: "CVE-2022-2880; golang/go#25192; WHATWG URL, application/x-www-form-urlencoded",
	}
	RulePath = check.Rule{
		ID: "MRL-TRUST-010", Property: check.Confidentiality, Severity: check.Low,
		Title:  "path that is not canonical",
		Why:    "two spellings of one page get past rules that know only one, and a redirect to the right one can lead away",
		Attack: "A proxy that guards /admin lets //admin, /x/../admin and /%61dmin through; a redirect from //evil.example/\nto its clean form leaves the site.",
		Wrong:  "/notes//4, /notes/../admin, /notes/a%2Fb",
		Right:  "the path as the site's own links spell it",
		Source: "RFC 3986 6.2.2; GO-2025-3770, GO-2026-4316 (chi RedirectSlashes); Omer Gil, Web Cache Deception, 2017",
	}
	RuleHostSetting = check.Rule{
		ID: "MRL-TRUST-011", Property: check.Confidentiality, Severity: check.High,
		Title:  "host setting that cannot be used",
		Why:    "a site answers to whole names only, so that no stranger's name is taken for its own",
		Attack: "With a wildcard or no list every Host is the site's, and links in mails lead where the attacker says.",
		Wrong:  `hosts = ["https://example.org/", "*.example.org"]`,
		Right:  `hosts = ["example.org", "www.example.org"]`,
		Source: "OWASP WSTG-INPV-17; Django ALLOWED_HOSTS",
	}
	RuleProxySetting = check.Rule{
		ID: "MRL-TRUST-012", Property: check.Confidentiality, Severity: check.High,
		Title:  "proxy setting that cannot be used",
		Why:    "who is in a trusted network chooses every visitor's address and scheme",
		Attack: "With 0.0.0.0/0 as a proxy, X-Forwarded-For is believed from anybody and no limit by address holds;\na proxy by name is whoever answers for that name.",
		Wrong:  `trusted_proxies = ["0.0.0.0/0", "proxy.internal"]`,
		Right:  `trusted_proxies = ["10.0.3.7", "2001:db8:5::/48"]`,
		Source: "MDN X-Forwarded-For, selecting an IP address; adam-p, The perils of the real client IP, 2022",
	}
	RuleHeaderSetting = check.Rule{
		ID: "MRL-TRUST-013", Property: check.Confidentiality, Severity: check.High,
		Title:  "client header setting that cannot be used",
		Why:    "one header names the client: one that the client writes itself, or a guess among several, lets it choose",
		Attack: "The proxy writes X-Real-IP, the site reads X-Forwarded-For, which the proxy passes on as the client wrote it.",
		Wrong:  `trusted_proxies = ["10.0.3.7"] and no client_header`,
		Right:  `client_header = "X-Forwarded-For"`,
		Source: "GO-2026-5774, GO-2026-5775, GO-2026-5777 (chi RealIP)",
	}
)

// Rules returns every rule of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleHost, RulePeer, RuleUnbelieved, RuleMethod, RuleForm, RuleSize, RuleBody, RuleCompressed, RuleQuery,
		RulePath, RuleHostSetting, RuleProxySetting, RuleHeaderSetting}
}

// Checks returns what can be said of a running policy: whether forwarding headers arrived that nobody believed.
func (p *Policy) Checks() []check.Check {
	return []check.Check{{Rule: RuleUnbelieved, Run: func(context.Context) []check.Finding {
		u := p.Unbelieved()
		if u == nil {
			return nil
		}
		return []check.Finding{RuleUnbelieved.Finding("proxies", fmt.Sprintf("%s came from %s, which is no trusted proxy", u.Header, u.Peer),
			"if that is your proxy, name it in the settings; otherwise a visitor tried it and nothing is to be done")}
	}}}
}
