package attack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/event"
)

// siteOrigin is the address that an attacked site is given: https, as in the world. Nothing is ever sent there.
const siteOrigin = "https://site.test"

// ErrShared says that a site's data is on a server: of the folder there would be a copy, and the rows would be the live ones.
var ErrShared = errors.New("attack: the site's data is on a database server, of which no copy is made, so that the live rows would be attacked: open the site on SQLite for it, or on a server that holds nothing else and ask attack.URL")

// Site attacks a site on a copy of its data, in this process. The copy is gone when it returns, also when ctx ends;
// of a process that was killed the next attack takes it away, also one of [Test], [Probe] or [URL].
//
// The error is a [WishError] when the options name what the site does not have, wraps [db.ErrLocked] when another process has the
// data, or [ErrNoRoom], is [ErrShared] when the data is on a server, and is that of ctx when it has ended; the report of what was seen
// until then comes with it.
func Site(ctx context.Context, open func(merlon.Env) (*merlon.Site, error), o Options) (_ *Report, err error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	sweep()
	place, err := newScratch()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, place.remove()) }()
	before, links := "", []string(nil)
	if o.Data != "" {
		if o.Data, err = filepath.EvalSymlinks(o.Data); err == nil {
			o.Data, err = filepath.Abs(o.Data)
		}
		if err != nil {
			return nil, fmt.Errorf("attack: the data folder cannot be read: %w", err)
		}
		if before, links, err = copyData(ctx, open, o.Data, place.dir); err != nil {
			return nil, err
		}
	}
	s := &inside{dir: place.dir, open: open}
	defer func() { err = errors.Join(err, s.dropPlace()) }()
	if err := s.start(ctx, open, o.Data == ""); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop(context.WithoutCancel(ctx))) }()
	people, err := s.people(ctx)
	if err != nil {
		return nil, err
	}
	if people, err = chosen(people, o.As); err != nil {
		return nil, err
	}
	t := s.target()
	t.data = s.demo()
	if o.Data != "" {
		t.data = "a copy of " + o.Data
	}
	t.approaches = s.approaches(people)
	for _, name := range links {
		t.absent = append(t.absent, fmt.Sprintf("the data: %s is a symbolic link, and the copy is without it", name))
	}
	if err := errors.Join(t.has(o.Routes), t.takes(o)); err != nil {
		return nil, err
	}
	report, err := attack(ctx, t, people, o)
	if report != nil && o.Data != "" {
		after, hashed := hashData(context.WithoutCancel(ctx), o.Data)
		report.Unchanged = after == before
		err = errors.Join(err, hashed)
	}
	return report, err
}

// inside is a site that is attacked in its own process.
type inside struct {
	dir    string
	open   func(merlon.Env) (*merlon.Site, error)
	place  *scratch // where the copies of the class backup lie, nil before it
	site   *merlon.Site
	log    *lines
	offset atomic.Int64
	pool   []merlon.ProbeUser
	unhook func() // gives package log back
	once   sync.Once
	file   string
	known  map[string]fileSum
	events refusals
}

// refusals counts what the site has recorded of attempts that it refused, or that failed. It is safe for concurrent use.
type refusals struct{ n atomic.Int64 }

// Answered implements [merlon.Watcher].
func (*refusals) Answered(merlon.Answered) {}

// Happened implements [merlon.Watcher].
func (c *refusals) Happened(e event.Event) {
	if e.Outcome != event.Done {
		c.n.Add(1)
	}
}

func (s *inside) start(ctx context.Context, open func(merlon.Env) (*merlon.Site, error), fresh bool) error {
	s.log = &lines{}
	site, err := open(merlon.Env{Data: s.dir, Mode: merlon.Drill, NoJobs: true, Settings: merlon.Settings{Origin: siteOrigin},
		Watch: &s.events, Clock: func() time.Time { return time.Now().Add(time.Duration(s.offset.Load())) }, Log: event.NewLog(s.log, false, slog.LevelInfo)})
	if err != nil {
		return err
	}
	if site.Shared() {
		return ErrShared
	}
	if err := site.Start(ctx); err != nil {
		return err
	}
	s.site = site
	s.unhook = theLog.listen(s.log) // handlers that are not Merlon's log there
	if !fresh {
		return nil
	}
	for _, p := range site.Parts() {
		if p.Demo != nil {
			if _, err := p.Demo(ctx, site.House()); err != nil {
				return errors.Join(fmt.Errorf("attack: part %s has no demo data: %w", p.Name, err), s.stop(ctx))
			}
		}
	}
	return nil
}

// demo says what a site has that is not given the data of another.
func (s *inside) demo() string {
	if s.site.HasDemo() {
		return "demo data"
	}
	return "those of a new site: none of its parts has demo data"
}

func (s *inside) stop(ctx context.Context) error {
	s.unhook()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return s.site.Close(ctx)
}

// people are nobody, and two users of each role that the parts can make.
func (s *inside) people(ctx context.Context) ([]*actor, error) {
	all := []*actor{{role: "anonymous", cookies: map[string]string{}}}
	for twin := range 2 {
		users, err := s.users(ctx)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			if twin == 1 && u.Role != "" {
				s.pool = append(s.pool, u)
				continue
			}
			all = append(all, actorOf(u, twin))
		}
	}
	return all, nil
}

func (s *inside) users(ctx context.Context) (all []merlon.ProbeUser, err error) {
	for _, p := range s.site.House().Probes() {
		users, err := p.Users(ctx, s.site.House())
		if err != nil {
			return nil, fmt.Errorf("attack: no users could be made: %w", err)
		}
		all = append(all, users...)
	}
	return all, nil
}

func actorOf(u merlon.ProbeUser, twin int) *actor {
	role := u.Role
	if role == "" {
		role = "user"
	}
	a := &actor{role: role, twin: twin, user: u, cookies: map[string]string{}}
	a.wears(u)
	return a
}

func (a *actor) wears(u merlon.ProbeUser) {
	clear(a.cookies)
	if name, value, ok := strings.Cut(u.Cookie, "="); ok {
		a.cookies[name] = value
	}
	a.user = u
}

// enters signs a user in through the pages, so that every factor is shown; the session that the user was made with is kept
// where that does not work.
func (a *actor) enters(u merlon.ProbeUser) {
	a.wears(u)
	b := &actor{run: a.run, role: a.role, user: u, cookies: map[string]string{}}
	if b.signsIn() == nil && b.alive() && len(b.cookies) > 0 {
		a.cookies, a.strict, a.run.entered = b.cookies, b.strict, true
	}
}

// renew gives the actor another user of the same role: the one from before was spent.
func (s *inside) renew(a *actor) error {
	role := a.role
	if role == "user" {
		role = ""
	}
	for range 2 {
		for i, u := range s.pool {
			if u.Role == role {
				s.pool = append(s.pool[:i], s.pool[i+1:]...)
				a.wears(u)
				return nil
			}
		}
		more, err := s.users(a.run.ctx)
		if err != nil {
			return err
		}
		s.pool = append(s.pool, more...)
	}
	return fmt.Errorf("attack: the parts make no user of the role %s", a.role)
}

// tick moves the site's clock on. Who was made before may be signed out by then.
func (s *inside) tick(d time.Duration) {
	s.offset.Add(int64(d))
	s.pool = nil
}

// disable shuts a user out while they are signed in. The user is spent then.
func (s *inside) disable(a *actor) (back func(), err error) {
	u, ok := a.user.(merlon.ProbeUser)
	for _, p := range s.site.House().Probes() {
		if ok && p.Disable != nil {
			return func() {}, p.Disable(a.run.ctx, s.site.House(), u)
		}
	}
	return nil, errors.New("attack: no part can disable a user")
}

func (s *inside) target() *target {
	origin, _ := url.Parse(siteOrigin)
	signIn := ""
	for _, p := range s.site.Parts() {
		if p.SignIn != "" && signIn == "" {
			signIn = string(p.SignIn)
		}
	}
	return &target{name: s.site.Name(), origin: origin, handler: s.site, routes: s.site.Routes(), merlon: true, signIn: signIn,
		state: s.files, rows: s.rows(), rest: s.lies, said: map[string]func() string{"log": s.log.String}, renew: s.renew,
		noticed: func() int { return int(s.events.n.Load()) }, disable: s.disable, backups: s.backups,
		tick: s.tick, serve: s.serve}
}

// backups has the site's part for backups make its copies at a place of the attacker's own.
func (s *inside) backups(ctx context.Context) (*Backups, string) {
	for _, p := range s.site.Parts() {
		if p.TryCopies == nil {
			continue
		}
		var err error
		if s.place, err = newScratch(); err != nil {
			return nil, err.Error()
		}
		trial, err := p.TryCopies(ctx, s.site.House(), s.place.dir, func(data string, mode merlon.Mode) (*merlon.Site, error) {
			return s.open(merlon.Env{Data: data, Mode: mode, NoJobs: true, Settings: merlon.Settings{Origin: siteOrigin}, Log: slog.New(slog.DiscardHandler)})
		})
		if err != nil {
			return nil, err.Error()
		}
		return &Backups{Make: trial.Make, Data: s.dir, Place: s.place.dir, Key: trial.Key, Spare: trial.Spare, Apart: true,
			Restore: trial.Restore}, ""
	}
	return nil, "the site has no part that makes them"
}

// dropPlace removes the copies.
func (s *inside) dropPlace() error {
	if s.place == nil {
		return nil
	}
	return s.place.remove()
}

// serve has the site answer over loopback.
func (s *inside) serve() (string, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.site.Serve(ctx, l) }()
	return l.Addr().String(), func() { stop(); <-done }, nil
}

// chosen are the people who attack: nobody is always there, as the measure of what is open.
func chosen(all []*actor, as []string) (some []*actor, err error) {
	for _, a := range all {
		if a.anonymous() && a.user != nil {
			return nil, errors.New(`attack: the role of a user is "anonymous", which is the name of who is not signed in: nothing of theirs would be tried: give it another`)
		}
	}
	if len(as) == 0 {
		return all, nil
	}
	for _, want := range as {
		if !slices.ContainsFunc(all, func(a *actor) bool { return a.role == want }) {
			var there []string
			for _, a := range all {
				if !slices.Contains(there, a.role) {
					there = append(there, a.role)
				}
			}
			return nil, unknown("attack: nobody of the site's is %q, so that nothing would be tried: %s", want, nearest(want, there, "name some of "+strings.Join(there, ", ")))
		}
	}
	for _, a := range all {
		if a.anonymous() {
			some = append(some, a)
			continue
		}
		for _, want := range as {
			if a.role == want {
				some = append(some, a)
				break
			}
		}
	}
	return some, nil
}
