package attack

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
)

// sessions tries what becomes of a session: before, while and after it is somebody's.
func sessions(r *run) {
	var last *actor
	for _, a := range r.people {
		if a.anonymous() || r.site.proof[a.role] == "" || a.twin > 0 {
			continue
		}
		if a.ready() == nil {
			r.atRest(a)
			r.shown(a)
		}
		last = a
	}
	r.signing()
	for _, f := range r.forms() {
		if !f.by.anonymous() {
			r.signOut(f)
		}
	}
	r.signOutByGet()
	if !slices.ContainsFunc(r.site.forms, func(f *seenForm) bool { return f.ends }) && len(r.site.signOuts) == 0 && last != nil {
		r.missed("sessions after a sign-out: no form and no link was seen that ends one")
	}
	r.back()
	r.newPassword()
	r.revive()
	r.shutOut()
	r.codeTwice()
	r.links()
	r.back()
	r.remembers()
	r.passwordsKept()
	if last != nil {
		r.endless(last)
	}
}

// signing signs in with a cookie from before, and with one that nobody gave out.
func (r *run) signing() {
	for _, who := range r.people {
		proof := r.site.proof[who.role]
		if who.anonymous() || proof == "" {
			continue
		}
		a := &actor{run: r, role: who.role, user: who.user, cookies: map[string]string{}}
		if _, err := a.signInForm(); err != nil {
			r.missed("session fixation: %v", err)
			return
		}
		before := a.fork()
		names := a.sessionNames(who)
		for _, n := range names {
			if a.cookies[n] == "" { // one that the site never gave
				a.cookies[n] = "attacker0123456789abcdef0123456789abcdef"
			}
		}
		planted := a.fork()
		if a.signsIn() != nil {
			continue
		}
		route := "POST " + r.t.signIn
		r.signInWorked()
		r.cookies(a, route)
		for _, thief := range []struct {
			*actor
			rule checkRule
			what string
		}{{before, RuleFixation, "the cookie from before the sign-in"}, {planted, RuleAdopted, "a cookie that the site never gave"}} {
			if len(thief.cookies) == 0 {
				continue
			}
			q := get(proof).own(r.t)
			if ans := thief.send(q); ans.status == http.StatusOK {
				r.hit(thief.rule, route, q, a, "%s is signed in after it, at %s", thief.what, proof)
				break
			}
		}
		if who.role == "user" {
			return
		}
	}
}

// signInWorked notes that the forms of the sign-in took what was typed.
func (r *run) signInWorked() {
	for _, f := range r.site.forms {
		if bare(f.action) == r.t.signIn || strings.HasPrefix(bare(f.action), r.t.signIn+"/") && f.hasField("Code") {
			f.accepted = true
		}
	}
}

// sessionNames are the cookies without which a signed-in user is refused.
func (a *actor) sessionNames(who *actor) (names []string) {
	proof := a.run.site.proof[who.role]
	for n := range who.cookies {
		b := who.fork()
		delete(b.cookies, n)
		if ans := b.loads(get(proof).own(a.run.t)); ans.status != http.StatusOK {
			names = append(names, n)
		}
	}
	return names
}

// errNoLogin says that nobody knows what a user types to sign in.
var errNoLogin = errors.New("attack: this user has nothing to sign in with")

// signsIn fills in the sign-in form, whoever made the user.
func (a *actor) signsIn() error {
	if u, ok := a.login(); ok {
		return a.enter(u, true)
	}
	return errNoLogin
}

func second(u merlon.ProbeUser) map[string]string {
	if u.Code == "" {
		return nil
	}
	return map[string]string{"Code": u.Code}
}

// cookies looks at the attributes of the cookie that makes somebody signed in.
func (r *run) cookies(a *actor, route string) {
	b := &actor{run: r, role: a.role, user: a.user, cookies: map[string]string{}}
	f, err := b.signInForm()
	if err != nil {
		return
	}
	u, _ := a.login()
	v := f.filled("mq0x")
	f.untick(v, u.Fields)
	for name, value := range u.Fields {
		v.Set(name, value)
	}
	q := f.request(v).own(r.t)
	ans := b.send(q)
	session := b.sessionNames(b)
	if !b.alive() {
		return
	}
	for _, c := range (&http.Response{Header: ans.header}).Cookies() {
		mine := false
		for _, n := range session {
			mine = mine || n == c.Name
		}
		if !mine {
			continue
		}
		r.insecure(c)
		if lacks := r.t.lacks(c); len(lacks) > 0 {
			r.hit(RuleCookie, route, q, a, "the cookie %s lacks %s", c.Name, strings.Join(lacks, ", "))
		}
	}
}

// atRest looks for the session's token in the data.
func (r *run) atRest(a *actor) {
	if r.t.rest == nil {
		r.missed("tokens at rest: the data is not known")
		return
	}
	for _, n := range a.sessionNames(a) {
		// What is not in the data, an attacker makes up: a part that only finds the row opens nothing by itself.
		where, known := "", a.fork()
		known.cookies[n] = cookiePart.ReplaceAllStringFunc(a.cookies[n], func(part string) string {
			if at := r.rests(part); at != "" {
				where = at
				return part
			}
			return strings.Repeat("A", len(part))
		})
		if where != "" && known.alive() {
			r.hit(RuleTokenAtRest, "every route", get(r.site.proof[a.role]), a, "the value of the cookie %s lies in %s as it is", n, where)
			return
		}
	}
}

// cookiePart is a part of a cookie that is too long to be guessed.
var cookiePart = regexp.MustCompile(`[^.|%]{16,}`)

// shown looks for the session's token where it must not be.
func (r *run) shown(a *actor) {
	for _, n := range a.sessionNames(a) {
		token := a.cookies[n]
		if len(token) < 16 {
			continue
		}
		for _, p := range r.site.order[a.name()] {
			ans := a.fork().send(get(p).own(r.t))
			if strings.Contains(ans.body, token) || strings.Contains(ans.location(), token) || strings.Contains(p, token) {
				r.hit(RuleTokenShown, "GET "+r.t.pattern(http.MethodGet, bare(p)), get(p), a, "%s holds the value of the cookie %s", p, n)
			}
		}
		if log := r.t.said["log"]; log != nil && strings.Contains(log(), token) {
			r.hit(RuleTokenShown, "every route", get(r.site.proof[a.role]), a, "the log holds the value of the cookie %s", n)
		}
	}
}

// signOut uses the buttons that end a session and then the cookie from before.
func (r *run) signOut(f *seenForm) {
	// Any button may be one: of a plain site each that asks for nothing is pressed.
	if named := signOutLike.MatchString(f.action); !named && (r.t.merlon || f.typedInto() > 0 || r.site.proof[f.by.role] == "") {
		return
	}
	a, err := r.person(f)
	if err != nil || !a.alive() {
		return
	}
	g := r.fresh(f, a)
	if g == nil {
		return
	}
	thief := a.fork()
	ans := a.send(g.request(a.values(g, "mq0")).own(r.t))
	f.accepted = f.accepted || !r.t.refused(ans)
	q := get(r.site.proof[f.by.role]).own(r.t)
	if !a.alive() {
		f.ends = true
		if ans := thief.send(q); ans.status == http.StatusOK {
			r.hit(RuleSignOutLeaves, "POST "+f.pattern, q, f.by, "the cookie from before the sign-out still opens %s", r.site.proof[f.by.role])
		}
	}
	_ = f.by.ready()
}

// signOutByGet loads links that look as if they ended the session.
func (r *run) signOutByGet() {
	for _, p := range r.site.signOuts {
		for _, a := range r.people {
			if a.anonymous() || r.site.proof[a.role] == "" || a.ready() != nil || !r.wants(r.t.pattern(http.MethodGet, bare(p))) {
				continue
			}
			b, thief := a.fork(), a.fork()
			q := get(p).own(r.t)
			b.send(q)
			route := "GET " + r.t.pattern(http.MethodGet, bare(p))
			if !b.alive() {
				r.hit(RuleSignOutByGet, route, q, a, "loading %s ended the session", p)
				if thief.alive() {
					r.hit(RuleSignOutLeaves, route, get(r.site.proof[a.role]), a, "the cookie from before the sign-out still opens %s", r.site.proof[a.role])
				}
			}
			break
		}
	}
}

// newPassword changes a password and asks whether another session of the user lives on.
func (r *run) newPassword() {
	tried, changed := 0, 0
	defer func() {
		if tried > 0 && changed == 0 && r.ctx.Err() == nil {
			r.missed("sessions after a new password: none of the %d forms of users that ask for a password has changed it", tried)
		}
	}()
	for _, f := range r.forms() {
		if f.by.anonymous() || f.passwords() < 1 || r.site.proof[f.by.role] == "" || signOutLike.MatchString(f.action) || f.by.ready() != nil {
			continue
		}
		u, ok := f.by.login()
		if _, mine := f.by.user.(merlon.ProbeUser); mine && u.Second != nil {
			continue // each of their codes is good once: what is tried here needs four
		}
		_, current := u.password()
		if !ok || current == "" {
			continue
		}
		a, b := f.by.newBrowser(), f.by.newBrowser()
		if a.signsIn() != nil || b.signsIn() != nil || !a.alive() || !b.alive() {
			continue
		}
		g := r.fresh(f, a)
		if g == nil {
			continue
		}
		const fresh = "Mq-another-password-91"
		v, asks := g.filled("mq0"), false
		for _, d := range g.fields {
			if d.kind == "password" {
				old := d.auto == "current-password" || oldName(d.name)
				asks = asks || old
				v.Set(d.name, map[bool]string{true: current, false: fresh}[old])
			}
		}
		q := g.request(v).own(r.t)
		a.send(q)
		if tried++; !f.by.opens(u.with(fresh)) {
			continue // the password is still the old one
		}
		changed++
		f.by.remembers(fresh)
		f.accepted = true
		if rt := r.t.route(http.MethodPost, bare(f.action)); !asks && (rt == nil || !strings.Contains(rt.Who, "recent")) {
			r.hit(RuleStale, "POST "+f.pattern, q, f.by, "the password was changed without asking for the old one")
		}
		if b.alive() {
			r.hit(RulePasswordKeeps, "POST "+f.pattern, q, f.by, "another session of the user still opens %s", r.site.proof[f.by.role])
		}
	}
}

func oldName(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "old") || strings.Contains(name, "current")
}

// endless uses a session every ten hours for 40 days of the site's clock.
func (r *run) endless(a *actor) {
	if r.t.tick == nil {
		r.missed("the end of sessions: the site's clock cannot be moved")
		return
	}
	if a.ready() != nil || !a.alive() {
		return
	}
	b := a.fork()
	for range 96 {
		r.t.tick(10 * time.Hour)
		if ans := b.send(get(r.site.proof[a.role]).own(r.t)); ans.status != http.StatusOK {
			return
		}
	}
	r.hit(RuleEndless, "every route", get(r.site.proof[a.role]), a, "a session that was used every ten hours was alive after 40 days")
}
