package cli

import "github.com/merlon-web/merlon/check"

// RulePlainSignIn is what serve refuses with exit code 4.
var RulePlainSignIn = check.Rule{ID: "MRL-CLI-001", Property: check.Confidentiality, Severity: check.High,
	Title:  "a sign-in over plain HTTP off this machine",
	Why:    "passwords and session cookies could be read and changed on the way",
	Attack: "Whoever shares the network (a café, a provider) reads the password or the cookie and is the visitor.",
	Wrong:  `serve --listen 0.0.0.0:8080   # a site with accounts`,
	Right:  `serve   # 127.0.0.1; in production behind TLS`,
	Source: "OWASP ASVS 12.2.1, 4.1.2; RFC 9110 4.2.2"}

// RuleRevoked is the event of `session revoke`.
var RuleRevoked = check.Rule{ID: "MRL-CLI-002", Property: check.Confidentiality, Severity: check.Low,
	Title:  "a session was ended by the owner",
	Why:    "who shuts a person out says why, so that it can be told from an attacker's doing",
	Attack: "A stolen cookie is used on until somebody ends the session.",
	Right:  `nothing to do: the event tells whose session, when and why`,
	Source: "OWASP ASVS 5.0 7.4.5, 16.3.1"}

// RuleSettingsFile is what a start in production is refused by.
var RuleSettingsFile = check.Rule{ID: "MRL-CLI-003", Property: check.Integrity, Severity: check.High,
	Title:  "a setting that nothing reads, or that fits no other",
	Why:    "a misspelled setting is one that is not set, and nobody notices until it was needed",
	Attack: "trusted_proxys = […] trusts no proxy: all visitors share one address, and one of them locks all others out.",
	Wrong:  `[site]` + "\n" + `hots = ["example.org"]`,
	Right:  `[site]` + "\n" + `host = "example.org"`,
	Source: "OWASP ASVS 5.0 13.4; CWE-1188"}

// RuleProduction is what a start in production is refused by beside the findings of check.
var RuleProduction = check.Rule{ID: "MRL-CLI-004", Property: check.Confidentiality, Severity: check.High,
	Title:  "a start in production that lacks what the world needs",
	Why:    "a site in the world has a name, TLS, and a place where only this machine asks how it is",
	Attack: "Without a name of its own a site answers to the attacker's; without TLS whoever is on the way reads along.",
	Wrong:  "serve --production without merlon.toml",
	Right:  `site.host = "example.org" and tls.mode = "acme"`,
	Source: "OWASP ASVS 5.0 12.2.1, 13.4; OWASP WSTG-INPV-17"}

// RuleMaintained is the event of `maintenance on` and `maintenance off`.
var RuleMaintained = check.Rule{ID: "MRL-CLI-005", Property: check.Availability, Severity: check.Low,
	Title:  "the site was closed for maintenance, or opened again",
	Why:    "visitors were sent away by the owner's will, and not by a fault",
	Attack: "Whoever has the machine closes the site; the event tells when.",
	Right:  "nothing to do: the event tells when it was",
	Source: "RFC 9110 15.6.4; OWASP ASVS 5.0 16.3.3"}

// Rules returns the rules of this room.
func Rules() []check.Rule {
	return []check.Rule{RulePlainSignIn, RuleRevoked, RuleSettingsFile, RuleProduction, RuleMaintained}
}
