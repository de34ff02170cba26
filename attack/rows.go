package attack

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// rowSums tell what each row of the site's own tables holds.
type rowSums map[db.RowKey][sha256.Size]byte

// rows returns what reads the rows of all tables; nil: its engine cannot.
func (s *inside) rows() func(context.Context) (rowSums, error) {
	engine := s.site.House().RowSummer()
	if engine == nil {
		return nil
	}
	return func(ctx context.Context) (rowSums, error) {
		all, err := engine.RowSums(ctx, mostRows)
		return all, err
	}
}

// mostRows is how many rows are compared: all of them are read around each try, and kept in memory.
const mostRows = 1_000_000

// rowsNow are the rows of all tables. Where they cannot be read nothing is known of whose what is, and the report says so.
func (r *run) rowsNow(what string) (all rowSums, known bool) {
	all, err := r.t.rows(r.ctx)
	if err == nil {
		return all, true
	}
	if r.ctx.Err() != nil {
		panic(errOver)
	}
	r.leave("%s: the rows of the data cannot be compared: %v", what, err)
	if errors.Is(err, db.ErrManyRows) {
		r.t.rows = nil // each further look would read as many
	}
	return nil, false
}

// siteRows are the rows of the site's own tables.
func (r *run) siteRows(what string) (rowSums, bool) {
	if r.t.rows == nil {
		return nil, false
	}
	all, known := r.rowsNow(what)
	maps.DeleteFunc(all, func(k db.RowKey, _ [sha256.Size]byte) bool { return strings.HasPrefix(k.Table, "merlon_") })
	return all, known
}

func (t *trespass) ownRows() (rowSums, bool) { return t.siteRows("rows of another " + t.first.role) }

// mostLooks is how often it is looked at what a form does to the rows: all of them are read each time, and one that only sends a mail
// never changes any.
const mostLooks = 4

// sees sends a form of the site's own, and looks at what that does to the site's rows until it is known: one that makes none and takes away or
// changes those that are there is no way to make some, whatever its name. It reports whether rows were spent just now.
func (r *run) sees(f *seenForm, send func()) (spent bool) {
	if f.judged {
		send()
		return false
	}
	before, known := r.siteRows("what form " + f.pattern + " does to rows")
	send()
	if !known {
		return false
	}
	if after, known := r.siteRows("what form " + f.pattern + " does to rows"); known && !maps.Equal(after, before) {
		f.judged, f.spends = true, len(after.news(before)) == 0
	}
	f.looks++
	f.judged = f.judged || f.looks == mostLooks
	return f.spends
}

// news are the keys of rows that were not there before.
func (now rowSums) news(before rowSums) map[db.RowKey]bool {
	all := map[db.RowKey]bool{}
	for key := range now {
		if _, was := before[key]; !was {
			all[key] = true
		}
	}
	return all
}

// lost names the first of these rows that has changed or is gone, and which of both; false: none.
func (now rowSums) lost(before rowSums, mine map[db.RowKey]bool) (table, what string, lost bool) {
	for row := range mine {
		was, there := before[row]
		is, still := now[row]
		switch {
		case !there || still && is == was:
		case still:
			return row.Table, "changed", true
		default:
			return row.Table, "took away", true
		}
	}
	return "", "", false
}

// own is the route of a form if it is one of the site's own, nil if it is a part's or not known.
func (r *run) own(f *form) *merlon.RouteInfo {
	if !r.t.merlon {
		return nil
	}
	if rt := r.t.route(http.MethodPost, bare(f.action)); rt != nil && rt.Part == "" && rt.Method == http.MethodPost {
		return rt
	}
	return nil
}

// lookOwn sends the forms of the site's own first, each as who has seen it, and looks at once at what has come of it: forms of
// the parts spend their users, and with them whose rows these are.
func (r *run) lookOwn() {
	for range 2 { // what stands beside a new row may make further ones
		for _, f := range r.forms() {
			if r.own(f.form) != nil && !takesAway.MatchString(f.action) && r.sees(f, func() { r.baseline(f) }) && !f.by.anonymous() {
				r.makes(f.by)
			}
		}
		for _, a := range r.people[1:] {
			if r.t.merlon && !a.anonymous() && a.ready() == nil {
				r.around(a, nil)
			}
		}
	}
}

// makes sends, as the actor, the forms of the site's own that make something out of nothing, and returns where that led. When one of
// them turns out to spend what the others have made, all others are sent again.
func (r *run) makes(a *actor) (led []string) {
	spent := false
	for _, f := range r.making(a) {
		if g := r.standing(f, a); g != nil {
			spent = r.sees(f, func() { led = append(led, r.sends(a, g)...) }) || spent
		}
	}
	if spent {
		return append(led, r.makes(a)...)
	}
	return led
}

// making are the forms of the site's own by which the actor may make something out of nothing.
func (r *run) making(a *actor) (forms []*seenForm) {
	for _, f := range r.site.forms {
		rt := r.own(f.form)
		if rt != nil && !f.spends && !takesAway.MatchString(f.action) && f.passwords() == 0 && !strings.Contains(f.pattern, "{") && a.mayEnter(rt.Who) {
			forms = append(forms, f)
		}
	}
	return forms
}

// sends fills in a form and returns the page that it led to.
func (r *run) sends(a *actor, g *form) []string {
	ans := a.loads(g.request(a.values(g, r.mark())).own(r.t))
	if to, ok := r.t.local(ans.location(), ans.path); ok && ans.redirects() && !r.t.refused(ans) {
		return []string{to}
	}
	return nil
}

// How many of the site's own pages are looked at around what a user has made, in all and of one route.
const (
	aroundMost  = 80
	aroundShape = 6
)

// around loads the pages of the site's own, those that somebody was led to first, and returns the forms that stand there.
func (r *run) around(a *actor, led []string) (forms []*form) {
	queue := slices.Clone(led)
	for _, rt := range r.t.routes {
		if rt.Part == "" && rt.Method == http.MethodGet && !strings.Contains(rt.Pattern, "{") && a.mayEnter(rt.Who) {
			queue = append(queue, rt.Pattern)
		}
	}
	seen, shapes := map[string]bool{}, map[string]int{}
	for len(queue) > 0 {
		p, _, _ := strings.Cut(queue[0], "#")
		queue = queue[1:]
		rt := r.t.route(http.MethodGet, bare(p))
		if rt == nil || rt.Part != "" || rt.Method != http.MethodGet || seen[p] {
			continue
		}
		if shapes[rt.Pattern] >= aroundShape {
			r.site.sampled("GET "+rt.Pattern, p)
			continue
		}
		if len(seen) >= aroundMost {
			r.missed("pages around what %s has made: %d were loaded, and further ones to which they link were not", a.name(), aroundMost)
			break
		}
		seen[p] = true
		shapes[rt.Pattern]++
		ans := a.loads(get(p).own(r.t))
		if to, ok := r.t.local(ans.location(), p); ok && ans.redirects() {
			queue = append(queue, to)
		}
		queue = append(queue, ans.dom(r.t).links...)
		for _, g := range ans.dom(r.t).forms {
			if g.method != "GET" && g.action != "" {
				r.sawForm(r.seat(a), g)
				forms = append(forms, g)
			}
		}
	}
	return forms
}

// seat is who of the people an actor stands for: other browsers and further users have the same name.
func (r *run) seat(a *actor) *actor {
	if i := slices.IndexFunc(r.people, func(p *actor) bool { return p.name() == a.name() }); i >= 0 {
		return r.people[i]
	}
	return a
}

// remade has a user whose rows are gone make some again, and looks for the form beside them.
func (r *run) remade(f *seenForm, a *actor) *form {
	_, onRow := f.subject(f.pattern)
	onRow = onRow || strings.Contains(r.t.pattern(http.MethodGet, bare(f.page)), "{")
	if r.own(f.form) == nil || a.anonymous() || !onRow || f.gone != nil && f.gone == a.user {
		return nil
	}
	var found *form
	for _, g := range r.around(a, r.makes(a)) {
		shape := g.shape(r.t.pattern(http.MethodPost, bare(g.action)))
		for _, known := range r.site.forms { // each is looked for there the next time: rows are made once for all of them
			if known.shape(known.pattern) == shape && !slices.Contains(known.pages, g.page) {
				known.pages = append([]string{g.page}, known.pages[:min(len(known.pages), 3)]...)
			}
		}
		if found == nil && shape == f.shape(f.pattern) {
			g.fixed, g.typed = f.fixed, f.typed
			found = g
		}
	}
	if found == nil {
		f.gone = a.user
	}
	return found
}

// subject is what a form acts on: its address, and what its hidden fields name. It says nothing of whose row it is when there is
// no id in it.
func (f *form) subject(pattern string) (key string, named bool) {
	key, named = f.action, strings.Contains(pattern, "{")
	for _, d := range f.fields {
		if d.kind == "hidden" && !d.isToken() && d.value != "" {
			key, named = key+" "+d.name+"="+d.value, named || idLike.MatchString(d.value)
		}
	}
	return key, named
}

// A holder is a user who has made rows, and the forms that their pages show beside them.
type holder struct {
	*actor
	forms []*form
	shown map[string]bool // what forms acted on that were ever shown: who has liked a row is not shown the button again
}

// looks looks at the site's own pages, those that the holder was led to first.
func (h *holder) looks(led []string) {
	h.forms = h.run.around(h.actor, led)
	for _, g := range h.forms {
		key, _ := g.subject("")
		h.shown[key] = true
	}
}

// shows reports whether a form that acts on the same stood on a page of the holder's, or stands on the page of the form as they
// see it, unless that they see it was a hole.
func (h *holder) shows(g *form) bool {
	want, _ := g.subject("")
	if h.run.seen[RuleOthersPage.ID+" GET "+h.run.t.pattern(http.MethodGet, bare(g.page))] {
		return h.shown[want]
	}
	return h.shown[want] || slices.ContainsFunc(h.fork().visit(g.page).dom(h.run.t).forms, func(o *form) bool {
		key, _ := o.subject("")
		return key == want
	})
}

// token is a new token of the holder's own for a route, from a form that a page shows them.
func (h *holder) token(pattern, name string) string {
	t := h.run.t
	for _, o := range h.forms {
		if t.pattern(http.MethodPost, bare(o.action)) != pattern {
			continue
		}
		for _, now := range h.visit(o.page).dom(t).forms {
			if d := now.token(); d != nil && d.name == name && t.pattern(http.MethodPost, bare(now.action)) == pattern {
				return d.value
			}
		}
	}
	return ""
}

// othersRows has two new users of each role make rows, and sends, as the second one, with their own token, each form that only
// the first one is shown: a row of the first one that has changed or is gone then was not guarded.
func (r *run) othersRows() {
	if r.t.rows == nil || r.t.renew == nil {
		return
	}
	done := map[string]bool{}
	for _, p := range r.people {
		if p.anonymous() || done[p.role] {
			continue
		}
		done[p.role] = true
		if !slices.ContainsFunc(r.t.routes, func(rt merlon.RouteInfo) bool {
			return rt.Part == "" && rt.Method == http.MethodPost && p.mayEnter(rt.Who) && r.wants(rt.Pattern)
		}) {
			continue
		}
		first := &holder{actor: &actor{run: r, role: p.role, cookies: map[string]string{}}, shown: map[string]bool{}}
		second := &holder{actor: &actor{run: r, role: p.role, twin: 1, cookies: map[string]string{}}, shown: map[string]bool{}}
		if err := errors.Join(r.t.renew(first.actor), r.t.renew(second.actor)); err != nil {
			r.missed("rows of another %s: %v", p.role, err)
			continue
		}
		(&trespass{run: r, first: first, second: second, mine: map[db.RowKey]bool{}, tried: map[string]int{}}).all()
	}
}

// A trespass is the try of one user on the rows of another.
type trespass struct {
	*run
	first, second *holder
	mine          map[db.RowKey]bool // rows that the first one has made
	tried         map[string]int     // forms of each route that were sent
}

// perRoute is how many forms of one route are tried.
const perRoute = 3

func (t *trespass) all() {
	t.fill(func(a *holder) []string { return t.makes(a.actor) })
	t.try()
	t.fill(func(a *holder) (led []string) { // what stands beside the rows makes further ones
		sent := map[string]bool{}
		for _, g := range a.forms {
			pattern := t.t.pattern(http.MethodPost, bare(g.action))
			if t.own(g) != nil && strings.Contains(pattern, "{") && !takesAway.MatchString(g.action) && g.passwords() == 0 && !sent[pattern] {
				sent[pattern] = true
				led = append(led, t.sends(a.actor, t.filledAs(g, pattern))...)
			}
		}
		return led
	})
	t.try()
}

// fill has both make rows, notes which are the first one's, and looks at the pages of both afterwards. Where it cannot be told
// whose a row is, nothing is tried on it.
func (t *trespass) fill(by func(*holder) []string) {
	before, known := t.ownRows()
	if !known {
		t.first.forms = nil
		return
	}
	led := by(t.first)
	after, known := t.ownRows()
	if !known {
		t.first.forms = nil
		return
	}
	maps.Copy(t.mine, after.news(before))
	theirs := by(t.second)
	t.first.looks(led)
	t.second.looks(theirs)
}

// try sends each form that the first one alone is shown as the second one; those that take rows away last.
func (t *trespass) try() {
	for _, last := range []bool{false, true} {
		for again := true; again; { // a row that is gone has taken its forms with it
			again = slices.ContainsFunc(t.first.forms, func(g *form) bool { return takesAway.MatchString(g.action) == last && t.form(g) })
		}
	}
}

// form tries one form and reports whether it was a hole, after which the first one has made rows anew.
func (t *trespass) form(g *form) (hole bool) {
	pattern := t.t.pattern(http.MethodPost, bare(g.action))
	key, named := g.subject(pattern)
	if t.own(g) == nil || !t.wants(pattern) || !named || t.tried[key] > 0 || t.seen[RuleOthersDeed.ID+" POST "+pattern] || t.second.shows(g) {
		return false
	}
	if t.tried[pattern] >= perRoute {
		t.site.sampled("POST "+pattern, key)
		return false
	}
	t.tried[key]++
	t.tried[pattern]++
	v := t.second.values(t.filledAs(g, pattern), t.mark())
	if d := g.token(); d != nil {
		own := t.second.token(pattern, d.name)
		if own == "" { // a form that was sent as them before may have taken their own rows
			t.second.looks(t.makes(t.second.actor))
			own = t.second.token(pattern, d.name)
		}
		if own == "" {
			t.missed("form %s of %s: no page shows another %s one of their own, so that they have no token for it", pattern, g.page, t.second.role)
			return false
		}
		v.Set(d.name, own)
	}
	q := g.request(v).own(t.t)
	before, known := t.ownRows()
	if !known {
		return false
	}
	cookies := cookieLine(t.second.cookies)
	if ans := t.second.send(q); ans.wrote == 0 {
		return false
	}
	after, known := t.ownRows()
	if !known {
		return false
	}
	if table, what, lost := after.lost(before, t.mine); lost {
		t.hit(RuleOthersDeed, "POST "+pattern, q.with("Cookie", cookies), t.second.actor, "%s, sent by another %s with a token of their own, %s a row of %s that %s has made and no page shows them",
			g.action, t.second.role, what, table, fmt.Sprintf("the first %s", t.first.role))
		t.fill(func(a *holder) []string { return t.makes(a.actor) })
		return true
	}
	return false
}

// filledAs is a form with what is known to be typed into those of its route.
func (t *trespass) filledAs(g *form, pattern string) *form {
	c := *g
	for _, f := range t.site.forms {
		if f.shape(f.pattern) == g.shape(pattern) {
			c.fixed, c.typed = f.fixed, f.typed
		}
	}
	return &c
}
