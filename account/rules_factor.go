package account

import "github.com/merlon-web/merlon/check"

// The rules of the second factors.
var (
	RuleWrongCode = check.Rule{ID: "MRL-ACCT-030", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "a code that does not fit",
		Why:    "whoever is asked for a code has shown the password: a wrong one may be a thief of it",
		Attack: "A password from another site's theft is tried, and then all codes.",
		Wrong:  `a code that was used, is older than a minute, or is another account's`, Right: `the code that the app shows now, or a recovery code; five tries in a quarter of an hour`,
		Source: "OWASP ASVS 5.0 6.3.3, 6.5.1; RFC 6238 5.2"}
	RuleVoidStep = check.Rule{ID: "MRL-ACCT-031", Property: check.Confidentiality, Severity: check.Low,
		Title:  "a second step that is over",
		Why:    "between password and code lie ten minutes at most, and the password must still be the same",
		Attack: "Who knew the old password waits at the second step until the code is at hand.",
		Wrong:  `a code sent after the password was changed`, Right: `sign in from the beginning`, Source: "OWASP ASVS 5.0 7.4.3, 6.5.5"}
	RuleAppAdded = check.Rule{ID: "MRL-ACCT-032", Property: check.Confidentiality, Severity: check.Low,
		Title: "an authenticator app was added", Why: "who holds a factor holds the account: the owner must be able to find it out",
		Attack: "A thief of a session adds a factor to stay.", Right: `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 16.3.1, 6.3.7"}
	RuleAppRemoved = check.Rule{ID: "MRL-ACCT-033", Property: check.Confidentiality, Severity: check.Medium,
		Title: "an authenticator app was removed", Why: "from now on less is asked",
		Attack: "A thief of a session takes the second factor away.", Right: `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 16.3.1, 6.3.7"}
	RuleCodesMade = check.Rule{ID: "MRL-ACCT-034", Property: check.Confidentiality, Severity: check.Low,
		Title: "new recovery codes", Why: "the old ones are void, and whoever saw the new ones can use them",
		Attack: "A thief of a session makes codes for later.", Right: `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 16.3.1, 6.3.7"}
	RuleAgain = check.Rule{ID: "MRL-ACCT-035", Property: check.Confidentiality, Severity: check.Low,
		Title: "a factor shown again", Why: "what is worth a thief's while is done only by who shows the factor once more",
		Attack: "An unattended browser is used for a change of the address.", Right: `nothing to do`, Source: "OWASP ASVS 5.0 7.5.1, 7.5.3, 16.3.1"}
	RuleWrongAgain = check.Rule{ID: "MRL-ACCT-037", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "a wrong password of somebody who is signed in",
		Why:    "whoever has the session and not the password may be a thief of the session",
		Attack: "At a browser left open, or with a stolen cookie, passwords are tried to change the password or the address.",
		Wrong:  `a wrong current password at /account/password or /sign-in/again`, Right: `the right one`,
		Source: "OWASP ASVS 5.0 6.2.3, 7.5.1, 16.3.1"}
	RuleCodeLink = check.Rule{ID: "MRL-ACCT-038", Property: check.Availability, Severity: check.Medium,
		Title:  "a link for the second step was asked for",
		Why:    "after too many wrong codes of strangers the owner comes in by the mailbox, which a thief of the password does not read",
		Attack: "Who knows the password enters wrong codes until the owner is shut out.",
		Wrong:  `five wrong codes in a quarter of an hour, a hundred in a row`, Right: `open the link that was mailed, in the browser that is to sign in; if it was not you, choose another password`,
		Source: "NIST SP 800-63B-4 3.2.2; OWASP ASVS 5.0 6.1.1, 6.3.1"}
	RuleCodeOpened = check.Rule{ID: "MRL-ACCT-039", Property: check.Availability, Severity: check.Low,
		Title: "a link for the second step was opened", Why: "from now on codes that are entered in this browser have a count of their own",
		Attack: "Who reads the mailbox and knows the password guesses codes: a hundred in a row at most, whatever the number of links.",
		Right:  `nothing to do, if it was you`, Source: "OWASP ASVS 5.0 16.3.1, 6.3.1"}
	RuleInstead = check.Rule{ID: "MRL-ACCT-040", Property: check.Confidentiality, Severity: check.Medium,
		Title: "a recovery code in the place of a passkey", Why: "password and code together change factors as the passkey does: the owner is told by mail, and all other sessions end",
		Attack: "Whoever stole the password finds the sheet with the codes, and takes the account over.", Wrong: `the codes in the drawer of a desk that others use`,
		Right: `nothing to do, if it was you; else the mail has a link for "that was not me"`, Source: "NIST SP 800-63B-4 4.2; OWASP ASVS 5.0 6.3.7, 6.4.4, 16.3.1"}
	RuleTrusted = check.Rule{ID: "MRL-ACCT-036", Property: check.Confidentiality, Severity: check.Low,
		Title: "a device that is trusted for 30 days", Why: "on it the second step is skipped until then, or until the password, a factor or a role changes or the user ends a session elsewhere",
		Attack: "A thief of the password uses the owner's own device.", Right: `untick the box on devices that others use; each can be taken back`, Source: "OWASP ASVS 5.0 16.3.1; NIST SP 800-63B-4 5"}
)

func factorRules() []check.Rule {
	return []check.Rule{RuleWrongCode, RuleVoidStep, RuleAppAdded, RuleAppRemoved, RuleCodesMade, RuleAgain, RuleWrongAgain, RuleTrusted, RuleCodeLink, RuleCodeOpened, RuleInstead}
}
