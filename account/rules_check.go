package account

import "github.com/merlon-web/merlon/check"

// What is found in the table of users.
var (
	RuleNoAdmin = check.Rule{ID: "MRL-ACCT-080", Property: check.Availability, Severity: check.Medium,
		Title:  "no administrator",
		Why:    "nobody can help a user, and whoever gets the setup link first is the owner",
		Attack: "The setup link that was printed at start is read in a log and used before the owner does.",
		Wrong:  "a site in the world without its first administrator",
		Right:  "open the setup link that serve prints, or: user add EMAIL --role admin; for an account that is there: user roles EMAIL --add admin",
		Source: "OWASP ASVS 5.0 13.2.3; CWE-1188"}
	RuleOneFactor = check.Rule{ID: "MRL-ACCT-081", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "an administrator without a second factor",
		Why:    "one password then opens everything, as soon as the factor is set up by its thief",
		Attack: "A password that was used elsewhere too is tried; whoever has it sets up the second factor and is the owner.",
		Wrong:  "admin with a password only",
		Right:  "sign in and add a passkey or an authenticator app, at /account",
		Source: "OWASP ASVS 5.0 6.3.3; NIST SP 800-63B-4 2.2"}
	RuleManyAdmins = check.Rule{ID: "MRL-ACCT-082", Property: check.Confidentiality, Severity: check.Low,
		Title:  "many administrators",
		Why:    "each is a way to everything",
		Attack: "One of eight is phished.",
		Wrong:  "the role admin for everybody who helps",
		Right:  "a role for each task, and account.HasRole on its routes",
		Source: "CIS Controls v8 5.4; OWASP ASVS 5.0 8.2.1"}
	RuleBreaches = check.Rule{ID: "MRL-ACCT-085", Property: check.Confidentiality, Severity: check.Low,
		Title:  "the list of breached passwords does not answer",
		Why:    "passwords of other sites' thefts are then held against the million of the program's own list only",
		Attack: "A password that was stolen elsewhere is chosen here, and tried with the address that was stolen with it.",
		Wrong:  "a firewall that lets the site reach nobody, and account.Config{Breaches: password.Pwned()}",
		Right:  "open the way to the list's host, or leave the line out: nobody is kept from choosing a password by it",
		Source: "OWASP ASVS 5.0 6.2.12; NIST SP 800-63B-4 3.1.1.2"}
	RuleLostRole = check.Rule{ID: "MRL-ACCT-083", Property: check.Confidentiality, Severity: check.Low,
		Title:  "a role that no route asks for",
		Why:    "a word was misspelt, or a route has lost its rule",
		Attack: "A route that once asked for the role is open to all who are signed in.",
		Wrong:  "user add ann@example.org --role bord",
		Right:  "a role that account.HasRole names on a route",
		Source: "OWASP ASVS 5.0 8.1.1"}
	RuleUnproven = check.Rule{ID: "MRL-ACCT-084", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "a user with a role whose address was never proven",
		Why:    "whoever reads that mailbox, if it is somebody else's, can set the password",
		Attack: "A role is given to an address with a typing error; its real owner asks for a new password.",
		Wrong:  "a role for an account that has not opened its mail",
		Right:  "send the mail of the sign-up again, or take the role away",
		Source: "OWASP ASVS 5.0 6.3.1; CWE-287"}
)

func checkRules() []check.Rule {
	return []check.Rule{RuleNoAdmin, RuleOneFactor, RuleManyAdmins, RuleLostRole, RuleUnproven, RuleBreaches}
}
