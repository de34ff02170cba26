package attack

import (
	"fmt"
	"slices"
	"time"
)

// A Tally is what one class tried.
type Tally struct {
	Class    string   `json:"class"`
	Asked    bool     `json:"asked"` // it was to be run
	Tried    int      `json:"tried"` // attempts that were answered: pages that are loaded to get there do not count
	Found    int      `json:"found"`
	Seconds  float64  `json:"seconds"`
	Complete bool     `json:"complete"` // false: the time was over, the site answered no more, or it was not asked for
	Open     bool     `json:"open"`     // it was ended, and left out some of what it is about
	Verdict  string   `json:"verdict"`  // PASS, FAIL, OPEN: it was not ended or left something out, NONE: nothing was tried, or it was not asked for
	Left     []string `json:"left"`     // what it left out, each with the reason
}

// judged fills in the verdict: what tried nothing has found nothing, and that says nothing.
func (t Tally) judged() Tally {
	t.Open = t.Complete && len(t.Left) > 0
	switch {
	case t.Found > 0:
		t.Verdict = "FAIL"
	case !t.Asked:
		t.Verdict = "NONE"
	case !t.Complete:
		t.Verdict = "OPEN"
	case t.Tried == 0:
		t.Verdict = "NONE"
	case t.Open:
		t.Verdict = "OPEN"
	default:
		t.Verdict = "PASS"
	}
	return t
}

// crawling is the class of the crawl, which tries nothing: what it leaves out is left out by each class that looks at pages.
const crawling = "crawl"

// onForms are the classes that look at each page and form by itself.
var onForms = []string{"output", "access", "forgery", "injection"}

// missed tells what was not reached, and why. The class that it belongs to is not clean then.
func (r *run) missed(format string, args ...any) {
	r.leaves(fmt.Sprintf(format, args...), r.class)
}

// leaves tells what was not reached, of these classes.
func (r *run) leaves(text string, classes ...string) {
	r.note(text)
	if r.left == nil {
		r.left = map[string][]string{}
	}
	for _, c := range classes {
		if !slices.Contains(r.left[c], text) {
			r.left[c] = append(r.left[c], text)
		}
	}
}

// note tells what was not reached and is no attack's.
func (r *run) note(text string) {
	if !slices.Contains(r.report.Coverage.NotReached, text) {
		r.report.Coverage.NotReached = append(r.report.Coverage.NotReached, text)
	}
}

// tries runs a class, and adds what it did to its tally.
func (r *run) tries(t *Tally) {
	at, tried, found := time.Now(), r.tried, len(r.report.Findings)
	r.class = t.Class
	t.Complete = r.within(classes[t.Class]) && (t.Class == crawling || r.report.Coverage.Crawl.Complete)
	if t.Complete && t.Class != crawling {
		r.within((*run).still)
	}
	t.Tried, t.Found = t.Tried+r.tried-tried, t.Found+len(r.report.Findings)-found
	t.Seconds += time.Since(at).Round(time.Millisecond).Seconds()
	switch {
	case t.Complete:
	case r.died != nil:
		r.missed("class %s: the site answered no more", t.Class)
	default:
		r.missed("class %s: the time was over before its end", t.Class)
	}
}

// judge fills in what each class has left out, and the verdicts.
func (r *run) judge() {
	c := &r.report.Coverage
	c.Crawl.Left = r.left[crawling]
	c.Crawl = c.Crawl.judged()
	for i, t := range c.Classes {
		if t.Asked {
			t.Left = r.left[t.Class]
			if t.Class != "backup" {
				t.Left = append(slices.Clone(t.Left), r.left[crawling]...)
			}
		}
		c.Classes[i] = t.judged()
	}
}

// all are the tallies of the crawl and of the classes that were asked for.
func (c Coverage) all() (all []Tally) {
	for _, t := range append([]Tally{c.Crawl}, c.Classes...) {
		if t.Asked {
			all = append(all, t)
		}
	}
	return all
}

// whatIsLacking are the sources of what is seen, of handlers that are not Merlon's; each with the classes that look at it.
var whatIsLacking = []struct {
	lacks   func(*target) bool
	text    string
	classes []string
}{
	{func(t *target) bool { return t.state == nil }, "Profile.State tells nothing of the data: writes are guessed at by what pages say", []string{"access", "forgery", "limits"}},
	{func(t *target) bool { return t.said["log"] == nil }, "Profile.Log tells nothing: no log was looked at", []string{"injection", "sessions"}},
	{func(t *target) bool { return t.said["mail"] == nil }, "Profile.Mail tells nothing: no mail was looked at", []string{"injection", "limits", "platform", "sessions"}},
	{func(t *target) bool { return t.said["sent"] == nil }, "Profile.Sent tells nothing: what back ends are sent was not looked at", []string{"injection"}},
	{func(t *target) bool { return t.noticed == nil }, "Profile.Noticed tells nothing: whether refusals are recorded was not looked at (MRL-ATK-016)", []string{"access", "forgery", "platform"}},
}

// lacking tells what a profile does not: it is not looked at.
func (r *run) lacking() {
	if r.t.merlon {
		return
	}
	for _, l := range whatIsLacking {
		if slices.Contains(l.classes, r.class) && l.lacks(r.t) {
			r.missed("%s", l.text)
		}
	}
}
