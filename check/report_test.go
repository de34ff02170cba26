package check_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/merlon-web/merlon/check"
)

func result(id string, severity check.Severity, findings int) check.Result {
	r := check.Rule{ID: id, Property: check.Integrity, Severity: severity, Title: "t", Why: "w"}
	one := check.Result{Rule: r}
	for range findings {
		one.Findings = append(one.Findings, r.Finding("a b/c.go:7:3", "what", "do"))
	}
	return one
}

func TestReport(t *testing.T) {
	report := check.Report{result("B", check.Low, 1), result("A", check.High, 1), result("C", check.Medium, 0), result("A", check.High, 2)}.Joined()
	if len(report) != 3 || report[0].Rule.ID != "A" || len(report[0].Findings) != 3 {
		t.Fatalf("joined: %v", report)
	}
	if got := report.Tally(); got != "1 pass, 1 fail, 1 note" {
		t.Errorf("tally %q", got)
	}
	if unknown := report.Skip(map[string]string{"A": "known", "X": "y", "W": "y"}); !slices.Equal(unknown, []string{"W", "X"}) {
		t.Errorf("unknown %v", unknown)
	}
	if got := report.Tally(); got != "1 pass, 0 fail, 1 note, 1 skipped" || len(report.Findings(check.Medium)) != 0 {
		t.Errorf("after a skip %q, %v", got, report.Findings(check.Medium))
	}
	if pass, fail := report.Counts(); pass != 1 || fail != 1 {
		t.Errorf("%d pass, %d fail", pass, fail)
	}
	if n := len(report.Of(check.Availability)); n != 0 || len(report.Of(check.Integrity)) != 3 {
		t.Errorf("%d of another property", n)
	}
	if (check.Report{}).Tally() != "0 pass, 0 fail" {
		t.Error("an empty report has a tally of its own")
	}
}

func TestChoice(t *testing.T) {
	all := []check.Check{{Rule: check.Rule{ID: "A"}}, {Rule: check.Rule{ID: "B"}, Deploy: true}}
	for _, c := range []struct {
		choice check.Choice
		want   string
	}{{check.Choice{}, "A"}, {check.Choice{Deploy: true}, "AB"}, {check.Choice{Only: []string{"B"}}, "B"}, {check.Choice{Only: []string{"X"}}, ""}} {
		got := ""
		for _, one := range c.choice.Of(all) {
			got += one.Rule.ID
		}
		if got != c.want {
			t.Errorf("%+v chooses %q, want %q", c.choice, got, c.want)
		}
	}
}

// TestReportsTravel: what the process that serves found is read by the one that asks.
func TestReportsTravel(t *testing.T) {
	report := check.Run(context.Background(), check.Check{Rule: rule, Live: true, Run: func(context.Context) []check.Finding { return []check.Finding{rule.Finding("a", "b", "c")} }})
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var back check.Report
	if err := json.Unmarshal(text, &back); err != nil || len(back) != 1 || back[0].Rule != rule || !back[0].Live || back[0].Findings[0] != report[0].Findings[0] {
		t.Errorf("%v: %+v", err, back)
	}
	var s check.Severity
	var p check.Property
	if s.UnmarshalText([]byte("severe")) == nil || p.UnmarshalText([]byte("unknown")) == nil {
		t.Error("words that are none are read")
	}
}

func TestSARIF(t *testing.T) {
	report := check.Report{result("MRL-A-001", check.High, 1), result("MRL-B-001", check.Low, 1)}
	report[1].Findings[0].Where = "Settings.Origin"
	report.Skip(map[string]string{"MRL-B-001": "known"})
	var b bytes.Buffer
	if err := report.SARIF(&b, "v1"); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Version string
		Runs    []struct {
			Results []struct {
				RuleID    string
				Level     string
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine, StartColumn int }
					}
					LogicalLocations []struct{ FullyQualifiedName string }
				}
				Suppressions []struct{ Kind, Justification string }
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	a, other := doc.Runs[0].Results[0], doc.Runs[0].Results[1]
	if doc.Version != "2.1.0" || a.Level != "error" || other.Level != "note" || other.Suppressions[0].Justification != "known" || len(a.Suppressions) != 0 ||
		other.Locations[0].LogicalLocations[0].FullyQualifiedName != "Settings.Origin" {
		t.Errorf("got %s", &b)
	}
	// a path with a space is no place in a file that others understand: it is named whole
	if a.Locations[0].LogicalLocations[0].FullyQualifiedName != "a b/c.go:7:3" {
		t.Errorf("got %s", &b)
	}
	report[0].Findings[0].Where = "pages/ü.html:7:3"
	b.Reset()
	if err := report.SARIF(&b, ""); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	at := doc.Runs[0].Results[0].Locations[0].PhysicalLocation
	if at.ArtifactLocation.URI != "pages/%C3%BC.html" || at.Region.StartLine != 7 || at.Region.StartColumn != 3 {
		t.Errorf("got %+v", at)
	}
}
