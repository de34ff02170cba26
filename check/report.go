package check

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Findings returns every finding of the report of at least the given severity, without those that are skipped.
func (r Report) Findings(least Severity) Faults {
	var all Faults
	for _, one := range r {
		if one.Skipped != "" {
			continue
		}
		for _, f := range one.Findings {
			if f.Severity >= least {
				all = append(all, f)
			}
		}
	}
	return all
}

// Counts returns how many checks passed and how many have findings. One that is skipped or could not be looked for is neither.
func (r Report) Counts() (pass, fail int) {
	for _, one := range r {
		switch {
		case one.Skipped != "":
		case len(one.Findings) > 0:
			fail++
		case one.Unseen == "":
			pass++
		}
	}
	return pass, fail
}

// Of returns the results of the rules that guard one property.
func (r Report) Of(p Property) Report {
	return slices.DeleteFunc(slices.Clone(r), func(one Result) bool { return one.Rule.Property != p })
}

// Joined returns the report with one result for each rule, sorted by id: what several rooms or files looked for under one
// rule passed when all of them found nothing.
func (r Report) Joined() Report {
	sorted := slices.Clone(r)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Rule.ID < sorted[j].Rule.ID })
	joined := sorted[:0]
	for _, one := range sorted {
		if n := len(joined); n > 0 && joined[n-1].Rule.ID == one.Rule.ID {
			joined[n-1].Findings = append(slices.Clip(joined[n-1].Findings), one.Findings...)
			joined[n-1].Live = joined[n-1].Live && one.Live
			joined[n-1].Unseen = cmp.Or(joined[n-1].Unseen, one.Unseen)
			continue
		}
		joined = append(joined, one)
	}
	return joined
}

// Skip marks the results of the given ids with the owner's reasons. It returns the ids that the report does not have.
func (r Report) Skip(reasons map[string]string) (unknown []string) {
	left := make(map[string]bool, len(reasons))
	for id := range reasons {
		left[id] = true
	}
	for i, one := range r {
		if reason, ok := reasons[one.Rule.ID]; ok {
			r[i].Skipped = reason
			delete(left, one.Rule.ID)
		}
	}
	for id := range left {
		unknown = append(unknown, id)
	}
	slices.Sort(unknown)
	return unknown
}

// A Choice says which checks of a site are run. The zero value is all that hold in development.
type Choice struct {
	Deploy bool     // also those that only a site in the world must pass
	Only   []string // none but those whose ids are these or begin so, wherever they hold; empty: all
}

// Of returns the checks that are chosen.
func (c Choice) Of(checks []Check) []Check {
	return slices.DeleteFunc(slices.Clone(checks), func(one Check) bool {
		if len(c.Only) > 0 {
			return !c.Has(one.Rule.ID)
		}
		return one.Deploy && !c.Deploy
	})
}

// Has reports whether the rule of an id may be looked for.
func (c Choice) Has(id string) bool {
	return len(c.Only) == 0 || slices.ContainsFunc(c.Only, func(begin string) bool { return strings.HasPrefix(id, begin) })
}

// Word returns what a report says of a result, at a glance: PASS, NOTE (of severity low), FAIL, SKIP, UNSEEN.
func (r Result) Word() string {
	switch {
	case r.Skipped != "":
		return "SKIP"
	case len(r.Findings) == 0 && r.Unseen != "":
		return "UNSEEN"
	case len(r.Findings) == 0:
		return "PASS"
	}
	for _, f := range r.Findings {
		if f.Severity > Low {
			return "FAIL"
		}
	}
	return "NOTE"
}

// Tally counts the words of a report as people read them: "93 pass, 1 fail, 2 notes".
func (r Report) Tally() string {
	n := map[string]int{}
	for _, one := range r {
		n[one.Word()]++
	}
	text := fmt.Sprintf("%d pass, %d fail", n["PASS"], n["FAIL"])
	if n["NOTE"] == 1 {
		text += ", 1 note"
	} else if n["NOTE"] > 1 {
		text += fmt.Sprintf(", %d notes", n["NOTE"])
	}
	if n["SKIP"] > 0 {
		text += fmt.Sprintf(", %d skipped", n["SKIP"])
	}
	if n["UNSEEN"] > 0 {
		text += fmt.Sprintf(", %d not seen", n["UNSEEN"])
	}
	return text
}
