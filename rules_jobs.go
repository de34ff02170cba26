package merlon

import "github.com/merlon-web/merlon/check"

// What becomes of jobs that nothing runs.
var (
	RuleJobUnknown = check.Rule{ID: "MRL-JOB-005", Property: check.Availability, Severity: check.Medium,
		Title:  "jobs that no program knows",
		Why:    "they were asked for by a program that had them, and wait for one that has",
		Attack: "No attack: mails or orders that were promised are not done.",
		Wrong:  "a kind of job taken out of Config.Jobs while some of it wait",
		Right:  "list it in merlon.Config.Jobs until none waits, or drop them by: jobs drop",
		Source: "CWE-754 (unusual conditions)"}
	RuleJobLate = check.Rule{ID: "MRL-JOB-006", Property: check.Availability, Severity: check.Medium,
		Title:  "jobs that wait for more than an hour",
		Why:    "either nothing runs them, or there are more than can be run",
		Attack: "Somebody asks for very many jobs at once: those of all others wait behind.",
		Wrong:  "a process that was opened for one command only",
		Right:  "a site that serves; see why in the log, and: jobs list",
		Source: "CWE-400; OWASP ASVS 5.0 2.4.1"}
)

func lateJobRules() []check.Rule {
	return []check.Rule{RuleJobUnknown, RuleJobLate}
}
