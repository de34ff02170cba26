package attack

import (
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/merlon-web/merlon"
)

// limits uses the site up: tries, bodies, and what answers tell in passing.
func limits(r *run) {
	r.large()
	r.largeFiles()
	r.archives()
	r.halves()
	r.callLimits()
	r.asOwnMachine()
	r.back()
	r.forwarded()
	r.enumerate()
	r.parallel()
	r.guessCode()
	r.guessOld()
	r.guess()
}

// tries are how many passwords are guessed.
const tries = 40

// guess tries passwords from many addresses, then the right one from another: it must not open the account by then.
func (r *run) guess() {
	who := r.victim()
	if who == nil {
		r.missed("guessing passwords: there is no user who signs in through a form")
		return
	}
	nobody := &actor{run: r, role: who.role, user: who.user, cookies: map[string]string{}}
	f, err := nobody.signInForm()
	if err != nil {
		r.missed("guessing passwords: %v", err)
		return
	}
	route := "POST " + r.t.pattern(http.MethodPost, bare(f.action))
	if !r.wants(strings.TrimPrefix(route, "POST ")) {
		return
	}
	known := nobody.fork() // the owner's own browser, which has signed in before
	if known.signsIn() != nil || !known.alive() {
		r.missed("guessing passwords: %s does not get in by the right one, before any was guessed", who.name())
		return
	}
	for i := range tries {
		r.try(who, fmt.Sprintf("198.51.100.%d", i+1), "wrong-password-"+fmt.Sprint(i))
	}
	q, a := r.try(who, "198.51.100.250", "")
	if a != nil && a.alive() {
		r.hit(RuleGuessing, route, q, r.people[0], "after %d wrong passwords from as many addresses the right one opened the account from another", tries)
		return // nobody is locked out
	}
	if r.t.handler == nil {
		r.missed("whether strangers can keep an owner out: over a connection they and the owner have one address, which the site may stop")
		return
	}
	for _, n := range known.sessionNames(known) {
		delete(known.cookies, n) // it has ended meanwhile; what else the browser keeps is still there
	}
	if known.signsIn() != nil || !known.alive() {
		r.hit(RuleLockedOut, route, q, who, "after %d wrong passwords of strangers the owner's own browser cannot sign in", tries)
	}
}

// parallel sends the wrong passwords of two made-up addresses: one by one, to learn after how many the answer is another, and
// all at one moment, when as many must be stopped.
func (r *run) parallel() {
	who := r.victim()
	if r.t.handler == nil || who == nil {
		r.missed("wrong passwords at one moment: there must be a user who signs in, and the site's own process")
		return
	}
	f, err := (&actor{run: r, role: "anonymous", cookies: map[string]string{}}).signInForm()
	if err != nil {
		return
	}
	route := "POST " + r.t.pattern(http.MethodPost, bare(f.action))
	name, _ := mustLogin(who).password()
	request := func(address string, i int) (*actor, *Request) {
		a := &actor{run: r, role: "anonymous", cookies: map[string]string{}}
		g, err := a.signInForm()
		if err != nil {
			return nil, nil
		}
		v := g.filled("mq0x")
		for field := range who.fields() {
			v.Set(field, address)
			if field == name {
				v.Set(field, fmt.Sprintf("wrong-password-%d", i))
			}
		}
		q := g.request(v).own(r.t)
		r.serial++
		q.From = fmt.Sprintf("198.51.%d.%d", 103+r.serial/250%50, 1+r.serial%250)
		return a, q
	}
	passed, first := 0, 0
	for i := range tries {
		a, q := request("mq-one@attack.invalid", i)
		if a == nil {
			return
		}
		ans := a.send(q)
		if i == 0 {
			first = ans.status
		}
		if ans.status != first {
			break
		}
		passed++
	}
	if passed == tries || first == http.StatusTooManyRequests {
		return // no limit is to be seen: guess looks for one by the right password
	}
	var all []*Request
	var cookies []map[string]string
	for i := range tries {
		a, q := request("mq-two@attack.invalid", i)
		if a == nil {
			return
		}
		all, cookies = append(all, q), append(cookies, a.cookies)
	}
	got := make([]int, tries)
	var done sync.WaitGroup
	for i, q := range all {
		done.Go(func() {
			if ans, err := r.t.do(r.ctx, q, cookies[i]); err == nil {
				got[i] = ans.status
			}
		})
	}
	done.Wait()
	r.tried += tries
	r.report.Coverage.Requests += tries
	together := 0
	for _, status := range got {
		if status == first {
			together++
		}
	}
	if together >= 2*passed && together > passed+4 {
		r.hit(RuleParallel, route, all[0], r.people[0], "one by one %d wrong passwords were answered before the limit, at one moment %d of %d", passed, together, tries)
	}
}

// victim is a user without a second factor who signs in by a form; a new one, whom the rest does not need.
func (r *run) victim() *actor {
	for _, a := range r.people {
		if a.anonymous() || r.site.proof[a.role] == "" {
			continue
		}
		switch u := a.user.(type) {
		case User:
			if u.Second == nil {
				return a
			}
		case merlon.ProbeUser:
			if u.Code == "" && r.t.renew(a) == nil {
				return a
			}
		}
	}
	return nil
}

// try signs in from an address, with the right password when none is given. Nil: there is no form for it.
func (r *run) try(who *actor, from, password string) (*Request, *actor) {
	a := &actor{run: r, role: who.role, user: who.user, cookies: map[string]string{}}
	f, err := a.signInForm()
	if err != nil {
		return nil, nil
	}
	v := f.filled("mq0x")
	f.untick(v, nil)
	for name, value := range who.fields() {
		if password != "" && name == f.secret() {
			value = password
		}
		v.Set(name, value)
	}
	q := f.request(v).own(r.t)
	q.From = from
	a.send(q)
	return q, a
}

func (a *actor) fields() map[string]string { return mustLogin(a).Fields }

// enumerate asks the forms that take an address about one that has an account and one that has none.
func (r *run) enumerate() {
	who := r.victim()
	if who == nil {
		r.missed("addresses with an account: there is no user who signs in through a form")
		return
	}
	field, there := mustLogin(who).key()
	if there == "" {
		r.missed("addresses with an account: the user signs in by a password alone")
		return
	}
	for _, f := range r.forms() {
		if !f.by.anonymous() || !f.has("email") && f.passwords() == 0 {
			continue
		}
		r.differs(f, field, there)
	}
}

// differs sends the form for both addresses: status, way, words, statements; time counts only where the two do not overlap.
func (r *run) differs(f *seenForm, field, there string) {
	ask := func(address string) (*answer, *Request) {
		a := r.nobody()
		if f.by.way != nil {
			a, _ = r.another(f)
		}
		if a == nil {
			return nil, nil
		}
		g := r.fresh(f, a)
		if g == nil {
			return nil, nil
		}
		v := a.values(g, "mq0x")
		for _, d := range g.fields {
			if d.kind == "email" || d.name == field || d.isText() && d.kind != "password" && (strings.Contains(strings.ToLower(d.name), "mail") || strings.Contains(strings.ToLower(d.name), "user") || strings.Contains(strings.ToLower(d.name), "name") && f.passwords() == 1) {
				v.Set(d.name, address)
			}
		}
		q := g.request(v).own(r.t)
		r.serial++
		q.From = fmt.Sprintf("198.51.%d.%d", 101+r.serial/250%100, 1+r.serial%250)
		ans := a.send(q)
		return ans, q
	}
	route := "POST " + f.pattern
	var yes, no []time.Duration
	told := 0
	for i := range 6 {
		if i == 3 && !apart(yes, no) {
			return
		}
		nobody := strangerLike(there, fmt.Sprintf("nobody-%d-%d", r.serial, i))
		a, q := ask(there)
		b, _ := ask(nobody)
		if a != nil && b != nil && (a.status == http.StatusTooManyRequests || b.status == http.StatusTooManyRequests) {
			r.missed("addresses with an account: the form of %s was answered 429, too many requests, before it could tell", f.page)
			return
		}
		if a == nil || b == nil {
			return
		}
		yes, no = append(yes, a.took), append(no, b.took)
		these, others := []face{r.face(a, there)}, []face{r.face(b, nobody)}
		if facesDiffer(these, others) { // as two without an account would not
			another := strangerLike(there, fmt.Sprintf("nobody-%d-%d-too", r.serial, i))
			c, _ := ask(there)
			d, _ := ask(another)
			if c == nil || d == nil || c.status == http.StatusTooManyRequests || d.status == http.StatusTooManyRequests {
				return
			}
			if facesDiffer(append(these, r.face(c, there)), append(others, r.face(d, another))) {
				told++
			}
		}
		if told == 2 {
			r.hit(RuleTold, route, q, r.people[0], "an address with an account is answered otherwise than one without (%d and %d)", a.status, b.status)
			return
		}
		if f.passwords() == 1 && i == 5 && apart(yes, no) {
			r.hit(RuleTold, route, q, r.people[0], "an address with an account takes %s, one without %s, each time", slices.Min(yes), slices.Max(no))
		}
	}
}

// strangerLike is what nobody signs in by: an address where users have one, else the name alone.
func strangerLike(there, name string) string {
	if strings.Contains(there, "@") {
		return name + "@attack.invalid"
	}
	return name
}

// face is what an answer says of an address, but for the address.
func (r *run) face(ans *answer, address string) face {
	return face{ans.status, r.t.pattern(http.MethodGet, bare(ans.location())), countOf(instead(ans.body, address, "ADDRESS"))}
}

// instead is a page with another text in the place of one that was sent, as it is and as html/template writes it.
func instead(body, sent, text string) string {
	escaped := html.EscapeString(sent)
	return strings.NewReplacer(sent, text, escaped, text, strings.ReplaceAll(escaped, "+", "&#43;"), text).Replace(body)
}

// apart reports whether all times of one arm are at least five times those of the other, and not by chance small ones.
func apart(yes, no []time.Duration) bool {
	if slices.Min(yes) > slices.Min(no) {
		return slices.Min(yes) > 20*time.Millisecond && slices.Min(yes) > 5*slices.Max(no)
	}
	return slices.Min(no) > 20*time.Millisecond && slices.Min(no) > 5*slices.Max(yes)
}

// tooLarge is a text that no form needs.
const tooLarge = 6 << 20

// large posts a text of megabytes into every form that writes.
func (r *run) large() {
	body := strings.Repeat("A", tooLarge)
	for _, f := range r.forms() {
		if f.base == nil {
			r.baseline(f)
		}
		if f.passwords() > 0 || f.base == nil || !f.accepted {
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
		v := a.values(g, "mq0")
		wide := false
		for _, d := range g.fields {
			if d.kind == "textarea" || d.kind == "text" {
				v.Set(d.name, body)
				wide = true
				break
			}
		}
		if !wide {
			continue
		}
		q := g.request(v).own(r.t)
		before, _ := r.stateNow()
		if ans := a.send(q); r.took(f, f.by, ans, before, body[:64]) {
			r.hit(RuleLarge, "POST "+f.pattern, q, f.by, "a text of %d MB was taken", tooLarge>>20)
		}
	}
}

// forwarded asks whether the site counts by an address that the visitor writes.
func (r *run) forwarded() {
	who := r.victim()
	if who == nil || r.t.handler == nil {
		r.missed("X-Forwarded-For: there must be a user who signs in, and the site's own process, in which an address can be chosen")
		return
	}
	limited := func(dress func(q *Request, i int)) (*Request, bool) {
		var q *Request
		for i := range tries {
			a := &actor{run: r, role: "anonymous", cookies: map[string]string{}}
			f, err := a.signInForm()
			if err != nil {
				return nil, false
			}
			v := f.filled("mq0x")
			for name, value := range who.fields() {
				if name == f.secret() {
					value = "wrong"
				} else {
					value = fmt.Sprintf("nobody%d-%s", i, value)
				}
				v.Set(name, value)
			}
			q = f.request(v).own(r.t)
			q.From = "198.51.100.99"
			dress(q, i)
			if ans := a.send(q); ans.status == http.StatusTooManyRequests {
				return q, true
			}
		}
		return q, false
	}
	if _, stopped := limited(func(*Request, int) {}); !stopped {
		return // nothing is limited by address: there is nothing to get around
	}
	q, stopped := limited(func(q *Request, i int) {
		q.From = "198.51.100.98"
		q.with("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i+1)).with("X-Real-IP", fmt.Sprintf("192.0.2.%d", i+1))
	})
	if q != nil && !stopped {
		r.hit(RuleForwarded, "POST "+r.t.signIn, q, r.people[0], "with another X-Forwarded-For each, %d tries of one address were not stopped; without it they were", tries)
	}
}
