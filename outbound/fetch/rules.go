package fetch

import "github.com/merlon-web/merlon/check"

// The rules of the room.
var (
	RuleAddress = check.Rule{ID: "MRL-FETCH-001", Property: check.Confidentiality, Severity: check.High,
		Title:  "an address that is not fetched",
		Why:    "this server reaches what visitors must not: its own ports, its network, the metadata of its cloud",
		Attack: "A visitor types http://169.254.169.254/ or a name that leads there, and reads the keys of the machine.",
		Wrong:  `http.Get(in.Address)`, Right: `client.Get(ctx, in.Address)   // fetch.New(fetch.Config{})`,
		Source: "CWE-918; OWASP, Server-Side Request Forgery Prevention Cheat Sheet; OWASP ASVS 1.3.6"}
	RulePrivate = check.Rule{ID: "MRL-FETCH-002", Property: check.Confidentiality, Severity: check.High,
		Title:  "private addresses opened without a reason",
		Why:    "each way out of a guard says why it is there",
		Attack: "Who may choose the address reads the services behind the firewall.",
		Wrong:  `fetch.Config{InsecurePrivate: …}`,
		Right:  `fetch.Config{Hosts: []string{"billing.internal.example"}, InsecurePrivate: …, InsecureReason: "the billing service of our own network"}`,
		Source: "CWE-918; OWASP ASVS 13.2.4"}
	RuleHeader = check.Rule{ID: "MRL-FETCH-003", Property: check.Integrity, Severity: check.High,
		Title:  "a request header that is more than one",
		Why:    "a line break in a value begins another header or another request",
		Attack: "A visitor's name with a line break adds a header to what this site asks another one.",
		Right:  "Values of one line, from constants or checked data.",
		Source: "RFC 9110, 5.5; CWE-113"}
	RuleInWrite = check.Rule{ID: "MRL-FETCH-004", Property: check.Availability, Severity: check.Medium,
		Title:  "another site asked inside a write transaction",
		Why:    "every other visitor who writes would wait for its answer",
		Attack: "A site that answers slowly stops this one.",
		Wrong:  `client.Get(w.Context(), …)`, Right: "in PostAfter's before, or in a job: merlon.Job(…)",
		Source: "CWE-400; OWASP ASVS 15.2.2"}
)

// Rules lists the rules of the room.
func Rules() []check.Rule { return []check.Rule{RuleAddress, RulePrivate, RuleHeader, RuleInWrite} }

var _ = check.Known(Rules()...)
