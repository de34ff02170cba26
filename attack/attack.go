// Package attack does to a site what an attacker would, before one does: it knows the site's routes, forms, roles and ids,
// and tries on a copy of the data what must not work.
//
//	func TestAttacked(t *testing.T) { attack.Test(t, site.Open) }
//
// [Handler] is the same for any [http.Handler]. A finding is something that was seen: a row written, a cookie that still
// works, an element on a page that data made. What was not reached is counted and told, and never called clean: a form of the
// site's own that accepted nothing fails the test, and [Typed] says what it takes.
//
// Sites are attacked in their own process, and addresses only if they are loopback's. Mails, jobs and tasks rest meanwhile; what
// a site's own handlers call elsewhere is called, many times: give the copy settings whose other ends are to try things with.
package attack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
)

// Classes are the classes of attacks, in the order in which they run: those that end sessions or use limits up come last.
func Classes() []string {
	return []string{"platform", "output", "access", "forgery", "injection", "backup", "sessions", "limits"}
}

// Options choose what is tried. The zero value is everything, for at most a minute.
type Options struct {
	// Classes are some of [Classes]; none: all.
	Classes []string
	// Routes are patterns, or beginnings of them that end in *: "/board*". None: all.
	Routes []string
	// As names who attacks: "anonymous", "user", or a role. None: everybody that there is.
	As []string
	// Budget is how long all of it may take; 0: a minute. What was not reached then is told in the report.
	Budget time.Duration
	// Data is the folder of which a copy is attacked; "": an empty one, filled by the parts' Demo.
	Data string
	// Typed is what is typed into fields that take nothing made up: by the pattern of the form's route, and the field. See [Typed].
	Typed map[string]map[string]string
	// Unfilled are forms that need not accept anything, by the pattern of their route, each with the reason. See [Unfilled].
	Unfilled map[string]string
	// Told is called for each class as it begins, and for each finding when it is made; nil: nobody is told.
	Told func(class string, found *Finding)
}

// Validate reports a class that is none, and a form that need not accept anything without a reason, by a [WishError].
func (o Options) Validate() error {
	for pattern, reason := range o.Unfilled {
		if strings.TrimSpace(reason) == "" {
			return unknown("attack: Unfilled of %s has no reason: say what looks at what lies behind the form instead", pattern)
		}
	}
	for _, c := range o.Classes {
		if !slices.Contains(Classes(), c) {
			return unknown("attack: %q is no class of attacks: %s", c, nearest(c, Classes(), strings.Join(Classes(), ", ")))
		}
	}
	return nil
}

// A Finding is an attack that worked.
type Finding struct {
	check.Finding
	Class   string  `json:"class"`
	Route   string  `json:"route"` // method and pattern, or path
	As      string  `json:"as"`    // who attacked
	Request Request `json:"request"`
	Before  string  `json:"before"`  // what comes before the request is sent again: a sign-in, cookies, an address; "": nothing
	Curl    string  `json:"curl"`    // the request again
	Test    string  `json:"go_test"` // the same as lines of a Go test
	Explain string  `json:"explain"` // what tells more
}

// Coverage says how much was looked at.
type Coverage struct {
	Routes     int      `json:"routes"`         // that the access table or the profile names, or the crawl found
	Reached    int      `json:"routes_reached"` // of them, let at least one request through to what they do, or have a finding
	Forms      int      `json:"forms"`
	Accepted   int      `json:"forms_accepted"` // of them, accepted what the attacker filled in
	Parameters int      `json:"parameters"`
	Pages      int      `json:"pages"`
	Requests   int      `json:"requests"`
	Unanswered int      `json:"unanswered"` // of the requests; they are not counted as tried
	Data       string   `json:"data"`       // whose were attacked: "a copy of /srv/club/data", "demo data"
	Who        []string `json:"who"`
	Approaches int      `json:"approaches"`  // that were walked to pages to which no link leads
	Blank      []Blank  `json:"forms_blank"` // forms of a Merlon site's own that accepted nothing, from anybody
	NotReached []string `json:"not_reached"` // each with the reason; never clean
	Sampled    []string `json:"sampled"`     // routes of which more pages were found than were loaded
	Crawl      Tally    `json:"crawl"`
	Classes    []Tally  `json:"classes"`
}

// A Report is what came of an attack.
type Report struct {
	Target   string    `json:"target"`
	Findings []Finding `json:"findings"`
	Coverage Coverage  `json:"coverage"`
	Seconds  float64   `json:"seconds"`
	// Unchanged is whether the original data is as it was; true where there was none.
	Unchanged bool `json:"original_unchanged"`
}

// Results returns the report as one of checks: every rule that was looked for, with its findings.
func (r *Report) Results() check.Report {
	var all check.Report
	for _, rule := range Rules() {
		one := check.Result{Rule: rule}
		for _, f := range r.Findings {
			if f.ID == rule.ID {
				one.Findings = append(one.Findings, f.Finding)
			}
		}
		all = append(all, one)
	}
	return all
}

// run is one attack in the course of being made.
type run struct {
	t       *target
	o       Options
	ctx     context.Context
	report  *Report
	class   string
	tried   int // attempts that were answered
	skipped int // routes and forms that were neither reached nor asked for
	silent  int // requests in a row that were not
	died    error
	fails   error           // why nothing would come of the attack
	broken  map[string]bool // routes whose handler has panicked
	entered bool            // somebody has signed in by the pages
	seen    map[string]bool // rule and route of the findings
	people  []*actor        // anonymous first
	twins   []*actor        // further users of their roles
	site    *sight
	serial  int
	undo    func()              // puts the data back; nil: it stays as it is
	left    map[string][]string // by class: what it has left out
	dev     *bool               // whether it is a site of Merlon's in development; nil: nobody asked
}

// errOver ends a class when the time is over.
var errOver = errors.New("attack: the time is over")

// ErrDied says that a site answered at first and does not any more: nothing was learnt from then on.
var ErrDied = errors.New("attack: the site answers no more, so that what was left to try was not tried: look in its log for why, start it again, and repeat the last request of the report")

func (r *run) hit(rule check.Rule, route string, q *Request, by *actor, format string, args ...any) {
	key := rule.ID + " " + route
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	if r.site != nil {
		r.site.asked[route] = true
	}
	f := Finding{Finding: rule.Finding(route, fmt.Sprintf(format, args...), rule.Right), Class: r.class, Route: route, As: by.name(), Explain: "explain " + rule.ID}
	if q != nil {
		f.Request = q.shown()
		f.Before, f.Curl, f.Test = q.before(r.t, by), q.curl(r.t), q.goTest(r.t)
	} else if r.class == "backup" {
		f.Test = ofCopies
	}
	r.report.Findings = append(r.report.Findings, f)
	if r.o.Told != nil {
		r.o.Told(r.class, &f)
	}
}

// attack runs the classes against a target whose people are known.
func attack(ctx context.Context, t *target, people []*actor, o Options) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	budget := o.Budget
	if budget <= 0 {
		budget = time.Minute
	}
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	began := time.Now()
	r := &run{t: t, o: o, ctx: ctx, seen: map[string]bool{}, people: people, report: &Report{Target: t.name, Unchanged: true, Findings: []Finding{}}}
	for _, a := range people {
		a.run = r
		r.report.Coverage.Who = append(r.report.Coverage.Who, a.name())
	}
	c := &r.report.Coverage
	c.Data = t.data
	c.Crawl = Tally{Class: crawling, Asked: true}
	for _, text := range t.absent {
		r.leaves(text, crawling)
	}
	r.tries(&c.Crawl)
	if err := cmp.Or(r.fails, r.known()); err != nil {
		return nil, err
	}
	for _, class := range Classes() {
		tally := Tally{Class: class, Asked: len(o.Classes) == 0 || slices.Contains(o.Classes, class)}
		if tally.Asked {
			r.class = class
			r.back()
			if o.Told != nil {
				o.Told(class, nil)
			}
			r.lacking()
			r.tries(&tally)
		}
		c.Classes = append(c.Classes, tally)
	}
	r.finish()
	r.lastLook()
	r.count()
	r.judge()
	r.report.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	if r.died != nil {
		return r.report, r.died
	}
	return r.report, whole.Err()
}

// within runs a class until the time is over, or the site answers no more.
func (r *run) within(do func(*run)) (complete bool) {
	defer func() {
		if p := recover(); p != nil {
			if p != errOver && p != ErrDied {
				panic(p)
			}
			complete = false
		}
	}()
	if r.died != nil {
		return false
	}
	do(r)
	return true
}

var classes = map[string]func(*run){
	crawling: (*run).look, "platform": platform, "output": output, "access": access, "forgery": forgery, "injection": injection, "backup": backups, "sessions": sessions, "limits": limits,
}
