package attack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Profile is what the attacker is told of a site that is not Merlon's. All of it may be left out; what is not told is not
// looked at, and the report says so: a site that keeps no log, or has no back ends, says so by a function that returns "".
//
// The functions are called by one goroutine, one at a time, and while the handler may be serving: what it shares with them needs a lock
// of its own. The handler itself is called by several at one moment.
type Profile struct {
	// Origin is the site's address; "": "https://site.test". Nothing is sent there.
	Origin string
	// Starts are paths from which the crawl begins, beside "/".
	Starts []string
	// SignIn is the path of the page with the sign-in form. "": the first that an anonymous visitor sees with one password.
	SignIn string
	// Users are made-up users that can be spent. Two of one role let what is one's be tried by the other. No role is "anonymous",
	// which is nobody's. One who does not get in ends the attack with an error.
	Users []User
	// State returns all data as text: rows, files. It is how a write is seen; without it, pages are compared.
	State func() string
	// Log, Mail and Sent return all that was logged, mailed, and sent to back ends (statements, commands, filters), one a line.
	Log, Mail, Sent func() string
	// Advance moves the site's clock on.
	Advance func(time.Duration)
	// Noticed returns how many refusals and failed attempts the site has recorded so far: lines of its security log.
	Noticed func() int
	// Disable shuts a user out, and lets them in again.
	Disable func(u User, out bool)
	// Keep notes how all data is now, and returns what puts it back, as often as it is called. With it, what one attack has spoiled (a user blocked, a page
	// deleted) does not hide what the next would find.
	Keep func() (back func())
	// Calls are requests that no page shows: those of scripts and of apps, as they are when all is well.
	Calls []Call
	// Backups are how copies of the data are made and restored.
	Backups *Backups
}

// A Call is a request of a script or an app of the site's own. It is sent as everybody, and with other values.
type Call struct {
	Method, Path string
	JSON         string // the body, an object; "": none
	// Of is whose it is, where nobody else of the role may send it: what they type as name or address at the sign-in. "": not told,
	// and not tried. What it writes is seen in Profile.State.
	Of string
}

// A User is a made-up user of a [Profile].
type User struct {
	Role   string            // "user" if empty
	Fields map[string]string // what is typed into the sign-in form, by field name
	Second map[string]string // what is typed into the form of the second step; nil: there is none
	// Next is for codes that are good once: in the place of Second, and another one at each call.
	Next func() map[string]string

	secret string // the field of the password, as the sign-in form says it
}

// Probe attacks any handler, in this process. It is an error if the handler is nil or fails at each page, and if one of the users does
// not get in.
func Probe(ctx context.Context, h http.Handler, p Profile, o Options) (*Report, error) {
	if h == nil {
		return nil, errNoHandler
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	if p.Origin == "" {
		p.Origin = siteOrigin
	}
	origin, err := url.Parse(p.Origin)
	if err != nil || origin.Host == "" {
		return nil, fmt.Errorf("attack: Profile.Origin %q is no origin: write scheme and host", p.Origin)
	}
	sweep()
	t := &target{name: p.Origin, data: "those of the handler", origin: origin, handler: h, signIn: p.SignIn, starts: slices.Clone(p.Starts), said: map[string]func() string{}, tick: p.Advance}
	t.told(p)
	people, err := chosen(p.people(), o.As)
	if err != nil {
		return nil, err
	}
	return attack(ctx, t, people, o)
}

func (p Profile) people() []*actor {
	all := []*actor{{role: "anonymous", cookies: map[string]string{}}}
	twins := map[string]int{}
	for _, u := range p.Users {
		if u.Role == "" {
			u.Role = "user"
		}
		all = append(all, &actor{role: u.Role, twin: twins[u.Role], user: u, cookies: map[string]string{}})
		twins[u.Role]++
	}
	// Who may the least comes first: a form is tried as the first who sees it.
	slices.SortStableFunc(all, func(a, b *actor) int { return cmp.Compare(rank(a.role), rank(b.role)) })
	return all
}

func (t *target) told(p Profile) {
	if p.State != nil {
		t.state = func() (string, bool) { return p.State(), true }
		t.rest = func(_ context.Context, secret string) (string, error) {
			if strings.Contains(p.State(), secret) {
				return "the data", nil
			}
			return "", nil
		}
	}
	t.noticed = p.Noticed
	if p.Disable != nil {
		t.disable = func(a *actor) (func(), error) {
			u, ok := a.user.(User)
			if !ok {
				return nil, errors.New("attack: this user is none of the profile's")
			}
			p.Disable(u, true)
			return func() { p.Disable(u, false) }, nil
		}
	}
	for name, f := range map[string]func() string{"log": p.Log, "mail": p.Mail, "sent": p.Sent} {
		if f != nil {
			t.said[name] = f
		}
	}
	t.keep, t.calls = p.Keep, p.Calls
	if p.Backups != nil {
		t.backups = func(context.Context) (*Backups, string) { return p.Backups, "" }
	}
	for _, c := range p.Calls {
		if c.Method == http.MethodGet {
			t.starts = append(t.starts, c.Path)
		}
	}
	t.renew = func(a *actor) error { return signIn(a, true) }
}

// signIn signs a user of a profile in through the site's own form.
func signIn(a *actor, whole bool) error {
	u, ok := a.user.(User)
	if !ok {
		return errors.New("attack: this user has no fields for the sign-in form")
	}
	clear(a.cookies)
	return a.enter(u, whole)
}

// enter fills in the sign-in form with the cookies that the browser has.
func (a *actor) enter(u User, whole bool) error {
	f, err := a.signInForm()
	if err != nil {
		return err
	}
	ans := a.submit(f, u.Fields)
	if ans.status >= 400 {
		return fmt.Errorf("attack: the sign-in as %s answered %d", a.name(), ans.status)
	}
	if u.Second == nil && u.Next == nil || !whole {
		return nil
	}
	if u.Next != nil {
		u.Second = u.Next()
	}
	if to, ok := a.run.t.local(ans.location(), ans.path); ok && ans.redirects() {
		ans = a.visit(to)
	}
	for _, f := range ans.dom(a.run.t).forms {
		for name := range u.Second {
			if f.hasField(name) {
				a.submit(f, u.Second)
				return nil
			}
		}
	}
	return errors.New("attack: the second step has no form with the fields of User.Second")
}

func (a *actor) signInForm() (*form, error) {
	path := a.run.t.signIn
	if path == "" {
		return nil, errors.New("attack: no sign-in form is known: name it in Profile.SignIn")
	}
	ans := a.visit(path)
	for _, f := range ans.dom(a.run.t).forms {
		if f.passwords() == 1 && f.method == http.MethodPost {
			a.run.t.secret = f.secret()
			return f, nil
		}
	}
	return nil, fmt.Errorf("attack: %s has no form with one password", path)
}

// secret is the name of the first field that hides what is typed, "" if there is none.
func (f *form) secret() string {
	for _, d := range f.fields {
		if d.kind == "password" {
			return d.name
		}
	}
	return ""
}

func (f *form) hasField(name string) bool {
	for _, d := range f.fields {
		if d.name == name {
			return true
		}
	}
	return false
}

// submit sends a form as a browser would, with these values in place of what it holds.
func (a *actor) submit(f *form, values map[string]string) *answer {
	v := f.filled("mq0x")
	f.untick(v, values)
	for name, value := range values {
		v.Set(name, value)
	}
	return a.loads(post(f.action, v).own(a.run.t))
}

// ErrNotLoopback refuses an address that is not of this machine.
var ErrNotLoopback = errors.New("attack: only loopback addresses are attacked: what is tried ends sessions and writes data, and an address elsewhere may not be yours; run attack where the site is, or attack its own program")

// URL attacks a site at a loopback address. The people of the profile sign in over it; what is in the process is not seen.
// The error is [ErrNotLoopback] for any other address.
func URL(ctx context.Context, address string, p Profile, o Options) (*Report, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("attack: %q is no address: write http://127.0.0.1:8080", address)
	}
	if !loopback(u.Hostname()) {
		return nil, ErrNotLoopback
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	host := "127.0.0.1"
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		host = ip.String()
	}
	addr := net.JoinHostPort(host, port)
	if err := p.validate(); err != nil {
		return nil, err
	}
	if c, err := net.DialTimeout("tcp", addr, 3*time.Second); err != nil {
		return nil, fmt.Errorf("attack: nothing answers at %s: %w", addr, err)
	} else {
		_ = c.Close()
	}
	sweep()
	tr := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, addr) // whatever a redirect names
	}}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, Timeout: 15 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t := &target{name: address, data: "those of the site at " + address + ", of which there is no copy", origin: &url.URL{Scheme: u.Scheme, Host: u.Host}, send: client.Do, signIn: p.SignIn, starts: append(slices.Clone(p.Starts), u.RequestURI()), said: map[string]func() string{}, tick: p.Advance}
	t.told(p)
	if u.Scheme == "http" {
		t.serve = func() (string, func(), error) { return addr, func() {}, nil }
	}
	people, err := chosen(p.people(), o.As)
	if err != nil {
		return nil, err
	}
	return attack(ctx, t, people, o)
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
