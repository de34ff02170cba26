package attack

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// callForgery sends the calls of the profile as a form of another site could: POST, as text/plain, one of another method under its
// name in the address.
func (r *run) callForgery() {
	for _, c := range r.t.calls {
		route := c.Method + " " + r.t.pattern(c.Method, bare(c.Path))
		if c.Method == http.MethodGet || c.Method == http.MethodHead || c.secret() != "" || !r.wants(r.t.pattern(c.Method, bare(c.Path))) {
			continue
		}
		if r.t.state == nil {
			r.missed("whether %s is taken from another site: the data is not known (Profile.State)", route)
			continue
		}
		rule, path := RuleTextPlain, c.Path
		switch {
		case c.Method != http.MethodPost && strings.Contains(c.Path, "?"):
			rule, path = RuleOverride, c.Path+"&_method="+c.Method
		case c.Method != http.MethodPost:
			rule, path = RuleOverride, c.Path+"?_method="+c.Method
		case c.JSON == "":
			rule = RuleCrossSite
		}
		for _, a := range r.people {
			if a.anonymous() || a.ready() != nil {
				continue
			}
			if r.forgedCall(c, rule, route, path, a) {
				break
			}
		}
	}
}

// forgedCall sends a call with texts that the data do not hold yet, since what is written again changes nothing, and as it is. A text
// that the data hold then was taken; any other change is held against the site's own upkeep.
func (r *run) forgedCall(c Call, rule checkRule, route, path string, a *actor) bool {
	var (
		q    *Request
		last *answer
		text string
	)
	act := func(body string) *answer {
		b := a.fork()
		b.dropStrict()
		q = (&Request{Method: http.MethodPost, Path: path, Body: body}).with("Content-Type", "text/plain").with("Origin", foreign).with("Sec-Fetch-Site", "cross-site").with("Sec-Fetch-Mode", "no-cors")
		last = b.send(q)
		return last
	}
	as := func() *answer { return act(c.JSON) }
	other := func() *answer {
		text = r.mark()
		fresh := map[string]any{}
		for name, value := range c.fields() {
			if _, is := value.(string); is {
				fresh[name] = text
			}
		}
		return act(c.request(r, fresh).Body)
	}
	what := "what " + foreign + " sends to " + c.Path
	taken := false
	if c.hasTexts() {
		before, _ := r.stateNow()
		other()
		if now, _ := r.stateNow(); now != before && !r.t.refused(last) {
			taken = strings.Contains(now, text) || r.alters(what, 2, other) && !r.t.refused(last)
		}
	}
	if !taken && r.undo == nil { // what it does may be done once
		taken = r.alters(what, 1, as) && !r.t.refused(last)
	} else if !taken {
		before, _ := r.stateNow()
		as()
		if now, _ := r.stateNow(); now != before && !r.t.refused(last) {
			taken = r.alters(what, 2, as) && !r.t.refused(last)
		}
	}
	if taken {
		r.hit(rule, route, q, a, "%s was taken from %s as a form sends it, and changed data", path, foreign)
	}
	return taken
}

// hasTexts reports whether a field of the body is a text.
func (c Call) hasTexts() bool {
	for _, value := range c.fields() {
		if _, is := value.(string); is {
			return true
		}
	}
	return false
}

// callSQL writes statements into the texts of a call, as the first of the people whom it serves.
func (r *run) callSQL(c Call) {
	route := c.Method + " " + r.t.pattern(c.Method, bare(c.Path))
	for _, a := range r.people {
		if a.ready() != nil || r.t.refused(a.fork().loads(c.request(r, nil))) {
			continue
		}
		for name, value := range c.fields() {
			if text, ok := value.(string); ok {
				r.sql(route, a, text, func(value string) (*answer, *Request) {
					q := c.request(r, map[string]any{name: value})
					return a.fork().send(q), q
				})
			}
		}
		r.back()
		return
	}
}

// callInjection writes statements into the texts of the calls. Of one that takes a password a statement signs somebody in.
func (r *run) callInjection() {
	for _, c := range r.jsonCalls() {
		secret := c.secret()
		if secret == "" {
			r.callSQL(c)
			continue
		}
		route := c.Method + " " + r.t.pattern(c.Method, bare(c.Path))
		for name, value := range c.fields() {
			text, ok := value.(string)
			if !ok || name == secret {
				continue
			}
			wrong := r.nobody().send(c.request(r, map[string]any{secret: "wrong"}))
			for _, end := range []string{"' -- ", "' OR '1'='1", "' OR 1=1 -- "} {
				q := c.request(r, map[string]any{secret: "wrong", name: text + end})
				if ans := r.nobody().send(q); wrong.status >= 400 && ans.status >= 200 && ans.status < 300 {
					r.hit(RuleSQL, route, q, r.people[0], "with a wrong %s it is refused, and not when %s ends in %q", secret, name, end)
					break
				}
			}
		}
	}
}

// callAssignment adds fields to the calls of a user and looks whether they may enter more than before.
func (r *run) callAssignment() {
	for _, a := range r.people {
		if a.role != "user" || a.ready() != nil {
			continue
		}
		closed := r.closedTo(a)
		for _, c := range r.jsonCalls() {
			if c.secret() != "" || len(closed) == 0 {
				continue
			}
			for _, role := range r.rolesAbove(a) {
				q := c.request(r, map[string]any{"role": role, "is_admin": true, "is_staff": true, "admin": true})
				a.fork().send(q)
				if p := slices.IndexFunc(closed, func(p string) bool { return a.fork().loads(get(p).own(r.t)).status == http.StatusOK }); p >= 0 {
					r.hit(RuleAssigned, c.Method+" "+r.t.pattern(c.Method, bare(c.Path)), q, a, "with fields that the call does not have, %s may enter %s", a.name(), closed[p])
				}
				r.back()
			}
		}
		return
	}
}

// closedTo are pages of higher roles that are refused to a user.
func (r *run) closedTo(a *actor) (closed []string) {
	for _, owner := range r.people {
		for _, p := range r.site.order[owner.name()] {
			mine := r.site.pages[a.name()][p]
			if r.above(owner, a) && len(closed) < 8 && r.site.pages[owner.name()][p].status == http.StatusOK && (mine == nil || r.t.refused(mine)) && r.t.refused(a.fork().loads(get(p).own(r.t))) {
				closed = append(closed, p)
			}
		}
	}
	return closed
}

// callLimits sends long texts, and guesses passwords behind other addresses.
func (r *run) callLimits() {
	for _, c := range r.jsonCalls() {
		route := c.Method + " " + r.t.pattern(c.Method, bare(c.Path))
		secret := c.secret()
		if secret == "" {
			r.callLarge(c, route)
			continue
		}
		stopped := func(other bool) (q *Request, at int) {
			for i := range tries {
				q = c.request(r, map[string]any{secret: "wrong"})
				if q.From = "198.51.100.97"; other {
					q.From = "198.51.100.96"
					q.with("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i+1))
				}
				if ans := r.nobody().send(q); ans.status == http.StatusTooManyRequests {
					return q, i
				}
			}
			return q, tries
		}
		if _, at := stopped(false); at == tries {
			continue
		}
		if q, at := stopped(true); at == tries {
			r.hit(RuleForwarded, route, q, r.people[0], "with another X-Forwarded-For each, %d tries of one address were not stopped; without it they were", tries)
		}
	}
}

func (r *run) callLarge(c Call, route string) {
	for name, value := range c.fields() {
		if _, ok := value.(string); !ok {
			continue
		}
		for _, a := range r.people {
			if a.ready() != nil {
				continue
			}
			before, known := r.stateNow()
			q := c.request(r, map[string]any{name: strings.Repeat("A", tooLarge)})
			ans := a.fork().send(q)
			if known && !r.t.refused(ans) && r.changed("the long text that is sent to "+c.Path, before, ans) {
				r.hit(RuleLarge, route, q, a, "a text of %d MB was taken", tooLarge>>20)
				r.back()
				return
			}
		}
	}
}

// jsonCalls are the calls of the profile that have a body and were asked for.
func (r *run) jsonCalls() (some []Call) {
	for _, c := range r.t.calls {
		if c.JSON != "" && r.wants(r.t.pattern(c.Method, bare(c.Path))) {
			some = append(some, c)
		}
	}
	return some
}

func (r *run) nobody() *actor { return r.people[0].newBrowser() }

// fields are those of the body; nil: it is no object.
func (c Call) fields() (all map[string]any) {
	_ = json.Unmarshal([]byte(c.JSON), &all)
	return all
}

// secret is the field that is named like a password.
func (c Call) secret() string {
	for name := range c.fields() {
		if strings.Contains(strings.ToLower(name), "pass") {
			return name
		}
	}
	return ""
}

// request is the call with other values.
func (c Call) request(r *run, other map[string]any) *Request {
	v := c.fields()
	if v == nil {
		v = map[string]any{}
	}
	maps.Copy(v, other)
	body, _ := json.Marshal(v)
	return (&Request{Method: c.Method, Path: c.Path, Body: string(body)}).with("Content-Type", "application/json").own(r.t)
}
