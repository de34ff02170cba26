package attack

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// foreign is another site. It is only ever written into headers.
const foreign = "https://attacker.invalid"

// forgery tries whether others can act in a user's name.
func forgery(r *run) {
	r.getWrites()
	for _, f := range r.forms() {
		r.baseline(f)
		r.forge(f)
		r.back()
	}
	r.leaky()
	r.takings()
	r.sockets()
	r.jsonAsText()
	r.callForgery()
	r.back()
	r.shares()
	r.forgeSignIn()
}

// a disguise is how a forged request looks to the site.
type disguise struct {
	rule  checkRule
	name  string
	dress func(q *Request, t *target)
}

func disguises() []disguise {
	return []disguise{
		{RuleCrossSite, "from another site", func(q *Request, _ *target) {
			q.with("Origin", foreign).with("Sec-Fetch-Site", "cross-site").with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document")
		}},
		{RuleSameSite, "from another host of its site", func(q *Request, t *target) {
			q.with("Origin", t.origin.Scheme+"://other."+t.origin.Host).with("Sec-Fetch-Site", "same-site").with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document")
		}},
		{RuleNoProof, "without Origin and Sec-Fetch-Site", func(*Request, *target) {}},
		{RulePlainOrigin, "from its http twin", func(q *Request, t *target) {
			if t.origin.Scheme == "https" {
				q.with("Origin", "http://"+t.origin.Host)
			} else {
				q.with("Origin", "null")
			}
		}},
		{RuleExempt, "from its own page without the token", func(q *Request, t *target) { q.own(t) }},
	}
}

// forge sends one form in every disguise, without its token; the first that is accepted is told.
func (r *run) forge(f *seenForm) {
	if f.by.anonymous() && f.by.way == nil {
		return // nobody's name is used: see forgeSignIn
	}
	if f.base == nil {
		r.missed("forgery: form %s of %s: it was not sent honestly, and so not forged", f.pattern, f.page)
		return
	}
	route := "POST " + f.pattern
	for _, d := range disguises() {
		rule := d.rule
		a, err := r.person(f)
		if err != nil {
			return
		}
		g := r.fresh(f, a)
		if g == nil {
			return
		}
		if rule.ID == RuleExempt.ID && g.token() == nil {
			continue
		}
		text := r.mark()
		v := a.values(g, text)
		for _, one := range g.fields {
			if one.isToken() {
				v.Del(one.name)
			}
		}
		q := g.request(v)
		d.dress(q, r.t)
		if rule.ID == RuleCrossSite.ID {
			a.dropStrict()
		}
		before, _ := r.stateNow()
		seen := r.noticed()
		ans := a.send(q)
		if r.took(f, f.by, ans, before, text) {
			r.hit(rule, route, q, f.by, "the form of %s was accepted %s, with no token", f.page, d.name)
			r.back()
			r.overrides(f, route)
			return
		}
		if f.accepted { // else what was typed may be the reason
			r.unnoticed(route, q, f.by, ans, seen, "a form "+d.name)
		}
	}
	r.tokens(f, route)
	r.overrides(f, route)
}

// tokens sends the form with tokens that are not its own.
func (r *run) tokens(f *seenForm, route string) {
	for _, c := range []struct {
		rule   checkRule
		what   string
		browse func(a *actor) string
	}{
		{RuleForeignToken, "another session", func(*actor) string {
			if f.by.way != nil {
				return r.tokenOfAnother(f)
			}
			for _, other := range r.people {
				if other == f.by || other.role != f.by.role {
					continue
				}
				if g := r.fresh(f, other.fork()); g != nil && g.token() != nil {
					return g.token().value
				}
			}
			return ""
		}},
		{RuleOtherRoute, "another route", func(a *actor) string {
			for _, o := range r.site.forms {
				if o.by == f.by && o.pattern != f.pattern && r.t.merlon { // only where a site binds tokens to routes one that is not bound is a hole
					if g := r.fresh(o, a); g != nil && g.token() != nil {
						return g.token().value
					}
				}
			}
			return ""
		}},
	} {
		a, err := r.person(f)
		if err != nil {
			return
		}
		stolen := c.browse(a)
		g := r.fresh(f, a)
		if stolen == "" || g == nil || g.token() == nil {
			continue
		}
		text := r.mark()
		v := a.values(g, text)
		v.Set(g.token().name, stolen)
		q := g.request(v).own(r.t)
		before, _ := r.stateNow()
		seen := r.noticed()
		ans := a.send(q)
		if r.took(f, f.by, ans, before, text) {
			r.hit(c.rule, route, q, f.by, "the form of %s was accepted with a token of %s", f.page, c.what)
			return
		}
		if f.accepted {
			r.unnoticed(route, q, f.by, ans, seen, "a form with a token of "+c.what)
		}
	}
}

// overrides sends the form's fields by GET, and under other names of its method.
func (r *run) overrides(f *seenForm, route string) {
	for _, how := range []struct {
		what string
		make func(action string, v url.Values) *Request
	}{
		{"as an address", func(action string, v url.Values) *Request { return get(bare(action) + "?" + v.Encode()) }},
		{"as an address with _method=POST", func(action string, v url.Values) *Request {
			v.Set("_method", "POST")
			return get(bare(action) + "?" + v.Encode())
		}},
		{"by GET with X-HTTP-Method-Override", func(action string, v url.Values) *Request {
			return get(bare(action)+"?"+v.Encode()).with("X-HTTP-Method-Override", "POST")
		}},
	} {
		a, err := r.person(f)
		if err != nil {
			return
		}
		g := r.fresh(f, a)
		if g == nil {
			return
		}
		text := r.mark()
		v := a.values(g, text)
		if t := g.token(); t != nil {
			v.Del(t.name)
		}
		q := how.make(g.action, v)
		q.with("Sec-Fetch-Site", "cross-site").with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document")
		before, _ := r.stateNow()
		ans := a.send(q)
		rule := RuleOverride
		if how.what == "as an address" {
			rule = RuleGetWrites
		}
		if ans.wrote > 0 && r.t.merlon || !r.t.typed(http.MethodGet, g.action) && r.took(f, f.by, ans, before, text) {
			r.hit(rule, route, q, f.by, "the form of %s was accepted %s", f.page, how.what)
			return
		}
	}
}

// getWrites loads every page again and looks whether data changed.
func (r *run) getWrites() {
	for _, a := range r.everybody() {
		if a.ready() != nil {
			continue
		}
		var watched []string
		for _, p := range r.site.order[a.name()] {
			pattern := r.t.pattern(http.MethodGet, bare(p))
			if !r.wants(pattern) {
				continue
			}
			first := r.site.pages[a.name()][p]
			if r.t.typed(http.MethodGet, p) {
				if first.wrote > 0 {
					r.hit(RuleGetWrites, "GET "+pattern, get(p).own(r.t), a, "loading %s ran %d statements that write", p, first.wrote)
				}
				continue
			}
			if before, known := r.stateNow(); known {
				if b := a.fork(); a.anonymous() && a.way == nil {
					a.newBrowser().send(get(p).own(r.t))
				} else {
					b.send(get(p).own(r.t))
				}
				if now, _ := r.stateNow(); now != before {
					r.settled(a, p, pattern)
				}
				continue
			}
			watched = append(watched, p)
		}
		r.compared(a, watched)
	}
}

// settled makes sure that it was this page and not the site's own upkeep.
func (r *run) settled(a *actor, p, pattern string) {
	load := func() *answer {
		if a.anonymous() && a.way == nil {
			return a.newBrowser().send(get(p).own(r.t))
		}
		return a.fork().send(get(p).own(r.t))
	}
	if !r.alters("loading "+p, 2, load) {
		return
	}
	if a.anonymous() {
		r.hit(RuleRowsForAll, "GET "+pattern, get(p).own(r.t), a, "each load of %s without cookies changes the data", p)
		return
	}
	r.hit(RuleGetWrites, "GET "+pattern, get(p).own(r.t), a, "loading %s changes the data", p)
}

// leaky tells of the forms that give their token away: what a form that writes brings back as its proof, by its name or its value.
func (r *run) leaky() {
	for _, l := range r.site.leaks {
		pattern := r.t.pattern(http.MethodGet, bare(l.page))
		proof := slices.ContainsFunc(r.site.forms, func(f *seenForm) bool {
			return slices.ContainsFunc(f.fields, func(d field) bool { return d.isToken() && (d.name == l.field.name || d.value == l.field.value) })
		})
		if proof && r.wants(pattern) {
			r.hit(RuleTokenLeaves, "GET "+pattern, get(l.page), l.by, "the form of %s sends its field %s to %s", l.page, l.field.name, l.where)
		}
	}
}

// sockets asks every page for a WebSocket from another origin, in the name of who is signed in: with the cookies that browsers send
// along. One that is opened for nobody, too, is open to all.
func (r *run) sockets() {
	for _, a := range r.people {
		if a.anonymous() || a.ready() != nil {
			continue
		}
		for _, p := range append(r.site.order[a.name()], r.t.starts...) {
			pattern := r.t.pattern(http.MethodGet, bare(p))
			if r.t.typed(http.MethodGet, p) || !r.wants(pattern) {
				continue // it has no socket to give
			}
			q := get(p).with("Connection", "Upgrade").with("Upgrade", "websocket").with("Sec-WebSocket-Version", "13").with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").
				with("Origin", foreign).with("Sec-Fetch-Site", "cross-site").with("Sec-Fetch-Mode", "websocket")
			b := a.fork()
			b.dropStrict()
			if len(b.cookies) > 0 && b.send(q).status == http.StatusSwitchingProtocols && r.nobody().send(q).status != http.StatusSwitchingProtocols {
				r.hit(RuleSocket, "GET "+pattern, q, a, "%s opened a WebSocket for %s", p, foreign)
			}
		}
	}
}

// jsonAsText posts a JSON body as text/plain to routes that take JSON.
func (r *run) jsonAsText() {
	for _, rt := range r.t.routes {
		for _, o := range rt.Options {
			if o != "JSON body" || !r.wants(rt.Pattern) {
				continue
			}
			path := strings.ReplaceAll(strings.ReplaceAll(rt.Pattern, "{id}", "1"), "{$}", "")
			for _, a := range r.people {
				q := (&Request{Method: http.MethodPost, Path: path, Body: "{}"}).with("Content-Type", "text/plain").own(r.t)
				if ans := a.fork().send(q); ans.status < 400 && ans.status > 0 && !r.t.refused(ans) {
					r.hit(RuleTextPlain, "POST "+rt.Pattern, q, a, "%s took a body of text/plain", path)
				}
			}
		}
	}
}

// forgeSignIn signs a fresh browser in from another site.
func (r *run) forgeSignIn() {
	for _, victim := range r.people {
		u, ok := victim.user.(User)
		if !ok || victim.anonymous() || r.site.proof[victim.role] == "" {
			continue
		}
		f, err := (&actor{run: r, role: victim.role, cookies: map[string]string{}}).signInForm()
		if err != nil || !r.wants(r.t.pattern(http.MethodPost, bare(f.action))) {
			return
		}
		a := &actor{run: r, role: victim.role, cookies: map[string]string{}}
		v := f.filled("mq0x")
		for name, value := range u.Fields {
			v.Set(name, value)
		}
		if t := f.token(); t != nil {
			v.Del(t.name)
		}
		q := f.request(v).with("Origin", foreign).with("Sec-Fetch-Site", "cross-site").with("Sec-Fetch-Mode", "navigate")
		a.send(q)
		if u.Second == nil && a.alive() && len(a.cookies) > 0 {
			r.hit(RuleSignInForged, "POST "+r.t.pattern(http.MethodPost, bare(f.action)), q, r.people[0], "a browser that never saw the sign-in page was signed in from %s", foreign)
		}
		return
	}
}
