package password

import (
	"context"
	"strconv"
	"time"

	"github.com/merlon-web/merlon/check"
)

// The rules of the room.
var (
	RuleInWrite = check.Rule{
		ID: "MRL-PASSWORD-001", Property: check.Availability, Severity: check.High,
		Title:  "a password is hashed inside a write transaction",
		Why:    "a hash takes a tenth of a second, and every other post waits for it",
		Attack: "Fifty clients sign in with wrong passwords; measured, an ordinary post then takes 3.7 s instead of 0.4 ms.",
		Wrong:  "merlon.Post(…, func(w *merlon.Write[…], f form.Form[SignUp]) … { hash, err := hasher.Hash(w.Context(), …) })",
		Right:  "merlon.PostAfter: hash in its first function, which has a reader and no transaction; store in the second.",
		Source: "measured; CWE-400",
	}
	RuleStored = check.Rule{
		ID: "MRL-PASSWORD-002", Property: check.Integrity, Severity: check.Medium,
		Title:  "a stored password hash was refused",
		Why:    "a damaged or planted hash must not match, nor make the machine compute for minutes",
		Attack: "Who can write one row plants $argon2id$…m=4194304,t=1000000…: each sign-in then takes 4 GiB and an hour.",
		Right:  "See the reason of the event. unknown-key: the key file does not belong to this data, restore it. Else let the user\nreset the password.",
		Source: "RFC 9106 3.1; CWE-400; CWE-1284",
	}
	RuleCosts = check.Rule{
		ID: "MRL-PASSWORD-003", Property: check.Confidentiality, Severity: check.High,
		Title:  "password hashes cost too little",
		Why:    "a thief of the database and the keys tries passwords as fast as one hash allows",
		Attack: "A graphics card tries thousands of cheap hashes a second against each account.",
		Wrong:  `password.Config{Params: password.Params{Memory: 64, Time: 1}, InsecureCosts: "tests"}`,
		Right:  "Leave Params and InsecureCosts empty: the costs are measured at start, at least 19 MiB and 2 passes.",
		Source: "OWASP Password Storage Cheat Sheet (Argon2id); RFC 9106, 4; OWASP ASVS 5.0 11.4.2",
	}
	RuleConfig = check.Rule{
		ID: "MRL-PASSWORD-004", Property: check.Confidentiality, Severity: check.High,
		Title:  "the password hasher lacks what it needs",
		Why:    "without its keys, clock and bounds it could only hash with less protection",
		Attack: "Hashes without a pepper can be guessed at by whoever gets a copy of the database alone.",
		Right:  "Give Config a Pepper of the site's key ring and the site's clock.",
		Source: "OWASP Password Storage Cheat Sheet (Peppering)",
	}
	RuleFast = check.Rule{
		ID: "MRL-PASSWORD-005", Property: check.Confidentiality, Severity: check.High,
		Title:  "the database holds fast password hashes",
		Why:    "MD5 and SHA-1 are tried at billions a second; a stolen copy is a list of passwords",
		Attack: "The thief of one old backup signs in here and wherever else the same password is used.",
		Wrong:  "md5$salt$d8c25f4e9007529faab7b99f19856ffe",
		Right:  "Run Hasher.Wrap over the table when it is imported: Argon2id over the old hash, replaced at the next sign-in.",
		Source: "OWASP Password Storage Cheat Sheet (Upgrading Legacy Hashes); OWASP ASVS 5.0 11.4.2",
	}
	RuleSlow = check.Rule{
		ID: "MRL-PASSWORD-006", Property: check.Availability, Severity: check.Low,
		Title:  "one password hash takes longer than 250 ms here",
		Why:    "few people can sign in a second, and the line fills early; the costs do not go below their floor",
		Attack: "A slow flood of sign-ins fills the line, and people are told to come back later.",
		Right:  "Give the site a faster processor, or more of them (Slots).",
		Source: "OWASP ASVS 5.0 11.4.2; measured: 19 MiB and 2 passes take 21 ms on one core of 2024",
	}
)

// slow is the time of one hash from which [RuleSlow] is found.
const slow = 250 * time.Millisecond

// Rules lists the rules of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleInWrite, RuleStored, RuleCosts, RuleConfig, RuleFast, RuleSlow}
}

// Checks returns the room's checks of a hasher: its costs and their time. An account room counts the hashes of its table
// with [Inspect].
func (h *Hasher) Checks() []check.Check {
	return []check.Check{
		{Rule: RuleCosts, Run: func(context.Context) []check.Finding {
			if h.insecure == "" {
				return nil
			}
			return []check.Finding{RuleCosts.Finding("", "the costs are fixed at "+h.params.String()+" for the reason "+strconv.Quote(h.insecure), "take InsecureCosts out of the site's Config")}
		}},
		{Rule: RuleSlow, Run: func(context.Context) []check.Finding {
			took := max(h.took, h.pool.usual()) // measured at the first start, and of what was hashed since this one
			if took <= slow {
				return nil
			}
			return []check.Finding{RuleSlow.Finding("", "one hash took "+took.String()+" at "+h.params.String(), "give the site a faster processor")}
		}},
	}
}
