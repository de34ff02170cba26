package account

import "github.com/merlon-web/merlon/check"

// The rules of the account area.
var (
	RulePassword = check.Rule{ID: "MRL-ACCT-050", Property: check.Confidentiality, Severity: check.Low,
		Title: "the password was changed", Why: "the current one was asked for, all other sessions ended, and the owner was told by mail",
		Attack: "Somebody at a browser left open chooses a password and locks the owner out.",
		Right:  `nothing to do; the mail has a link for "that was not me"`, Source: "OWASP ASVS 5.0 6.2.2, 6.2.3, 6.3.7, 7.4.3"}
	RuleName = check.Rule{ID: "MRL-ACCT-051", Property: check.Integrity, Severity: check.Low,
		Title: "the name of an account was changed", Why: "who was called what must be known afterwards",
		Attack: "A member takes the name of another one, and is believed.", Right: `nothing to do`, Source: "OWASP ASVS 5.0 16.3.1"}
	RuleSessions = check.Rule{ID: "MRL-ACCT-052", Property: check.Confidentiality, Severity: check.Low,
		Title: "sessions were ended by their user", Why: "a browser that was lost or forgotten is signed out from another one",
		Attack: "A laptop is stolen, signed in.", Right: `nothing to do`, Source: "OWASP ASVS 5.0 7.4.3, 7.5.2"}
	RuleDevices = check.Rule{ID: "MRL-ACCT-053", Property: check.Confidentiality, Severity: check.Low,
		Title: "remembered browsers were changed by their user", Why: "what is remembered of a browser is forgotten at once when its user says so",
		Attack: "A browser that skips the second step is sold with its cookies.", Right: `nothing to do`, Source: "OWASP ASVS 5.0 7.4.3"}
	RuleExported = check.Rule{ID: "MRL-ACCT-054", Property: check.Confidentiality, Severity: check.Low,
		Title: "personal data was downloaded", Why: "the file has what is known of a user, so that its making must be known too",
		Attack: "Somebody at a browser left open takes the file along.", Right: `nothing to do; it was asked for a recent sign-in`, Source: "OWASP ASVS 5.0 7.5.3, 16.3.1; GDPR article 20"}
	RuleLeaving = check.Rule{ID: "MRL-ACCT-055", Property: check.Availability, Severity: check.Low,
		Title: "an account is to be deleted", Why: "its user wants it; for 14 days it can be called back, anew when it was disabled meanwhile: until then it is not deleted",
		Attack: "Somebody at a browser left open deletes the account: the owner gets a mail, and calls it back.", Right: `nothing to do`, Source: "OWASP ASVS 5.0 7.4.2, 7.5.3; GDPR article 17"}
	RuleStayed = check.Rule{ID: "MRL-ACCT-056", Property: check.Availability, Severity: check.Low,
		Title: "an account that was to be deleted stays", Why: "its user called it back, by the mailed link or after signing in; or it is that of the only administrator, without whom nobody could look after the site",
		Attack: "Somebody else's request for deletion is called off by the owner.", Right: `nothing to do`, Source: "OWASP ASVS 5.0 16.3.1"}
	RuleContact = check.Rule{ID: "MRL-ACCT-057", Property: check.Availability, Severity: check.Low,
		Title: "nobody to tell of a hole", Why: "whoever finds one looks at /.well-known/security.txt for whom to tell",
		Attack: "A hole is found by somebody honest, who reaches nobody, and is told to the public.",
		Wrong:  `account.Config{}`, Right: `account.Config{SecurityContact: "mailto:security@example.org"}`, Source: "RFC 9116"}
	RuleRows = check.Rule{ID: "MRL-ACCT-058", Property: check.Confidentiality, Severity: check.Low,
		Title:  "rows of the site's own that no download has, or no deletion",
		Why:    "account knows its own tables only: what the site writes into others is not in \"download my data\", and stays when the account is deleted",
		Attack: "The table is stolen, with the notes of a user who had the account deleted a year before.",
		Wrong:  `account.New(account.Config{}), with an INSERT INTO note (owner, text) of the site's own`,
		Right:  `account.New(account.Config{Hooks: account.Hooks{Export: notesOf, Deleted: removeNotesOf}}); where no row tells of a user: check --skip MRL-ACCT-058=why`,
		Source: "GDPR articles 15, 17 and 20; OWASP ASVS 5.0 14.2.7"}
)

func areaRules() []check.Rule {
	return []check.Rule{RulePassword, RuleName, RuleSessions, RuleDevices, RuleExported, RuleLeaving, RuleStayed, RuleContact, RuleRows}
}
