package attack

import (
	"net/http"
	"slices"
	"strings"
)

// Whose a page is, is told by who is led to it. That says nothing where all share the rows and a list shows some of them: then
// pages of both lead to some of the same kind.

// shared reports whether a user is led to pages of this kind, and to none that another is not led to: all may be meant for both,
// which is said to be open. Pages to which strangers are led tell nothing.
func (r *run) shared(one, other *actor, p string) bool {
	both := false
	for l := range r.site.linked[other.name()] {
		if l == p || !r.kin(l, p) || r.site.linked["anonymous"][l] {
			continue
		}
		if !r.site.linked[one.name()][l] {
			return false
		}
		both = true
	}
	if both {
		r.missed("whose the pages of %s are: %s is led to those alone to which %s is led, so that all may be meant for both", r.t.pattern(http.MethodGet, bare(p)), other.name(), one.name())
	}
	return both
}

// listsOwn has a user make what another one has made, and reports whether their pages lead to it: a list that leaves out what its
// own user has just made says of no row whose it is, which is said to be open.
func (r *run) listsOwn(f *seenForm, other *actor, p string) bool {
	if !r.hasKin(other, p) {
		return true // it is no row among others
	}
	a, text := other.fork(), r.mark()
	g := r.fresh(f, a)
	if g == nil {
		return !r.shared(f.by, other, p)
	}
	a.loads(g.request(a.values(g, text)).own(r.t))
	folder, looked, seen := strings.TrimSuffix(bare(p)[:strings.LastIndexByte(bare(p), '/')+1], "/"), 0, map[string]bool{}
	for _, from := range append([]string{folder}, r.site.order[other.name()]...) {
		if from == "" {
			continue
		}
		for _, l := range a.loads(get(from).own(r.t)).dom(r.t).links {
			if seen[l] || !r.kin(l, p) || r.site.linked[other.name()][l] || looked == 2*perShape {
				continue
			}
			seen[l] = true
			looked++
			if strings.Contains(a.loads(get(l).own(r.t)).body, text) {
				return r.steady(a, from, l)
			}
		}
	}
	r.missed("whose the pages of %s are: what %s has made there is not on their own lists either, so that these leave out what is for all", r.t.pattern(http.MethodGet, bare(p)), other.name())
	return false
}

// hasKin reports whether a page of the user leads to one of the same kind.
func (r *run) hasKin(a *actor, p string) bool {
	for l := range r.site.linked[a.name()] {
		if l != p && r.kin(l, p) {
			return true
		}
	}
	return false
}

// steady reports whether a list still leads its user to a page: one that shows some of all rows, others each time, is no list of
// one's own.
func (r *run) steady(a *actor, list, p string) bool {
	for range 2 {
		if !slices.Contains(a.fork().loads(get(list).own(r.t)).dom(r.t).links, p) {
			r.missed("whose the pages of %s are: %s leads to others of them each time", r.t.pattern(http.MethodGet, bare(p)), list)
			return false
		}
	}
	return true
}

// kin reports whether two addresses are of one kind: of one pattern with an id, or differ in one name alone.
func (r *run) kin(one, other string) bool {
	a, b := r.t.pattern(http.MethodGet, bare(one)), r.t.pattern(http.MethodGet, bare(other))
	if strings.Contains(a, "{") {
		return a == b
	}
	return sibling(one, other)
}

// sibling reports whether two addresses differ in the last part of the path alone, or in one value of the query.
func sibling(one, other string) bool {
	if one == other {
		return false
	}
	p, q, _ := strings.Cut(one, "?")
	o, s, _ := strings.Cut(other, "?")
	if p != o {
		i, j := strings.LastIndexByte(p, '/'), strings.LastIndexByte(o, '/')
		return q == s && i > 0 && i == j && p[:i] == o[:j]
	}
	mine, theirs := strings.Split(q, "&"), strings.Split(s, "&")
	differ := 0
	for i := range mine {
		if len(mine) != len(theirs) {
			return false
		}
		name, _, _ := strings.Cut(mine[i], "=")
		if !strings.HasPrefix(theirs[i], name+"=") {
			return false
		}
		if mine[i] != theirs[i] {
			differ++
		}
	}
	return differ == 1
}

// strangersToo says whether who is not signed in is shown a text as well, by the same request.
func (r *run) strangersToo(q *Request, text string) string {
	if got := r.nobody().send(q); got.status == http.StatusOK && strings.Contains(got.body, text) {
		return "; who is not signed in is shown it as well"
	}
	return ""
}

// counterpart is the page of another user that their list leads to where the first one's list leads to p; false: there is none.
func (r *run) counterpart(other *actor, p string, list *answer) (own *answer, found bool) {
	for _, l := range list.dom(r.t).links {
		if l != p && r.kin(l, p) && !tokenName.MatchString(l) {
			return r.site.pages[other.name()][l], true
		}
	}
	return nil, false
}

// saysOf reports whether an answer says something of the first page that one's own page does not: who gets their own whatever they
// ask for is not shown another's.
func saysOf(got, first, own *answer) bool {
	has, mine := countOf(got.body), countOf(own.body)
	for w := range countOf(first.body) {
		if has[w] > 0 && mine[w] == 0 {
			return true
		}
	}
	return false
}
