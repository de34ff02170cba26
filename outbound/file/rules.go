package file

import "github.com/merlon-web/merlon/check"

// The rules of the room.
var (
	RuleQuota = check.Rule{ID: "MRL-FILE-001", Property: check.Availability, Severity: check.Medium,
		Title:  "an upload beyond what its sender may keep",
		Why:    "the limits of a field and of a network bound what comes at once; without one in sum a single user fills the disk in time",
		Attack: "Signs up and sends a file of the allowed size each minute, for weeks, until the site can write nothing.",
		Wrong:  "uploads.user larger than the disk",
		Right:  `[uploads] user = "1GB": what each user may keep; all visitors without a session together have uploads.visitors.`,
		Source: "OWASP ASVS 5.0 5.2.4; OWASP File Upload Cheat Sheet (upload and download limits); CWE-770"}
	RuleDisk = check.Rule{ID: "MRL-FILE-002", Property: check.Availability, Severity: check.High,
		Title:  "an upload for which the disk has no room",
		Why:    "rows, sessions and mails are on the same disk: uploads must leave them room, or the site stands still",
		Attack: "Fills the disk by uploads from many accounts, each within its own room.",
		Wrong:  "a data folder on a disk of 2 GB, and a form for files",
		Right:  `Make room, or move the data to a larger disk. [uploads] free = "500MB" is what uploads leave free.`,
		Source: "OWASP ASVS 5.0 5.2.1, 5.2.4; CWE-400"}
	RuleField = check.Rule{ID: "MRL-FILE-003", Property: check.Availability, Severity: check.Low,
		Title:  "a field that takes larger files than its senders may keep",
		Why:    "the file is sent whole before it is refused, whatever its sender deletes",
		Attack: "None: honest visitors send what is never kept.",
		Wrong:  "`form:\"max_bytes=2000000000,…\"` and [uploads] user = \"1GB\"",
		Right:  "Set uploads.user to some of the largest files, or max_bytes to less.",
		Source: "OWASP ASVS 5.0 5.2.1, 5.2.4"}
)

// Rules lists the rules of the room.
func Rules() []check.Rule { return []check.Rule{RuleQuota, RuleDisk, RuleField} }

var _ = check.Known(Rules()...)
