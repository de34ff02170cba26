package attack

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var tokenName = regexp.MustCompile(`(?i)csrf|xsrf|token|nonce|authenticity`)

// isToken reports whether a hidden field is what tells the site's own forms from others: by its name, or as was learnt.
func (d field) isToken() bool {
	return d.kind == "hidden" && len(d.value) >= 8 && (tokenName.MatchString(d.name) || d.learnt)
}

func (f *form) token() *field {
	for i := range f.fields {
		if f.fields[i].isToken() {
			return &f.fields[i]
		}
	}
	return nil
}

// unproven takes the tokens out of what is sent, as another site would. What only looks like one, since it differs from session to
// session, may be wanted with any value: the other site makes one up.
func (f *form) unproven(v url.Values) {
	for _, d := range f.fields {
		switch {
		case !d.isToken():
		case d.learnt:
			v.Set(d.name, madeUp.ReplaceAllString(d.value, "a"))
		default:
			v.Del(d.name)
		}
	}
}

// madeUp is what another letter stands for in a token that is made up.
var madeUp = regexp.MustCompile(`[A-Za-z0-9]`)

// couldBeToken reports whether a value may be a token by another name: no number, no address, not short.
func (d field) couldBeToken() bool {
	return d.kind == "hidden" && len(d.value) >= 16 && !tokenName.MatchString(d.name) && !strings.ContainsAny(d.value, " :/?&{<") && strings.ContainsAny(strings.ToLower(d.value), "abcdefghijklmnopqrstuvwxyz")
}

// learnTokens looks which hidden fields of forms that write are tokens by another name than usual: those that hold something else
// in another session of the same user. What was held against another session before is not again.
func (r *run) learnTokens() {
	if r.t.merlon {
		return // whose tokens are known
	}
	browsers := map[*actor]*actor{} // nil: one does not get in
	for _, f := range r.site.forms {
		if f.token() != nil {
			continue
		}
		for _, d := range f.fields {
			if !d.couldBeToken() || r.site.held[d.name] {
				continue
			}
			b, made := browsers[f.by]
			if !made {
				if b = f.by.newBrowser(); !f.by.anonymous() && b.signsIn() != nil {
					b = nil
				}
				browsers[f.by] = b
			}
			if b == nil {
				break
			}
			other := r.among(f, b.loads(get(f.page).own(r.t)))
			if other == nil {
				continue
			}
			r.site.held[d.name] = true
			if i := slices.IndexFunc(other.fields, func(e field) bool { return e.name == d.name }); i >= 0 && other.fields[i].value != d.value {
				r.t.tokens = append(r.t.tokens, d.name)
			}
		}
	}
	for _, f := range r.site.forms {
		r.t.marks(f.form)
	}
	for _, pages := range r.site.pages { // those that were read already
		for _, ans := range pages {
			for _, f := range ans.dom(r.t).forms {
				r.t.marks(f)
			}
		}
	}
}

// marks notes which fields of a form are tokens, as was learnt.
func (t *target) marks(f *form) {
	for i := range f.fields {
		f.fields[i].learnt = slices.Contains(t.tokens, f.fields[i].name)
	}
}
