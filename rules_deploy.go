package merlon

import "github.com/merlon-web/merlon/check"

// What a site in the world needs of its settings.
var (
	RuleNoOrigin = check.Rule{ID: "MRL-DEPLOY-001", Property: check.Confidentiality, Severity: check.High,
		Title:  "no public address",
		Why:    "links in mails, the check of where a post comes from and passkeys need the site's own name, and a request must not choose it",
		Attack: "With a name taken from the request, a reset link that an attacker asked for leads to the attacker's host.",
		Wrong:  "serve --production without site.host and site.origin",
		Right:  `site.host = "example.org"   # in merlon.toml, or MERLON_SITE_HOST=example.org`,
		Source: "OWASP WSTG-INPV-17 (Host header injection); OWASP ASVS 5.0 4.1.2"}
	RulePlainOrigin = check.Rule{ID: "MRL-DEPLOY-002", Property: check.Confidentiality, Severity: check.High,
		Title:  "a public address without TLS",
		Why:    "whoever is on the way reads and changes what is sent: passwords, cookies, pages",
		Attack: "In a café's network the session cookie of a visitor is read, or a page is given another form.",
		Wrong:  `site.origin = "http://example.org"`,
		Right:  `site.host = "example.org"   # whose origin is https://example.org`,
		Source: "OWASP ASVS 5.0 12.2.1; RFC 8446"}
	RuleHostMissing = check.Rule{ID: "MRL-DEPLOY-003", Property: check.Availability, Severity: check.High,
		Title:  "a host list without the site's own name",
		Why:    "each visitor who follows a link in a mail is answered with 421",
		Attack: "No attack: the site is closed to those who type its name.",
		Wrong:  `Settings{Origin: "https://example.org", Hosts: []string{"www.example.org"}}   // in a program that reads no merlon.toml`,
		Right:  "site.host = \"example.org\"        # which is among the hosts by itself\nsite.hosts = [\"www.example.org\"]",
		Source: "RFC 9110 15.5.20"}
	RuleHostLocal = check.Rule{ID: "MRL-DEPLOY-004", Property: check.Integrity, Severity: check.Low,
		Title:  "a host list with names that are not the world's",
		Why:    "what answers to such a name elsewhere is somebody else's machine",
		Attack: "A page on localhost, .local or .test of a visitor's own network is taken for this site by the browser's rules and by links.",
		Wrong:  `site.hosts = ["example.org", "localhost"]`,
		Right:  `site.hosts = ["example.org"]`,
		Source: "RFC 6761 6; RFC 6762 3"}
	RuleSender = check.Rule{ID: "MRL-DEPLOY-005", Property: check.Integrity, Severity: check.Low,
		Title:  "mails from another domain than the site's",
		Why:    "receivers look there for who may send, and people for whether the mail is real",
		Attack: "Filters drop mails whose domain did not say that this server sends for it; people learn to trust any sender.",
		Wrong:  "site.host = \"example.org\"\nmail.from = \"club@mail.example.net\"",
		Right:  `mail.from = "club@example.org", with SPF, DKIM and DMARC for that domain`,
		Source: "RFC 7489 3.1 (identifier alignment); RFC 7208"}
	RuleWideProxy = check.Rule{ID: "MRL-DEPLOY-006", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "a wide network of trusted proxies",
		Why:    "everybody in it chooses the address that limits and events see",
		Attack: "Another machine of the same network sends X-Forwarded-For with a new address each time: no limit by network holds.",
		Wrong:  `site.trusted_proxies = ["10.0.0.0/8"]`,
		Right:  `site.trusted_proxies = ["10.0.3.7"]`,
		Source: "CWE-348; MDN X-Forwarded-For, selecting an IP address"}
	RuleNoName = check.Rule{ID: "MRL-DEPLOY-007", Property: check.Integrity, Severity: check.Low,
		Title:  "a site without a name",
		Why:    "its cookies have the names of every other site without one",
		Attack: "Two sites on one host sign each other's visitors out, and a cookie of the one is tried on the other.",
		Wrong:  "merlon.Config{Routes: routes}",
		Right:  `merlon.Config{Name: "shop", Routes: routes}`,
		Source: "RFC 6265 8.5 (cookies do not mind the port)"}
	RuleDemo = check.Rule{ID: "MRL-DEPLOY-010", Property: check.Confidentiality, Severity: check.High,
		Title:  "data to try the site with, in the world",
		Why:    "the passwords of its accounts, an administrator's too, are printed at the start and stand in the program's text",
		Attack: "Whoever reads the example signs in as its administrator.",
		Wrong:  "serve --demo, then serve --production on the same folder",
		Right:  "serve --production --data of a folder that began empty",
		Source: "OWASP ASVS 5.0 6.3.2 (no default accounts); CWE-1392"}
	RuleNumberOrigin = check.Rule{ID: "MRL-DEPLOY-008", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "a public address that is a number",
		Why:    "certificates, HSTS and passkeys belong to names, and a number moves with the machine",
		Attack: "Who gets the number next gets the visitors' cookies and bookmarks.",
		Wrong:  `site.host = "192.0.2.7"`,
		Right:  `site.host = "example.org"`,
		Source: "RFC 6797 8.3 (no HSTS for IP addresses); W3C WebAuthn L3 5.1.2"}
	RuleNameless = check.Rule{ID: "MRL-DEPLOY-009", Property: check.Availability, Severity: check.Medium,
		Title:  "visitors who all come from this machine",
		Why:    "a proxy in front of the site names nobody, or passes TLS on unopened: then all visitors share the limits of one address, and no event tells them apart",
		Attack: "One visitor asks too often, or tries passwords, and everybody is refused.",
		Wrong:  "a proxy on the same machine that passes TCP on, or site.trusted_proxies without the header that the proxy writes",
		Right:  "let the proxy end TLS and write site.client_header, or let the site listen on the public address itself",
		Source: "MDN X-Forwarded-For, security; OWASP ASVS 5.0 4.1.3, 6.3.1; CWE-770"}
)

func deployRules() []check.Rule {
	return []check.Rule{RuleNoOrigin, RulePlainOrigin, RuleHostMissing, RuleHostLocal, RuleSender, RuleWideProxy, RuleNoName, RuleNumberOrigin, RuleNameless, RuleDemo}
}
