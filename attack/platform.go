package attack

import (
	"net/http"
	"regexp"
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

// mostHosts are how many pages are asked for under other names.
const mostHosts = 120

// hosts asks under another name, and looks where that name comes out.
func (r *run) hosts(nobody *actor) {
	const evil = "attacker.invalid"
	paths := r.site.order["anonymous"]
	if len(paths) > mostHosts {
		r.missed("other names of the host: %d pages of %d were asked for under one", mostHosts, len(paths))
	}
	for _, p := range paths[:min(len(paths), mostHosts)] {
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
			for _, dress := range []func(q *Request){
				func(q *Request) { q.Host = evil },
				func(q *Request) { q.with("X-Forwarded-Host", evil).with("Forwarded", "host="+evil) },
			} {
				q := g.request(v).own(r.t)
				dress(q)
				before := len(r.t.said["mail"]())
				a.send(q)
				if all := r.t.said["mail"](); len(all) > before && linkTo(evil).MatchString(all[before:]) {
					r.hit(RuleHostUsed, "POST "+f.pattern, q, nobody, "a mail was sent with a link to %s", evil)
				}
			}
			break
		}
	}
}

// linkTo is an address at a host: a mail may name the host of its sender, and lead nowhere.
func linkTo(host string) *regexp.Regexp {
	return regexp.MustCompile(`//` + regexp.QuoteMeta(host) + `|` + regexp.QuoteMeta(host) + `[:/]`)
}

// developing are pages that belong on the developer's own machine, each with what it says alone.
var developing = []struct {
	path string
	says *regexp.Regexp
}{
	{"/debug/pprof/", regexp.MustCompile(`Types of profiles available|/debug/pprof/[\s\S]*goroutine`)},
	{"/debug/vars", regexp.MustCompile(`"memstats"\s*:`)},
	{"/.git/HEAD", regexp.MustCompile(`^(ref: refs/|[0-9a-f]{40}\s*$)`)},
	{"/.env", regexp.MustCompile(`(?m)^(export )?[A-Z][A-Z0-9_]*=`)},
	{"/metrics", regexp.MustCompile(`(?m)^# (HELP|TYPE) [a-zA-Z_:]`)},
	{"/server-status", regexp.MustCompile(`Apache Server Status|Server Version: Apache`)},
	{"/debug", regexp.MustCompile(`goroutine \d+ \[|/debug/pprof/|goroutine profile: total`)},
	{"/debug/requests", regexp.MustCompile(`<title>/debug/requests|fam=[\s\S]*&b=`)},
	{"/actuator/env", regexp.MustCompile(`"propertySources"\s*:`)},
	{"/phpinfo.php", regexp.MustCompile(`phpinfo\(\)|PHP Version </td>|<h1 class="p">PHP Version`)},
}

// debugPages asks for what belongs on the developer's own machine. A site that says the same of a neighbour that there is not says
// it of everything.
func (r *run) debugPages(nobody *actor) {
	for _, page := range developing {
		if !r.wants(r.t.pattern(http.MethodGet, page.path)) {
			continue
		}
		q := get(page.path)
		says := func(q *Request) bool {
			ans := nobody.fork().send(q)
			return ans.status == http.StatusOK && page.says.MatchString(ans.body)
		}
		neighbour, slash := strings.CutSuffix(page.path, "/")
		if neighbour += "-" + r.mark(); slash {
			neighbour += "/"
		}
		if says(q) && !says(get(neighbour)) {
			r.hit(RuleDebug, "GET "+page.path, q, nobody, "%s is open", page.path)
		}
	}
}

// plainSignIn asks for the sign-in page without TLS, from elsewhere.
func (r *run) plainSignIn(nobody *actor) {
	if r.t.origin.Scheme != "https" || r.t.handler == nil {
		return
	}
	if r.t.merlon {
		r.note("the sign-in page over plain http: the copy is not opened for production, in which check refuses it")
	}
	if !r.t.merlon && r.t.signIn != "" && r.wants(r.t.signIn) {
		q := get(r.t.signIn)
		q.Plain = true
		if ans := nobody.fork().send(q); ans.status == http.StatusOK && ans.isHTML() && ans.hasPassword(r.t) {
			r.hit(RulePlainSignIn, "GET "+r.t.signIn, q, nobody, "the sign-in form is given over plain http")
		}
	}
	if ans := nobody.fork().send(get("/").own(r.t)); ans.status > 0 && ans.status < 500 && ans.header.Get("Strict-Transport-Security") == "" {
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
