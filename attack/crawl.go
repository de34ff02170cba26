package attack

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
)

// sight is what the crawl has seen.
type sight struct {
	pages    map[string]map[string]*answer // role, path: the answer
	order    map[string][]string           // role: paths in the order of their finding
	linked   map[string]map[string]bool    // role: paths that a page of theirs links to
	forms    []*seenForm
	params   []*parameter
	proof    map[string]string          // role: a page that an anonymous visitor does not get
	patterns map[string]bool            // that the crawl was answered at
	asked    map[string]bool            // method and pattern of all that was asked for: whether a request came past the guards
	signOuts []string                   // links that look as if they ended the session
	deeds    []view                     // links that look as if they took something away
	unasked  map[string]bool            // patterns of addresses that were found and not asked for
	more     map[string]map[string]bool // addresses beyond those of a pattern that are loaded
	leaks    []leak                     // forms that send a field away that is named like a token
	held     map[string]bool            // hidden fields that were held against those of another session
}

// A leak is a form whose field leaves the site, or stands in an address.
type leak struct {
	by    *actor
	page  string
	field field
	where string
}

// seenForm is a form and who has seen it.
type seenForm struct {
	*form
	by       *actor
	pattern  string
	accepted bool
	refusal  string   // what the site said when it accepted nothing
	shows    []string // pages on which what it took came out
	base     *answer  // what an honest submit was answered
	pages    []string // other pages on which it stands
	others   []view   // pages of other people on which it came out
	gone     any      // the user who has made rows and was not shown it
	last     *actor   // who came to it last by its approach
	text     string   // what was typed into it honestly
	ends     bool     // it has ended a session
	judged   bool     // what it does to the site's own rows is not looked at any more
	looks    int      // how often it was
	spends   bool     // it makes none, and takes away or changes those that are there
}

// A view is a page as somebody sees it.
type view struct {
	by   *actor
	path string
}

// parameter is one that a GET takes.
type parameter struct {
	path, name, value string
	by                *actor
	pattern           string
}

const (
	maxPages = 400 // of one role
	perShape = 3   // pages of one pattern
)

var (
	signOutLike = regexp.MustCompile(`(?i)(^|[/_=-])((log|sign)[-_]?(out|off)|abmelden)\b|/exit\b`)
	idLike      = regexp.MustCompile(`^(\d+|[0-9a-f]{8,}|[0-9a-f-]{36}|[A-Za-z0-9_-]{22,})$`)
)

// look crawls the pages of everybody, from the front page, the routes without parameters, and what the profile names.
func (r *run) look() {
	r.site = &sight{pages: map[string]map[string]*answer{}, order: map[string][]string{}, linked: map[string]map[string]bool{}, proof: map[string]string{}, patterns: map[string]bool{}, asked: map[string]bool{},
		unasked: map[string]bool{}, more: map[string]map[string]bool{}, held: map[string]bool{}}
	r.crawl(r.people[0])
	if r.t.signIn == "" {
		r.t.signIn = r.likeliestSignIn()
	}
	open, failed := r.site.pages["anonymous"], map[*actor]error{}
	for _, a := range r.people[1:] {
		if len(a.cookies) == 0 && r.t.renew != nil && a.user != nil {
			if failed[a] = r.t.renew(a); failed[a] != nil {
				r.missed("everything as %s: %v", a.name(), failed[a])
			}
		}
		if u, ok := a.user.(merlon.ProbeUser); ok {
			a.enters(u)
		}
		r.crawl(a)
	}
	r.proofs(open)
	if r.fails = r.unfit(failed); r.fails != nil {
		return
	}
	r.learnTokens()
	r.approach(false)
	r.lookOwn()
	for _, f := range r.forms() { // what they make leads to further pages
		if !takesAway.MatchString(f.action) {
			r.baseline(f)
		}
	}
	for _, a := range r.people[1:] {
		if !a.anonymous() && a.ready() == nil {
			r.crawl(a)
		}
	}
	r.learnTokens() // of forms that stand there only now
	r.sweep()
	r.keepNow()
	for _, f := range r.forms() { // what takes away what was just made, while it is there
		if r.undoes(f) || r.own(f.form) != nil && takesAway.MatchString(f.action) {
			r.baseline(f)
		}
	}
	r.learnTokens()
	r.back()
}

// undoes reports whether a form takes away what another one, whose address is the beginning of its own, has made for the
// same people: /profile/photo/remove.
func (r *run) undoes(f *seenForm) bool {
	return takesAway.MatchString(f.action) && slices.ContainsFunc(r.site.forms, func(g *seenForm) bool {
		return g.accepted && g.by.role == f.by.role && strings.HasPrefix(f.action, g.action+"/")
	})
}

// proofs finds for each role a page that an anonymous visitor does not get: one that all of the role were shown, where there is one.
func (r *run) proofs(open map[string]*answer) {
	for _, a := range r.people {
		for _, p := range r.site.order[a.name()] {
			ans := r.site.pages[a.name()][p]
			if a.anonymous() || ans.status != http.StatusOK || !ans.isHTML() {
				continue
			}
			other := open[p]
			if other == nil {
				other = r.people[0].fork().loads(get(p).own(r.t))
				open[p] = other
			}
			if other.status == http.StatusOK || other.status == 0 {
				continue
			}
			all := r.allShown(a.role, p)
			if all || r.site.proof[a.role] == "" {
				r.site.proof[a.role] = p
			}
			if all {
				break
			}
		}
	}
}

// allShown reports whether everybody of a role was shown a page.
func (r *run) allShown(role, p string) bool {
	return !slices.ContainsFunc(r.people, func(a *actor) bool {
		ans := r.site.pages[a.name()][p]
		return a.role == role && (ans == nil || ans.status != http.StatusOK)
	})
}

func (f *form) passwords() (n int) {
	for _, d := range f.fields {
		if d.kind == "password" {
			n++
		}
	}
	return n
}

// sweep looks for what was typed into forms on all pages that were loaded since, also on those that were too many to be looked
// at after each form.
func (r *run) sweep() {
	for _, f := range r.site.forms {
		for _, a := range r.people {
			for _, p := range r.site.order[a.name()] {
				if f.text == "" || !strings.Contains(r.site.pages[a.name()][p].body, f.text) {
					continue
				}
				switch {
				case a == f.by && len(f.shows) < mostShows && !slices.Contains(f.shows, p):
					f.shows, f.accepted = append(f.shows, p), true
				case a.role != f.by.role && len(f.others) < mostShows && !slices.ContainsFunc(f.others, func(v view) bool { return v.by == a && v.path == p }):
					f.others = append(f.others, view{a, p})
				}
			}
		}
	}
}

// mostShows are of how many pages it is kept that they show what a form takes.
const mostShows = 5

// crawl loads what one actor can find.
func (r *run) crawl(a *actor) {
	s := r.site
	s.pages[a.name()], s.linked[a.name()], s.order[a.name()] = map[string]*answer{}, map[string]bool{}, nil
	queue := append([]string{"/"}, r.t.starts...)
	for _, rt := range r.t.routes {
		if (rt.Method == http.MethodGet || rt.Method == "any") && !strings.Contains(rt.Pattern, "{") {
			queue = append(queue, rt.Pattern)
		}
	}
	perPattern := map[string]int{}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		if p, _, cut := strings.Cut(path, "#"); cut {
			path = p
		}
		bare, query, _ := strings.Cut(path, "?")
		if signOutLike.MatchString(bare) {
			if !slices.Contains(s.signOuts, path) {
				s.signOuts = append(s.signOuts, path)
			}
			continue
		}
		pattern := r.t.pattern(http.MethodGet, bare)
		key := pattern + "?" + names(query)
		if r.isDeed(a, path, pattern) || s.pages[a.name()][path] != nil {
			continue
		}
		if perPattern[key] >= perShape {
			s.sampled("GET "+key, path)
			continue
		}
		if len(s.pages[a.name()]) >= maxPages {
			r.missed("pages as %s: %d were loaded, and further ones to which they link were not", a.name(), maxPages)
			s.unasked["GET "+pattern] = true
			continue
		}
		perPattern[key]++
		ans := a.loads(get(path).own(r.t))
		ans.lighten()
		s.pages[a.name()][path] = ans
		s.order[a.name()] = append(s.order[a.name()], path)
		if ans.redirects() {
			if to, ok := r.t.local(ans.location(), path); ok {
				queue = append(queue, to)
			}
		}
		if !r.t.refused(ans) {
			s.patterns["GET "+pattern] = true
		}
		r.parameters(a, bare, query, pattern)
		doc := ans.dom(r.t)
		for _, l := range doc.links {
			s.linked[a.name()][l] = true
			queue = append(queue, l)
		}
		for _, f := range doc.forms {
			r.sawForm(a, f)
			if f.method == "GET" && f.action != "" {
				bare, _, _ := strings.Cut(f.action, "?")
				to := bare + "?" + f.filled("a").Encode()
				s.linked[a.name()][to] = true
				queue = append(queue, to)
			}
		}
	}
}

// mediaHead is how much is kept of a picture, a film, a sound or a font: what it is sniffed as stands at its beginning, and no text in it.
const mediaHead = 64 << 10

// media are answers in which no text is looked for.
var media = regexp.MustCompile(`^(image/[^s]|video/|audio/|font/)`) // image/svg+xml is a text

// lighten keeps the beginning of an answer that holds no text: those of a site with many pictures are more than memory takes.
func (a *answer) lighten() {
	if len(a.body) > mediaHead && media.MatchString(a.header.Get("Content-Type")) {
		a.body = strings.Clone(a.body[:mediaHead])
	}
}

func (r *run) sawForm(a *actor, f *form) {
	if f.away != "" || f.method == "GET" {
		for _, d := range f.fields {
			if d.isToken() {
				where := f.away
				if where == "" {
					where = "an address: it asks by GET"
				}
				r.site.leaks = append(r.site.leaks, leak{a, f.page, d, where})
			}
		}
	}
	if f.method == "GET" || f.action == "" {
		return
	}
	bare, _, _ := strings.Cut(f.action, "?")
	pattern := r.t.pattern(http.MethodPost, bare)
	shape := f.shape(pattern)
	for _, known := range r.site.forms {
		if known.form.shape(known.pattern) == shape && (known.by.role == a.role || known.by.way != nil || !known.by.anonymous() || f.passwords() > 0 && !r.t.merlon) {
			if len(known.pages) < 4 && f.page != known.page && !slices.Contains(known.pages, f.page) {
				known.pages = append([]string{f.page}, known.pages...)
			}
			return
		}
	}
	f.typed = r.o.Typed[pattern]
	r.site.forms = append(r.site.forms, &seenForm{form: f, by: a, pattern: pattern})
}

func (r *run) parameters(a *actor, bare, query, pattern string) {
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "" {
			continue
		}
		r.addParameter(&parameter{path: bare, name: name, value: value, by: a, pattern: pattern})
	}
}

func (r *run) addParameter(p *parameter) {
	for _, known := range r.site.params {
		if known.pattern == p.pattern && known.name == p.name {
			return
		}
	}
	r.site.params = append(r.site.params, p)
}

func names(query string) string {
	var all []string
	for pair := range strings.SplitSeq(query, "&") {
		n, _, _ := strings.Cut(pair, "=")
		all = append(all, n)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), "&")
}

// pattern is the route of a path: that of the access table, or the path with what looks like an id taken out.
func (t *target) pattern(method, path string) string {
	if rt := t.route(method, path); rt != nil && rt.Method != "any" {
		return rt.Pattern
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if idLike.MatchString(p) {
			parts[i] = "{id}"
		}
	}
	return strings.Join(parts, "/")
}

// route finds the line of the access table for a path, nil if there is none.
func (t *target) route(method, path string) *merlon.RouteInfo {
	var best *merlon.RouteInfo
	for i := range t.routes {
		rt := &t.routes[i]
		if rt.Method != "any" && rt.Method != method {
			continue
		}
		if matches(rt.Pattern, path, rt.Method == "any") && (best == nil || literals(rt.Pattern) > literals(best.Pattern)) {
			best = rt
		}
	}
	return best
}

func literals(pattern string) (n int) {
	for p := range strings.SplitSeq(pattern, "/") {
		if !strings.HasPrefix(p, "{") {
			n += 100 + len(p)
		}
	}
	return n
}

func matches(pattern, path string, mount bool) bool {
	if mount && strings.HasSuffix(pattern, "/") && strings.HasPrefix(path, pattern) {
		return true
	}
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	for i, p := range want {
		switch {
		case strings.HasSuffix(p, "...}"):
			return true
		case i >= len(got), strings.HasPrefix(p, "{") && got[i] == "", !strings.HasPrefix(p, "{") && p != got[i]:
			return false
		}
	}
	return len(want) == len(got)
}
