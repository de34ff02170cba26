package account

import "github.com/merlon-web/merlon/check"

// What commands did to accounts.
var (
	RuleMadeBy = check.Rule{ID: "MRL-ACCT-070", Property: check.Integrity, Severity: check.Low,
		Title: "an account was made by a command", Why: "who may come in, and by whose doing, must be known afterwards",
		Attack: "Somebody with a shell on the server makes an account for later.", Right: `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 16.3.1"}
	RuleDisabled = check.Rule{ID: "MRL-ACCT-071", Property: check.Availability, Severity: check.Low,
		Title: "a user was shut out", Why: "whoever shuts a person out says why",
		Attack: "A helper is talked into shutting the owner out.", Right: `to let the user in again: user enable EMAIL --reason "…"`, Source: "OWASP ASVS 5.0 16.3.1, 7.4.2"}
	RuleEnabled = check.Rule{ID: "MRL-ACCT-072", Property: check.Confidentiality, Severity: check.Low,
		Title: "a user was let in again", Why: "whoever lets a person in says why",
		Attack: "An account that was shut because it was taken over is opened for its thief.", Right: `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 16.3.1"}
	RuleUnlocked = check.Rule{ID: "MRL-ACCT-073", Property: check.Confidentiality, Severity: check.Low,
		Title: "the limits on an account were released", Why: "whoever opens a lock says why, so that it can be told from an attacker's doing",
		Attack: "A helper is talked into unlocking an account again and again while it is being guessed.", Right: `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 6.3.1, 16.3.1"}
	RuleFactorsReset = check.Rule{ID: "MRL-ACCT-074", Property: check.Confidentiality, Severity: check.Medium,
		Title: "second factors were taken away by a command", Why: "it is the way round the second factor: the owner is told by mail, and the reason is kept",
		Attack: "A caller says that the phone is lost, and is not the owner.", Wrong: `user reset-2fa ann@example.org --reason "asked"`,
		Right: `user reset-2fa ann@example.org --reason "came in person, showed passport"`, Source: "OWASP ASVS 5.0 6.4.4, 6.4.6"}
	RuleDeleted = check.Rule{ID: "MRL-ACCT-075", Property: check.Integrity, Severity: check.Low,
		Title: "an account was deleted", Why: "that it is gone, when and why, must be known afterwards",
		Attack: "An account is deleted to hide what was done with it.", Right: `nothing to do: the events of the account stay`, Source: "OWASP ASVS 5.0 16.3.1"}
	RuleImported = check.Rule{ID: "MRL-ACCT-076", Property: check.Integrity, Severity: check.Low,
		Title: "accounts were imported", Why: "where accounts came from must be known afterwards",
		Attack: "An account is slipped into a file that is imported.", Right: `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 16.3.1"}
	RuleInvited = check.Rule{ID: "MRL-ACCT-077", Property: check.Integrity, Severity: check.Low,
		Title: "somebody was invited by a command", Why: "who may come in, and by whose doing, must be known afterwards",
		Attack: "Somebody with a shell on the server invites an accomplice.", Right: `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 16.3.1"}
	RuleRoles = check.Rule{ID: "MRL-ACCT-078", Property: check.Integrity, Severity: check.Medium,
		Title: "the roles of a user were changed", Why: "who may do what, since when and by whose doing must be known afterwards; the user is told by mail",
		Attack: "Whoever is in the account of an administrator for a minute makes an accomplice one, for later.",
		Right:  `nothing to do, if it was meant: the event names who did it, whose roles they are, and what they were`, Source: "OWASP ASVS 5.0 16.3.3, 6.3.7, 8.2.1"}
	RuleLinkPrinted = check.Rule{ID: "MRL-ACCT-079", Property: check.Confidentiality, Severity: check.Medium,
		Title: "the link for an account's first password was printed again", Why: "whoever has it becomes the account's user; the one before opens nothing any more",
		Attack: "A caller says that the link is lost, and is not whom the account was made for.", Wrong: `user link ann@example.org --reason "asked"`,
		Right: `user link ann@example.org --reason "expired, handed over in person"`, Source: "OWASP ASVS 5.0 6.4.1, 16.3.1"}
)

func commandRules() []check.Rule {
	return []check.Rule{RuleMadeBy, RuleDisabled, RuleEnabled, RuleUnlocked, RuleFactorsReset, RuleDeleted, RuleImported, RuleInvited, RuleRoles, RuleLinkPrinted}
}
