package merlon

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// RoleKind is the kind of the needs that ask for a role ([NamedNeed]). What {{$site.Has "…"}} names in a page is held against
// them, and roles have names that commands can give: see [IsRole].
const RoleKind = "role"

const roleNeed = RoleKind + " "

// roleName is what a role may be called: roles are kept in one column and given on a command line, separated by commas.
var roleName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// IsRole reports whether a text can be a role's name: a-z, 0-9 and -, at most 32.
func IsRole(name string) bool { return roleName.MatchString(name) }

// judgeRoles tells of roles that nobody can be given.
func (s *Site) judgeRoles(rt *route) {
	if rt.access == nil {
		return
	}
	for _, n := range rt.access.needs {
		if role, ok := strings.CutPrefix(n.name, roleNeed); ok && !IsRole(role) {
			name := strings.Trim(noRole.ReplaceAllString(strings.ToLower(role), "-"), "-")
			if name == "" {
				name = "editor"
			}
			s.fault(RuleRoleName.Finding(rt.where, fmt.Sprintf("route %q asks for the role %q", rt.id(), role), fmt.Sprintf("call it %q: a-z, 0-9 and -, at most 32", name[:min(len(name), 32)])))
		}
	}
}

var noRole = regexp.MustCompile(`[^a-z0-9]+`)

// roles are those that the routes ask for, and those that a part has by itself.
func (s *Site) roles() (all []string) {
	for _, p := range s.cfg.Parts {
		if p.Role != "" {
			all = append(all, string(p.Role))
		}
	}
	for _, rt := range s.routes {
		if rt.access == nil {
			continue
		}
		for _, n := range rt.access.needs {
			if role, ok := strings.CutPrefix(n.name, roleNeed); ok && !slices.Contains(all, role) {
				all = append(all, role)
			}
		}
	}
	return all
}

// checkRoles holds the roles that pages ask for against those of the routes. A site whose users have no roles that Merlon
// knows of is not judged.
func (s *Site) checkRoles(context.Context) (found []check.Finding) {
	known := s.roles()
	if len(known) == 0 || s.pages == nil {
		return nil
	}
	for _, p := range s.pages.Pages() {
		facts := s.pages.Facts(p)
		if facts == nil {
			continue // it does not compile: told elsewhere
		}
		for _, asked := range facts.Roles {
			if slices.Contains(known, asked.Role) {
				continue
			}
			do := fmt.Sprintf("ask for it on a route, too: account.HasRole(%q); the routes ask for %s", asked.Role, strings.Join(known, ", "))
			if n, ok := check.Nearest(asked.Role, known); ok {
				do = "did you mean " + n + "?"
			}
			one := RuleRoleShown.Finding(asked.Where, fmt.Sprintf("the page asks for the role %q, and no route does", asked.Role), do)
			if !slices.Contains(found, one) { // a layout's is every page's
				found = append(found, one)
			}
		}
	}
	return found
}
