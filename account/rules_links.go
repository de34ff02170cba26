package account

import "github.com/merlon-web/merlon/check"

// The rules of sign-up and of what mailed links do.
var (
	RuleVerified = check.Rule{ID: "MRL-ACCT-010", Property: check.Integrity, Severity: check.Low,
		Title: "an address was proven", Why: "an account belongs to whoever reads the mail of its address",
		Attack: "Somebody signs up with another person's address, and keeps that person out or acts in their name.",
		Right:  `nothing to do`, Source: "OWASP ASVS 5.0 6.3.7; OWASP Forgot Password Cheat Sheet"}
	RuleExists = check.Rule{ID: "MRL-ACCT-011", Property: check.Confidentiality, Severity: check.Low,
		Title: "a sign-up for an address that has an account", Why: "the visitor is told the same as everybody; the mail tells the owner",
		Attack: "A list of addresses is typed into the sign-up form to learn who has an account.",
		Wrong:  `signing up twice`, Right: `sign in, or ask for a new password`, Source: "OWASP ASVS 5.0 6.3.8; OWASP Authentication Cheat Sheet"}
	RuleUnverified = check.Rule{ID: "MRL-ACCT-012", Property: check.Confidentiality, Severity: check.Low,
		Title: "a sign-in before the address was proven", Why: "until then nobody knows whose account it is",
		Attack: "An account is made with an address that belongs to somebody else, and used as theirs.",
		Wrong:  `signing in without having opened the mailed link`, Right: `open the link; the page sends it again`, Source: "OWASP Authentication Cheat Sheet"}
	RuleResetAsked = check.Rule{ID: "MRL-ACCT-013", Property: check.Confidentiality, Severity: check.Low,
		Title: "a new password was asked for", Why: "who asks for many looks for accounts, or floods a mailbox",
		Attack: "Somebody asks for links again and again and hopes that the owner presses one.",
		Right:  `nothing to do`, Source: "OWASP ASVS 5.0 6.4.3, 16.3.1; OWASP Forgot Password Cheat Sheet"}
	RuleReset = check.Rule{ID: "MRL-ACCT-014", Property: check.Confidentiality, Severity: check.Medium,
		Title: "a new password by a mailed link", Why: "whoever reads the mailbox of an account can take it, but for the second factor",
		Attack: "A mailbox is broken into, and the accounts that name it are reset one by one.",
		Right:  `if it was not you: the link "that was not me" of the notice`, Source: "OWASP ASVS 5.0 6.4.3, 7.4.3, 16.3.1"}
	RuleNotMe = check.Rule{ID: "MRL-ACCT-015", Property: check.Confidentiality, Severity: check.High,
		Title: "an owner says: that was not me", Why: "somebody else was in the account, or tried to be",
		Attack: "A password was guessed or stolen; the notice reached its owner.",
		Right:  `look at the events of this account from the hours before, and at others from the same network`, Source: "OWASP ASVS 5.0 6.3.7, 7.4.5"}
	RuleMoveAsked = check.Rule{ID: "MRL-ACCT-016", Property: check.Integrity, Severity: check.Low,
		Title: "another address was asked for", Why: "the address decides who can take the account back",
		Attack: "Whoever is in an account for a minute moves it to a mailbox of their own.",
		Right:  `nothing to do`, Source: "OWASP ASVS 5.0 6.3.7, 16.3.1"}
	RuleMoved = check.Rule{ID: "MRL-ACCT-017", Property: check.Integrity, Severity: check.Medium,
		Title: "an account has another address", Why: "the address decides who can take the account back",
		Attack: "Whoever is in an account for a minute moves it to a mailbox of their own.",
		Right:  `if it was not you: the link in the mail to the old address, for seven days`, Source: "OWASP ASVS 5.0 6.3.7, 16.3.1"}
	RuleUndone = check.Rule{ID: "MRL-ACCT-018", Property: check.Integrity, Severity: check.High,
		Title: "a change of address was undone", Why: "the owner of the old address says that somebody else moved the account",
		Attack: "An account was moved by somebody who was in it.",
		Right:  `look at the events of this account from the hours before`, Source: "OWASP ASVS 5.0 6.3.7"}
	RuleEnrolled = check.Rule{ID: "MRL-ACCT-019", Property: check.Integrity, Severity: check.Low,
		Title: "a first password was chosen", Why: "an account that was made for somebody is theirs from now on",
		Attack: "A link that was handed on is used by somebody else than whom it was for.",
		Wrong:  `sending the link to a list`, Right: `hand it to one person; user link EMAIL --reason WHY prints another one`, Source: "OWASP ASVS 5.0 6.4.1"}
	RuleAskedAgain = check.Rule{ID: "MRL-ACCT-020", Property: check.Availability, Severity: check.Low,
		Title: "the mail of a sign-up was asked for again", Why: "who asks for many floods a mailbox",
		Attack: "A program signs up with somebody's address and has the mail sent again and again.",
		Right:  `nothing to do: an address gets three an hour`, Source: "OWASP ASVS 5.0 2.4.1, 16.3.1"}
)

func linkRules() []check.Rule {
	return []check.Rule{RuleVerified, RuleExists, RuleUnverified, RuleResetAsked, RuleReset, RuleNotMe, RuleMoveAsked, RuleMoved, RuleUndone, RuleEnrolled, RuleAskedAgain}
}
