package passkey

import "github.com/merlon-web/merlon/check"

// The rules of the room.
var (
	RuleFailed = check.Rule{ID: "MRL-PASSKEY-001", Property: check.Confidentiality, Severity: check.Low,
		Title: "a sign-in with a passkey that failed", Why: "the answer is not that of a passkey of this site, for this browser, now, and once",
		Attack: "An answer that was read on its way is sent again, or one that a false site asked for.",
		Wrong:  `the answer to a challenge of yesterday, or of another browser`, Right: `open the sign-in page again and use the passkey there`,
		Source: "W3C Web Authentication Level 3, 7.2; OWASP ASVS 5.0 6.5.1, 16.3.1"}
	RuleCounter = check.Rule{ID: "MRL-PASSKEY-002", Property: check.Confidentiality, Severity: check.Medium,
		Title: "the counter of a passkey fell back", Why: "an authenticator counts its signatures; two that count apart may be a copy and its original",
		Attack: "A key is copied out of a device and used beside it.",
		Wrong:  `counter 7 after counter 9`, Right: `ask the owner; a passkey that never leaves its device is refused then, one that is copied between devices is not`,
		Source: "W3C Web Authentication Level 3, 6.1.1, 7.2 step 22"}
	RuleAdded = check.Rule{ID: "MRL-PASSKEY-003", Property: check.Confidentiality, Severity: check.Low,
		Title: "a passkey was added", Why: "whoever holds it signs in; the owner gets a mail",
		Attack: "Somebody at an unlocked computer adds a passkey to come back with.",
		Right:  `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 6.3.7, 16.3.1"}
	RuleRemoved = check.Rule{ID: "MRL-PASSKEY-004", Property: check.Availability, Severity: check.Low,
		Title: "a passkey was removed", Why: "it signs nobody in any more; the owner gets a mail",
		Attack: "Whoever took an account over locks its owner out.",
		Right:  `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 6.3.7, 16.3.1"}
	RuleRenamed = check.Rule{ID: "MRL-PASSKEY-005", Property: check.Integrity, Severity: check.Low,
		Title: "a passkey was renamed", Why: "the name is how its owner tells it from others",
		Attack: "A passkey of an attacker's gets the name of the owner's phone.",
		Right:  `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 16.3.1"}
	RuleRefused = check.Rule{ID: "MRL-PASSKEY-006", Property: check.Integrity, Severity: check.Low,
		Title: "a passkey was not added", Why: "the answer is not that of a new authenticator that asked its user, for this account, now, and once",
		Attack: "A passkey of an attacker's is slipped into somebody's form.",
		Wrong:  `a passkey that did not ask for finger, face or code`, Right: `open the page again, and confirm on the device`,
		Source: "W3C Web Authentication Level 3, 7.1"}
	RuleName = check.Rule{ID: "MRL-PASSKEY-007", Property: check.Availability, Severity: check.High,
		Title: "a site with passkeys that has no name", Why: "passkeys belong to a host name; browsers make none for an address of numbers",
		Attack: "None: the button would never work, and passkeys would be lost with the address.",
		Wrong:  `site.origin = "http://192.0.2.7"`, Right: `site.host = "example.org"`,
		Source: "W3C Web Authentication Level 3, 4 (RP ID), 5.1.3"}
)

// Rules returns the rules of this part.
func Rules() []check.Rule {
	return []check.Rule{RuleFailed, RuleCounter, RuleAdded, RuleRemoved, RuleRenamed, RuleRefused, RuleName}
}
