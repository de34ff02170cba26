package attack

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// keepNow notes how the data is after the crawl, and who is signed in.
func (r *run) keepNow() {
	if r.t.keep == nil {
		return
	}
	data := r.t.keep()
	cookies, users := map[*actor]map[string]string{}, map[*actor]any{}
	for _, a := range r.people {
		cookies[a], users[a] = maps.Clone(a.cookies), a.user
	}
	r.undo = func() {
		data()
		for a, kept := range cookies {
			a.cookies, a.user = maps.Clone(kept), users[a]
		}
	}
}

// back puts data and browsers back to where they were after the crawl, if the profile can.
func (r *run) back() {
	if r.undo != nil {
		r.undo()
	}
}

// isDeed reports whether a link looks as if it took something away; it is followed by [run.takings] alone, last.
func (r *run) isDeed(a *actor, path, pattern string) bool {
	if a.anonymous() || r.t.typed(http.MethodGet, path) || !takesAway.MatchString(bare(path)) || signOutLike.MatchString(bare(path)) {
		return false
	}
	if strings.Contains(pattern, "{") || strings.Contains(path, "?") {
		for _, d := range r.site.deeds {
			if r.t.pattern(http.MethodGet, bare(d.path)) == pattern {
				return true
			}
		}
		r.site.deeds = append(r.site.deeds, view{a, path})
		return true
	}
	return false
}

// buttons are the forms that the buttons of a form make of it by leading elsewhere (formaction).
func (t *target) buttons(n *html.Node, from string) (all []*form) {
	for c := range n.Descendants() {
		if c.Type != html.ElementNode || c.Data != "button" && c.Data != "input" || !hasAttr(c, "formaction") {
			continue
		}
		f := t.form(n, from)
		if m := strings.ToUpper(attr(c, "formmethod")); m == http.MethodPost || m == http.MethodGet {
			f.method = m
		}
		to, ok := t.local(attr(c, "formaction"), from)
		if f.action, f.away = to, ""; !ok {
			f.action, f.away = "", attr(c, "formaction")
		}
		all = append(all, f)
	}
	return all
}

// ownName reports whether a value is one by which the user signs in: whoever changes it is not found again.
func (a *actor) ownName(value string) bool {
	u, ok := a.user.(User)
	return ok && value != "" && slices.Contains(slices.Collect(maps.Values(u.Fields)), value)
}

// attempts are further ways to fill in a form whose first one was refused: fields that need not be filled in stay empty, or
// take a number.
func (f *form) attempts() (all []map[string]string) {
	var texts []string
	for _, d := range f.fields {
		if d.kind == "text" || d.kind == "textarea" || d.kind == "url" {
			texts = append(texts, d.name)
		}
	}
	for _, name := range texts {
		if len(texts) > 1 {
			all = append(all, map[string]string{name: ""})
		}
		all = append(all, map[string]string{name: "1"})
	}
	return all
}

// likeliestSignIn is the page of the form that asks for what the users of the profile type, and for the least beside it.
func (r *run) likeliestSignIn() (page string) {
	least := 0
	for _, f := range r.site.forms {
		if !f.by.anonymous() || f.passwords() != 1 {
			continue
		}
		beside := 1
		for _, a := range r.people {
			if u, ok := a.user.(User); ok {
				for name := range u.Fields {
					if !f.hasField(name) {
						beside += 10
					}
				}
				for _, d := range f.fields {
					if _, typed := u.Fields[d.name]; d.isText() && !typed {
						beside++
					}
				}
				break
			}
		}
		if least == 0 || beside < least {
			least, page = beside, bare(f.page)
		}
	}
	return page
}

// asksForOld reports whether a form asks for the password of now under a name that says so. Then each of its passwords is the one
// of now: a new one would keep its own user out.
func (f *form) asksForOld() bool {
	return slices.ContainsFunc(f.fields, func(d field) bool { return d.kind == "password" && oldName(d.name) })
}

// below loads what a page leads to below itself: other views of what was just made.
func (r *run) below(a *actor, made *answer, path string) (all []*answer) {
	for _, l := range made.dom(r.t).links {
		if strings.HasPrefix(bare(l), strings.TrimSuffix(bare(path), "/")+"/") && bare(path) != "/" && len(all) < 4 && !takesAway.MatchString(l) {
			all = append(all, a.fork().visit(l))
		}
	}
	return all
}
