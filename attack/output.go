package attack

import (
	"bytes"
	"cmp"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// output looks at what answers carry: headers, addresses that lead away, what caches may keep, what errors tell.
func output(r *run) {
	for _, a := range r.everybody() {
		for _, p := range r.site.order[a.name()] {
			pattern := r.t.pattern(http.MethodGet, bare(p))
			if r.wants(pattern) {
				r.headers(a, p, "GET "+pattern, r.site.pages[a.name()][p])
			}
		}
	}
	r.suffixes()
	r.redirects()
	r.errors()
	r.uploads()
}

// headers looks at the headers of one page.
func (r *run) headers(a *actor, p, route string, ans *answer) {
	q := get(p).own(r.t)
	kind := ans.header.Get("Content-Type")
	if ans.status == http.StatusOK && len(ans.body) > 0 {
		sniffed := http.DetectContentType([]byte(ans.body))
		nosniff := strings.EqualFold(ans.header.Get("X-Content-Type-Options"), "nosniff")
		switch {
		case !nosniff && !ans.isHTML() && strings.HasPrefix(sniffed, "text/html"), strings.HasPrefix(kind, "text/html") && jsonLike(ans.body):
			r.hit(RuleSniffed, route, q, a, "%s is sent as %s and reads like %s", p, kind, sniffed)
		case !nosniff && ans.isHTML():
			r.hit(RuleSniffed, route, q, a, "%s is sent without X-Content-Type-Options: nosniff", p)
		}
	}
	if ans.status == http.StatusOK && ans.isHTML() {
		sent := ans.header.Values("Content-Security-Policy")
		policies := slices.Concat(sent, ans.dom(r.t).metas)
		if why := weakest(policies); why != "" {
			r.hit(RulePolicy, route, q, a, "%s: %s", p, why)
		} else if !strings.Contains(strings.Join(policies, ";"), "require-trusted-types-for") {
			r.hit(RuleTrustedTypes, route, q, a, "the policy of %s has no require-trusted-types-for", p)
		}
		if !strings.Contains(strings.Join(sent, ";"), "frame-ancestors") && ans.header.Get("X-Frame-Options") == "" {
			r.hit(RuleFrame, route, q, a, "%s has neither frame-ancestors nor X-Frame-Options", p)
		}
	}
	r.cached(a, p, route, ans)
	if r.holdsHash(ans.body) || r.holdsOwn(a, p, hashes.FindString(ans.body)) {
		r.hit(RuleRowShown, route, q, a, "%s holds the hash of a password", p)
	}
}

var hashes = regexp.MustCompile(`\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}|\$argon2(id|i|d)\$v=|pbkdf2_sha256\$\d+\$|\$scrypt\$ln=`)

// holdsOwn reports whether a hash on a page is one of the site's: it lies in the data, or the page is none that a stranger is
// shown, who may be shown one as an example.
func (r *run) holdsOwn(a *actor, p, hash string) bool {
	if hash == "" {
		return false
	}
	if r.t.rest != nil && r.rests(hash) != "" || !a.anonymous() && (r.private(a, p) != nil || !strings.Contains(r.site.pages["anonymous"][p].body, hash)) {
		return true
	}
	r.missed("whether the hash on %s is one of the site's: strangers are shown it, and the data that are known do not hold it", p)
	return false
}

func jsonLike(body string) bool {
	s := strings.TrimSpace(body)
	return strings.HasPrefix(s, `{"`) || strings.HasPrefix(s, `[{"`)
}

// weakest says what the policies of a page let pass, "" if one of them stops scripts of others: each is enforced.
func weakest(policies []string) (why string) {
	for _, one := range policies {
		weak := weakPolicy(one)
		if weak == "" {
			return ""
		}
		why = cmp.Or(why, weak)
	}
	return cmp.Or(why, "there is no Content-Security-Policy")
}

// weakPolicy says what a policy lets pass, "" if scripts of others are stopped.
func weakPolicy(policy string) string {
	sources, found := "", false
	for d := range strings.SplitSeq(policy, ";") {
		name, rest, _ := strings.Cut(strings.TrimSpace(d), " ")
		switch name {
		case "script-src":
			sources, found = rest, true
		case "default-src":
			if !found {
				sources, found = rest, true
			}
		}
	}
	words := strings.Fields(sources)
	strong := strings.Contains(sources, "'nonce-") || strings.Contains(sources, "'sha256-") || strings.Contains(sources, "'sha384-") || strings.Contains(sources, "'strict-dynamic'")
	for _, w := range words {
		switch {
		case w == "'unsafe-inline'" && !strong:
			return "scripts may stand in the page: 'unsafe-inline'"
		case w == "'unsafe-eval'", w == "*", w == "https:", w == "http:", w == "data:", w == "blob:":
			return "scripts may come from " + w
		}
	}
	if !found {
		return "the policy says nothing of scripts"
	}
	return ""
}

// cached looks whether a page that is one user's may be kept.
func (r *run) cached(a *actor, p, route string, ans *answer) {
	if a.anonymous() || ans.status != http.StatusOK || !ans.isHTML() {
		return
	}
	if strings.Contains(strings.ToLower(ans.header.Get("Cache-Control")), "no-store") || r.everybodys(a, p) {
		return
	}
	cc := strings.ToLower(ans.header.Get("Cache-Control"))
	r.hit(RuleCached, route, get(p).own(r.t), a, "%s is %s's page and is sent with Cache-Control %q", p, a.name(), cc)
}

// everybodys reports whether a page says the same to who is not signed in, now: it may have changed since the crawl.
func (r *run) everybodys(a *actor, p string) bool {
	if a.ready() != nil {
		return true
	}
	open := true
	says := func(who *actor) func() string {
		return func() string {
			ans := who.fork().send(get(p).own(r.t))
			open = open && ans.status == http.StatusOK
			return ans.body
		}
	}
	other := sayOther(says(a), says(r.people[0]))
	return open && !other
}

// suffixes asks for private pages under made-up names of files.
func (r *run) suffixes() {
	for _, a := range r.people {
		if a.anonymous() || a.ready() != nil {
			continue
		}
		for _, p := range r.site.order[a.name()] {
			ans := r.site.pages[a.name()][p]
			pattern := r.t.pattern(http.MethodGet, bare(p))
			if ans.status != http.StatusOK || !ans.isHTML() || bare(p) == "/" || r.private(a, p) == nil || !r.wants(pattern) {
				continue
			}
			q := get(strings.TrimSuffix(bare(p), "/") + "/mq.css").own(r.t)
			got := a.fork().send(q)
			if got.status == http.StatusOK && got.isHTML() && alike(got.dom(r.t), ans.dom(r.t)) {
				r.hit(RuleSuffix, "GET "+pattern, q, a, "%s shows what %s shows", q.Path, p)
			}
		}
	}
}

// private returns the answer of a page that an anonymous visitor does not get, nil if they do.
func (r *run) private(a *actor, p string) *answer {
	other := r.site.pages["anonymous"][p]
	if other == nil {
		other = r.people[0].fork().loads(get(p).own(r.t))
		r.site.pages["anonymous"][p] = other
	}
	if other.status == http.StatusOK {
		return nil
	}
	return r.site.pages[a.name()][p]
}

// alike reports whether two pages say much the same.
func alike(a, b *page) bool {
	if len(b.texts) == 0 {
		return false
	}
	same := 0
	for w := range b.texts {
		if a.texts[w] {
			same++
		}
	}
	return same*10 >= len(b.texts)*9
}

// away are spellings of an address of another site. Browsers take \ for /, and leave out tabs and line breaks (WHATWG URL).
var away = []string{"https://attacker.invalid/", "//attacker.invalid/", `/\attacker.invalid/`, `\\attacker.invalid/`, "/\t/attacker.invalid/", "https:attacker.invalid/",
	"///attacker.invalid/", "https://site.test@attacker.invalid/", "http:///attacker.invalid/"}

// redirects asks every parameter and hidden field to lead away.
func (r *run) redirects() {
	for _, p := range r.params() {
		if p.by.ready() != nil {
			continue
		}
		for _, to := range slices.Concat(away, []string{r.t.origin.Scheme + "://" + r.t.origin.Host + ".attacker.invalid/"}, p.nearby()) {
			q := get(p.with(to)).own(r.t)
			if to := p.by.fork().send(q).leads(r.t); leadsAway(to) {
				r.hit(RuleRedirect, "GET "+p.pattern, q, p.by, "the parameter %s leads to %s", p.name, to)
			}
		}
	}
	r.formsAway()
}

// formsAway asks the hidden fields of forms, and the query of their pages, to lead away after a success.
func (r *run) formsAway() {
	for _, f := range r.forms() {
		for _, d := range f.fields {
			if d.kind != "hidden" || d.isToken() || !strings.HasPrefix(d.value, "/") && d.value != "" {
				continue
			}
			for _, to := range away {
				a, err := r.person(f)
				if err != nil {
					break
				}
				g := r.fresh(f, a)
				if g == nil {
					break
				}
				v := a.values(g, "mq0")
				if f.passwords() == 1 && f.by.anonymous() {
					r.credentials(v)
				}
				v.Set(d.name, to)
				q := g.request(v).own(r.t)
				if to := a.send(q).leads(r.t); leadsAway(to) {
					r.hit(RuleRedirect, "POST "+f.pattern, q, f.by, "the field %s leads to %s", d.name, to)
				}
			}
		}
	}
}

// credentials fills a sign-in form in with a user of the profile.
func (r *run) credentials(v url.Values) {
	for _, a := range r.people {
		if u, ok := a.user.(User); ok {
			for name, value := range u.Fields {
				v.Set(name, value)
			}
			return
		}
	}
}

// leads is where an answer sends browsers on, by its status, by a header, or by an element of the page; "": nowhere.
func (a *answer) leads(t *target) string {
	if a.redirects() {
		return a.location()
	}
	refresh := []string{a.header.Get("Refresh")}
	for _, n := range a.dom(t).nodes {
		if n.Data == "meta" && strings.EqualFold(attr(n, "http-equiv"), "refresh") {
			refresh = append(refresh, attr(n, "content"))
		}
	}
	for _, text := range refresh {
		if at := refreshTo.FindStringSubmatch(text); at != nil {
			return at[1]
		}
	}
	return ""
}

// refreshTo is the address in a refresh (WHATWG HTML 4.2.5.3).
var refreshTo = regexp.MustCompile(`(?i)^\s*[\d.]*\s*[;,]?\s*(?:url\s*=\s*)?["']?([^"']+)`)

// leadsAway reads an address as browsers do.
func leadsAway(to string) bool {
	to = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.TrimSpace(to))
	lower := strings.ToLower(to)
	for _, scheme := range []string{"https:", "http:"} {
		if rest, ok := strings.CutPrefix(lower, scheme); ok {
			if !strings.HasPrefix(rest, "/") && scheme == "https:" {
				return false // relative on an https site
			}
			return attackers(hostOf(strings.TrimLeft(rest, "/")))
		}
	}
	if strings.HasPrefix(lower, "//") {
		return attackers(hostOf(strings.TrimLeft(lower, "/")))
	}
	return false
}

// hostOf is the host of an address without its scheme: what stands between a user's name and a port.
func hostOf(rest string) string {
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	host, _, _ := strings.Cut(rest, ":")
	return host
}

// attackers reports whether a host is the attacker's.
func attackers(host string) bool {
	return host == "attacker.invalid" || strings.HasSuffix(host, ".attacker.invalid")
}

// inner are texts that only the inside of a program says.
var inner = regexp.MustCompile(`goroutine \d+ \[|/[\w/.-]+\.go:\d+|sql: (no rows|Scan|Row|expected|convert|unknown driver|database is|transaction|statement|connection|named)|(?i)sqlite3?: |no such (table|column)|syntax error at or near|near ".*": syntax error|unrecognized token:|panic: (runtime error|interface conversion|\S+ \[recovered)|http: panic serving|runtime error: |template: \S+:\d+|pq: |strconv\.\w+: parsing|open /[\w/.-]+: no such file`)

// errors makes pages fail and reads what they say.
func (r *run) errors() {
	bad := []string{"'", "%00", "-1", "99999999999999999999", strings.Repeat("A", 5000), "[]", "NaN", "\xff"}
	for _, p := range r.params() {
		for _, value := range bad {
			r.reads(p.by, get(p.with(value)).own(r.t), "GET "+p.pattern)
		}
		r.reads(p.by, get(p.path+"?"+p.name+"[]=1&"+p.name+"=%zz").own(r.t), "GET "+p.pattern)
	}
	for _, a := range r.everybody() {
		done := map[string]bool{}
		for _, p := range r.site.order[a.name()] {
			pattern := r.t.pattern(http.MethodGet, bare(p))
			i := strings.LastIndexByte(bare(p), '/')
			if done[pattern] || !r.wants(pattern) {
				continue
			}
			done[pattern] = true
			for _, value := range []string{"0", "-1", "mqmq", "99999999999999999999", "%27", "%00"} {
				r.reads(a, get(bare(p)[:i+1]+value).own(r.t), "GET "+pattern)
			}
		}
	}
	for _, f := range r.forms() {
		if takesAway.MatchString(f.action) {
			continue // they would, and say nothing
		}
		a, err := r.person(f)
		if err != nil {
			continue
		}
		g := r.fresh(f, a)
		if g == nil {
			continue
		}
		v := a.values(g, "'")
		for _, d := range g.fields {
			if d.kind == "number" || d.kind == "date" || d.kind == "select" || d.kind == "hidden" && !d.isToken() {
				v.Set(d.name, "'mq")
			}
		}
		r.readsOf(a, g.request(v).own(r.t), "POST "+f.pattern, f.by)
	}
}

func (r *run) reads(a *actor, q *Request, route string) { r.readsOf(a.fork(), q, route, a) }

func (r *run) readsOf(a *actor, q *Request, route string, by *actor) {
	ans := a.send(q)
	if ans.status < 400 {
		return
	}
	if m := inner.FindString(r.published(ans.body)); m != "" {
		r.hit(RuleInternals, route, q, by, "the error page of %s says %q", cut(q.Path, 100), m)
	}
}

// uploads sends pages as files and looks how they are served.
func (r *run) uploads() {
	for _, f := range r.forms() {
		if !f.file {
			continue
		}
		for _, file := range []struct{ name, kind, body string }{
			{"mq.html", "text/html", "<!doctype html><mqx>MARK</mqx>"},
			{"mq.svg", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"><script>1</script><mqx>MARK</mqx></svg>`},
			{"mq.png", "image/png", "<!doctype html><mqx>MARK</mqx>"},
		} {
			n := "<mqx>" + r.mark() + "<"
			file.body = strings.Replace(file.body, "<mqx>MARK<", n, 1)
			a, err := r.person(f)
			if err != nil {
				break
			}
			g := r.fresh(f, a)
			if g == nil {
				break
			}
			q := g.upload(a.values(g, r.mark()), file.name, file.kind, file.body).own(r.t)
			ans := a.send(q)
			look := []string{f.page}
			if to, ok := r.t.local(ans.location(), ans.path); ok {
				look = append(look, to)
			}
			for _, p := range look {
				for _, l := range append(a.visit(p).dom(r.t).links, p) {
					got := a.fork().loads(get(l).own(r.t))
					kind := got.header.Get("Content-Type")
					active := strings.HasPrefix(kind, "text/html") || strings.HasPrefix(kind, "image/svg") || strings.Contains(kind, "xml")
					inert := strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") || strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox")
					if strings.Contains(got.body, n) && active && !inert {
						r.hit(RuleUpload, "POST "+f.pattern, q, f.by, "%s is served from %s as %s", file.name, l, kind)
					}
				}
			}
		}
	}
}

func (f *form) upload(v url.Values, name, kind, body string) *Request {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for field, all := range v {
		for _, one := range all {
			_ = w.WriteField(field, one)
		}
	}
	for _, d := range f.fields {
		if d.kind == "file" {
			part, _ := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + d.name + `"; filename="` + name + `"`}, "Content-Type": {kind}})
			_, _ = part.Write([]byte(body))
		}
	}
	_ = w.Close()
	return (&Request{Method: http.MethodPost, Path: f.action, Body: b.String()}).with("Content-Type", w.FormDataContentType())
}
