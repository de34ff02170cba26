package attack

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// An approach is how an actor comes to a page that links do not lead to, and where it has led. Each walk makes somebody new.
type approach struct {
	walk  func(merlon.Browser) (map[string]string, error)
	last  bool
	from  string            // the network address of this walk
	here  *answer           // the page at its end
	typed map[string]string // what is typed there, by the names of fields
	spent bool              // something was sent since that may have used up what the walk has led to
}

// onThisMachine is what the access table says of routes that answer programs on the site's own machine alone.
const onThisMachine = "this machine"

// approaches are those of the site's parts that lead to what the people who attack may see.
func (s *inside) approaches(people []*actor) (all []*actor) {
	users := slices.ContainsFunc(people, func(a *actor) bool { return a.role == "user" })
	for _, p := range s.site.Parts() {
		for _, way := range p.Approaches {
			role := "anonymous"
			if way.SignedIn {
				role = "user"
			}
			if way.SignedIn && !users {
				continue
			}
			walk := func(b merlon.Browser) (map[string]string, error) {
				return way.Go(b.(*walker).run.ctx, s.site.House(), b)
			}
			all = append(all, &actor{role: role, label: way.Name, cookies: map[string]string{}, way: &approach{walk: walk, last: way.Last}})
		}
	}
	return all
}

// everybody are the people and those who come by an approach.
func (r *run) everybody() []*actor { return append(slices.Clone(r.people), r.t.approaches...) }

// walks leads an actor to the end of the approach, as somebody new, and returns what was seen on the way.
func (a *actor) walks() (seen []*answer, err error) {
	r := a.run
	r.serial++
	way := *a.way
	way.from, way.here = fmt.Sprintf("100.%d.%d.7", 64+r.serial/250%64, r.serial%250), &answer{header: http.Header{}}
	a.way, a.cookies = &way, map[string]string{}
	w := &walker{actor: a}
	way.typed, err = way.walk(w)
	way.spent = false
	switch {
	case r.ctx.Err() != nil:
		panic(errOver)
	case r.died != nil:
		panic(ErrDied)
	}
	return w.seen, err
}

// arrived is somebody who has come to the form: who came last, as long as all that they have sent since was refused as forged.
func (r *run) arrived(f *seenForm) (*actor, error) {
	if f.last == nil || f.last.way.spent {
		a, err := r.another(f)
		if err != nil {
			return nil, err
		}
		f.last = a
	}
	return f.last.fork(), nil
}

// another is somebody else who has come to the form by the same approach.
func (r *run) another(f *seenForm) (*actor, error) {
	a := f.by.fork()
	_, err := a.walks()
	if err != nil {
		r.missed("form %s of %s as %s: %v", f.pattern, f.page, f.by.name(), err)
		return nil, err
	}
	return a, nil
}

// approach walks to the pages that no link leads to, and looks at what stands there: at those that spoil the copy for others
// (last) when all else was tried.
func (r *run) approach(last bool) {
	for _, a := range r.t.approaches {
		if a.run = r; a.way.last != last {
			continue
		}
		seen, err := a.walks()
		if err != nil {
			r.missed("what is seen as %s: %v", a.name(), err)
			continue
		}
		r.report.Coverage.Approaches++
		r.site.pages[a.name()], r.site.linked[a.name()] = map[string]*answer{}, map[string]bool{}
		for _, ans := range seen {
			if r.site.pages[a.name()][ans.path] == nil {
				r.site.order[a.name()] = append(r.site.order[a.name()], ans.path)
			}
			r.site.pages[a.name()][ans.path] = ans
			if !r.t.refused(ans) {
				r.site.patterns["GET "+r.t.pattern(http.MethodGet, bare(ans.path))] = true
			}
		}
		for _, f := range a.way.here.dom(r.t).forms {
			r.sawThere(a, f)
		}
	}
}

// sawThere notes a form at the end of an approach. Who knows what is typed into it takes the place of who does not.
func (r *run) sawThere(a *actor, f *form) {
	knows := slices.ContainsFunc(f.fields, func(d field) bool { return a.typesInto(d.name) })
	if knows {
		shape := f.shape(r.t.pattern(http.MethodPost, bare(f.action)))
		r.site.forms = slices.DeleteFunc(r.site.forms, func(known *seenForm) bool { return known.shape(known.pattern) == shape && known.by.way == nil })
	}
	r.sawForm(a, f)
}

// typesInto reports whether it is known what the actor types into a field.
func (a *actor) typesInto(name string) bool {
	if a.way == nil {
		return false
	}
	_, known := a.way.typed[name]
	return known
}

// types fills in what the actor knows.
func (a *actor) types(f *form, v url.Values) {
	for _, d := range f.fields {
		if a.typesInto(d.name) {
			v.Set(d.name, a.way.typed[d.name])
		}
	}
}

// viewer is who looks at what a form has made: the user who made it, who is new with each approach.
func (f *seenForm) viewer(by *actor) *actor {
	if by.way != nil {
		return by
	}
	return f.by
}

// writes reports whether a form takes a text that pages may show.
func (f *form) writes() bool {
	return slices.ContainsFunc(f.fields, func(d field) bool { return d.isText() && d.kind != "password" })
}

// tokenOfAnother is the token of the same form in the browser of somebody else who came by the same approach.
func (r *run) tokenOfAnother(f *seenForm) string {
	b, err := r.another(f)
	if err != nil {
		return ""
	}
	if g := r.fresh(f, b); g != nil && g.token() != nil {
		return g.token().value
	}
	return ""
}

// tended are the tables whose rows the site's own tasks alter: events get their link in the chain, mails are sent, what is over is
// swept. Of them a change tells nothing.
var tended = []string{"merlon_event", "merlon_event_chain", "merlon_file", "merlon_job", "merlon_kept", "merlon_mail", "merlon_once", "merlon_refusal", "merlon_session", "merlon_throttle"}

// othersWay sends the form of one who came by an approach, with its address, as another one who did, with what that one has of
// their own: the token, the code. What the first one's walk has made tells whether it was guarded.
func (r *run) othersWay(f *seenForm) {
	if r.t.rows == nil {
		return
	}
	of := fmt.Sprintf("form %s of %s", f.pattern, f.page)
	nobodys, known := r.rowsNow(of)
	if !known {
		return
	}
	first, err := r.another(f)
	if err != nil {
		return
	}
	theirs := r.fresh(f, first)
	made, known := r.rowsNow(of)
	if !known {
		return
	}
	mine := made.news(nobodys)
	maps.DeleteFunc(mine, func(k db.RowKey, _ bool) bool { return slices.Contains(tended, k.Table) })
	second, err := r.another(f)
	if err != nil {
		return
	}
	own := r.fresh(f, second)
	if theirs == nil || own == nil || theirs.action == own.action {
		return // it says nothing of whose it is
	}
	g := *own
	g.action = theirs.action
	q := g.request(second.values(&g, r.mark())).own(r.t)
	before, known := r.rowsNow(of)
	if !known {
		return
	}
	cookies := cookieLine(second.cookies)
	second.send(q)
	after, known := r.rowsNow(of)
	if !known {
		return
	}
	if table, what, lost := after.lost(before, mine); lost {
		r.hit(RuleOthersDeed, "POST "+f.pattern, q.with("Cookie", cookies), f.by, "%s, sent by somebody else than who was led to it, %s a row of %s of theirs", g.action, what, table)
	}
}

// finish walks the approaches that spoil the copy for everybody else, and tries the classes that look at pages and forms on
// what stands there. What they have tried counts for those.
func (r *run) finish() {
	if !slices.ContainsFunc(r.t.approaches, func(a *actor) bool { return a.way.last }) {
		return
	}
	all, people, approaches := *r.site, r.people, r.t.approaches
	r.class, r.people = crawling, r.people[:1]
	r.site.forms, r.site.params, r.site.leaks = nil, nil, nil
	r.site.pages, r.site.order, r.site.linked = map[string]map[string]*answer{"anonymous": {}}, map[string][]string{}, map[string]map[string]bool{}
	r.t.approaches = slices.DeleteFunc(slices.Clone(approaches), func(a *actor) bool { return !a.way.last })
	if !r.within(func(r *run) { r.approach(true) }) {
		r.missed("approaches that come last: the time was over before them")
	}
	for i, t := range r.report.Coverage.Classes {
		if slices.Contains(onForms, t.Class) && t.Complete {
			r.tries(&r.report.Coverage.Classes[i])
		}
	}
	maps.Copy(all.pages, r.site.pages)
	all.forms, all.params = append(all.forms, r.site.forms...), append(all.params, r.site.params...)
	*r.site, r.people, r.t.approaches = all, people, approaches
}

// walker is the browser of an approach.
type walker struct {
	*actor
	seen []*answer
}

// Get implements [merlon.Browser].
func (w *walker) Get(ctx context.Context, path string) (int, error) { return w.follow(ctx, get(path)) }

// Submit implements [merlon.Browser].
func (w *walker) Submit(ctx context.Context, action string, values map[string]string) (int, error) {
	for _, f := range w.way.here.dom(w.run.t).forms {
		if f.method != http.MethodPost || f.action != action {
			continue
		}
		v := url.Values{}
		for _, d := range f.fields {
			switch d.kind {
			case "checkbox", "radio", "select", "button", "submit", "image", "file", "reset":
			default:
				v.Set(d.name, d.value)
			}
		}
		for name, value := range values {
			v.Set(name, value)
		}
		return w.follow(ctx, post(action, v))
	}
	return 0, fmt.Errorf("%s has no form that posts to %s", w.Path(), action)
}

// follow sends a request and follows where it leads within the site. When the time is over, or the site answers no more, that is
// an error for the part whose Go is running: a panic would go through it.
func (w *walker) follow(ctx context.Context, q *Request) (status int, err error) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case p == errOver, p == ErrDied:
			status, err = 0, p.(error)
		default:
			panic(p)
		}
	}()
	ans := w.loads(q.own(w.run.t))
	for range 5 {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if q.Method == http.MethodGet {
			w.seen = append(w.seen, ans)
		}
		to, ok := w.run.t.local(ans.location(), ans.path)
		if !ok || !ans.redirects() {
			break
		}
		q = get(to)
		ans = w.loads(q.own(w.run.t))
	}
	w.way.here = ans
	return ans.status, nil
}

// Path implements [merlon.Browser].
func (w *walker) Path() string { return w.way.here.path }

// Has implements [merlon.Browser].
func (w *walker) Has(text string) bool { return strings.Contains(w.Body(), text) }

// Body implements [merlon.Browser].
func (w *walker) Body() string { return w.way.here.body }

// SetCookie implements [merlon.Browser].
func (w *walker) SetCookie(text string) {
	if name, value, ok := strings.Cut(text, "="); ok {
		w.cookies[name] = value
	}
}
