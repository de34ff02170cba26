package mail

import "github.com/merlon-web/merlon/check"

// The rules of the room.
var (
	RuleServer = check.Rule{ID: "MRL-SMTP-001", Property: check.Availability, Severity: check.High,
		Title:  "a mail server that cannot be used",
		Why:    "mails would wait in the queue, and the people who need their links would too",
		Attack: "No attack: nobody can verify an address or reset a password, and no warning arrives.",
		Wrong:  `MERLON_MAIL=mail.example.org`, Right: `MERLON_MAIL=smtp://user@mail.example.org:587   # or smtps://…:465`,
		Source: "RFC 6409 (port 587); RFC 8314, 3.3 (port 465); RFC 5321, 2.3.5"}
	RulePlain = check.Rule{ID: "MRL-SMTP-002", Property: check.Confidentiality, Severity: check.High,
		Title:  "mails without TLS off this machine",
		Why:    "whoever is on the way could read the links that let people in, and the password of the mail server",
		Attack: "An attacker on the network asks for a reset of someone's password and reads the link as it passes.",
		Wrong:  `MERLON_MAIL=smtp+plain://mail.example.org:25`,
		Right:  "MERLON_MAIL=smtp://user@mail.example.org:587     # STARTTLS, required\nMERLON_MAIL=smtps://user@mail.example.org:465    # TLS from the first byte\nMERLON_MAIL=smtp+plain://localhost:25            # a server on this machine",
		Source: "RFC 8314, 3; RFC 3207, 6 (STARTTLS taken out on the way); OWASP ASVS 12.3.1"}
	RuleFrom = check.Rule{ID: "MRL-SMTP-003", Property: check.Integrity, Severity: check.High,
		Title:  "mails without a sender",
		Why:    "each mail says whom it is from, and servers refuse what does not",
		Attack: "A sender with a line break in it would begin a header of its own.",
		Wrong:  `MERLON_MAIL_FROM=club`, Right: `MERLON_MAIL_FROM='Rowing Club <club@example.org>'`,
		Source: "RFC 5322, 3.6.2; CWE-93"}
	RulePassword = check.Rule{ID: "MRL-SMTP-004", Property: check.Confidentiality, Severity: check.High,
		Title:  "the mail server's password where it can be read",
		Why:    "addresses are printed in errors, logs and lists of processes; a password has a place of its own",
		Attack: "Whoever reads a log or a unit file sends mail in the site's name.",
		Wrong:  `MERLON_MAIL=smtp://user:password@mail.example.org:587`,
		Right:  "MERLON_MAIL=smtp://user@mail.example.org:587\nMERLON_MAIL_PASSWORD_FILE=/run/credentials/site.service/mail   # or MERLON_MAIL_PASSWORD",
		Source: "OWASP ASVS 13.3.1, 14.2.1; CWE-522; RFC 3986, 3.2.1"}
	RuleInWrite = check.Rule{ID: "MRL-SMTP-005", Property: check.Availability, Severity: check.Medium,
		Title:  "a mail sent inside a write transaction",
		Why:    "a mail server takes seconds, and every other visitor who writes would wait for them",
		Attack: "A slow or hanging mail server stops the whole site.",
		Wrong:  `sender.Send(w.Context(), …)`, Right: `h.Mails.Queue(w.DB, mailbox.Mail{…})   // the worker sends it after the commit`,
		Source: "CWE-400; OWASP ASVS 15.2.2"}
	RuleMail = check.Rule{ID: "MRL-SMTP-006", Property: check.Integrity, Severity: check.Medium,
		Title:  "a mail that would not arrive as it was meant",
		Why:    "a recipient or subject with a line break, a bracket or a second address changes whom the mail goes to",
		Attack: "Subject \"Hello\\r\\nBcc: all@x.test\", or recipient \"a@x.test> SIZE=1\".",
		Right:  "One plain address from mailbox.ParseAddress, a subject of one line, a text.",
		Source: "CWE-93; RFC 5321, 4.1.2; CVE-2025-59937"}
	RuleGivenUp = check.Rule{ID: "MRL-SMTP-010", Property: check.Availability, Severity: check.Medium,
		Title:  "a mail was given up",
		Why:    "the mail server refused it for good, or it was tried twelve times",
		Attack: "Whoever takes over an account counts on the warning not arriving; a flood of wrong addresses ruins the site's name with mail servers.",
		Right:  "See the problem in `mail list`; try the settings with `mail test ADDRESS`.",
		Source: "RFC 5321, 4.2.1, 4.5.4.1; OWASP ASVS 6.3.7"}
	RuleNoServer = check.Rule{ID: "MRL-SMTP-011", Property: check.Availability, Severity: check.High,
		Title:  "a site with accounts and no mail server",
		Why:    "mails wait in the queue: nobody can verify an address or reset a password, and no warning arrives",
		Attack: "Whoever takes over an account counts on its owner not hearing of it.",
		Wrong:  `serve   # without MERLON_MAIL`,
		Right:  "MERLON_MAIL=smtp://user@mail.example.org:587\nMERLON_MAIL_PASSWORD_FILE=…\nMERLON_MAIL_FROM=club@example.org\nthen: mail test you@example.org",
		Source: "OWASP ASVS 6.3.7, 6.4.3"}
)

// Rules lists the rules of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleServer, RulePlain, RuleFrom, RulePassword, RuleInWrite, RuleMail, RuleGivenUp, RuleNoServer}
}
