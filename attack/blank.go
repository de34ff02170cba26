package attack

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
)

// A Blank is a form of the site's own that accepted nothing that was filled in, or a route of its own to which no form led: what
// lies behind it was attacked by nobody.
type Blank struct {
	Route  string `json:"route"`  // "POST /books"
	Page   string `json:"page"`   // on which it stands; "": no page had one
	Said   string `json:"said"`   // the form's own words: "Year: Enter 1400 or more."
	Sent   bool   `json:"sent"`   // false: it was seen, and gone when it was to be sent
	Fields int    `json:"fields"` // into how many fields something can be typed
}

// why says in a sentence or two what was not attacked, and what to do.
func (b Blank) why() string {
	pattern := strings.TrimPrefix(b.Route, "POST ")
	named := fmt.Sprintf("say what looks at what it does: attack.Unfilled(%q, \"REASON\")", pattern)
	switch {
	case b.Page == "":
		return fmt.Sprintf("no page that the attacker was shown has a form that is sent to %s, so that nothing behind it was attacked.\n"+
			"If a page shows it beside a row, users must be able to make such rows by the site's forms, or Demo of a part makes them. If no page does, "+named, pattern)
	case !b.Sent:
		return fmt.Sprintf("the form of %s that is sent to %s was seen and not sent: no user who had made rows by the site's other forms was shown it again. Nothing behind it was attacked.\n"+
			"Let the forms that make rows accept what is filled in (attack.Typed), or "+named, b.Page, pattern)
	}
	text := fmt.Sprintf("the form of %s that is sent to %s accepted nothing that was filled in, so that nothing behind it was attacked.", b.Page, pattern)
	if b.Said != "" {
		text += " It said: " + b.Said
	}
	if b.Fields == 0 {
		return text + "\nIt has no field to type into: look why it refused, or " + named
	}
	return text + fmt.Sprintf("\nSay what its fields take: attack.Typed(%q, \"FIELD\", \"VALUE\"), or why nobody can: attack.Unfilled(%q, \"REASON\")", pattern, pattern)
}

// A Choice changes what [Test] and [Handler] do.
type Choice func(*Options)

// Typed says what is typed into a field of the forms that are sent to a route, by its pattern, where nothing that is made up
// would be taken: the number of a book that is there, a code with a check digit.
func Typed(pattern, field, value string) Choice {
	return func(o *Options) {
		if o.Typed == nil {
			o.Typed = map[string]map[string]string{}
		}
		if o.Typed[pattern] == nil {
			o.Typed[pattern] = map[string]string{}
		}
		o.Typed[pattern][field] = value
	}
}

// Unfilled lets [Test] pass although the forms that are sent to a route accept nothing that the attacker can fill in, or no page
// shows one. The reason says what looks at what lies behind them instead.
func Unfilled(pattern, reason string) Choice {
	return func(o *Options) {
		if o.Unfilled == nil {
			o.Unfilled = map[string]string{}
		}
		o.Unfilled[pattern] = reason
	}
}

// takes refuses what is said of forms that the site does not have: it would be a word about nothing.
func (t *target) takes(o Options) error {
	for pattern := range o.Unfilled {
		if _, err := t.formRoute(pattern); err != nil {
			return err
		}
	}
	for pattern, fields := range o.Typed {
		rt, err := t.formRoute(pattern)
		if err != nil {
			return err
		}
		for name := range fields {
			if rt.Method != http.MethodPost || slices.Contains(rt.Binds, name) {
				continue
			}
			return unknown("attack: the form of %s has no field %q: %s", pattern, name, nearest(name, rt.Binds, "it binds "+strings.Join(rt.Binds, ", ")))
		}
	}
	return nil
}

// known refuses what is said of routes and forms that the crawl of a handler has not seen, whose routes nobody names. See [target.has]
// and [target.takes].
func (r *run) known() error {
	if r.t.routes != nil || !r.report.Coverage.Crawl.Complete {
		return nil
	}
	if err := r.found(r.o.Routes); err != nil {
		return err
	}
	fields, patterns := map[string][]string{}, []string(nil)
	for _, f := range r.site.forms {
		patterns = append(patterns, f.pattern)
		for _, d := range f.fields {
			fields[f.pattern] = append(fields[f.pattern], d.name)
		}
	}
	for _, pattern := range slices.Concat(slices.Collect(maps.Keys(r.o.Unfilled)), slices.Collect(maps.Keys(r.o.Typed))) {
		if !slices.Contains(patterns, pattern) {
			return unknown("attack: no page that was loaded has a form that is sent to %q: %s", pattern, nearest(pattern, patterns, "name its page in Profile.Starts"))
		}
		for name := range r.o.Typed[pattern] {
			if !slices.Contains(fields[pattern], name) {
				return unknown("attack: the form of %s has no field %q: %s", pattern, name, nearest(name, fields[pattern], "it has "+strings.Join(fields[pattern], ", ")))
			}
		}
	}
	return nil
}

// nearest is the hint of a name that is none.
func nearest(name string, all []string, otherwise string) string {
	if n, ok := check.Nearest(name, all); ok {
		return "did you mean " + n + "?"
	}
	return otherwise
}

func (t *target) formRoute(pattern string) (merlon.RouteInfo, error) {
	var all []string
	for _, rt := range t.routes {
		if rt.Method == http.MethodPost && rt.Pattern == pattern || rt.Method == "any" && matches(rt.Pattern, pattern, true) {
			return rt, nil
		}
		if rt.Method == http.MethodPost {
			all = append(all, rt.Pattern)
		}
	}
	return merlon.RouteInfo{}, unknown("attack: no route of the site takes a form at %q: %s", pattern, nearest(pattern, all, "see the command routes"))
}

// blanks are the forms of the site's own that accepted nothing from anybody, and the routes to which no request got through.
func (r *run) blanks() (all []Blank) {
	accepted := map[string]bool{}
	for _, f := range r.site.forms {
		accepted[f.shape(f.pattern)] = accepted[f.shape(f.pattern)] || f.accepted
	}
	for _, f := range r.site.forms {
		rt := r.t.route(http.MethodPost, bare(f.action))
		if !accepted[f.shape(f.pattern)] && r.wants(f.pattern) && rt != nil && rt.Part == "" && rt.Method == http.MethodPost {
			accepted[f.shape(f.pattern)] = true // told once
			all = append(all, Blank{Route: "POST " + f.pattern, Page: f.page, Said: f.refusal, Sent: f.base != nil, Fields: f.typedInto()})
		}
	}
	for _, rt := range r.t.routes {
		if rt.Part != "" || rt.Method != http.MethodPost || !r.wants(rt.Pattern) || slices.ContainsFunc(r.site.forms, func(f *seenForm) bool { return f.pattern == rt.Pattern }) {
			continue
		}
		if _, reached := r.reached(rt); !reached {
			all = append(all, Blank{Route: "POST " + rt.Pattern})
		}
	}
	return all
}

// typedInto is how many fields of a form something can be typed into.
func (f *form) typedInto() (n int) {
	for _, d := range f.fields {
		if d.kind != "hidden" && d.kind != "button" && d.kind != "submit" && d.kind != "image" {
			n++
		}
	}
	return n
}

// nothing says that a form accepted nothing, in its own words.
func (f *seenForm) nothing() string {
	switch {
	case f.base == nil:
		return "it was not sent"
	case f.refusal == "":
		return "nothing that was filled in was accepted"
	}
	return "nothing that was filled in was accepted (" + f.refusal + ")"
}

// refusal is what an answer says of why it refused a form: its problems as Merlon prints them, or what is marked as an alert or
// an error, or its status.
func (t *target) refusal(ans *answer) string {
	for _, marked := range []func(*html.Node) bool{
		func(n *html.Node) bool {
			return n.Data == "li" && n.Parent.Parent != nil && classed(n.Parent.Parent, "problems")
		},
		func(n *html.Node) bool { return attr(n, "role") == "alert" },
		func(n *html.Node) bool {
			return classed(n, "error") || classed(n, "errors") || classed(n, "errorlist") || classed(n, "invalid-feedback")
		},
	} {
		var said []string
		for _, n := range ans.dom(t).nodes {
			if text := textOf(n); text != "" && n.Parent != nil && marked(n) && !slices.Contains(said, text) {
				said = append(said, text)
			}
		}
		if len(said) > 0 {
			return cut(strings.Join(said, "; "), 300)
		}
	}
	switch {
	case ans.redirects() && t.refused(ans):
		return "it led to the sign-in page"
	case ans.status == 0:
		return "there was no answer"
	}
	return strings.TrimSpace(fmt.Sprintf("the answer was %d %s", ans.status, http.StatusText(ans.status)))
}

func classed(n *html.Node, class string) bool {
	return slices.Contains(strings.Fields(attr(n, "class")), class)
}

// textOf is the text of an element with its spaces as a reader sees them.
func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
