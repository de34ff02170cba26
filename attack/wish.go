package attack

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
)

// A WishError says that [Options] name what there is not: a class, a route, a role, a form or a field. Nothing was tried.
type WishError struct{ text string }

// Error implements [error].
func (e *WishError) Error() string { return e.text }

func unknown(format string, args ...any) error { return &WishError{fmt.Sprintf(format, args...)} }

// has refuses a wish that no route of the access table fits: with it nothing would be tried, and nothing found.
func (t *target) has(wishes []string) error {
	var patterns []string
	for _, rt := range t.routes {
		patterns = append(patterns, rt.Pattern)
	}
	for _, w := range wishes {
		below := func(rt merlon.RouteInfo) bool {
			return fits(rt.Pattern, w) || rt.Method == "any" && matches(rt.Pattern, strings.TrimSuffix(w, "*"), true)
		}
		if w != onBackups && !slices.ContainsFunc(t.routes, below) {
			return unknown("attack: no route of the site fits %q, so that nothing would be tried: %s", w, nearestWish(w, patterns, "see the command routes, and end it in * for a beginning"))
		}
	}
	return nil
}

// found refuses a wish that nothing fits which the crawl of a handler has found, or that is asked for without being found. Where the
// crawl was not ended nobody knows.
func (r *run) found(wishes []string) error {
	var patterns []string
	see := func(method string, paths ...string) {
		for _, p := range paths {
			patterns = append(patterns, r.t.pattern(method, bare(p)))
		}
	}
	for _, paths := range r.site.order {
		see(http.MethodGet, paths...)
	}
	for key := range r.site.unasked {
		_, pattern, _ := strings.Cut(key, " ")
		patterns = append(patterns, pattern)
	}
	for _, f := range r.site.forms {
		patterns = append(patterns, f.pattern)
	}
	for _, c := range r.t.calls {
		see(c.Method, c.Path)
	}
	for _, d := range r.site.deeds {
		see(http.MethodGet, d.path)
	}
	see(http.MethodGet, r.site.signOuts...)
	see(http.MethodPost, r.reportPaths()...)
	slices.Sort(patterns)
	guessed := slices.Concat(namesOfCopies, []string{onBackups})
	for _, page := range developing {
		guessed = append(guessed, page.path)
	}
	for _, w := range wishes {
		folder := strings.HasSuffix(w, "/") // of what lies in it: listings are asked for
		if !slices.ContainsFunc(slices.Concat(patterns, guessed), func(p string) bool { return fits(p, w) || folder && fits(p, w+"*") }) {
			return unknown("attack: no page or form that was found fits %q, so that nothing was tried: %s", w, nearestWish(w, patterns, "end it in * for a beginning"))
		}
	}
	return nil
}

// nearestWish is nearest for the pattern of a wish, which may be the beginning of one.
func nearestWish(wish string, patterns []string, otherwise string) string {
	head, open := strings.CutSuffix(wish, "*")
	if open {
		for _, p := range patterns { // of each: its beginnings
			for i := range p {
				if p[i] == '/' && i > 0 {
					patterns = append(patterns, p[:i], p[:i+1])
				}
			}
		}
	}
	hint := nearest(head, patterns, "")
	switch {
	case hint == "":
		return otherwise
	case open:
		return strings.TrimSuffix(hint, "?") + "*?"
	}
	return hint
}
