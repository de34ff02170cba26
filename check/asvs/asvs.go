// Package asvs says how Merlon stands to the OWASP Application Security Verification Standard 5.0: each requirement of its
// levels 1 and 2 is a row. A row that says enforced names the test that proves it; what no test proves is not claimed.
//
// The words are our own, short; the requirements themselves are at https://github.com/OWASP/ASVS, under CC BY-SA 4.0.
package asvs

import (
	_ "embed"
	"fmt"
	"strings"
)

// A State is whose a requirement is.
type State string

// The states.
const (
	Enforced      State = "enforced"       // by Merlon: a test proves it
	Checked       State = "checked"        // the owner's, and check finds when it is missing
	Owner         State = "owner"          // the owner's alone
	NotYet        State = "not yet"        // Merlon's, and not built, not proven or not documented yet
	NotApplicable State = "not applicable" // there is no such feature
)

// States are all, in the order in which counts are printed.
var States = []State{Enforced, Checked, Owner, NotYet, NotApplicable}

var letters = map[string]State{"E": Enforced, "C": Checked, "O": Owner, "N": NotYet, "-": NotApplicable}

// A Row is one requirement; those of a chapter that does not apply at all are one row.
type Row struct {
	ID    string `json:"id"`    // "1.2.4", or a chapter: "10"
	Level int    `json:"level"` // 1 or 2: the lowest that asks for it
	State State  `json:"state"`
	What  string `json:"what"` // the requirement, in short words of our own
	How   string `json:"how"`  // by what it is met, or why not
	// Proof is a test as ROOM.TestName for what is enforced ("merlon" is the root folder), an id of check for what is checked.
	Proof string `json:"proof,omitempty"`
	Count int    `json:"count"` // requirements that the row stands for
}

//go:embed rows.txt
var text string

// chapters are rows that stand for several requirements of levels 1 and 2.
var chapters = map[string]int{"10": 29, "17": 7}

// Rows returns the rows in the order of the standard.
func Rows() []Row {
	var all []Row
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		r := Row{ID: f[0], State: letters[f[2]], What: f[3], How: f[4], Proof: f[5], Level: int(f[1][0] - '0'), Count: 1}
		if n := chapters[r.ID]; n > 0 {
			r.Count = n
		}
		all = append(all, r)
	}
	return all
}

// Counts returns how many requirements are in each state.
func Counts(rows []Row) map[State]int {
	n := map[State]int{}
	for _, r := range rows {
		n[r.State] += r.Count
	}
	return n
}

// Summary is the counts in words: "131 enforced, 17 checked, 38 owner, 43 not yet, 57 not applicable".
func Summary(rows []Row) string {
	n := Counts(rows)
	words := make([]string, 0, len(States))
	for _, s := range States {
		words = append(words, fmt.Sprintf("%d %s", n[s], s))
	}
	return strings.Join(words, ", ")
}
