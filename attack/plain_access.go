package attack

import (
	"net/http"
	"strings"
)

// formsAbove sends forms that only a higher role is shown, as who may less, with their own token.
func (r *run) formsAbove() {
	for _, f := range r.forms() {
		if r.t.typed(http.MethodPost, f.action) {
			continue // see table
		}
		for _, a := range r.people {
			if a.anonymous() || !r.above(f.by, a) || f.by.anonymous() || a.ready() != nil || r.shows(a, f) || !r.t.refused(a.fork().loads(get(f.page).own(r.t))) {
				continue
			}
			v := a.values(f.form, r.mark())
			if t := f.token(); t != nil {
				own := r.ownToken(a, t.name)
				if own == "" {
					continue
				}
				v.Set(t.name, own)
			}
			q := f.request(v).own(r.t)
			before, known := r.stateNow()
			ans := a.fork().send(q)
			if known && !r.t.refused(ans) && r.changed("what "+a.name()+" sends to "+f.pattern, before, ans) {
				r.hit(RuleOpenRoute, "POST "+f.pattern, q, a, "the page %s is refused to %s, and what its form sends was taken", f.page, a.name())
				r.back()
				break
			}
		}
	}
}

// shows reports whether a page of an actor has this form.
func (r *run) shows(a *actor, f *seenForm) bool {
	for _, p := range r.site.order[a.name()] {
		for _, g := range r.site.pages[a.name()][p].dom(r.t).forms {
			if g.method != "GET" && r.t.pattern(http.MethodPost, bare(g.action)) == f.pattern {
				return true
			}
		}
	}
	return false
}

// othersLists asks for the pages of another of one's own role, where a list shows each their own.
func (r *run) othersLists() {
	for _, a := range r.people {
		twin := r.twin(a)
		if a.anonymous() || twin == nil || a.ready() != nil || twin.ready() != nil {
			continue
		}
		for _, list := range r.site.order[a.name()] {
			mine, theirs := r.site.pages[a.name()][list], r.site.pages[twin.name()][list]
			if theirs == nil || theirs.status != http.StatusOK || r.t.typed(http.MethodGet, list) {
				continue
			}
			for _, p := range mine.dom(r.t).links {
				pattern := r.t.pattern(http.MethodGet, bare(p))
				first := r.site.pages[a.name()][p]
				own, named := r.counterpart(twin, p, theirs)
				if !strings.Contains(pattern, "{") && !named || !r.wants(pattern) || first == nil || first.status != http.StatusOK || r.site.linked[twin.name()][p] || r.site.pages[twin.name()][p] != nil || r.private(a, p) == nil {
					continue
				}
				q := get(p).own(r.t)
				if got := twin.fork().send(q); got.status == http.StatusOK && alike(got.dom(r.t), first.dom(r.t)) && (own == nil || saysOf(got, first, own)) && !r.shared(a, twin, p) && r.steady(a, list, p) {
					r.hit(RuleOthersPage, "GET "+pattern, q, twin, "%s shows %s to %s and not to %s, who may read it all the same", list, p, a.name(), twin.name())
				}
			}
		}
	}
}

// newName changes the address by which a user signs in, where no password is asked for.
func (r *run) newName() {
	for _, f := range r.forms() {
		u, ok := f.by.user.(User)
		if !ok || f.passwords() > 0 || f.by.ready() != nil {
			continue
		}
		a := f.by.fork()
		g := r.fresh(f, a)
		if g == nil {
			continue
		}
		for _, d := range g.fields {
			if !d.isText() || !f.by.ownName(d.value) {
				continue
			}
			const fresh = "mq-another@attack.invalid"
			v := a.values(g, "mq0")
			v.Set(d.name, fresh)
			q := g.request(v).own(r.t)
			a.send(q)
			changed := map[string]string{}
			for name, value := range u.Fields {
				if value == d.value {
					value = fresh
				}
				changed[name] = value
			}
			c := &actor{run: r, role: f.by.role, user: User{Role: u.Role, Fields: changed, Second: u.Second}, cookies: map[string]string{}}
			if c.signsIn() == nil && c.alive() && len(c.cookies) > 0 && r.site.proof[c.role] != "" {
				r.hit(RuleStale, "POST "+f.pattern, q, f.by, "the name for signing in was changed to %s without asking for the password", fresh)
				f.by.user = c.user
			}
			r.back()
			break
		}
	}
}
