package attack

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// guessOld guesses the old password that a form asks for.
func (r *run) guessOld() {
	for _, f := range r.forms() {
		u, ok := f.by.profiled()
		old := ""
		for _, d := range f.fields {
			if d.kind == "password" && (d.auto == "current-password" || oldName(d.name)) {
				old = d.name
			}
		}
		if !ok || old == "" || f.passwords() < 2 || r.t.typed(http.MethodPost, f.action) || f.by.ready() != nil {
			continue
		}
		const fresh = "Mq-guessed-password-17"
		var q *Request
		for i := range tries + 1 {
			a := f.by.fork()
			g := r.fresh(f, a)
			if g == nil {
				break
			}
			v := g.filled("mq0")
			for _, d := range g.fields {
				if d.kind == "password" {
					v.Set(d.name, fresh)
				}
			}
			if v.Set(old, fmt.Sprintf("wrong-password-%d", i)); i == tries {
				_, password := u.password()
				v.Set(old, password)
			}
			q = g.request(v).own(r.t)
			q.From = fmt.Sprintf("198.51.100.%d", i+1)
			a.send(q)
		}
		c := &actor{run: r, role: f.by.role, user: u.with(fresh), cookies: map[string]string{}}
		if q != nil && c.signsIn() == nil && len(c.cookies) > 0 && c.alive() {
			r.hit(RuleGuessing, "POST "+f.pattern, q, f.by, "after %d wrong old passwords the right one was taken: a browser that was left open tells the password", tries)
			f.by.user = c.user
		}
		r.back()
	}
}

var mailedCode = regexp.MustCompile(`\b\d{4,8}\b`)

// guessCode guesses a mailed code of few digits.
func (r *run) guessCode() {
	who, u := r.plainUser()
	if who == nil || r.t.said["mail"] == nil || r.t.state == nil {
		return
	}
	for _, f := range r.forms() {
		at := ""
		for _, d := range f.fields {
			if n := strings.ToLower(d.name); d.isText() && (strings.Contains(n, "code") || strings.Contains(n, "pin") || strings.Contains(n, "otp")) {
				at = d.name
			}
		}
		if at == "" || !f.by.anonymous() {
			continue
		}
		code := r.mailed(u)
		if code == "" {
			continue
		}
		var wrong face // the answer to the last wrong one: a site that counts them writes, too
		for i := range tries + 1 {
			a := r.people[0].fork()
			g := r.fresh(f, a)
			if g == nil {
				return
			}
			v := g.filled("mq0")
			if v.Set(at, fmt.Sprintf("%0*d", len(code), i)); i == tries {
				v.Set(at, code)
			}
			q := g.request(v).own(r.t)
			q.From = fmt.Sprintf("198.51.100.%d", i+1)
			before, _ := r.stateNow()
			ans := a.send(q)
			said := r.face(ans, v.Get(at))
			if now, _ := r.stateNow(); i == tries && now != before && !r.t.refusedButSignIn(ans) && facesDiffer([]face{said}, []face{wrong}) {
				r.hit(RuleGuessing, "POST "+f.pattern, q, r.people[0], "after %d wrong codes the right one, of %d digits, was taken", tries, len(code))
			}
			wrong = said
		}
		r.back()
	}
}

// refusedButSignIn is refused, but for the way to the sign-in, which is where a new password leads.
func (t *target) refusedButSignIn(ans *answer) bool { return ans.status >= 400 || ans.status == 0 }

// mailed has a mail sent to a user, and returns the code in it.
func (r *run) mailed(u User) string {
	for _, f := range r.forms() {
		if !f.by.anonymous() || !f.has("email") || f.passwords() > 0 {
			continue
		}
		a := r.people[0].fork()
		g := r.fresh(f, a)
		if g == nil {
			continue
		}
		v := g.filled("mq0x")
		for _, d := range g.fields {
			for _, value := range u.Fields {
				if d.kind == "email" && strings.Contains(value, "@") {
					v.Set(d.name, value)
				}
			}
		}
		before := r.mails()
		a.send(g.request(v).own(r.t))
		if all := r.t.said["mail"](); len(all) > before {
			if code := mailedCode.FindString(all[before:]); code != "" {
				return code
			}
		}
	}
	return ""
}

// halves sends forms of which one field is wrong, and looks whether the others were kept although the form was refused.
func (r *run) halves() {
	for _, f := range r.forms() {
		if r.t.state == nil || f.base == nil || !f.accepted || f.passwords() > 0 || r.t.typed(http.MethodPost, f.action) {
			continue
		}
		for _, d := range f.fields {
			if !d.isText() && d.kind != "number" && d.kind != "date" {
				continue
			}
			a, err := r.person(f)
			if err != nil {
				break
			}
			g := r.fresh(f, a)
			if g == nil {
				break
			}
			n := "half" + r.mark()
			v := a.values(g, n)
			v.Set(d.name, "\u2007?!")
			q := g.request(v).own(r.t)
			ans := a.send(q)
			if now, _ := r.stateNow(); ans.status >= 400 && strings.Contains(now, n) {
				if r.keepsRefused(f, v, n, ans.status) {
					r.missed("whether the form of %s leaves half of what it has refused: the data hold what was refused for another reason, too", f.page)
					break
				}
				r.hit(RuleHalf, "POST "+f.pattern, q, f.by, "the form of %s was answered with %d for its field %s, and what stood in the others was kept", f.page, ans.status, d.name)
				break
			}
		}
	}
}

// keepsRefused reports whether the data hold a text that was refused before the form had a chance to keep half of it: then they
// hold a record of refusals. Nobody sends it, or, where nobody may, to an address that there is not.
func (r *run) keepsRefused(f *seenForm, v url.Values, n string, status int) bool {
	m := "half" + r.mark()
	other := url.Values{}
	for name, all := range v {
		for _, one := range all {
			other.Add(name, strings.ReplaceAll(one, n, m))
		}
	}
	q := f.request(other).own(r.t)
	if f.by.anonymous() {
		q.Path = "/mq-nowhere"
	}
	ans := r.nobody().send(q)
	now, _ := r.stateNow()
	return r.t.refused(ans) && ans.status != status && strings.Contains(now, m)
}

// archives uploads an archive of zeros, and one whose names lead out of the folder.
func (r *run) archives() {
	for _, f := range r.forms() {
		if !f.file || r.t.state == nil || r.t.typed(http.MethodPost, f.action) {
			continue
		}
		send := func(files ...string) (*answer, *Request) {
			a, err := r.person(f)
			if err != nil {
				return nil, nil
			}
			g := r.fresh(f, a)
			if g == nil {
				return nil, nil
			}
			var b bytes.Buffer
			w := zip.NewWriter(&b)
			for _, name := range files {
				e, _ := w.Create(name)
				_, _ = e.Write(make([]byte, map[bool]int{true: 24 << 20, false: 3}[strings.Contains(name, "bomb")]))
			}
			_ = w.Close()
			q := g.upload(a.values(g, "mq0"), r.mark()+".zip", "application/zip", b.String()).own(r.t)
			return a.send(q), q
		}
		n := r.mark()
		ans, q := send(n+"in.txt", "../"+n+"out.txt")
		if ans == nil {
			continue
		}
		now, _ := r.stateNow()
		in, out := pathBefore(now, n+"in.txt"), pathBefore(now, n+"out.txt")
		if in == "" {
			continue // it is not unpacked
		}
		if out != "" && !strings.HasPrefix(out, in) {
			r.hit(RuleTraversal, "POST "+f.pattern, q, f.by, "the entry ../%sout.txt of an archive was written to %s", n, out)
		}
		bomb := r.mark() + "bomb.txt"
		if ans, q := send(bomb); ans != nil && !r.t.refused(ans) {
			if now, _ := r.stateNow(); pathBefore(now, bomb) != "" {
				r.hit(RuleUnpacked, "POST "+f.pattern, q, f.by, "an archive of %d kB was unpacked to 24 MB", len(q.Body)>>10)
			}
		}
	}
}

// pathBefore is what stands before a file's name on its line, "" if the name is nowhere.
func pathBefore(all, name string) string {
	i := strings.Index(all, "/"+name) // an archive that was kept as it came holds the name alone
	if i < 0 {
		return ""
	}
	i++
	return all[strings.LastIndexAny(all[:i], "\n ")+1 : i]
}

// largeFiles uploads a file of many megabytes.
func (r *run) largeFiles() {
	for _, f := range r.forms() {
		if !f.file || r.t.state == nil || r.t.typed(http.MethodPost, f.action) {
			continue
		}
		a, err := r.person(f)
		if err != nil {
			continue
		}
		g := r.fresh(f, a)
		if g == nil {
			continue
		}
		q := g.upload(a.values(g, "mq0"), r.mark()+".bin", "application/octet-stream", strings.Repeat("\x00", 33<<20)).own(r.t)
		before, _ := r.stateNow()
		ans := a.send(q)
		if !r.t.refused(ans) && r.changed("the file that is sent to the form of "+f.page, before, ans) {
			r.hit(RuleLarge, "POST "+f.pattern, q, f.by, "a file of 33 MB was taken")
		}
	}
}
