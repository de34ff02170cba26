package merlon

import (
	"cmp"
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

// A knownRole is a role and what asks for it first.
type knownRole struct{ name, by, where string }

// knownRoles are those that a part has by itself, and those that the routes ask for, each once.
func (s *Site) knownRoles() (all []knownRole) {
	for _, p := range s.cfg.Parts {
		if p.Role != "" {
			all = append(all, knownRole{string(p.Role), fmt.Sprintf("part %q", p.Name), ""})
		}
	}
	for _, rt := range s.routes {
		if rt.access == nil {
			continue
		}
		for _, n := range rt.access.needs {
			role, ok := strings.CutPrefix(n.name, roleNeed)
			if ok && !slices.ContainsFunc(all, func(one knownRole) bool { return one.name == role }) {
				all = append(all, knownRole{role, fmt.Sprintf("route %q", rt.id()), rt.where})
			}
		}
	}
	return all
}

// checkAlike tells of roles that may be one, misspelt once: whoever has one is refused where the other is asked for.
func (s *Site) checkAlike(context.Context) (found []check.Finding) {
	var before []string
	known := s.knownRoles()
	for _, role := range known {
		if n, ok := check.Nearest(role.name, before); ok {
			other := known[slices.Index(before, n)]
			found = append(found, RuleRolesAlike.Finding(role.where, fmt.Sprintf("%s asks for the role %q, and %s for %q (%s)", role.by, role.name, other.by, n, cmp.Or(other.where, "the part's own")),
				fmt.Sprintf("did you mean %s? if both are meant, skip this with the reason", n)))
		}
		before = append(before, role.name)
	}
	return found
}

// checkRoles holds the roles that pages ask for against those of the routes. A site whose users have no roles that Merlon
// knows of is not judged.
func (s *Site) checkRoles(context.Context) (found []check.Finding) {
	var known []string
	for _, role := range s.knownRoles() {
		known = append(known, role.name)
	}
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
