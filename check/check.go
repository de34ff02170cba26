// Package check holds what every finding of Merlon is made of: a rule with an id, the property it guards, the text that
// explains it, and the runner that turns checks into a report.
//
// The package is a leaf: each room brings its own rules and checks, and nothing here knows any of them.
package check

import (
	"context"
	"encoding"
	"fmt"
	"sort"
	"strings"
)

// Severity says how much a finding weighs. A finding of severity [High] stops a production start.
type Severity uint8

// The severities, in rising order; they are the words of the --fail-on flag.
const (
	Low Severity = iota
	Medium
	High
)

// String returns the word used in reports: low, medium, high.
func (s Severity) String() string {
	switch s {
	case Low:
		return "low"
	case Medium:
		return "medium"
	}
	return "high"
}

// MarshalText implements [encoding.TextMarshaler].
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word that String returns; another is an error. Severity is also the value of a flag.
func (s *Severity) UnmarshalText(text []byte) error {
	for _, known := range []Severity{Low, Medium, High} {
		if string(text) == known.String() {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("check: %q is no severity: write low, medium or high", text)
}

// Property is the one of the three that a rule guards. The zero value is no property and does not pass [Rule.Valid].
type Property uint8

// Integrity, confidentiality, availability: what a site keeps.
const (
	Integrity Property = iota + 1
	Confidentiality
	Availability
)

// String returns the property's name in lower case.
func (p Property) String() string {
	switch p {
	case Integrity:
		return "integrity"
	case Confidentiality:
		return "confidentiality"
	case Availability:
		return "availability"
	}
	return "unknown"
}

// MarshalText implements [encoding.TextMarshaler].
func (p Property) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the word that String returns; another is an error.
func (p *Property) UnmarshalText(text []byte) error {
	for _, known := range Properties {
		if string(text) == known.String() {
			*p = known
			return nil
		}
	}
	return fmt.Errorf("check: %q is no property: write integrity, confidentiality or availability", text)
}

// Properties are the three, in the order in which reports have them.
var Properties = []Property{Integrity, Confidentiality, Availability}

var (
	_ encoding.TextMarshaler   = Severity(0)
	_ encoding.TextMarshaler   = Property(0)
	_ encoding.TextUnmarshaler = (*Severity)(nil)
	_ encoding.TextUnmarshaler = (*Property)(nil)
)

// A Rule is one thing that Merlon refuses, finds or records. Rules are constants of the program: rooms declare them as
// package variables and list them in a function called Rules.
type Rule struct {
	ID       string   // MRL-ROOM-NNN, never used twice
	Property Property // what it guards
	Severity Severity
	Title    string // what is wrong, in one line
	Why      string // why it is refused, one clause: the second line of every finding

	// The rest is printed by explain.
	Attack string // what an attacker does with it
	Wrong  string // code or request that causes it
	Right  string // the way out
	Source string // RFC, OWASP, NIST, WHATWG, CVE …
}

// Finding makes a finding of this rule. Where is file:line[:column] or the name of a setting, and may be empty; what says
// what happened, do what to do about it.
func (r Rule) Finding(where, what, do string) Finding {
	return Finding{ID: r.ID, Property: r.Property, Severity: r.Severity, Where: where, What: what, Why: r.Why, Do: do}
}

// Valid reports what a rule lacks, nil when it is whole. Tests call it for every rule of every room.
func (r Rule) Valid() error {
	var lacks []string
	for _, f := range []struct{ name, value string }{
		{"ID", r.ID}, {"Title", r.Title}, {"Why", r.Why}, {"Attack", r.Attack}, {"Right", r.Right}, {"Source", r.Source},
	} {
		if strings.TrimSpace(f.value) == "" {
			lacks = append(lacks, f.name)
		}
	}
	if r.Property.String() == "unknown" {
		lacks = append(lacks, "Property")
	}
	if len(lacks) > 0 {
		return fmt.Errorf("check: rule %q lacks %s", r.ID, strings.Join(lacks, ", "))
	}
	return nil
}

// Explain returns the text that `explain ID` prints: at most 40 lines.
func (r Rule) Explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n\nguards    %s\nseverity  %s\n\n%s.\n", r.ID, r.Title, r.Property, r.Severity, capital(r.Why))
	section := func(name, text string) {
		if text = strings.Trim(text, "\n"); text != "" {
			fmt.Fprintf(&b, "\n%s\n  %s\n", name, strings.ReplaceAll(text, "\n", "\n  "))
		}
	}
	section("What an attacker does with it", r.Attack)
	section("Wrong", r.Wrong)
	section("Right", r.Right)
	section("Source", r.Source)
	return b.String()
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".")
}

// A Finding is a rule met at a place. It is an error, so that a room can return one.
type Finding struct {
	ID       string   `json:"id"`
	Property Property `json:"property"`
	Severity Severity `json:"severity"`
	Where    string   `json:"where,omitempty"`
	What     string   `json:"what"`
	Why      string   `json:"why"`
	Do       string   `json:"do"`
}

// Error returns the finding on one line: where, what, why, what to do, id.
func (f Finding) Error() string {
	where := ""
	if f.Where != "" {
		where = f.Where + ": "
	}
	return fmt.Sprintf("%s%s: %s; %s [%s]", where, f.What, f.Why, f.Do, f.ID)
}

// Text returns the finding as people read it in a terminal: three short lines, the id last.
func (f Finding) Text() string {
	what := f.What
	if f.Where != "" {
		what = f.Where + ": " + what
	}
	return what + "\n  " + f.Why + "\n  " + f.Do + "  " + f.ID + "\n"
}

// Faults are findings returned together as one error, so that nobody has to mend them one start at a time.
type Faults []Finding

// Error returns all findings, each as [Finding.Text] prints it.
func (f Faults) Error() string {
	var b strings.Builder
	for i, one := range f {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(one.Text())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Err returns the faults as an error, nil when there are none: a nil Faults in an error interface would not be nil.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// A Check looks for one rule. Run must be safe to call at any time, also on a site that is not sound, and returns nil when
// it found nothing.
type Check struct {
	Rule Rule
	// Deploy marks what a site under development may lack: it is looked for by `check --deploy` and before a production
	// start only.
	Deploy bool
	// Live marks what is about the process that serves and the data that it has open: while a site is up, that process is
	// asked, not the one in which the command was typed.
	Live bool
	Run  func(context.Context) []Finding
	// Unseen says why nothing can be found here, "" where it can: what is asked of the machine is not told, say. Such a check has not
	// passed. nil: it can always be looked.
	Unseen func(context.Context) string
}

// A Result is what one check found.
type Result struct {
	Rule     Rule
	Live     bool
	Findings []Finding
	// Unseen is why it could not be looked, "" if it could.
	Unseen string `json:",omitempty"`
	// Skipped is why the owner does not mind what was found; "": nothing was said. See [Report.Skip].
	Skipped string
}

// A Report is the outcome of a run, sorted by id.
type Report []Result

// Run runs the checks one after the other. A check that panics is a finding of its own rule: a broken check never passes. When ctx is
// done the rest is not run, and the check that ran then is not in the report, since what it found may be half of what there is: ask ctx.Err
// whether the report is whole.
func Run(ctx context.Context, checks ...Check) Report {
	report := make(Report, 0, len(checks))
	for _, c := range checks {
		found := run(ctx, c)
		if ctx.Err() != nil {
			break
		}
		unseen := ""
		if c.Unseen != nil && len(found) == 0 {
			unseen = c.Unseen(ctx)
		}
		report = append(report, Result{Rule: c.Rule, Live: c.Live, Findings: found, Unseen: unseen})
	}
	sort.SliceStable(report, func(i, j int) bool { return report[i].Rule.ID < report[j].Rule.ID })
	return report
}

func run(ctx context.Context, c Check) (found []Finding) {
	defer func() {
		if p := recover(); p != nil {
			found = []Finding{c.Rule.Finding("", fmt.Sprintf("the check itself failed: %v", p), "report this as a fault of Merlon or of the part that brings the check")}
		}
	}()
	return c.Run(ctx)
}
