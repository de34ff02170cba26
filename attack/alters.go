package attack

import (
	"net/http"
	"slices"
	"time"
)

// How long nothing is asked for before a change of the data is laid to a request: as long as the request takes, several times.
const (
	leastRest = 50 * time.Millisecond
	mostRest  = 2 * time.Second
)

// rest waits, and asks for nothing.
func (r *run) rest(took time.Duration) {
	select {
	case <-time.After(min(max(leastRest, 2*took), mostRest)):
	case <-r.ctx.Done():
		panic(errOver)
	}
}

// alters reports whether an act changes the data, so many times of as many, while they rest before each. It is asked when that was
// seen once, which may have been the site's own upkeep. Where the data can be put back each act finds them as the crawl has left
// them; where they cannot, what can be done once is not told from upkeep, and the report says so.
func (r *run) alters(what string, times int, act func() *answer) bool {
	took := time.Duration(0)
	for range times {
		r.back()
		before, known := r.stateNow()
		if !known {
			return false
		}
		for range 2 { // no act has told yet how long one takes, or another one's change is still being written
			r.rest(took)
		}
		if rested, _ := r.stateNow(); rested != before {
			r.missed("whether %s changes the data: they change by themselves meanwhile", what)
			return false
		}
		took = act().took
		if now, _ := r.stateNow(); now == before {
			if r.undo == nil && times > 1 {
				r.missed("whether %s changes the data: they changed once, and not again", what)
			}
			return false
		}
	}
	r.back()
	return true
}

// changed reports whether an answer changed the data, which do not change by themselves: then that it was it is not known, which is told.
func (r *run) changed(what, before string, ans *answer) bool {
	if now, known := r.stateNow(); !known || now == before {
		return false
	}
	r.rest(ans.took) // what is still being written
	rested, _ := r.stateNow()
	r.rest(ans.took)
	if now, _ := r.stateNow(); now != rested {
		r.missed("whether %s changes the data: they change by themselves meanwhile", what)
		return false
	}
	return true
}

// takings follows the links that look as if they took something away, and looks whether they did.
func (r *run) takings() {
	for _, d := range r.site.deeds {
		pattern := r.t.pattern(http.MethodGet, bare(d.path))
		if !r.wants(pattern) || d.by.ready() != nil {
			continue
		}
		q := get(d.path).own(r.t)
		follow := func() *answer { return d.by.fork().send(q) }
		gone := false
		if _, known := r.stateNow(); !known {
			gone = r.vanishes(d, follow)
		} else {
			times := 2
			if r.undo == nil {
				times = 1 // it is gone then
			}
			gone = r.alters("following "+d.path, times, follow)
		}
		if gone {
			r.hit(RuleGetWrites, "GET "+pattern, q, d.by, "loading %s changed the data", d.path)
		}
		r.back()
	}
}

// vanishes reports whether a link is gone from a page on which it stood when it was followed, where the data are not known.
func (r *run) vanishes(d view, follow func() *answer) bool {
	stands := func(p string) bool { return slices.Contains(d.by.fork().visit(p).dom(r.t).links, d.path) }
	for _, p := range r.site.order[d.by.name()] {
		if !slices.Contains(r.site.pages[d.by.name()][p].dom(r.t).links, d.path) || !stands(p) {
			continue
		}
		r.rest(0)
		if !stands(p) {
			continue
		}
		follow()
		return !stands(p)
	}
	r.missed("whether following %s changes the data: they are not known, and no page shows the link any more", d.path)
	return false
}

// How many pages are watched while others are loaded, and how many of them that say something else each time.
const (
	mostWatched  = 12
	mostRestless = 3
)

// compared is how a change is seen where the data is not: what pages say before and after another one is loaded.
func (r *run) compared(a *actor, paths []string) {
	load := func(p string) *answer { return a.fork().send(get(p).own(r.t)) }
	says := func(p string) counted { return countOf(a.fork().loads(get(p).own(r.t)).body) }
	twice := func(p string) []counted { return []counted{says(p), says(p)} }
	was, restless, never := map[string][]counted{}, map[string]bool{}, 0
	for range 2 {
		for _, p := range paths[:min(len(paths), mostWatched)] {
			was[p] = append(was[p], says(p))
		}
	}
	for p, said := range was {
		if restless[p] = apartSaid(said[:1], said[1:]); restless[p] {
			if never++; never > mostRestless {
				delete(was, p)
			}
		}
	}
	for _, p := range paths {
		if a.ready() != nil {
			return
		}
		took := load(p).took
		for w, before := range was {
			if restless[w] { // by itself, or by another one of the watched pages
				if before = twice(w); w == p {
					continue
				}
				load(p)
			}
			now := says(w)
			if !saysMore(before, []counted{now}) && now.all() <= max(before[0].all(), before[1].all()) {
				continue
			}
			r.rest(took)
			rested := twice(w)
			load(p)
			if was[w] = twice(w); apartSaid(rested, was[w]) {
				r.hit(RuleGetWrites, "GET "+r.t.pattern(http.MethodGet, bare(p)), get(p).own(r.t), a, "each time that %s is loaded, the page %s says something else", p, w)
			}
		}
	}
}
