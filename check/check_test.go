package check_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/check"
)

var rule = check.Rule{
	ID: "MRL-TEST-002", Property: check.Availability, Severity: check.High, Title: "no backup", Why: "what is lost stays lost.",
	Attack: "A disk dies.", Wrong: "nothing\nat all", Right: "a backup", Source: "CIS 11",
}

func TestValid(t *testing.T) {
	if err := rule.Valid(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*check.Rule){
		"ID": func(r *check.Rule) { r.ID = "" }, "Title": func(r *check.Rule) { r.Title = " " }, "Why": func(r *check.Rule) { r.Why = "" }, "Attack": func(r *check.Rule) { r.Attack = "" },
		"Right": func(r *check.Rule) { r.Right = "\n" }, "Source": func(r *check.Rule) { r.Source = "" }, "Property": func(r *check.Rule) { r.Property = 0 },
	} {
		r := rule
		change(&r)
		if err := r.Valid(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	r := rule
	if r.Property = 99; r.Valid() == nil {
		t.Error("an unknown property is valid")
	}
}

func TestExplain(t *testing.T) {
	const want = `MRL-TEST-002  no backup

guards    availability
severity  high

What is lost stays lost.

What an attacker does with it
  A disk dies.

Wrong
  nothing
  at all

Right
  a backup

Source
  CIS 11
`
	if got := rule.Explain(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFinding(t *testing.T) {
	f := rule.Finding("site.go:7", "no target is set", "set one")
	if got, want := f.Error(), "site.go:7: no target is set: what is lost stays lost.; set one [MRL-TEST-002]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := f.Text(), "site.go:7: no target is set\n  what is lost stays lost.\n  set one  MRL-TEST-002\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if f.Where = ""; strings.HasPrefix(f.Text(), ":") || strings.HasPrefix(f.Error(), ":") {
		t.Errorf("got %q", f.Text())
	}
	b, err := json.Marshal(f)
	if want := `{"id":"MRL-TEST-002","property":"availability","severity":"high","what":"no target is set","why":"what is lost stays lost.","do":"set one"}`; err != nil || string(b) != want {
		t.Errorf("got %s, %v, want %s", b, err, want)
	}
}

func TestFaultsAreAnErrorOnlyWhenThereAreSome(t *testing.T) {
	var none check.Faults
	if none.Err() != nil || (check.Faults{}).Err() != nil {
		t.Error("no faults are an error")
	}
	err := check.Faults{rule.Finding("", "a", "b"), rule.Finding("", "c", "d")}.Err()
	var f check.Faults
	if !errors.As(err, &f) || len(f) != 2 || strings.Count(err.Error(), rule.ID) != 2 || strings.HasSuffix(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

func TestRun(t *testing.T) {
	low, other := rule, rule
	low.ID, low.Severity = "MRL-TEST-001", check.Low
	other.ID = "MRL-TEST-003"
	report := check.Run(t.Context(),
		check.Check{Rule: other, Run: func(context.Context) []check.Finding { return nil }},
		check.Check{Rule: rule, Run: func(context.Context) []check.Finding { panic("out of order") }},
		check.Check{Rule: low, Run: func(context.Context) []check.Finding { return []check.Finding{low.Finding("a", "b", "c")} }},
		check.Check{Rule: rule},
	)
	var ids []string
	for _, r := range report {
		ids = append(ids, r.Rule.ID)
	}
	if got := strings.Join(ids, " "); got != "MRL-TEST-001 MRL-TEST-002 MRL-TEST-002 MRL-TEST-003" {
		t.Errorf("order %s", got)
	}
	if pass, fail := report.Counts(); pass != 1 || fail != 3 {
		t.Errorf("%d pass, %d fail, want 1 and 3: a check that panics, or has nothing to run, never passes", pass, fail)
	}
	if n := len(report.Findings(check.Low)); n != 3 {
		t.Errorf("%d findings, want 3", n)
	}
	high := report.Findings(check.High)
	if len(high) != 2 || !strings.Contains(high[0].What, "out of order") {
		t.Errorf("got %v", high)
	}
	if pass, fail := check.Run(t.Context()).Counts(); pass != 0 || fail != 0 {
		t.Error("an empty report has counts")
	}
}

// A run that is interrupted ends, and takes no check for passed that it broke off or did not run.
func TestRunIsInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	passes := func(context.Context) []check.Finding { return nil }
	report := check.Run(ctx, check.Check{Rule: check.Rule{ID: "A"}, Run: passes},
		check.Check{Rule: check.Rule{ID: "B"}, Run: func(context.Context) []check.Finding { stop(); return nil }},
		check.Check{Rule: check.Rule{ID: "C"}, Run: func(context.Context) []check.Finding { t.Error("it went on"); return nil }})
	if len(report) != 1 || report[0].Rule.ID != "A" {
		t.Errorf("the report has %v", report)
	}
}

func TestWords(t *testing.T) {
	for s, want := range map[check.Severity]string{check.Low: "low", check.Medium: "medium", check.High: "high"} {
		if b, err := s.MarshalText(); s.String() != want || string(b) != want || err != nil {
			t.Errorf("got %s, want %s", s, want)
		}
	}
	for p, want := range map[check.Property]string{check.Integrity: "integrity", check.Confidentiality: "confidentiality", check.Availability: "availability", 0: "unknown"} {
		if b, err := p.MarshalText(); p.String() != want || string(b) != want || err != nil {
			t.Errorf("got %s, want %s", p, want)
		}
	}
	if check.Low >= check.Medium || check.Medium >= check.High {
		t.Error("severities are out of order")
	}
}
