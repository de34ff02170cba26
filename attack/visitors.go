package attack

import "net/http"

// ofVisitors writes markup into what browsers say of themselves and of where they come from, and into names of files, and looks at
// the pages of all people on which it came out.
func (r *run) ofVisitors() {
	seen := func(n, route string, q *Request, by *actor) {
		for _, a := range r.people {
			if a.ready() != nil {
				continue
			}
			for i, p := range r.site.order[a.name()] {
				if i < 2*most && !r.t.typed(http.MethodGet, p) && r.wants(r.t.pattern(http.MethodGet, bare(p))) && r.site.pages[a.name()][p].status == http.StatusOK {
					r.examine(a.fork().loads(get(p).own(r.t)), n, route, q, by)
				}
			}
		}
	}
	nobody, n := r.nobody(), r.mark()
	text := n + element(n)
	q := get("/").with("User-Agent", text).with("Referer", "https://attacker.invalid/"+text)
	nobody.send(q)
	seen(n, "every route", q, nobody)
	for _, f := range r.forms() {
		if !f.file || r.t.typed(http.MethodPost, f.action) {
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
		n := r.mark()
		q := g.upload(a.values(g, r.mark()), n+element(n)+".txt", "text/plain", "note").own(r.t)
		a.send(q)
		seen(n, "POST "+f.pattern, q, f.by)
		r.back()
	}
}
