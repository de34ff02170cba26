package attack

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Whose a call is, a profile tells by Call.Of: nothing that the call shows would.

// validate refuses what cannot be asked for, or is nobody's: nothing would be tried by it.
func (p Profile) validate() error {
	if p.SignIn != "" && !strings.HasPrefix(p.SignIn, "/") {
		return fmt.Errorf("attack: Profile.SignIn %q is no path: write it from the first / on", p.SignIn)
	}
	for _, path := range p.Starts {
		if !strings.HasPrefix(path, "/") {
			return fmt.Errorf("attack: %q of Profile.Starts is no path: write it from the first / on", path)
		}
	}
	for _, c := range p.Calls {
		switch name := fmt.Sprintf("attack: the call %q of Profile.Calls ", c.Method+" "+c.Path); {
		case c.Method == "" || !strings.HasPrefix(c.Path, "/"):
			return errors.New(name + "needs a method, and a path from the first / on")
		case c.JSON != "" && c.fields() == nil:
			return errors.New(name + "has a body that is no JSON object: " + cut(c.JSON, 80))
		case c.Of != "" && !slices.ContainsFunc(p.Users, func(u User) bool { return u.types(c.Of) }):
			return fmt.Errorf("%sis of %q, which none of Profile.Users types at the sign-in: Of is the name or the address of one of them", name, c.Of)
		}
	}
	return nil
}

// types reports whether the user types a text at the sign-in.
func (u User) types(text string) bool {
	return slices.Contains(slices.Collect(maps.Values(u.Fields)), text)
}

// othersCalls sends the calls that are one user's as everybody who may not more.
func (r *run) othersCalls() {
	for _, c := range r.t.calls {
		at := slices.IndexFunc(r.people, func(a *actor) bool {
			u, named := a.profiled()
			return named && c.Of != "" && u.types(c.Of)
		})
		if at < 0 || !r.wants(r.t.pattern(c.Method, bare(c.Path))) {
			continue
		}
		owner, what := r.people[at], fmt.Sprintf("whose %s %s is", c.Method, c.Path)
		try := r.othersWrite
		if c.Method == http.MethodGet {
			try = r.othersRead
		}
		for _, other := range r.people {
			if other == owner || r.above(other, owner) || other.ready() != nil {
				continue
			}
			if owner.ready() != nil || !try(c, owner, other) {
				r.missed("%s: it did nothing for %s", what, owner.name())
				break
			}
			r.back()
		}
	}
}

// othersRead asks for a call as another one, who must not be answered as the owner is. False: the owner is refused.
func (r *run) othersRead(c Call, owner, other *actor) bool {
	q := get(c.Path).own(r.t)
	first := owner.fork().loads(q)
	if r.t.refused(first) || first.redirects() || first.body == "" {
		return false
	}
	got := other.fork().send(q)
	if got.status == first.status && !sayOther(func() string { return owner.fork().loads(q).body }, func() string { return other.fork().loads(q).body }) {
		r.hit(RuleOthersPage, "GET "+r.t.pattern(http.MethodGet, bare(c.Path)), q, other, "%s is %s's alone, and %s is answered the same", c.Path, owner.name(), other.name())
	}
	return true
}

// othersWrite has the owner write a text by a call and another one write another: it must not take the place of the first. A call
// without a text must change nothing for another one. False: it changes nothing for the owner.
func (r *run) othersWrite(c Call, owner, other *actor) bool {
	route := c.Method + " " + r.t.pattern(c.Method, bare(c.Path))
	u, _ := owner.profiled()
	for name, value := range c.fields() {
		if text, is := value.(string); !is || u.types(text) || name == c.secret() {
			continue
		}
		first, second := r.mark(), r.mark()
		owner.fork().loads(c.request(r, map[string]any{name: first}))
		if now, known := r.stateNow(); !known || !strings.Contains(now, first) {
			continue
		}
		q := c.request(r, map[string]any{name: second})
		ans := other.fork().send(q)
		if now, _ := r.stateNow(); strings.Contains(now, second) && !strings.Contains(now, first) {
			r.hit(RuleOthersDeed, route, q, other, "what %s had written by %s was overwritten by %s, who was answered %d", owner.name(), c.Path, other.name(), ans.status)
		}
		return true
	}
	if c.JSON != "" {
		return false
	}
	q := (&Request{Method: c.Method, Path: c.Path}).own(r.t)
	before, _ := r.stateNow()
	ans := other.fork().send(q)
	if !r.t.refused(ans) && r.changed("what "+other.name()+" sends to "+c.Path, before, ans) {
		r.hit(RuleOthersDeed, route, q, other, "%s is %s's alone, and changed the data for %s", c.Path, owner.name(), other.name())
		return true
	}
	owner.fork().loads(q)
	now, _ := r.stateNow()
	return now != before
}
