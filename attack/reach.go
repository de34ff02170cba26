package attack

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
)

// sampled notes an address of a route of which enough pages were loaded.
func (s *sight) sampled(route, path string) {
	if route = strings.TrimSuffix(route, "?"); s.more[route] == nil {
		s.more[route] = map[string]bool{}
	}
	if len(s.more[route]) < maxPages {
		s.more[route][path] = true
	}
}

// count fills in what was reached.
func (r *run) count() {
	c := &r.report.Coverage
	if r.site == nil {
		return
	}
	defer func() {
		if r.skipped > 0 {
			r.note(fmt.Sprintf("%d routes and forms that were not asked for", r.skipped))
		}
	}()
	for _, p := range r.site.pages {
		c.Pages += len(p)
	}
	if r.entered || !r.t.merlon && len(r.site.proof) > 0 {
		r.signInWorked()
	}
	c.Forms, c.Parameters = len(r.site.forms), len(r.site.params)
	for _, f := range r.site.forms {
		if f.accepted {
			c.Accepted++
			r.site.patterns["POST "+f.pattern] = true
		} else {
			r.unreached(f.pattern, "form %s of %s: %s: what lies behind it was not seen", f.pattern, f.page, f.nothing())
		}
	}
	c.Blank = r.blanks()
	for route, more := range r.site.more {
		c.Sampled = append(c.Sampled, fmt.Sprintf("%s: there are at least %d", route, perShape+len(more)))
	}
	slices.Sort(c.Sampled)
	if r.t.routes == nil {
		maps.Copy(r.site.unasked, r.site.patterns)
		c.Routes, c.Reached = len(r.site.unasked), len(r.site.patterns)
		return
	}
	maps.Copy(r.site.asked, r.site.patterns)
	for _, rt := range r.t.routes {
		c.Routes++
		asked, reached := r.reached(rt)
		switch {
		case reached:
			c.Reached++
		case asked:
			r.routeMissed(rt, "every request was refused")
		default:
			r.routeMissed(rt, "no page or form led there")
		}
	}
}

// unreached tells of what no attack came to. It is held against the classes if nothing is said of it. What was not asked for is
// counted: it would drown the rest.
func (r *run) unreached(pattern, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !r.wants(pattern) {
		r.skipped++
	} else if _, said := r.o.Unfilled[pattern]; said {
		r.note(text)
	} else {
		r.leaves(text, onForms...)
	}
}

// routeMissed tells of a route that no attack came to. Those of roles as whom nobody was to attack are not held against a class.
func (r *run) routeMissed(rt merlon.RouteInfo, why string) {
	if !r.wants(rt.Pattern) {
		r.skipped++
	} else if text := fmt.Sprintf("route %s %s: %s", rt.Method, rt.Pattern, why); slices.ContainsFunc(r.people, func(a *actor) bool { return a.mayEnter(rt.Who) }) {
		r.unreached(rt.Pattern, "%s", text)
	} else {
		r.note(text)
	}
}

// reached reports whether a route was asked for, and whether a request came through to what it does.
func (r *run) reached(rt merlon.RouteInfo) (asked, reached bool) {
	for key, through := range r.site.asked {
		method, p, _ := strings.Cut(key, " ")
		if p == rt.Pattern && method == rt.Method || rt.Method == "any" && matches(rt.Pattern, p, true) {
			asked, reached = true, reached || through
		}
	}
	return asked, reached
}

// answered keeps which routes were asked for, by whichever attack, and which of them let a request through: a handler that
// refuses what was typed, or fails, was reached too.
func (r *run) answered(q *Request, ans *answer) {
	if r.site == nil {
		return
	}
	through := !r.t.refused(ans)
	switch ans.status {
	case http.StatusConflict, http.StatusUnprocessableEntity, http.StatusInternalServerError:
		through = true
	}
	key := q.Method + " " + r.t.pattern(q.Method, bare(q.Path))
	r.site.asked[key] = r.site.asked[key] || through
}
