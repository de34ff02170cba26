package attack

import (
	"bytes"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
)

// mark makes a text that nobody else writes: where it comes out, it is the attacker's.
func (r *run) mark() string {
	r.serial++
	return fmt.Sprintf("mq%d", 1000+r.serial)
}

// wants reports whether a route was asked for.
func (r *run) wants(pattern string) bool {
	if len(r.o.Routes) == 0 {
		return true
	}
	return slices.ContainsFunc(r.o.Routes, func(w string) bool { return fits(pattern, w) })
}

func fits(pattern, wish string) bool {
	head, open := strings.CutSuffix(wish, "*")
	return pattern == wish || open && strings.HasPrefix(pattern, head)
}

// forms are those that are attacked.
func (r *run) forms() (some []*seenForm) {
	for _, last := range []bool{false, true} { // what takes things away comes last
		for _, f := range r.site.forms {
			if r.wants(f.pattern) && takesAway.MatchString(f.action) == last {
				some = append(some, f)
			}
		}
	}
	return some
}

// steppingBack is how forms are named that take back what the same user has done.
var steppingBack = regexp.MustCompile(`(?i)/(leave|withdraw|unsubscribe|cancel)\b`)

// takesAway is how forms are named after which something is gone.
var takesAway = regexp.MustCompile(`(?i)delete|remove|/block\b|/ban\b|/lock\b|suspend|leave|revoke|/end\b|log-?out|sign-?out|disable|/stay|/password`)

func (r *run) params() (some []*parameter) {
	for _, p := range r.site.params {
		if r.wants(p.pattern) {
			some = append(some, p)
		}
	}
	return some
}

// person returns who has seen a form, signed in, with a browser that may be spent.
func (r *run) person(f *seenForm) (*actor, error) {
	if f.by.way != nil {
		return r.arrived(f)
	}
	if err := f.by.ready(); err != nil {
		r.missed("form %s of %s as %s: %v", f.pattern, f.page, f.by.name(), err)
		return nil, err
	}
	if f.by.anonymous() && !r.t.merlon {
		return f.by.newBrowser(), nil // a sign-up may sign its browser in
	}
	return f.by.fork(), nil
}

// fresh loads the page of a form again, for its token of now. A form of the site's own that stands beside a row is gone with
// it, or with the user whose row it was: then the user makes rows again, or the profile puts the data back. Nil when there is none.
func (r *run) fresh(f *seenForm, a *actor) *form {
	g := r.standing(f, a)
	if g == nil {
		g = r.remade(f, a)
	}
	if g == nil && r.undo != nil && a.name() == f.by.name() && takesAway.MatchString(f.action) && !signOutLike.MatchString(f.action) {
		r.back() // it has taken its own row away
		a.cookies = maps.Clone(f.by.cookies)
		g = r.standing(f, a)
	}
	if g == nil && r.class != crawling && a.name() == f.by.name() {
		r.missed("%s: form %s of %s: no page shows it any more", r.class, f.pattern, f.page)
	}
	return g
}

// standing is the form as it stands now on one of the pages on which it was seen.
func (r *run) standing(f *seenForm, a *actor) *form {
	if a.way != nil {
		return r.among(f, a.way.here)
	}
	for _, p := range append([]string{f.page}, f.pages...) {
		ans := a.visit(p)
		if u, ok := a.user.(merlon.ProbeUser); ok && r.t.leadsToSignIn(ans.path) && p != bare(ans.path) {
			a.enters(u) // the page asks for every factor
			ans = a.visit(p)
		}
		if g := r.among(f, ans); g != nil {
			return g
		}
	}
	return nil
}

// among is the form as it stands in an answer, nil if it does not.
func (r *run) among(f *seenForm, ans *answer) *form {
	for _, g := range ans.dom(r.t).forms {
		if g.method != "GET" && g.action != "" && g.shape(r.t.pattern(http.MethodPost, bare(g.action))) == f.shape(f.pattern) {
			g.fixed, g.typed = f.fixed, f.typed
			return g
		}
	}
	return nil
}

func bare(path string) string {
	p, _, _ := strings.Cut(path, "?")
	return p
}

// values are what an honest user would type, with a mark in every text.
func (a *actor) values(f *form, text string) url.Values {
	v := f.filled(text)
	for _, d := range f.fields {
		if d.isText() && a.ownName(d.value) {
			v.Set(d.name, d.value)
		}
		if d.kind != "password" || d.auto != "current-password" && !f.asksForOld() {
			continue
		}
		switch u := a.user.(type) {
		case merlon.ProbeUser:
			v.Set(d.name, u.Password)
		case User:
			u, _ = a.profiled()
			_, password := u.password()
			v.Set(d.name, password)
		}
	}
	a.types(f, v)
	return v
}

// request is a form as it is sent; files go along when it takes some.
func (f *form) request(v url.Values) *Request {
	if !f.file {
		return post(f.action, v)
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, all := range v {
		for _, one := range all {
			_ = w.WriteField(name, one)
		}
	}
	for _, d := range f.fields {
		if d.kind == "file" {
			name, kind, content := d.honestFile()
			part, _ := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, d.name, name)}, "Content-Type": {kind}})
			_, _ = part.Write(content)
		}
	}
	_ = w.Close()
	return (&Request{Method: http.MethodPost, Path: f.action, Body: b.String()}).with("Content-Type", w.FormDataContentType())
}

// stateNow is all data as far as it is known.
func (r *run) stateNow() (string, bool) {
	if r.t.state == nil {
		return "", false
	}
	return r.t.state()
}

// typed reports whether a path is a route whose statements are counted.
func (t *target) typed(method, path string) bool {
	if !t.merlon {
		return false
	}
	rt := t.route(method, bare(path))
	return rt != nil && rt.Method != "any"
}

// took reports whether a post was accepted: something was written, or came out, or it was answered as an honest one.
func (r *run) took(f *seenForm, by *actor, ans *answer, before, text string) bool {
	if r.t.refused(ans) {
		return false
	}
	if r.t.typed(http.MethodPost, f.action) {
		return ans.wrote > 0 && ans.redirects() || ans.wrote > 0 && f.base == nil
	}
	if now, known := r.stateNow(); known {
		return now != before && (strings.Contains(now, text) || r.changed("what is sent to the form of "+f.page, before, ans))
	}
	if len(f.shows) > 0 {
		for _, p := range f.shows {
			if strings.Contains(by.fork().visit(p).body, text) {
				return true
			}
		}
		return false
	}
	if f.base != nil && ans.status == f.base.status {
		r.missed("whether what is sent to the form of %s is taken: neither the data nor a page tells (Profile.State would)", f.page)
	}
	return false // who refuses may lead to the same page, and say there why
}

// baseline sends a form honestly once, and looks where what was typed comes out.
func (r *run) baseline(f *seenForm) {
	if f.base != nil {
		return
	}
	a, err := r.person(f)
	if err != nil {
		return
	}
	g := r.fresh(f, a)
	if g == nil {
		return
	}
	text := r.mark()
	f.text = text
	ans := r.honest(f, a, g, text)
	for _, fixed := range f.attempts() {
		if f.accepted || !r.t.refused(ans) || r.t.typed(http.MethodPost, f.action) || ans.status == http.StatusTooManyRequests {
			break
		}
		if a, err = r.person(f); err != nil {
			break
		}
		if f.fixed = fixed; r.fresh(f, a) != nil {
			again := r.honest(f, a, r.fresh(f, a), text)
			if ans = again; !f.accepted {
				f.fixed = nil
			}
		}
	}
	f.base = ans
	if !f.accepted {
		f.refusal = r.t.refusal(ans)
	}
	r.stepBack(f, a, ans)
	look := []string{}
	if r.t.refused(ans) || !f.accepted && ans.status >= 300 && !ans.redirects() {
		return
	}
	if to, ok := r.t.local(ans.location(), ans.path); ok && ans.redirects() {
		look = append(look, to)
	}
	if !g.writes() {
		return // nothing was typed that could come out
	}
	look = append(look, f.page)
	look = append(look, r.site.order[f.by.name()]...)
	viewer := f.viewer(a)
	if err := viewer.ready(); err != nil {
		return
	}
	counts := map[string]int{}
	for i, p := range slices.Compact(look) {
		if i > 25 && r.t.merlon || i > 60 || r.t.merlon && len(f.shows) > 4 {
			break
		}
		if n := strings.Count(viewer.fork().visit(p).body, text); n > 0 && !slices.Contains(f.shows, p) {
			f.shows, f.accepted, counts[p] = append(f.shows, p), true, n
		}
	}
	// Where most of it comes out is looked at: a name is on every page, and everything is on one.
	slices.SortStableFunc(f.shows, func(a, b string) int { return counts[b] - counts[a] })
	f.shows = f.shows[:min(len(f.shows), mostShows)]
	r.shownToOthers(f, text)
}

// honest sends a form as its user would, and notes whether it was taken.
func (r *run) honest(f *seenForm, a *actor, g *form, text string) *answer {
	before, known := r.stateNow()
	mails := r.mails()
	ans := a.loads(g.request(a.values(g, text)).own(r.t))
	switch now, _ := r.stateNow(); {
	case r.t.refused(ans):
	case r.t.typed(http.MethodPost, f.action):
		f.accepted = ans.status < 400
	case known:
		f.accepted = now != before || r.mails() > mails
	default:
		f.accepted = ans.redirects()
	}
	return ans
}

// mails is how much has been mailed so far.
func (r *run) mails() int {
	if said := r.t.said["mail"]; said != nil {
		return len(said())
	}
	return 0
}

// stepBack takes back what was just done where the next page offers it: whoever comes later is another user, with nothing to
// take back.
func (r *run) stepBack(f *seenForm, a *actor, ans *answer) {
	to, ok := r.t.local(ans.location(), ans.path)
	if a.way != nil || !ok || !ans.redirects() || steppingBack.MatchString(f.action) {
		return
	}
	for _, g := range a.fork().visit(to).dom(r.t).forms {
		r.sawForm(f.by, g)                                                                     // some stand there only now: "remove the photo"
		undoes := takesAway.MatchString(g.action) && strings.HasPrefix(g.action, f.action+"/") // /profile/photo/remove
		if !steppingBack.MatchString(g.action) && !undoes {
			continue
		}
		back := a.loads(g.request(a.values(g, r.mark())).own(r.t))
		shape := g.shape(r.t.pattern(http.MethodPost, bare(g.action)))
		for _, known := range r.site.forms {
			if known.shape(known.pattern) == shape && !r.t.refused(back) {
				known.accepted = true
			}
		}
		if again := r.fresh(f, a); undoes && again != nil { // what was made leads to further pages
			a.loads(again.request(a.values(again, r.mark())).own(r.t))
		}
	}
}

// shownToOthers looks where other people see what was typed: what one writes, another one's browser runs.
func (r *run) shownToOthers(f *seenForm, text string) {
	for _, a := range r.people {
		if a.role == f.by.role || a.ready() != nil {
			continue
		}
		looked, found := 0, 0
		for _, p := range r.site.order[a.name()] {
			first := r.site.pages[a.name()][p]
			data := strings.HasPrefix(first.header.Get("Content-Type"), "text/csv")
			if looked > 15 && !data || found > 1 && !data || slices.Contains(f.shows, p) || first.status != http.StatusOK {
				continue
			}
			looked++
			if strings.Contains(a.fork().loads(get(p).own(r.t)).body, text) {
				found++
				f.others = append(f.others, view{a, p})
			}
		}
	}
}
