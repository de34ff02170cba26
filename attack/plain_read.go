package attack

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// shares asks every page for another origin, with the user's cookies.
func (r *run) shares() {
	for _, a := range r.people {
		if a.anonymous() || a.ready() != nil {
			continue
		}
		done := map[string]bool{}
		for _, p := range r.site.order[a.name()] {
			pattern := r.t.pattern(http.MethodGet, bare(p))
			if done[pattern] || r.t.typed(http.MethodGet, p) || !r.wants(pattern) {
				continue
			}
			done[pattern] = true
			q := get(p).with("Origin", foreign).with("Sec-Fetch-Site", "cross-site").with("Sec-Fetch-Mode", "cors")
			ans := a.fork().send(q)
			if to := ans.header.Get("Access-Control-Allow-Origin"); ans.status == http.StatusOK && to == foreign && ans.header.Get("Access-Control-Allow-Credentials") == "true" {
				r.hit(RuleShared, "GET "+pattern, q, a, "%s lets %s read it with cookies", p, foreign)
			}
		}
	}
}

// asOwnMachine asks for pages that are refused, as if from the server's own machine.
func (r *run) asOwnMachine() {
	done := map[string]bool{}
	for _, a := range r.people {
		for _, p := range r.site.order[a.name()] {
			ans, pattern := r.site.pages[a.name()][p], r.t.pattern(http.MethodGet, bare(p))
			if done[pattern] || r.t.typed(http.MethodGet, p) || ans.status != http.StatusForbidden && ans.status != http.StatusUnauthorized || !r.wants(pattern) {
				continue
			}
			done[pattern] = true
			q := get(p).own(r.t).with("X-Forwarded-For", "127.0.0.1").with("X-Real-IP", "127.0.0.1")
			if got := a.fork().send(q); got.status == http.StatusOK && a.fork().send(get(p).own(r.t)).status == ans.status {
				r.hit(RuleForwarded, "GET "+pattern, q, a, "%s is refused, and shown when X-Forwarded-For says 127.0.0.1", p)
			}
		}
	}
}

// listing is how a folder says what lies in it: net/http's file server, and others.
var listing = regexp.MustCompile(`(?i)<pre>\s*<a href="|<title>(Index of /|Directory listing)`)

// listings asks for the folders in which a page's files lie.
func (r *run) listings() {
	nobody, done := r.people[0], map[string]bool{}
	for _, a := range r.people {
		for _, p := range r.site.order[a.name()] {
			for _, n := range r.site.pages[a.name()][p].dom(r.t).nodes {
				for _, name := range []string{"src", "href"} {
					to, ok := r.t.local(attr(n, name), p)
					if !ok || attr(n, name) == "" {
						continue
					}
					folder := bare(to)[:strings.LastIndexByte(bare(to), '/')+1]
					if folder == "/" || done[folder] || r.t.typed(http.MethodGet, folder) || !r.wants(r.t.pattern(http.MethodGet, folder)) {
						continue
					}
					if len(done) >= most {
						r.missed("folders that list what lies in them: %d were asked for, and there are more", most)
						continue
					}
					done[folder] = true
					q := get(folder).own(r.t)
					if ans := nobody.fork().send(q); ans.status == http.StatusOK && listing.MatchString(ans.body) && slices.ContainsFunc(ans.dom(r.t).links, func(l string) bool { return bare(l) != folder && strings.HasPrefix(l, folder) }) {
						r.hit(RuleListing, "GET "+folder, q, nobody, "%s lists what lies in it", folder)
					}
				}
			}
		}
	}
}

// most is of how many patterns or folders a question is asked that one answer of the whole site settles.
const most = 40

// traces sends TRACE to a page of each pattern.
func (r *run) traces() {
	nobody, done := r.people[0], map[string]bool{}
	for _, p := range r.site.order["anonymous"] {
		pattern := r.t.pattern(http.MethodGet, bare(p))
		if done[pattern] || r.t.typed(http.MethodGet, p) || !r.wants(pattern) {
			continue
		}
		if len(done) >= most {
			r.missed("TRACE: %d patterns were asked for, and there are more", most)
			break
		}
		done[pattern] = true
		q := (&Request{Method: http.MethodTrace, Path: p}).with("X-Mq", "mq1")
		if ans := nobody.fork().send(q); ans.status == http.StatusOK && strings.Contains(strings.ToLower(ans.body), "x-mq: mq1") {
			r.hit(RuleTrace, "TRACE "+pattern, q, nobody, "TRACE repeats what was sent, with the cookies of the visitor")
		}
	}
}

// addresses writes markup into addresses: one that is none, and those that hold an id.
func (r *run) addresses() {
	try := func(a *actor, folder, route string) {
		if !r.wants(strings.TrimPrefix(route, "GET ")) {
			return
		}
		n := r.mark()
		q := get(folder + url.PathEscape(n+element(n))).own(r.t)
		ans := a.fork().send(q)
		if !ans.isHTML() {
			return
		}
		r.examine(ans, n, route, q, a)
	}
	try(r.people[0], "/", "GET /{unknown}")
	done := map[string]bool{}
	for _, a := range r.people {
		for _, p := range r.site.order[a.name()] {
			pattern := r.t.pattern(http.MethodGet, bare(p))
			if !strings.HasSuffix(pattern, "/{id}") || done[pattern] || r.t.typed(http.MethodGet, p) || !r.wants(pattern) {
				continue
			}
			done[pattern] = true
			try(a, bare(p)[:strings.LastIndexByte(bare(p), '/')+1], "GET "+pattern)
		}
	}
}

// programSaid is what programs say of themselves when they are asked.
var programSaid = regexp.MustCompile(`Free Software Foundation|GNU \w+ [(\d]|\bCopyright \(C\)|(?m)^\s*Usage: \w+ \[`)

// options asks programs behind a value what they are.
func (r *run) options(route string, by *actor, send func(string) (*answer, *Request)) {
	base, _ := send(r.mark())
	if base == nil || programSaid.MatchString(base.body) {
		return
	}
	for _, option := range []string{"--version", "--help"} {
		if ans, q := send(option); ans != nil && programSaid.MatchString(ans.body) {
			if less, _ := send(option[1:]); less == nil || programSaid.MatchString(less.body) {
				return // a text of the site says so, in which the words were looked for
			}
			r.hit(RuleOption, route, q, by, "a program took %s for an option: %q", option, programSaid.FindString(ans.body))
			return
		}
	}
}

// laterSQL stores a statement and looks whether a page fails over it later: one with a table that is not there, then a right one.
func (r *run) laterSQL(f *seenForm, send func(string) (*answer, *Request)) {
	if f.by.ready() != nil || !f.accepted {
		return
	}
	ans, q := send("mq'||(SELECT '' FROM mq_no_table)||'")
	if ans == nil || r.t.refused(ans) || f.by.ready() != nil {
		return
	}
	if n := len(r.site.order[f.by.name()]); n > 80 {
		r.missed("statements that are run later, of form %s: 80 pages of %d were looked at", f.pattern, n)
	}
	fails := func(p string) bool { return f.by.fork().loads(get(p).own(r.t)).status >= 500 }
	var failed []string
	for i, p := range r.site.order[f.by.name()] {
		if i < 80 && !r.t.typed(http.MethodGet, p) && r.site.pages[f.by.name()][p].status == http.StatusOK && fails(p) && fails(p) {
			failed = append(failed, p)
		}
	}
	if ans, _ := send("mq'||(SELECT '')||'"); ans == nil || len(failed) == 0 || f.by.ready() != nil {
		return
	}
	for _, p := range failed {
		if got := f.by.fork().loads(get(p).own(r.t)); got.status == http.StatusOK {
			r.hit(RuleSQL, "GET "+r.t.pattern(http.MethodGet, bare(p)), q, f.by, "what the form of %s stored is part of a statement of %s: a table that is not there makes it fail, a statement that is right does not", f.page, p)
		}
	}
}

// nearby are addresses elsewhere that hold what an address in a link of the site holds: what is looked for in it is there.
func (p *parameter) nearby() []string {
	value, _ := url.QueryUnescape(p.value)
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return nil
	}
	return []string{"https://" + u.Host + ".attacker.invalid/", "https://attacker.invalid/?" + u.Host}
}
