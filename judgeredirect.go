package merlon

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/merlon-web/merlon/internal/source"
)

// modulePath is what sites import this package as.
const modulePath = "github.com/merlon-web/merlon"

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// judgeRedirects looks where the handlers of the site's own routes redirect to, in their sources where these still lie: a
// misspelt path would be the first visitor's 500. In production the files may be newer than the program.
func (s *Site) judgeRedirects() {
	if s.env.Mode == Production {
		return
	}
	seen := map[string]bool{}
	for _, r := range s.cfg.Routes {
		if r.r == nil || r.r.folder == "" || r.r.inline || seen[r.r.folder+"\x00"+r.r.handler] {
			continue
		}
		seen[r.r.folder+"\x00"+r.r.handler] = true
		for _, t := range source.Texts(r.r.folder, r.r.function(), modulePath, "Redirect") {
			to := placeholder.ReplaceAllString(t.Text, "{}")
			what, do := "no page answers there", ""
			switch {
			case !strings.HasPrefix(to, "/"), strings.HasPrefix(to, "//"), strings.HasPrefix(to, "/\\"):
				what, do = "that is no path of this site", `begin with one slash; to another site lead by a link of a page`
			case s.target(http.MethodGet, to) == nil:
				do = s.nearestRoute(http.MethodGet, to)
			default:
				continue
			}
			s.fault(RuleRedirect.Finding(t.At, fmt.Sprintf("the handler redirects to %q, and %s", t.Text, what), do))
		}
	}
}
