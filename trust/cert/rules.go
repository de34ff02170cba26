package cert

import "github.com/merlon-web/merlon/check"

// The rules of the room.
var (
	RuleEnded = check.Rule{
		ID: "MRL-CERT-001", Property: check.Availability, Severity: check.High,
		Title:  "certificate that browsers refuse, or will tomorrow",
		Why:    "after its end, and with HSTS, nobody gets past the browser's warning page",
		Attack: "Visitors who learn to click a warning away click the attacker's away too.",
		Wrong:  "a certificate that ended yesterday",
		Right:  `tls.mode = "acme", or files that something renews`,
		Source: "RFC 5280 4.1.2.5; RFC 6797 8.4; OWASP ASVS 5.0 12.2.2",
	}
	RuleLate = check.Rule{
		ID: "MRL-CERT-002", Property: check.Availability, Severity: check.Medium,
		Title:  "certificate that ends within two weeks",
		Why:    "what renews it has failed for weeks already, and nobody has noticed",
		Attack: "None is needed: the site is down on a known day.",
		Wrong:  "thirteen days left of ninety",
		Right:  "look into the log for MRL-CERT-005, and see that port 443 or 80 is reached from the Internet",
		Source: "RFC 8555 6.7; OWASP ASVS 5.0 12.2.2",
	}
	RuleAge = check.Rule{
		ID: "MRL-CERT-003", Property: check.Availability, Severity: check.Low,
		Title:  "certificate whose renewal is due",
		Why:    "two thirds of its time are over: from here on it should have been renewed on some day",
		Attack: "None is needed: what is not renewed ends.",
		Wrong:  "29 days left of ninety",
		Right:  "see that it is renewed",
		Source: "Let's Encrypt, integration guide: renew when a third of the lifetime is left",
	}
	RuleFiles = check.Rule{
		ID: "MRL-CERT-004", Property: check.Confidentiality, Severity: check.High,
		Title:  "certificate files that cannot be used",
		Why:    "without a certificate there is no TLS, and a key that others can read is nobody's",
		Attack: "Another user of the machine copies the key and is the site to whoever it can divert.",
		Wrong:  "chmod 644 privkey.pem",
		Right:  "chmod 600 privkey.pem, fullchain.pem with the chain",
		Source: "OWASP ASVS 5.0 12.1.1, 13.3.1; CWE-732",
	}
	RuleACME = check.Rule{
		ID: "MRL-CERT-005", Property: check.Availability, Severity: check.High,
		Title:  "no certificate from the authority",
		Why:    "without one the handshake fails: there is no way to the site without TLS",
		Attack: "Whoever keeps the authority from reaching the site keeps it from being renewed.",
		Wrong:  "hosts that do not lead to this machine, or port 443 and 80 closed",
		Right:  "the names lead here, and the authority reaches port 443 (tls-alpn-01) or 80 (http-01)",
		Source: "RFC 8555 8.3; RFC 8737",
	}
	RuleNames = check.Rule{
		ID: "MRL-CERT-006", Property: check.Availability, Severity: check.High,
		Title:  "certificate that does not name the site",
		Why:    "browsers hold the name in the address against those in the certificate: every visitor meets the warning page, and with HSTS none gets past it",
		Attack: "Visitors who learn to click a warning away click the attacker's away too.",
		Wrong:  "site.host = \"club.example.org\" with a certificate for www.example.org",
		Right:  "a certificate with each host as a subject alternative name: openssl x509 -in fullchain.pem -noout -ext subjectAltName",
		Source: "RFC 9525 6; OWASP ASVS 5.0 12.2.2",
	}
)

// Rules returns every rule of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleEnded, RuleLate, RuleAge, RuleFiles, RuleACME, RuleNames}
}
