package attack

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon"
)

// noticed is how much the site has recorded so far, 0 if nobody counts.
func (r *run) noticed() int {
	if r.t.noticed == nil {
		return 0
	}
	return r.t.noticed()
}

// unnoticed tells of an attack that was refused and of which nothing was recorded since: half a pass.
func (r *run) unnoticed(route string, q *Request, by *actor, ans *answer, since int, what string) {
	if r.t.noticed == nil || ans.status < 400 || r.seen[RuleUnnoticed.ID+" "+route] || r.t.noticed() != since {
		return
	}
	if r.rest(ans.took); r.t.noticed() == since { // it may be written behind the answer
		r.hit(RuleUnnoticed, route, q, by, "%s was refused, and nothing was recorded of it", what)
	}
}

// revive signs out while another request of the session is on its way: what that one writes at its end must not bring the
// session back.
func (r *run) revive() {
	if r.t.handler == nil {
		r.missed("sessions that end while a request is on its way: only in the site's own process can one be held there")
		return
	}
	for _, role := range r.roles() {
		out := r.signOutForm(role)
		if out == nil {
			continue
		}
		tried := 0
		for _, f := range r.forms() {
			if f.by.role != role || f == out || f.base == nil || !f.accepted || f.file || f.passwords() > 0 || tried == 2 {
				continue
			}
			tried++
			r.reviveBy(f, out)
		}
	}
}

func (r *run) reviveBy(f, out *seenForm) {
	a, err := r.person(f)
	if err != nil || len(a.cookies) == 0 {
		return
	}
	g := r.fresh(f, a)
	b := a.fork()
	h := r.fresh(out, b)
	if g == nil || h == nil {
		return
	}
	leaves, thief := h.request(b.values(h, "mq0")).own(r.t), a.fork()
	proof := r.site.proof[f.by.role]
	var dead atomic.Bool // written in the handler's goroutine, which may go on after its answer was taken
	q := g.request(a.values(g, r.mark())).own(r.t)
	q.slow = func() {
		// In the handler's goroutine: a site that does one thing at a time would wait for itself.
		ctx, stop := context.WithTimeout(r.ctx, reviveTime)
		defer stop()
		if _, err := r.t.do(ctx, leaves, b.cookies); err != nil {
			return
		}
		ans, err := r.t.do(ctx, get(proof).own(r.t), thief.cookies)
		dead.Store(err == nil && (ans.status >= 400 || ans.redirects()))
	}
	a.send(q)
	if !dead.Load() {
		r.missed("sessions that end while a request is on its way: the sign-out in the midst of POST %s did not end one", f.pattern)
	} else if thief.alive() {
		r.hit(RuleRevivedBy, "POST "+f.pattern, q, f.by, "the session was ended while this form was on its way, and opens %s after it", proof)
	}
}

// reviveTime is how long a sign-out is waited for that happens within another request.
const reviveTime = 3 * time.Second

// roles are those of the people who sign in and of whom it can be told whether they are.
func (r *run) roles() (roles []string) {
	for _, a := range r.people {
		if !a.anonymous() && r.site.proof[a.role] != "" && !slices.Contains(roles, a.role) {
			roles = append(roles, a.role)
		}
	}
	return roles
}

func (r *run) signOutForm(role string) *seenForm {
	for _, f := range r.site.forms {
		if f.by.role == role && (f.ends || signOutLike.MatchString(f.action)) {
			return f
		}
	}
	return nil
}

// spare is somebody of the role whom nothing else needs: of a profile the last twin, of a site's parts a new one.
func (r *run) spare(role string) *actor {
	for i := len(r.people) - 1; i >= 0; i-- {
		if a := r.people[i]; a.role == role {
			if _, made := a.user.(merlon.ProbeUser); made && r.t.renew(a) != nil {
				return nil
			}
			return a
		}
	}
	return nil
}

// shutOut disables a user who is signed in.
func (r *run) shutOut() {
	if r.t.disable == nil {
		r.missed("sessions of a disabled user: nobody here can disable one")
		return
	}
	for _, role := range r.roles()[:min(1, len(r.roles()))] {
		a := r.spare(role)
		if a == nil || a.ready() != nil || !a.alive() {
			continue
		}
		back, err := r.t.disable(a)
		if err != nil {
			r.missed("sessions of a disabled user: %v", err)
			continue
		}
		r.isOut(a, back)
		_ = a.ready()
	}
}

// isOut asks whether a user who was shut out still gets in, and lets them in again, also when the time is over meanwhile.
func (r *run) isOut(a *actor, back func()) {
	defer back()
	u, _ := a.login()
	proof := get(r.site.proof[a.role]).own(r.t)
	if a.alive() {
		r.hit(RuleDisabled, "every route", proof, a, "a user who is disabled still opens %s", proof.Path)
	} else if a.opens(u) {
		r.hit(RuleDisabled, "POST "+r.t.signIn, proof, a, "a user who is disabled can sign in again")
	}
}

// codeTwice types one code of the second step in two browsers.
func (r *run) codeTwice() {
	for _, role := range r.roles() {
		a := r.spare(role)
		if a == nil {
			continue
		}
		u, ok := a.login()
		if _, made := a.user.(merlon.ProbeUser); !ok || !made && u.Next == nil || made && u.Second == nil {
			continue
		}
		if u.Next != nil {
			u.Second, u.Next = u.Next(), nil
		}
		if !a.opens(u) {
			r.missed("a code of the second step twice: it did not let %s in once", a.name())
			continue
		}
		b := &actor{run: r, role: role, user: u, cookies: map[string]string{}}
		if b.signsIn() == nil && b.alive() {
			q := get(r.site.proof[role]).own(r.t)
			r.hit(RuleCodeTwice, "POST "+r.t.signIn, q, a, "the code of one sign-in was good for a second one, in another browser")
		}
		_ = r.t.renew(a)
	}
}

// links uses a mailed link for a new password: twice, and after two days.
func (r *run) links() {
	if len(r.roles()) == 0 {
		return
	}
	a := r.spare(r.roles()[0])
	if a == nil {
		return
	}
	u, ok := a.login()
	link := r.resetLink(a)
	if !ok || link == "" {
		r.missed("links for a new password: none was mailed that could be read")
		return
	}
	const first, second = "Mq-a-new-password-31", "Mq-a-new-password-32"
	if q := r.reset(link, first); q == nil || !a.opens(u.with(first)) {
		r.missed("links for a new password: the one that was mailed led to no new password")
		return
	}
	a.remembers(first)
	if q := r.reset(link, second); q != nil && a.opens(u.with(second)) {
		r.hit(RuleLinkTwice, "POST "+r.t.pattern(http.MethodPost, bare(q.Path)), q, a, "the link that a password was already changed by changed it again")
		a.remembers(second)
	}
	const old = "links for a new password, two days after they were mailed: "
	if r.t.tick == nil {
		r.missed(old + "the site's clock cannot be moved (Profile.Advance)")
		return
	}
	if a = r.spare(a.role); a == nil {
		return
	}
	if u, link = mustLogin(a), r.resetLink(a); link == "" {
		r.missed(old + "no second one was mailed that could be read")
		return
	}
	r.t.tick(49 * time.Hour)
	if q := r.reset(link, second+"0"); q != nil && a.opens(u.with(second+"0")) {
		r.hit(RuleLinkLives, "POST "+r.t.pattern(http.MethodPost, bare(q.Path)), q, a, "a link for a new password worked two days after it was mailed")
		a.remembers(second + "0")
	}
	_ = a.ready()
}

func mustLogin(a *actor) User {
	u, _ := a.login()
	return u
}

var mailedLink = regexp.MustCompile(`https?://[^\s"'<>]+`)

// resetLink asks for a link for a new password, "" if there is no way to it.
func (r *run) resetLink(a *actor) string {
	if u, made := a.user.(merlon.ProbeUser); made {
		return u.Link
	}
	said := r.t.said["mail"]
	u, _ := a.login()
	if said == nil || u.email() == "" {
		return ""
	}
	for _, f := range r.site.forms {
		if !f.by.anonymous() || f.passwords() > 0 || !f.has("email") {
			continue
		}
		nobody := &actor{run: r, role: "anonymous", cookies: map[string]string{}}
		g := r.fresh(f, nobody)
		if g == nil {
			continue
		}
		v := g.filled("mq0x")
		for _, d := range g.fields {
			if d.kind == "email" || strings.Contains(strings.ToLower(d.name), "mail") {
				v.Set(d.name, u.email())
			}
		}
		before := len(said())
		nobody.send(g.request(v).own(r.t))
		all := said()
		if len(all) < before { // the oldest of it was dropped
			before = 0
		}
		for _, l := range mailedLink.FindAllString(all[before:], -1) {
			if at, err := url.Parse(l); err == nil && at.Host == r.t.origin.Host {
				return at.RequestURI()
			}
		}
	}
	return ""
}

// reset opens a mailed link in a browser of its own and types a new password; nil: there was no form for one.
func (r *run) reset(link, password string) *Request {
	r.serial++
	b := &actor{run: r, role: "anonymous", cookies: map[string]string{}}
	ans := b.visit(link)
	for _, g := range ans.dom(r.t).forms {
		if g.passwords() == 0 || g.method == http.MethodGet || r.t.leadsToSignIn(bare(g.action)) {
			continue
		}
		v := g.filled("mq0x")
		for _, d := range g.fields {
			switch {
			case d.kind == "password":
				v.Set(d.name, password)
			case d.value != "" && d.kind != "checkbox" && d.kind != "radio": // what the link brought stands in its field
				v.Set(d.name, d.value)
			}
		}
		q := g.request(v).own(r.t)
		q.From = fmt.Sprintf("198.51.102.%d", 1+r.serial%250)
		b.send(q)
		return q
	}
	return nil
}
