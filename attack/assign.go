package attack

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// rolesAbove are the names of the roles that may more than the actor, as the site has them, and "admin" where it has none of them.
func (r *run) rolesAbove(a *actor) (roles []string) {
	for _, owner := range r.people {
		if r.above(owner, a) && !slices.Contains(roles, owner.role) {
			roles = append(roles, owner.role)
		}
	}
	if !slices.Contains(roles, "admin") && !r.t.merlon {
		roles = append(roles, "admin")
	}
	slices.SortStableFunc(roles, func(one, other string) int { return cmp.Compare(rank(other), rank(one)) })
	return roles
}

// raises adds the fields to a form by which a site could give its sender a role, also as its own fields are named: user[name].
func (f *form) raises(v url.Values, role string) {
	within := []string{""}
	for _, d := range f.fields {
		if head, _, nested := strings.Cut(d.name, "["); nested && !slices.Contains(within, head) {
			within = append(within, head)
		}
	}
	if !slices.Contains(within, "user") {
		within = append(within, "user")
	}
	for _, head := range within {
		for name, value := range map[string]string{"is_admin": "1", "IsAdmin": "1", "admin": "1", "Admin": "1", "isAdmin": "1", "is_staff": "1", "is_superuser": "1", "role": role, "Role": role, "roles": role, "Roles": role} {
			if head != "" {
				name = head + "[" + name + "]"
			}
			if !f.hasField(name) {
				v.Set(name, value)
			}
		}
	}
}

// assignAtSignUp signs somebody up with fields that the form does not show, and looks whether they may enter what users may not.
func (r *run) assignAtSignUp() {
	who, u := r.plainUser()
	if who == nil || r.t.merlon {
		return
	}
	closed := r.closedTo(who)
	name, key := u.key()
	for _, f := range r.forms() {
		if !f.by.anonymous() || f.passwords() == 0 || r.t.leadsToSignIn(bare(f.action)) || len(closed) == 0 {
			continue
		}
		for _, role := range r.rolesAbove(who) {
			a := r.nobody()
			g := r.fresh(f, a)
			if g == nil {
				break
			}
			n := r.mark()
			v := a.values(g, n)
			for _, d := range g.fields { // whoever asks for it twice gets the same
				if d.kind == "password" {
					v.Set(d.name, "Aa1!"+n+"-long-enough")
				}
			}
			typed := ""
			for _, d := range g.fields {
				if d.name == name || typed == "" && (d.kind == "email" || d.isText() && d.kind != "password" && !strings.Contains(key, "@")) {
					typed = v.Get(d.name)
				}
			}
			g.raises(v, role)
			q := g.request(v).own(r.t)
			a.send(q)
			made := u.with("Aa1!" + n + "-long-enough")
			made.Fields[name] = typed
			b := &actor{run: r, role: who.role, user: made, cookies: map[string]string{}}
			if b.signsIn() != nil {
				continue
			}
			if p := slices.IndexFunc(closed, func(p string) bool { return b.fork().loads(get(p).own(r.t)).status == http.StatusOK }); p >= 0 {
				r.hit(RuleAssigned, "POST "+f.pattern, q, r.people[0], "whoever signs up with fields that the form of %s does not have may enter %s", f.page, closed[p])
				break
			}
		}
		r.back()
	}
}
