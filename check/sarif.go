package check

import (
	"encoding/json"
	"io"
	"net/url"
	"regexp"
	"strconv"
)

// The parts of a SARIF 2.1.0 log that a report fills in (OASIS, sarif-v2.1.0-os).
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Language    string            `json:"language"`
		Newlines    []string          `json:"newlineSequences"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name     string      `json:"name"`
		URI      string      `json:"informationUri"`
		Language string      `json:"language"`
		Version  string      `json:"version,omitempty"`
		Rules    []sarifRule `json:"rules"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifRule struct {
		ID      string    `json:"id"`
		Short   sarifText `json:"shortDescription"`
		Full    sarifText `json:"fullDescription"`
		Help    sarifText `json:"help"`
		Default struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
		Properties struct {
			Tags     []string `json:"tags"`
			Severity string   `json:"security-severity"`
		} `json:"properties"`
	}
	sarifResult struct {
		Rule         string             `json:"ruleId"`
		Index        int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifSuppression struct {
		Kind   string `json:"kind"`
		Reason string `json:"justification"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region struct {
			Line   int `json:"startLine"`
			Column int `json:"startColumn,omitempty"`
		} `json:"region"`
	}
)

// sarifLevels are the words of the format for our severities; sarifWeights are the numbers that code hosts sort by.
var (
	sarifLevels  = [...]string{Low: "note", Medium: "warning", High: "error"}
	sarifWeights = [...]string{Low: "3.0", Medium: "6.0", High: "8.5"}
)

var fileLine = regexp.MustCompile(`^([^\s:]+):(\d+)(?::(\d+))?$`)

// SARIF writes the report in the Static Analysis Results Interchange Format 2.1.0, one document with a line break behind
// it. version is the program's, and may be empty. What is skipped is a result with its suppression.
func (r Report) SARIF(w io.Writer, version string) error {
	return r.SARIFOf(w, "merlon check", version)
}

// SARIFOf is [Report.SARIF] for another tool of this program, which is named in it. What was not looked at, and why, stands
// beside the results: that nothing was found there says nothing.
func (r Report) SARIFOf(w io.Writer, tool, version string, unseen ...string) error {
	driver := sarifDriver{Name: tool, URI: "https://github.com/merlon-web/merlon", Language: "en-US", Version: version, Rules: []sarifRule{}}
	run := sarifRun{Language: "en-US", Newlines: []string{"\r\n", "\n"}, Invocations: []sarifInvocation{{Successful: true}}, Results: []sarifResult{}}
	for _, text := range unseen {
		run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{"warning", sarifText{text}})
	}
	for _, one := range r {
		if one.Word() == "UNSEEN" {
			run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{"warning", sarifText{"not looked at: " + one.Rule.ID + ": " + one.Unseen}})
		}
	}
	for i, one := range r {
		rule := sarifRule{ID: one.Rule.ID, Short: sarifText{capital(one.Rule.Title)}, Full: sarifText{capital(one.Rule.Why)}, Help: sarifText{one.Rule.Explain()}}
		rule.Default.Level = sarifLevels[min(one.Rule.Severity, High)]
		rule.Properties.Tags = []string{"security", one.Rule.Property.String()}
		rule.Properties.Severity = sarifWeights[min(one.Rule.Severity, High)]
		driver.Rules = append(driver.Rules, rule)
		for _, f := range one.Findings {
			res := sarifResult{Rule: f.ID, Index: i, Level: sarifLevels[min(f.Severity, High)], Message: sarifText{f.What + ": " + f.Why + ": " + f.Do}}
			if f.Where != "" {
				res.Locations = []sarifLocation{sarifWhere(f.Where)}
			}
			if one.Skipped != "" {
				res.Suppressions = []sarifSuppression{{"external", one.Skipped}}
			}
			run.Results = append(run.Results, res)
		}
	}
	run.Tool.Driver = driver
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// sarifWhere is a place in a file, or the name of a setting.
func sarifWhere(where string) sarifLocation {
	m := fileLine.FindStringSubmatch(where)
	if m == nil {
		return sarifLocation{Logical: []sarifLogical{{where}}}
	}
	p := &sarifPhysical{}
	p.Artifact.URI = (&url.URL{Path: m[1]}).EscapedPath()
	p.Region.Line, _ = strconv.Atoi(m[2])
	p.Region.Column, _ = strconv.Atoi(m[3])
	if p.Region.Line < 1 {
		return sarifLocation{Logical: []sarifLogical{{where}}}
	}
	return sarifLocation{Physical: p}
}
