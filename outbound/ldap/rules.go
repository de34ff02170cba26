package ldap

import "github.com/merlon-web/merlon/check"

// The rules of the room.
var (
	RuleFilter = check.Rule{ID: "MRL-LDAP-001", Property: check.Integrity, Severity: check.High,
		Title:  "a filter or name that is none",
		Why:    "a directory would refuse each question made with it",
		Attack: "No attack: it is the program's own mistake, told when it starts.",
		Wrong:  `ldap.NewFilter("(uid={}")`, Right: `ldap.NewFilter("(uid={})")`,
		Source: "RFC 4515, 3; RFC 4514, 3"}
	RuleValue = check.Rule{ID: "MRL-LDAP-002", Property: check.Integrity, Severity: check.Medium,
		Title:  "a value that a directory is not asked for",
		Why:    "servers differ in what an empty value finds, nothing or everything",
		Attack: `A sign-in with an empty name finds the first entry of the directory.`,
		Right:  "Values that are not empty, from a form with required and max.",
		Source: "CWE-90; OWASP, LDAP Injection Prevention Cheat Sheet"}
	RuleServer = check.Rule{ID: "MRL-LDAP-003", Property: check.Confidentiality, Severity: check.High,
		Title:  "a directory that cannot be used",
		Why:    "passwords go to it, so it must be the right one, over TLS, and asked by a name with a password",
		Attack: "An attacker on the network reads the passwords of all who sign in.",
		Wrong:  `ldap.Config{Address: "ldap.example.org:389"}`, Right: `ldap.Config{Address: "ldaps://ldap.example.org", User: reader, Password: password}`,
		Source: "RFC 4513, 3, 5.1.2; OWASP ASVS 12.3.1"}
	RuleSealed = check.Rule{ID: "MRL-LDAP-004", Property: check.Integrity, Severity: check.High,
		Title:  "a filter or name declared after the site started",
		Why:    "filters are part of the source, and nothing that a visitor sends may become one",
		Attack: `A name "*)(uid=*" becomes syntax and finds every account.`,
		Wrong:  "func handler(…) { f := ldap.NewFilter(…) }", Right: "var byName = ldap.NewFilter(\"(uid={})\")   // a package variable",
		Source: "CWE-90; OWASP ASVS 1.2.6"}
	RuleInWrite = check.Rule{ID: "MRL-LDAP-005", Property: check.Availability, Severity: check.Medium,
		Title:  "a directory asked inside a write transaction",
		Why:    "every other visitor who writes would wait for its answer",
		Attack: "A directory that answers slowly stops the site.",
		Wrong:  `directory.Search(w.Context(), …)`, Right: "in PostAfter's before, or in a job: merlon.Job(…)",
		Source: "CWE-400; OWASP ASVS 15.2.2"}
)

// Rules lists the rules of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleFilter, RuleValue, RuleServer, RuleSealed, RuleInWrite}
}

var _ = check.Known(Rules()...)
