package attack

import (
	"net/http"
	"strings"
)

// platform looks at what lies below the routes: methods, names, framing, pages for developers.
func platform(r *run) {
	nobody := r.people[0]
	q := (&Request{Method: http.MethodTrace, Path: "/"}).with("X-Mq", "mq1")
	seen := r.noticed()
	if ans := nobody.fork().send(q); ans.status == http.StatusOK && strings.Contains(strings.ToLower(ans.body), "x-mq: mq1") {
		r.hit(RuleTrace, "TRACE /", q, nobody, "TRACE repeats what was sent, with the cookies of the visitor")
	} else {
		r.unnoticed("TRACE /", q, nobody, ans, seen, "TRACE")
	}
	r.traces()
	r.listings()
	r.hosts(nobody)
	r.debugPages(nobody)
	r.plainSignIn(nobody)
	r.framing()
}

// hosts asks under another name, and looks where that name comes out.
func (r *run) hosts(nobody *actor) {
	const evil = "attacker.invalid"
	paths := r.site.order["anonymous"]
	for _, p := range paths[:min(len(paths), 30)] {
		if !r.wants(r.t.pattern(http.MethodGet, bare(p))) {
			continue
		}
		for _, q := range []*Request{{Method: http.MethodGet, Path: p, Host: evil}, get(p).with("X-Forwarded-Host", evil), get(p).with("Forwarded", "host="+evil)} {
			ans := nobody.fork().send(q)
			used := ans.status < 400 && (strings.Contains(ans.location(), evil) || ans.isHTML() && strings.Contains(ans.body, "//"+evil))
			if used {
				r.hit(RuleHostUsed, "GET "+r.t.pattern(http.MethodGet, bare(p)), q, nobody, "%s came out of %s", evil, p)
			}
			if q.Host == evil && ans.status > 0 && ans.status < 400 && !used && r.site.pages["anonymous"][p].status == http.StatusOK {
				r.hit(RuleAnyHost, "every route", q, nobody, "%s was answered with %d under the name %s", p, ans.status, evil)
			}
		}
	}
	if r.t.said["mail"] == nil {
		return
	}
	for _, f := range r.forms() {
		if !f.by.anonymous() {
			continue
		}
		for _, who := range r.people {
			u, ok := who.user.(User)
			if !ok {
				continue
			}
			a := nobody.fork()
			g := r.fresh(f, a)
			if g == nil {
				break
			}
			v := g.filled("mq0x")
			for _, d := range g.fields {
				for _, value := range u.Fields {
					if d.isText() && d.kind != "password" && strings.Contains(value, "@") {
						v.Set(d.name, value)
					}
				}
			}
			q := g.request(v).own(r.t)
			q.Host = evil
			before := len(r.t.said["mail"]())
			a.send(q)
			if all := r.t.said["mail"](); len(all) > before && strings.Contains(all[before:], evil) {
				r.hit(RuleHostUsed, "POST "+f.pattern, q, nobody, "a mail was sent with a link to %s", evil)
			}
			break
		}
	}
}

// debugPages asks for what belongs on the developer's own machine.
func (r *run) debugPages(nobody *actor) {
	for path, sign := range map[string]string{"/debug/pprof/": "goroutine", "/debug/vars": "memstats", "/.git/HEAD": "ref:", "/.env": "=", "/metrics": "# HELP",
		"/server-status": "Apache", "/debug": "goroutine", "/debug/requests": "trace", "/actuator/env": "property", "/phpinfo.php": "PHP"} {
		q := get(path)
		if ans := nobody.fork().send(q); ans.status == http.StatusOK && strings.Contains(ans.body, sign) && !(path == "/.env" && ans.isHTML()) {
			r.hit(RuleDebug, "GET "+path, q, nobody, "%s is open", path)
		}
	}
}

// plainSignIn asks for the sign-in page without TLS, from elsewhere.
func (r *run) plainSignIn(nobody *actor) {
	if r.t.origin.Scheme != "https" || r.t.handler == nil {
		return
	}
	if r.t.merlon {
		r.missed("the sign-in page over plain http: the copy is not opened for production, in which check refuses it")
	}
	if !r.t.merlon && r.t.signIn != "" && r.wants(r.t.signIn) {
		q := get(r.t.signIn)
		q.plain = true
		if ans := nobody.fork().send(q); ans.status == http.StatusOK && ans.isHTML() && ans.hasPassword(r.t) {
			r.hit(RulePlainSignIn, "GET "+r.t.signIn, q, nobody, "the sign-in form is given over plain http")
		}
	}
	if ans := nobody.fork().send(get("/").own(r.t)); ans.status < 500 && ans.header.Get("Strict-Transport-Security") == "" {
		r.hit(RuleNoHSTS, "every route", get("/"), nobody, "there is no Strict-Transport-Security on /")
	}
}

func (a *answer) hasPassword(t *target) bool {
	for _, f := range a.dom(t).forms {
		if f.passwords() > 0 {
			return true
		}
	}
	return false
}
