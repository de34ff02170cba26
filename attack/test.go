package attack

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
)

// A T is the part of *testing.T that is used: this room is linked into sites, which have no use for package testing.
type T[Sub any] interface {
	Helper()
	Run(name string, f func(Sub)) bool
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Skipf(format string, args ...any)
	Context() context.Context
}

// testTime is how long a test takes at the most.
const testTime = 5 * time.Minute

// Test attacks a site on data of its own, filled by the Demo of its parts. Each route and class with a finding is a failing
// subtest, and so are a class that was not ended, a form of the site's own that accepted nothing or was not sent, and a POST route of its
// own that was not reached: see [Typed] and [Unfilled]. A site that answers no more fails the test.
// A class that was ended and left something out does not fail: it is logged as OPEN, with what that is. Classes that a [Choice]
// leaves out are no subtests.
//
// Tests that attack may be parallel (t.Parallel) to each other and to others: each site has data of its own. What handlers write by
// package log goes to all attacks that run at that moment, and to nobody else until the last of them ends.
func Test[Sub T[Sub]](t Sub, open func(merlon.Env) (*merlon.Site, error), more ...Choice) *Report {
	t.Helper()
	o := choices(more)
	report, err := Site(t.Context(), open, o)
	if err == nil {
		tellBlank(t, report, o)
	}
	tell(t, report, err)
	return report
}

// Handler attacks any handler, as [Test] does a site. Forms that accepted nothing are logged: of a handler it is known too little
// to fail for them.
func Handler[Sub T[Sub]](t Sub, h http.Handler, p Profile, more ...Choice) *Report {
	t.Helper()
	report, err := Probe(t.Context(), h, p, choices(more))
	tell(t, report, err)
	return report
}

func choices(more []Choice) Options {
	o := Options{Budget: testTime}
	for _, c := range more {
		c(&o)
	}
	return o
}

// tellBlank fails for each form of the site's own behind which nothing was seen: that nothing was found there says nothing.
func tellBlank[Sub T[Sub]](t Sub, report *Report, o Options) {
	t.Helper()
	t.Run("forms", func(sub Sub) {
		for _, b := range report.Coverage.Blank {
			pattern := strings.TrimPrefix(b.Route, "POST ")
			if _, ok := o.Unfilled[pattern]; ok {
				continue
			}
			sub.Run(strings.ReplaceAll(b.Route, "/", "_"), func(one Sub) {
				one.Errorf("%s", b.why())
			})
		}
	})
}

func tell[Sub T[Sub]](t Sub, report *Report, err error) {
	t.Helper()
	if report != nil {
		for _, c := range report.Coverage.all() {
			if c.Class != crawling || c.Found > 0 || !c.Complete {
				t.Run(c.Class, func(sub Sub) { tellClass(sub, report, c) })
			}
		}
		t.Logf("%s", report.Coverage)
	}
	if err != nil {
		t.Fatalf("attack: %v", err)
	}
}

func tellClass[Sub T[Sub]](t Sub, report *Report, c Tally) {
	routes := map[string]bool{}
	for _, f := range report.Findings {
		if f.Class != c.Class || routes[f.Route] {
			continue
		}
		routes[f.Route] = true
		t.Run(strings.ReplaceAll(f.Route, "/", "_"), func(one Sub) {
			for _, g := range report.Findings {
				if g.Class == c.Class && g.Route == f.Route {
					one.Errorf("%s\nas %s, again:%s\n  %s\nor in a test:\n%s", g.Text(), g.As, g.first("\n  "), g.Curl, g.Test)
				}
			}
		})
	}
	switch {
	case !c.Complete:
		t.Errorf("the class was not ended: what it did not try is not clean. %s", strings.Join(c.Left, "; "))
	case c.Verdict == "NONE":
		t.Skipf("NONE: %s", c.unseen())
	case c.Open:
		t.Logf("%s: what was left out is not clean:\n%s", c.Verdict, strings.Join(c.Left, "\n"))
	}
}

// String says what was covered, in a few lines.
func (c Coverage) String() string {
	var b strings.Builder
	for _, t := range c.Classes {
		if t.Asked {
			fmt.Fprintf(&b, "%s\n", t)
		}
	}
	c.extent(&b)
	return strings.TrimSuffix(b.String(), "\n")
}
