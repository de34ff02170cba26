package attack

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Whether there is something to attack, and as whom. What cannot be attacked would have no findings, and look clean.

// errNoHandler says that there is nothing to attack.
var errNoHandler = errors.New("attack: the handler is nil: there is nothing to attack")

// unfit says why an attack would show nothing, after the first pages were loaded: the site fails at each, or somebody of the
// profile is not signed in. Nil: it may go on. The errors are those of signing in.
func (r *run) unfit(signIn map[*actor]error) error {
	first := r.failing()
	if first != nil && first.silence != "" {
		return fmt.Errorf("attack: no page of the site is answered (%s: %s), so that nothing can be tried: see that it serves there, over https with a certificate that this machine trusts", first.path, first.silence)
	}
	if first != nil {
		return fmt.Errorf("attack: the site answers each page with an error (%s: %d%s), so that nothing can be tried: have it serve the front page, or name paths that it serves in Profile.Starts", first.path, first.status, first.why())
	}
	if len(r.site.patterns) == 0 {
		r.missed("all of the site: no page was shown to anybody: name paths that it serves in Profile.Starts, and its own address in Profile.Origin")
	}
	for _, p := range r.t.starts {
		if !r.t.merlon && r.nowhere(p) {
			r.missed("pages from %s on, where the attack was to begin: there is no such page (404)", p)
		}
	}
	for _, a := range r.people {
		u, named := a.profiled()
		if !named {
			continue
		}
		err := signIn[a]
		if err == nil {
			err = r.isIn(a, u)
		}
		if err != nil {
			return fmt.Errorf("attack: %s of Profile.Users is not signed in, so that what is theirs would not be tried: %s%s", a.name(), strings.TrimPrefix(err.Error(), "attack: "), r.otherFields(u))
		}
	}
	return nil
}

// failing is the first page if all that was loaded failed, else nil.
func (r *run) failing() (first *answer) {
	for _, a := range r.people {
		for _, p := range r.site.order[a.name()] {
			ans := r.site.pages[a.name()][p]
			if ans.status > 0 && ans.status < 500 {
				return nil
			}
			if first == nil {
				first = ans
			}
		}
	}
	return first
}

// nowhere reports whether everybody who asked for a path was told that there is none.
func (r *run) nowhere(path string) bool {
	asked := false
	for _, a := range r.people {
		if ans := r.site.pages[a.name()][path]; ans != nil {
			if asked = true; ans.status != http.StatusNotFound {
				return false
			}
		}
	}
	return asked
}

// why is what the handler panicked with, if it did.
func (a *answer) why() string {
	if a.panicked == "" {
		return ""
	}
	return ", the handler panicked: " + a.panicked
}

// isIn reports whether a user has got in: they are shown a page that strangers are not, or at least no sign-in form after the sign-in.
func (r *run) isIn(a *actor, u User) error {
	if r.site.proof[a.role] != "" && a.alive() {
		return nil
	}
	b := a.newBrowser()
	f, err := b.signInForm()
	if err != nil {
		return err
	}
	ans := b.submit(f, u.Fields)
	if to, ok := r.t.local(ans.location(), ans.path); ok && ans.redirects() {
		ans = b.visit(to)
	}
	if slices.ContainsFunc(ans.dom(r.t).forms, func(g *form) bool { return g.passwords() == 1 && bare(g.action) == bare(f.action) }) {
		return fmt.Errorf("after the sign-in the form of %s was shown again: see what opens the account", r.t.signIn)
	}
	if r.asMadeUp(a, u) {
		return fmt.Errorf("%s answers as to a password that was made up: see what opens the account", r.t.signIn)
	}
	if r.site.proof[a.role] == "" {
		r.missed("whether %s was signed in: no page was seen that is shown to them and not to strangers", a.name())
	}
	return nil
}

// asMadeUp reports whether the sign-in with the user's password is answered as one with a password that nobody has: with no cookie, and
// by the same status, way and words, each time.
func (r *run) asMadeUp(a *actor, u User) bool {
	if name, _ := u.password(); name == "" {
		return false
	}
	says := func(u User) (said face, given bool) {
		b := a.newBrowser()
		f, err := b.signInForm()
		if err != nil {
			return face{}, false
		}
		before := maps.Clone(b.cookies)
		ans := b.submit(f, u.Fields)
		said, given = face{ans.status, r.t.pattern(http.MethodGet, bare(ans.location())), countOf(ans.body)}, !maps.Equal(before, b.cookies)
		if to, ok := r.t.local(ans.location(), ans.path); ok && ans.redirects() {
			said.words = countOf(b.visit(to).body)
		}
		return said, given
	}
	wrong := u.with("Mq-made-up-password-" + r.mark())
	var these, others []face
	for range 2 {
		own, given := says(u)
		other, _ := says(wrong)
		if these, others = append(these, own), append(others, other); given {
			return false
		}
		if !facesDiffer(these, others) {
			return true
		}
	}
	return false
}

// otherFields says which fields the sign-in form has, where those of a user are others.
func (r *run) otherFields(u User) string {
	f, err := r.nobody().signInForm()
	if err != nil || !slices.ContainsFunc(slices.Collect(maps.Keys(u.Fields)), func(name string) bool { return !f.hasField(name) }) {
		return ""
	}
	var names []string
	for _, d := range f.fields {
		if d.name != "" && d.kind != "hidden" {
			names = append(names, d.name)
		}
	}
	return fmt.Sprintf(". User.Fields has %s, and the form of %s has %s", strings.Join(slices.Sorted(maps.Keys(u.Fields)), ", "), r.t.signIn, strings.Join(names, ", "))
}

// panics tells of a handler that panicked: what comes after it was not seen. The first of a route is told.
func (r *run) panics(q *Request, ans *answer) {
	route := q.Method + " " + r.t.pattern(q.Method, bare(q.Path))
	if ans.panicked == "" || r.broken[route] {
		return
	}
	if r.broken == nil {
		r.broken = map[string]bool{}
	}
	r.broken[route] = true
	r.missed("the rest of %s: the handler panicked: %s", route, ans.panicked)
}

// panicText is the beginning of what a handler panicked with; "": it meant to end the connection.
func panicText(p any) string {
	if p == http.ErrAbortHandler {
		return ""
	}
	line, _, _ := strings.Cut(fmt.Sprint(p), "\n")
	return cut(strings.ToValidUTF8(line, "?"), 200)
}
