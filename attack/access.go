package attack

import (
	"net/http"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
)

// access tries to be where one may not be, and to have what is another's.
func access(r *run) {
	r.table()
	r.menus()
	r.others()
	r.othersRows()
	r.othersLists()
	r.formsAbove()
	r.assign()
	r.assignAtSignUp()
	r.callAssignment()
	r.othersCalls()
	r.back()
	r.halfWay()
	r.newName()
}

// table holds every page and form of Merlon's routes against the access table.
func (r *run) table() {
	if !r.t.merlon {
		return
	}
	for _, owner := range r.everybody() {
		for _, p := range r.site.order[owner.name()] {
			rt := r.t.route(http.MethodGet, bare(p))
			if rt == nil || !r.wants(rt.Pattern) || r.t.refused(r.site.pages[owner.name()][p]) {
				continue
			}
			for _, a := range r.people {
				if a.mayEnter(rt.Who) || a.ready() != nil {
					continue
				}
				q := get(p).own(r.t)
				before := r.noticed()
				if ans := a.fork().send(q); ans.status == http.StatusOK || ans.redirects() && !r.t.refused(ans) {
					r.hit(RuleOpenRoute, "GET "+rt.Pattern, q, a, "%s answered %d, and is for %q", p, ans.status, rt.Who)
				} else if !a.anonymous() {
					r.unnoticed("GET "+rt.Pattern, q, a, ans, before, "a page of another role")
				}
			}
		}
	}
	for _, f := range r.forms() {
		rt := r.t.route(http.MethodPost, bare(f.action))
		if rt == nil {
			continue
		}
		for _, a := range r.people {
			if a.mayEnter(rt.Who) || a.ready() != nil {
				continue
			}
			q := f.request(a.values(f.form, r.mark())).own(r.t)
			if ans := a.fork().send(q); !r.t.refused(ans) {
				r.hit(RuleOpenRoute, "POST "+f.pattern, q, a, "%s answered %d, and is for %q", f.action, ans.status, rt.Who)
			}
		}
	}
}

// mayEnter reads the words of an access rule; administrators have every role. What they do not say is taken for open: it is the site's own rule.
func (a *actor) mayEnter(who string) bool {
	for need := range strings.SplitSeq(who, " + ") {
		if role, ok := strings.CutPrefix(need, "role "); ok && role != a.role && a.role != "admin" {
			return false
		}
		if strings.HasPrefix(need, "signed in") && a.anonymous() {
			return false
		}
	}
	return true
}

// menus asks for what only others are led to: a menu without the link is no lock. Of Merlon's routes, whose rule says who may
// enter, only pages without a parameter to which a link leads those who have a role: the menu says one thing there and the rule another.
func (r *run) menus() {
	for _, owner := range r.people {
		if owner.anonymous() {
			continue
		}
		for _, p := range r.site.order[owner.name()] {
			ans := r.site.pages[owner.name()][p]
			typed := r.t.typed(http.MethodGet, p)
			if typed && (!r.site.linked[owner.name()][p] || strings.Contains(r.t.pattern(http.MethodGet, bare(p)), "{")) || ans.status != http.StatusOK || !r.wants(r.t.pattern(http.MethodGet, bare(p))) {
				continue
			}
			for _, a := range r.people {
				if a.role == owner.role || a.anonymous() && (typed || r.private(owner, p) == nil && !r.ownersOnly(p, owner)) || a.ready() != nil {
					continue
				}
				if r.ledTo(a, p) || !r.above(owner, a) {
					continue
				}
				q := get(p).own(r.t)
				if r.private(owner, p) == nil && !r.ownersOnly(p, owner) {
					r.missed("whether %s is for few: menus of %s alone lead there, and who is not signed in is shown it", p, owner.role)
					break
				}
				if got := a.fork().send(q); got.status == http.StatusOK && (alike(got.dom(r.t), ans.dom(r.t)) || !ans.isHTML() && len(ans.body) > 0 && !sayOther(func() string { return a.fork().send(q).body }, func() string { return owner.fork().send(q).body })) {
					r.hit(RuleOpenRoute, "GET "+r.t.pattern(http.MethodGet, bare(p)), q, a, "%s is shown to %s, whom no page leads there", p, a.name())
				}
			}
		}
	}
}

// ownersOnly reports whether a page has a name that says it is for few.
func (r *run) ownersOnly(p string, owner *actor) bool {
	return owner.role != "user" && strings.Contains(p, owner.role)
}

// ledTo reports whether a page of the actor leads to the path, or to one of its pattern.
func (r *run) ledTo(a *actor, p string) bool {
	want := r.t.pattern(http.MethodGet, bare(p))
	for l := range r.site.linked[a.name()] {
		if r.t.pattern(http.MethodGet, bare(l)) == want {
			return true
		}
	}
	return slices.Contains(r.t.starts, bare(p)) || bare(p) == "/"
}

// above reports whether a role has what is hidden from another: roles of equal rank have each their own.
func (r *run) above(owner, a *actor) bool {
	return rank(owner.role) > rank(a.role) || rank(owner.role) == 2 && rank(a.role) == 2 && owner.role != a.role
}

// rank orders roles by how much they may, as far as their names tell.
func rank(role string) int {
	switch role {
	case "anonymous":
		return 0
	case "user":
		return 1
	case "admin", "administrator", "root", "owner", "superuser":
		return 3
	}
	return 2
}

// others has one user write something of their own, and asks for it as another one of the same role.
func (r *run) others() {
	for _, f := range r.forms() {
		if f.by.anonymous() {
			continue
		}
		if f.by.way != nil {
			r.othersWay(f)
			continue
		}
		twin := r.twin(f.by)
		if twin == nil {
			r.missed("form %s of %s: there is no second %s to ask for what is the first one's", f.pattern, f.page, f.by.role)
			continue
		}
		r.back()
		r.othersDeeds(f, twin) // first: what an honest user does may take away what the other one would
		r.baseline(f)
		r.othersPages(f, twin)
	}
}

// twin is another user of the role: of a site's parts one is made when first asked for, and sees what the first one sees.
func (r *run) twin(a *actor) *actor {
	for _, b := range append(slices.Clone(r.people), r.twins...) {
		if b != a && b.role == a.role {
			return b
		}
	}
	if _, made := a.user.(merlon.ProbeUser); !made {
		return nil
	}
	b := &actor{run: r, role: a.role, twin: 1, cookies: map[string]string{}}
	if err := r.t.renew(b); err != nil {
		return nil
	}
	b.enters(b.user.(merlon.ProbeUser))
	r.twins = append(r.twins, b)
	r.report.Coverage.Who = append(r.report.Coverage.Who, b.name())
	r.crawl(b)
	return b
}

// othersPages looks for pages that hold what one user wrote, to which no page of the other leads.
func (r *run) othersPages(f *seenForm, twin *actor) {
	if f.by.ready() != nil || twin.ready() != nil {
		return
	}
	owner := f.by.fork()
	g := r.fresh(f, owner)
	if g == nil {
		return
	}
	text := r.mark()
	ans := owner.loads(g.request(owner.values(g, text)).own(r.t))
	look := slices.Clone(f.shows)
	if to, ok := r.t.local(ans.location(), ans.path); ok && ans.redirects() {
		look = append(look, to)
		look = append(look, owner.visit(to).dom(r.t).links...)
	}
	if f.by.ready() != nil {
		return
	}
	for _, p := range look {
		mine := f.by.fork().visit(p)
		if !strings.Contains(mine.body, text) || r.site.linkedNow(r, twin, p) {
			continue
		}
		q := get(p).own(r.t)
		if got := twin.fork().send(q); got.status == http.StatusOK && strings.Contains(got.body, text) {
			if !r.listsOwn(f, twin, p) {
				continue
			}
			r.hit(RuleOthersPage, "GET "+r.t.pattern(http.MethodGet, bare(p)), q, twin, "%s shows what another user has written, and no page of this one leads there%s", p, r.strangersToo(q, text))
		}
	}
}

// linkedNow reports whether the twin is led to a path by the pages that they have: then it is meant for them.
func (s *sight) linkedNow(r *run, twin *actor, p string) bool {
	if s.linked[twin.name()][p] || s.pages[twin.name()][p] != nil {
		return true
	}
	dir := p[:strings.LastIndexByte(p, '/')+1]
	for _, from := range append(s.order[twin.name()], strings.TrimSuffix(dir, "/")) {
		if from == "" || strings.Count(from, "/") > strings.Count(p, "/") {
			continue
		}
		if slices.Contains(twin.fork().loads(get(from).own(r.t)).dom(r.t).links, p) {
			return true
		}
	}
	return false
}

// othersDeeds sends forms whose addresses only the owner has seen, as the other one, with the other one's own token.
func (r *run) othersDeeds(f *seenForm, twin *actor) {
	if !strings.Contains(f.pattern, "{") {
		return // it says nothing of whose it is
	}
	for _, p := range r.site.order[f.by.name()] {
		theirs := r.site.pages[twin.name()][p]
		if theirs == nil && r.site.linked[twin.name()][p] {
			continue
		}
		for _, g := range r.site.pages[f.by.name()][p].dom(r.t).forms {
			if theirs != nil && (f.by.twin == 0 && twin.twin == 0 || theirs.dom(r.t).hasAction(g.action)) {
				continue // the same page shows it to both
			}
			if g.method == "GET" || g.shape(r.t.pattern(http.MethodPost, bare(g.action))) != f.shape(f.pattern) {
				continue
			}
			if twin.ready() != nil {
				return
			}
			a := twin.fork()
			filled := *g
			filled.fixed, filled.typed = f.fixed, f.typed
			v := a.values(&filled, r.mark())
			if t := g.token(); t != nil {
				own := r.ownToken(a, t.name)
				if own == "" {
					continue
				}
				v.Set(t.name, own)
			}
			q := g.request(v).own(r.t)
			before, known := r.stateNow()
			ans := a.send(q)
			if !r.t.refused(ans) && (ans.wrote > 0 || known && r.changed("what "+a.name()+" sends to "+g.action, before, ans)) {
				r.hit(RuleOthersDeed, "POST "+f.pattern, q, twin, "%s was done by %s, and only %s has seen it", g.action, twin.name(), f.by.name())
			}
		}
	}
}

// ownToken finds a token of the actor's own session on any of their pages.
func (r *run) ownToken(a *actor, name string) string {
	for _, p := range r.site.order[a.name()] {
		for _, g := range r.site.pages[a.name()][p].dom(r.t).forms {
			if t := g.token(); t != nil && t.name == name {
				return t.value
			}
		}
	}
	return ""
}

// assign adds fields that no form shows and looks whether their user may enter more than before.
func (r *run) assign() {
	closed := map[*actor][]string{}
	for _, a := range r.people {
		if a.role == "user" && a.ready() == nil {
			closed[a] = r.closedTo(a)
		}
	}
	for _, f := range r.forms() {
		if f.by.role != "user" || len(closed[f.by]) == 0 || f.passwords() > 0 {
			continue
		}
		a, err := r.person(f)
		if err != nil {
			continue
		}
		g := r.fresh(f, a)
		if g == nil {
			continue
		}
		v := a.values(g, r.mark())
		for _, role := range r.rolesAbove(f.by) {
			g.raises(v, role)
			q := g.request(v).own(r.t)
			a.send(q)
			for _, p := range closed[f.by] {
				if ans := a.fork().loads(get(p).own(r.t)); ans.status == http.StatusOK {
					r.hit(RuleAssigned, "POST "+f.pattern, q, f.by, "with fields that the form of %s does not have, %s may enter %s", f.page, f.by.name(), p)
					_ = r.t.renew(f.by)
					return
				}
			}
			if g = r.fresh(f, a); g == nil {
				break
			}
			v = a.values(g, r.mark())
		}
	}
}

// halfWay types the password of a user with a second factor, and then addresses instead of the code.
func (r *run) halfWay() {
	for _, a := range r.people {
		u, ok := a.login()
		if !ok || u.Second == nil && u.Next == nil || r.site.proof[a.role] == "" {
			continue
		}
		b := &actor{run: r, role: a.role, user: u, cookies: map[string]string{}}
		if err := b.enter(u, false); err != nil {
			r.missed("pages between the password and the second step as %s: %v", a.name(), err)
			continue
		}
		for _, p := range r.site.order[a.name()] {
			if r.site.pages[a.name()][p].status != http.StatusOK || r.private(a, p) == nil || !r.wants(r.t.pattern(http.MethodGet, bare(p))) {
				continue
			}
			q := get(p).own(r.t)
			if ans := b.fork().send(q); ans.status == http.StatusOK && alike(ans.dom(r.t), r.site.pages[a.name()][p].dom(r.t)) {
				r.hit(RuleHalfWay, "GET "+r.t.pattern(http.MethodGet, bare(p)), q, a, "%s was shown after the password, before the second step", p)
				return
			}
		}
	}
}
