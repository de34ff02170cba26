package static

import (
	"context"

	"github.com/merlon-web/merlon/check"
)

// The rules of the room.
var (
	RuleType = check.Rule{
		ID: "MRL-STATIC-001", Property: check.Integrity, Severity: check.High,
		Title:  "static file of a type that is not on the list",
		Why:    "a browser runs or shows as a page what it takes for one, with all rights of the site",
		Attack: "An HTML file among the images is a page of your origin without a policy of its own: its script reads\nwhat the visitor may read.",
		Wrong:  "static/help.html",
		Right:  "pages/help.html, and in static only style sheets, scripts, images, fonts, media",
		Source: "OWASP ASVS 5.0 3.2.1, 5.2.2; WHATWG MIME Sniffing",
	}
	RuleName = check.Rule{
		ID: "MRL-STATIC-002", Property: check.Confidentiality, Severity: check.High,
		Title:  "static file with a name that is not served",
		Why:    "hidden files hold what was not meant for visitors, and a name that needs escapes has several addresses",
		Attack: "/static/.env and /static/.git/config are the first addresses that scanners ask for.",
		Wrong:  "//go:embed all:static",
		Right:  "//go:embed static",
		Source: "OWASP ASVS 5.0 13.4.1, 13.4.6; CWE-538",
	}
	RuleSize = check.Rule{
		ID: "MRL-STATIC-003", Property: check.Availability, Severity: check.High,
		Title:  "static files too large",
		Why:    "they are part of the program and lie in its memory",
		Attack: "None is needed: the site needs more memory than its machine has.",
		Wrong:  "static/holiday.mp4 of 300 MB",
		Right:  "a file store or a server of their own for large files",
		Source: "limits of this package: 16 MiB a file, 128 MiB and 5,000 files in all",
	}
	RuleReference = check.Rule{
		ID: "MRL-STATIC-004", Property: check.Availability, Severity: check.High,
		Title:  "style sheet that names a file that cannot be loaded",
		Why:    "the file is not there or lies on another host, which the site's policy blocks",
		Attack: "A sheet or font of another host lets that host restyle the page, and tells it who reads it.",
		Wrong:  `@import url("https://fonts.example/css");`,
		Right:  `@font-face { font-family: "Body"; src: url("fonts/body.woff2") format("woff2"); }`,
		Source: "CSP Level 3; OWASP ASVS 5.0 3.6.1",
	}
	RuleInline = check.Rule{
		ID: "MRL-STATIC-005", Property: check.Availability, Severity: check.Low,
		Title:  "style sheet with a data: address",
		Why:    "the site's policy blocks data: addresses, so the picture is not shown",
		Attack: "None: it is a picture that is missing. A policy with data: would let injected markup bring its own images.",
		Wrong:  `background: url("data:image/svg+xml,…")`,
		Right:  `background: url("arrow.svg")`,
		Source: "CSP Level 3 6.7.2",
	}
	RuleMissing = check.Rule{
		ID: "MRL-STATIC-006", Property: check.Availability, Severity: check.High,
		Title:  "folder of static files that is not there",
		Why:    "the folder must be one that //go:embed takes up",
		Attack: "None: every address under it answers 404.",
		Wrong:  "//go:embed pages\nvar files embed.FS\n\nvar assets = static.From(files, \"static\")",
		Right:  "//go:embed pages static",
		Source: "package embed",
	}
)

// Rules returns every rule of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleType, RuleName, RuleSize, RuleReference, RuleInline, RuleMissing}
}

// Checks returns what is to be said of the files besides their faults: pictures that the policy will not show.
func (f *Files) Checks() []check.Check {
	return []check.Check{{Rule: RuleInline, Run: func(context.Context) []check.Finding {
		var found []check.Finding
		for _, p := range f.current().inline {
			found = append(found, RuleInline.Finding(p.where, p.what, "put the picture into a file of its own and name that"))
		}
		return found
	}}}
}

// told is where something stands, and what.
type told struct{ where, what string }

// fault adds a finding of a style sheet.
func (l *linker) fault(name string, line int, f check.Finding) {
	f.Where = l.where(name, line)
	l.state.faults = append(l.state.faults, f)
}
