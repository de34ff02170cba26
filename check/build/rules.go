package build

import "github.com/merlon-web/merlon/check"

// The rules of how a program was built.
var (
	RuleGo = check.Rule{ID: "MRL-BUILD-001", Property: check.Integrity, Severity: check.High,
		Title:  "a Go version with known holes",
		Why:    "what is known is tried on every site, by programs",
		Attack: "The hole is public, with the program that uses it: finding sites that have not been built anew is a matter of hours.",
		Wrong:  "go1.26.5, when 1.26.6 mended net/http",
		Right:  "build the site with the newest release of Go, and put it in place",
		Source: "go.dev/security/vuln; OWASP ASVS 5.0 15.2.1; OWASP Top 10 2021 A06"}
	RuleModule = check.Rule{ID: "MRL-BUILD-002", Property: check.Integrity, Severity: check.High,
		Title:  "a module with a known hole",
		Why:    "what is known is tried on every site, by programs",
		Attack: "As with Go itself: the report says what to send.",
		Wrong:  "golang.org/x/net v0.30.0",
		Right:  "go get MODULE@VERSION, where it is mended, and build anew; govulncheck says whether the program uses the part",
		Source: "go.dev/security/vuln; OWASP ASVS 5.0 15.2.1; OWASP Top 10 2021 A06"}
	RuleStale = check.Rule{ID: "MRL-BUILD-003", Property: check.Integrity, Severity: check.Low,
		Title:  "a list of known holes that is old",
		Why:    "what was found since is not in it",
		Attack: "A hole of last month is not seen by this check.",
		Wrong:  "a program that was built a year ago",
		Right:  "build with the newest Merlon, or run govulncheck, which asks over the network",
		Source: "pkg.go.dev/golang.org/x/vuln/cmd/govulncheck"}
	RuleModified = check.Rule{ID: "MRL-BUILD-004", Property: check.Integrity, Severity: check.Low,
		Title:  "a program that was built from sources nobody has",
		Why:    "what is not committed cannot be read again when something went wrong",
		Attack: "A change that nobody reviewed goes into the world, by mistake or not.",
		Wrong:  "go build with changes that are not committed",
		Right:  "commit, then build",
		Source: "SLSA v1.0, Source; OWASP ASVS 5.0 15.1.2"}
	RuleReplaced = check.Rule{ID: "MRL-BUILD-005", Property: check.Integrity, Severity: check.Medium,
		Title:  "a module that is replaced by a folder",
		Why:    "its code is that of whoever may write there, and no sum guards it",
		Attack: "A change in the folder is in the next build, unseen by reviews and by the sums of go.sum.",
		Wrong:  "replace example.org/x => ../x",
		Right:  "require a released version, or a fork by its own version",
		Source: "go.dev/ref/mod, replace; OWASP ASVS 5.0 15.2.4"}
	RuleRace = check.Rule{ID: "MRL-BUILD-006", Property: check.Availability, Severity: check.Medium,
		Title:  "a program built with the race detector",
		Why:    "it takes ten times the memory and time",
		Attack: "A flood that the site would bear ends it.",
		Wrong:  "go build -race",
		Right:  "go build -trimpath",
		Source: "go.dev/doc/articles/race_detector"}
	RuleUntrimmed = check.Rule{ID: "MRL-BUILD-007", Property: check.Confidentiality, Severity: check.Low,
		Title:  "a program that knows the folders of who built it",
		Why:    "names of users and machines stand in it and in each stack trace",
		Attack: "A trace in a log tells names to try, and where the sources are.",
		Wrong:  "go build",
		Right:  "go build -trimpath",
		Source: "cmd/go, -trimpath; CWE-497"}
	RuleUnoptimised = check.Rule{ID: "MRL-BUILD-008", Property: check.Availability, Severity: check.Low,
		Title:  "a program built for a debugger",
		Why:    "it is slow and easy to change while it runs",
		Attack: "A flood that the site would bear ends it.",
		Wrong:  "go build -gcflags='all=-N -l'",
		Right:  "go build -trimpath",
		Source: "cmd/compile"}
	RuleCgo = check.Rule{ID: "MRL-BUILD-009", Property: check.Integrity, Severity: check.Low,
		Title:  "a program with C in it",
		Why:    "memory faults are possible that Go rules out, and libraries of the machine are part of the program",
		Attack: "A name server's answer overflows a buffer of the C library's resolver.",
		Wrong:  "CGO_ENABLED=1 go build",
		Right:  "CGO_ENABLED=0 go build -trimpath",
		Source: "cmd/cgo; CVE-2015-7547 (getaddrinfo)"}
	RuleWeak = check.Rule{ID: "MRL-BUILD-010", Property: check.Integrity, Severity: check.High,
		Title:  "a program whose default settings bring old holes back",
		Why:    "a //go:debug line or an old go line in go.mod asks for them",
		Attack: "TLS 1.0, SHA-1 signatures or requests that two parsers read differently are accepted again.",
		Wrong:  "//go:debug tls10server=1",
		Right:  "take the line out, and set the go line of go.mod to this year's release",
		Source: "go.dev/doc/godebug"}
	RuleUnknown = check.Rule{ID: "MRL-BUILD-011", Property: check.Integrity, Severity: check.Low,
		Title:  "a program that does not say what it is made of",
		Why:    "nobody can tell which of its modules has a hole",
		Attack: "The hole that was mended elsewhere stays here, since nobody knows that it is there.",
		Wrong:  "a program whose build information was taken out",
		Right:  "go build, in module mode, with the information left in",
		Source: "package runtime/debug, ReadBuildInfo; OWASP ASVS 5.0 15.1.2"}
)

// Rules lists the rules of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleGo, RuleModule, RuleStale, RuleModified, RuleReplaced, RuleRace, RuleUntrimmed, RuleUnoptimised, RuleCgo, RuleWeak, RuleUnknown}
}
