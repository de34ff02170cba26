package attack

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
)

// An actor is somebody with a browser: nobody in particular, or a made-up user.
type actor struct {
	run     *run
	role    string // "anonymous", "user", or a role
	label   string // what tells an anonymous visitor from another
	twin    int    // 0, or more for the further users of a role
	cookies map[string]string
	way     *approach       // how this one comes to the only page that is looked at; nil: by links
	user    any             // what the target's renew needs
	strict  map[string]bool // cookies that browsers do not send with a post of another site
}

func (a *actor) name() string {
	if a.label != "" {
		return a.role + " " + a.label
	}
	switch {
	case a.twin > 1:
		return fmt.Sprintf("%s (another, %d)", a.role, a.twin)
	case a.twin > 0:
		return a.role + " (another)"
	}
	return a.role
}

func (a *actor) anonymous() bool { return a.role == "anonymous" }

// fork is the same browser once more: what happens to its cookies does not reach the first.
func (a *actor) fork() *actor {
	c := *a
	c.cookies = maps.Clone(a.cookies)
	if c.cookies == nil {
		c.cookies = map[string]string{}
	}
	return &c
}

// newBrowser is the same user at another browser, signed in nowhere.
func (a *actor) newBrowser() *actor {
	return &actor{run: a.run, role: a.role, user: a.user, cookies: map[string]string{}}
}

// send makes an attempt: it sends a request with the browser's cookies, and keeps those that it is given. It follows no redirect.
func (a *actor) send(q *Request) *answer {
	ans := a.loads(q)
	if ans.status != 0 {
		a.run.tried++
	}
	a.run.crowded(q, ans)
	return ans
}

// loads sends what an honest visitor would: it is no attempt, and leads to one, or shows what became of it.
func (a *actor) loads(q *Request) *answer {
	r := a.run
	if a.way != nil && q.From == "" {
		q.From = a.way.from
		if rt := r.t.route(q.Method, bare(q.Path)); rt != nil && rt.Who == onThisMachine {
			q.From = "127.0.0.1"
		}
	}
	if r.ctx.Err() != nil {
		panic(errOver)
	}
	r.report.Coverage.Requests++
	ans, err := r.t.do(r.ctx, q, a.cookies)
	if r.ctx.Err() != nil {
		panic(errOver)
	}
	if err != nil || ans.status == 0 {
		return &answer{header: http.Header{}, path: q.Path, silence: r.unanswered(q, err)}
	}
	r.silent = 0
	r.wasCut(q, ans)
	r.panics(q, ans)
	r.answered(q, ans)
	if q.Method == http.MethodGet { // of a form that is filled in honestly it is told that it accepted nothing
		r.crowded(q, ans)
	}
	a.keeps(ans)
	if a.way != nil && q.Method == http.MethodPost && ans.status != http.StatusForbidden {
		a.way.spent = true
	}
	return ans
}

// keeps takes the cookies of an answer into the browser.
func (a *actor) keeps(ans *answer) {
	for _, c := range (&http.Response{Header: ans.header}).Cookies() {
		if c.MaxAge < 0 || c.Value == "" {
			delete(a.cookies, c.Name)
		} else {
			a.cookies[c.Name] = c.Value
			if a.strict == nil {
				a.strict = map[string]bool{}
			}
			a.strict[c.Name] = c.SameSite == http.SameSiteLaxMode || c.SameSite == http.SameSiteStrictMode
		}
	}
}

// login is what the actor's user types, whoever made the user.
func (a *actor) login() (User, bool) {
	switch u := a.user.(type) {
	case User:
		return a.profiled()
	case merlon.ProbeUser:
		return User{Role: u.Role, Fields: map[string]string{"Email": u.Email, "Password": u.Password}, Second: second(u)}, true
	}
	return User{}, false
}

// profiled is the actor's user if it is one of the profile's.
func (a *actor) profiled() (u User, ok bool) {
	u, ok = a.user.(User)
	u.secret = a.run.t.secret
	return u, ok
}

// password is the user's, and the name of the field that it is typed into: the one whose control hides what is typed, or, before
// the sign-in form was seen, the one that is named like it.
func (u User) password() (name, value string) {
	if value, there := u.Fields[u.secret]; there {
		return u.secret, value
	}
	for name, value := range u.Fields {
		if strings.Contains(strings.ToLower(name), "pass") {
			return name, value
		}
	}
	return "", ""
}

// key is what the user is known by at the sign-in, an address or a name, and the field that it is typed into.
func (u User) key() (name, value string) {
	secret, _ := u.password()
	for _, field := range slices.Sorted(maps.Keys(u.Fields)) {
		if field != secret && (value == "" || strings.Contains(u.Fields[field], "@")) {
			name, value = field, u.Fields[field]
		}
	}
	return name, value
}

// email is the user's address, "" if they sign in by something else.
func (u User) email() string {
	for _, value := range u.Fields {
		if strings.Contains(value, "@") {
			return value
		}
	}
	return ""
}

// with is the user with another password.
func (u User) with(password string) User {
	name, _ := u.password()
	u.Fields = maps.Clone(u.Fields)
	u.Fields[name] = password
	return u
}

// remembers gives the actor's user a password that was changed.
func (a *actor) remembers(password string) {
	switch u := a.user.(type) {
	case User:
		a.user = u.with(password)
	case merlon.ProbeUser:
		u.Password = password
		a.user = u
	}
}

// opens reports whether a user gets in with this password, in a browser of their own.
func (a *actor) opens(u User) bool {
	b := &actor{run: a.run, role: a.role, user: u, cookies: map[string]string{}}
	return b.signsIn() == nil && b.alive()
}

// visit loads a page as by a link of the site, following up to five redirects within it.
func (a *actor) visit(path string) *answer {
	var ans *answer
	for range 6 {
		ans = a.loads(get(path).own(a.run.t))
		if !ans.redirects() {
			return ans
		}
		to, ok := a.run.t.local(ans.location(), path)
		if !ok {
			return ans
		}
		path = to
	}
	return ans
}

// dropStrict leaves the cookies that a browser sends with a post of another site.
func (a *actor) dropStrict() {
	for n := range a.cookies {
		if a.strict[n] {
			delete(a.cookies, n)
		}
	}
}

// local resolves an address of a page as browsers do; false: it is not one of this site.
func (t *target) local(address, from string) (string, bool) {
	base, err := url.Parse(t.origin.Scheme + "://" + t.origin.Host + from)
	if err != nil {
		return "", false
	}
	u, err := base.Parse(strings.TrimSpace(address))
	if err != nil || u.Host != t.origin.Host || u.Scheme != t.origin.Scheme {
		return "", false
	}
	return u.RequestURI(), true
}

// refused reports whether an answer keeps somebody out: an error, or the way to sign in.
func (t *target) refused(ans *answer) bool {
	if ans.status >= 400 || ans.status == 0 {
		return true
	}
	if ans.redirects() {
		to, ok := t.local(ans.location(), ans.path)
		// Whoever has chosen a password by a mailed link is led there, to use it; who must sign in first has a way back.
		return ok && t.leadsToSignIn(to) && !(to == t.signIn && ans.wrote > 0)
	}
	return false
}

func (t *target) leadsToSignIn(path string) bool {
	p, _, _ := strings.Cut(path, "?")
	return t.signIn != "" && (p == t.signIn || strings.HasPrefix(p, t.signIn+"/again"))
}

// alive reports whether the actor is still signed in, by a page that nobody gets who is not.
func (a *actor) alive() bool {
	p := a.run.site.proof[a.role]
	if a.anonymous() || p == "" {
		return true
	}
	ans := a.loads(get(p).own(a.run.t))
	return !a.run.t.refused(ans) && !ans.redirects()
}

// returns signs a user in anew whose session has ended, as after a form that gives it another token, so that what is theirs is
// still theirs; false: they are spent.
func (a *actor) returns(u merlon.ProbeUser) bool {
	b := a.newBrowser()
	if b.signsIn() != nil || len(b.cookies) == 0 || !b.alive() {
		return false
	}
	a.wears(u)
	a.cookies, a.strict = b.cookies, b.strict
	return true
}

// ready signs the actor in again if an attack has signed them out. Where that does not work what is tried as them is refused, and says
// nothing, which is told.
func (a *actor) ready() error {
	if a.anonymous() || a.way != nil || a.alive() {
		return nil
	}
	err := a.comesBack()
	switch {
	case err != nil:
		a.run.missed("what is tried as %s: they were signed out, and cannot sign in again: %v", a.name(), err)
	case !a.alive():
		a.run.missed("what is tried as %s: they were signed out, and after the sign-in %s is not shown to them (Profile.Keep would put back what an attack has changed)", a.name(), a.run.site.proof[a.role])
	}
	return err
}

// comesBack signs the actor in again, as somebody new where who they were is spent.
func (a *actor) comesBack() error {
	if a.run.t.renew == nil {
		return errors.New("the target has no way to sign in again")
	}
	if u, made := a.user.(merlon.ProbeUser); made && u.Code == "" && a.returns(u) {
		return nil
	}
	return a.run.t.renew(a)
}
