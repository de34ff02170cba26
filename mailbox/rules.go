package mailbox

import "github.com/merlon-web/merlon/check"

// The rules of the room.
var (
	RuleAddress = check.Rule{
		ID: "MRL-MAILBOX-001", Property: check.Integrity, Severity: check.Medium,
		Title:  "a mail address was refused",
		Why:    "what one mail program takes for an address another takes for two, for an option, or for the end of a header",
		Attack: "a@x.test, b@y.test or \"a@x.test\\r\\nBcc: …\" makes the site send what it writes to one person to others as well:\na reset link, for instance.",
		Wrong:  "<ann@example.org>, ann@example.org\\r\\nBcc: all@example.org, -oQ/tmp@example.org",
		Right:  "One plain address. mailbox.ParseAddress makes it; a form field with the rule email accepts the same.",
		Source: "RFC 5321, 4.1.2; RFC 5322, 3.4.1; CVE-2016-10033; CWE-93",
	}
	RuleHeader = check.Rule{
		ID: "MRL-MAILBOX-002", Property: check.Integrity, Severity: check.Medium,
		Title:  "a mail's subject was refused",
		Why:    "a line break in it would begin a header of the sender's own choosing",
		Attack: "A visitor's name is part of the subject; named \"Ann\\r\\nBcc: all@x.test\" it sends the mail to a list.",
		Wrong:  `Subject: "Hello " + name`,
		Right:  "Take line breaks and control characters out of what goes into a subject, or keep it a constant.",
		Source: "CWE-93; RFC 5322, 2.2",
	}
	RuleContent = check.Rule{
		ID: "MRL-MAILBOX-003", Property: check.Availability, Severity: check.Medium,
		Title:  "a mail was refused for its size or its bytes",
		Why:    "a mail that no server takes would stay in the queue, and a flood of large ones would fill the disk",
		Attack: "A visitor sends a message of many megabytes through a contact form.",
		Right:  "Text of 1 byte to 256 KiB, HTML of at most 512 KiB, both UTF-8 without NUL; the time from the site's clock.",
		Source: "RFC 5321, 4.5.3; CWE-770",
	}
	RuleStuck = check.Rule{
		ID: "MRL-MAILBOX-004", Property: check.Availability, Severity: check.Medium,
		Title:  "mails are not sent",
		Why:    "people wait for links that let them in, and warnings about their accounts do not arrive",
		Attack: "Whoever takes over an account counts on its owner not reading the notice.",
		Right:  "See the problems in the list of mails; test the mail server's address and password; release the mails that are held.",
		Source: "OWASP ASVS 5.0 6.3.7 (notice of changes)",
	}
	RuleConfig = check.Rule{
		ID: "MRL-MAILBOX-005", Property: check.Confidentiality, Severity: check.High,
		Title:  "the mailbox lacks its keys or its clock",
		Why:    "mails hold links that let people in; they rest in the database sealed, or not at all",
		Attack: "A copy of the database taken while a reset mail waits would hold a link that still works.",
		Right:  "Give mailbox.Config the ring's keys and the site's clock.",
		Source: "OWASP ASVS 5.0 14.2.1, 11.3",
	}
)

// Rules lists the rules of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleAddress, RuleHeader, RuleContent, RuleStuck, RuleConfig}
}
