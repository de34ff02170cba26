package account

import (
	"context"
	"fmt"

	"github.com/merlon-web/merlon/check"
)

// The rules of the account part.
var (
	RuleLimited = check.Rule{ID: "MRL-ACCT-001", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "too many attempts",
		Why:    "guessing must take longer than a password lasts, and must not lock its owner out",
		Attack: "A list of common passwords is tried on one account, or one password on all accounts.",
		Wrong:  `eleven wrong passwords in a quarter of an hour`, Right: `wait until the time named; a device that signed in before has a count of its own; user unlock EMAIL --reason WHY ends the account's at once`,
		Source: "OWASP ASVS 6.3.1, 6.1.1; OWASP device cookies; NIST SP 800-63B 3.2.2"}
	RuleFailed = check.Rule{ID: "MRL-ACCT-002", Property: check.Confidentiality, Severity: check.Low,
		Title:  "a sign-in that failed",
		Why:    "the address and the password do not belong together",
		Attack: "Guessing. Many of these for one account or from one network are an attack.",
		Wrong:  `a wrong password`, Right: `the right one`,
		Source: "OWASP ASVS 16.3.1"}
	RuleSignedIn = check.Rule{ID: "MRL-ACCT-003", Property: check.Confidentiality, Severity: check.Low,
		Title: "a sign-in", Why: "who signed in when and from where must be known afterwards",
		Attack: "A stolen password is used; the owner finds it in the log.",
		Right:  `nothing to do`, Source: "OWASP ASVS 16.3.1"}
	RuleSignedOut = check.Rule{ID: "MRL-ACCT-004", Property: check.Confidentiality, Severity: check.Low,
		Title: "a sign-out", Why: "the end of a session must be known afterwards",
		Attack: "A session is used after it ended.", Right: `nothing to do`, Source: "OWASP ASVS 16.3.1, 7.4.1"}
	RuleSignedUp = check.Rule{ID: "MRL-ACCT-005", Property: check.Integrity, Severity: check.Low,
		Title: "a new account", Why: "who came when must be known afterwards",
		Attack: "Thousands of accounts are made by a program.", Right: `close sign-up, or limit it`, Source: "OWASP ASVS 16.3.1, 2.4.1"}
	RuleFirstAdmin = check.Rule{ID: "MRL-ACCT-006", Property: check.Integrity, Severity: check.Low,
		Title: "the first administrator was made", Why: "it happens once, by who starts the site",
		Attack: "Someone reaches the setup page of a fresh site before its owner.", Right: `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 16.3.1"}
	RuleSetupLink = check.Rule{ID: "MRL-ACCT-007", Property: check.Integrity, Severity: check.Medium,
		Title: "a setup link that is used up or too old", Why: "it works once, for 15 minutes, on the machine of the site",
		Attack: "A link read from a terminal's history or a log is tried again.",
		Wrong:  `opening the printed link twice`, Right: `start serve again: it prints a new one as long as there is no administrator`,
		Source: "OWASP ASVS 6.4.1, 6.5.5"}
	RuleLink = check.Rule{ID: "MRL-ACCT-009", Property: check.Integrity, Severity: check.Low,
		Title: "a link that was used or is too old", Why: "a mailed link works once, and not for long, so that an old mail opens nothing",
		Attack: "Mails of a mailbox that was broken into are searched for links that still work.",
		Wrong:  `opening a link twice`, Right: `ask for a new one on the page that sent it`, Source: "OWASP ASVS 5.0 6.5.1, 6.5.5"}
	RuleWeak = check.Rule{ID: "MRL-ACCT-008", Property: check.Confidentiality, Severity: check.High,
		Title: "password hashes that cost too little", Why: "a stolen database is cracked as fast as its hashes are cheap",
		Attack: "A graphics card tries billions of passwords a second against a cheap hash.",
		Wrong:  `account.Config{Hashing: password.Params{Memory: 1024, Time: 1}}`, Right: `account.Config{}   // calibrated at start, never below 19 MiB, 2 passes`,
		Source: "OWASP Password Storage Cheat Sheet; OWASP ASVS 11.4.2"}
)

// Rules returns the rules of this part.
func Rules() []check.Rule {
	all := []check.Rule{RuleLimited, RuleFailed, RuleSignedIn, RuleSignedOut, RuleSignedUp, RuleFirstAdmin, RuleSetupLink, RuleLink, RuleWeak}
	for _, more := range []func() []check.Rule{areaRules, linkRules, factorRules, commandRules, checkRules} {
		all = append(all, more()...)
	}
	return all
}

func (a *part) checkWeak(context.Context) []check.Finding {
	p := a.cfg.Hashing
	if p.Memory == 0 && p.Time == 0 || p.Memory >= 19<<10 && p.Time >= 2 {
		return nil
	}
	return []check.Finding{RuleWeak.Finding("account.Config.Hashing", fmt.Sprintf("%d KiB and %d passes", p.Memory, p.Time), "leave it out: the cost is measured on the machine")}
}
