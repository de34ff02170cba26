package beside_test

import "strings"

// Where a mistake is stopped, as in the table of package mistakes; the last three are no stages.
const (
	atStart    = "start"
	atCheck    = "check"
	atRun      = "run"
	notStopped = "not stopped"
	none       = "no such part"
)

// An outcome is what came of a mistake, with a few words on what was seen.
type outcome struct{ Stopped, Words string }

// stopped is the outcome of an attempt on a running site.
func stopped(held bool, words string) outcome {
	if held {
		return outcome{atRun, words}
	}
	return outcome{notStopped, words}
}

func noPart(words string) func(*kit) outcome {
	return func(*kit) outcome { return outcome{none, words} }
}

// A part is one of several that a mistake's line names, and whether it got through.
type part struct {
	name    string
	through bool
}

// passed is the outcome of a mistake with several parts: all must be stopped.
func passed(parts ...part) outcome {
	var through, refused, words []string
	for _, p := range parts {
		if p.through {
			through = append(through, p.name)
		} else {
			refused = append(refused, p.name)
		}
	}
	if through != nil {
		words = append(words, "got through: "+strings.Join(through, ", "))
	}
	if refused != nil {
		words = append(words, "stopped: "+strings.Join(refused, ", "))
	}
	return stopped(through == nil, strings.Join(words, "; "))
}
