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

// Rules returns the rules of this room.
func Rules() []check.Rule { return []check.Rule{RulePlainSignIn, RuleRevoked} }
