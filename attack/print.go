package attack

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// Text writes the report as people read it: the findings of each class, what was covered, and what was not.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	for _, c := range r.Coverage.all() {
		if c.Class == crawling && c.Found == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s\n", c)
		for _, f := range r.Findings {
			if f.Class == c.Class {
				fmt.Fprintf(&b, "      %s      as %s, again:%s %s\n", strings.ReplaceAll(f.Text(), "\n  ", "\n        "), f.As, f.first(" "), cut(f.again(), 600))
			}
		}
	}
	b.WriteString("\n")
	r.Coverage.extent(&b)
	if !r.Unchanged {
		b.WriteString("the original data is not as it was: something else has written to it meanwhile\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String is the line of a class.
func (t Tally) String() string {
	return fmt.Sprintf("%-4s  %-10s %d tried, %d found, %.1f s%s", t.Verdict, t.Class, t.Tried, t.Found, t.Seconds, t.open())
}

// extent writes how much was looked at, and what was not.
func (c Coverage) extent(b *strings.Builder) {
	fmt.Fprintf(b, "routes %d of %d reached, forms %d of %d accepted what was filled in, %d parameters, %d pages, %d requests\nas %s\n",
		c.Reached, c.Routes, c.Accepted, c.Forms, c.Parameters, c.Pages, c.Requests, c.who())
	if c.Data != "" {
		fmt.Fprintf(b, "the data: %s\n", c.Data)
	}
	if c.Unanswered > 0 {
		fmt.Fprintf(b, "%d requests were not answered\n", c.Unanswered)
	}
	for _, s := range c.Sampled {
		fmt.Fprintf(b, "some of each: %s\n", s)
	}
	for _, n := range c.NotReached {
		fmt.Fprintf(b, "not reached: %s\n", n)
	}
}

// who is as whom the site was attacked, in words.
func (c Coverage) who() string {
	names := strings.Join(c.Who, ", ")
	if c.Approaches > 0 {
		names += fmt.Sprintf(", and by %d approaches", c.Approaches)
	}
	return names
}

// first is what comes before the request, after a space of this kind; "": nothing.
func (f Finding) first(space string) string {
	if f.Before == "" {
		return ""
	}
	return space + "first " + f.Before + ":"
}

// again is how a finding is made again: the request, or the class where it takes none.
func (f Finding) again() string {
	if f.Curl == "" {
		return f.Test
	}
	return f.Curl
}

func cut(s string, most int) string {
	if len(s) > most {
		return s[:most] + " …"
	}
	return s
}

// The parts of a JUnit report that are filled in.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Told     []junitTold `xml:"properties>property,omitempty"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string     `xml:"name,attr"`
		Class   string     `xml:"classname,attr"`
		Failure *junitText `xml:"failure,omitempty"`
		Skipped *junitText `xml:"skipped,omitempty"`
	}
	junitTold struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitText struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// SARIF writes the report as SARIF 2.1.0: what was found, and in its notifications the classes that tried nothing, were not ended,
// or did not reach all that they are about.
func (r *Report) SARIF(w io.Writer, version string) error {
	var unseen []string
	for _, c := range r.Coverage.Classes {
		if why := cmp.Or(c.unseen(), c.unreached()); why != "" {
			unseen = append(unseen, fmt.Sprintf("%s %s: %d tried: %s", c.Verdict, c.Class, c.Tried, why))
		}
	}
	if r.Coverage.Data != "" {
		unseen = append(unseen, fmt.Sprintf("the data that were attacked: %s: of others this says nothing", r.Coverage.Data))
	}
	return r.Results().SARIFOf(w, "merlon attack", version, unseen...)
}

// open says, behind the line of a class, what its OPEN means; "" for every other verdict.
func (t Tally) open() string {
	switch {
	case t.Verdict != "OPEN":
		return ""
	case !t.Complete:
		return ": it was not ended, so that nobody knows of the rest"
	}
	return fmt.Sprintf(`: %d left out, so that nobody knows of the rest: see "not reached"`, len(t.Left))
}

// unseen says why a class has not tried all that it tries; "": it has.
func (t Tally) unseen() string {
	switch {
	case !t.Asked:
		return "it was not asked for: this is not clean"
	case t.Class == crawling && t.Complete:
		return "" // it tries nothing
	case !t.Complete:
		return "it was not ended: this is not clean: " + t.few()
	case t.Tried == 0:
		return "nothing was tried, since nothing was there or known to try: this is not clean"
	}
	return ""
}

// unreached says of a class that was ended that it has not come to all that it is about; "": it has.
func (t Tally) unreached() string {
	if t.Complete && t.Open {
		return "some was left out: this is not clean: " + t.few()
	}
	return ""
}

// few are the first of what was left out.
func (t Tally) few() string {
	const most = 5
	text := strings.Join(t.Left[:min(len(t.Left), most)], "; ")
	if n := len(t.Left) - most; n > 0 {
		text += fmt.Sprintf("; and %d more, told in the report", n)
	}
	return text
}

// JUnit writes the report as JUnit XML: a suite for each class; a class without a finding is a case that passed, one that was
// not ended or has tried nothing a case that was skipped.
func (r *Report) JUnit(w io.Writer) error {
	var all junitSuites
	for _, c := range append([]Tally{r.Coverage.Crawl}, r.Coverage.Classes...) {
		s := junitSuite{Name: c.Class, Time: fmt.Sprintf("%.3f", c.Seconds)}
		if r.Coverage.Data != "" {
			s.Told = []junitTold{{"data", r.Coverage.Data}}
		}
		for _, f := range r.Findings {
			if f.Class == c.Class {
				s.Cases = append(s.Cases, junitCase{Name: f.ID + " " + f.Route, Class: "attack." + c.Class, Failure: &junitText{f.What, f.Text() + strings.TrimPrefix(f.first(" ")+"\n", "\n") + f.Curl + "\n"}})
				s.Failures++
			}
		}
		whole := junitCase{Name: "the class was tried to its end", Class: "attack." + c.Class}
		if why := c.unseen(); why != "" {
			whole.Skipped, s.Skipped = &junitText{Message: why}, 1
		}
		s.Cases = append(s.Cases, whole)
		if why := c.unreached(); why != "" {
			s.Cases = append(s.Cases, junitCase{Name: "all that the class is about was reached", Class: "attack." + c.Class, Skipped: &junitText{Message: why}})
			s.Skipped++
		}
		s.Tests = len(s.Cases)
		all.Tests, all.Failures = all.Tests+s.Tests, all.Failures+s.Failures
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
