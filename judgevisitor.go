package merlon

import (
	"context"
	"fmt"
	"slices"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/source"
)

// checkVisitor looks for routes that tell nobody who came and whose page shows who is signed in: whoever has signed in reads
// "Sign in" there. Which page a handler shows stands in its source, where that still lies; in production the files may be newer
// than the program. Giving such a page the visitor's name all the same would read the session on routes that say that they
// look at none, which is why they can be cached and cost no look-up.
func (s *Site) checkVisitor(context.Context) (found []check.Finding) {
	if s.env.Mode == Production || s.signIn == "" || s.pages == nil || s.cfg.Pages == nil {
		return nil
	}
	own := s.cfg.Pages.Names()
	asks := map[string]string{} // page file → where it asks
	for _, p := range s.pages.Pages() {
		if facts := s.pages.Facts(p); facts != nil && slices.Contains(own, p.Name()) {
			asks[p.Name()] = facts.Visitor
		}
	}
	for _, r := range s.cfg.Routes {
		if r.r == nil || !r.r.open() || r.r.mount != nil || r.r.folder == "" || r.r.inline {
			continue
		}
		for _, name := range source.Variables(r.r.folder, r.r.function(), modulePath, "Show") {
			if where := asks[name]; where != "" {
				found = append(found, RuleVisitor.Finding(r.r.where, fmt.Sprintf("route %q is %s and shows %s, which asks who is signed in (%s): it says nobody, also to who is", r.r.id(), r.r.access, name, where),
					"say account.Anyone() instead of merlon.Public(), and account.Guest instead of merlon.Visitor in the handler; or give the page a layout without $site.User"))
				break
			}
		}
	}
	return found
}
