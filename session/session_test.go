package session_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/session/sessiontest"
	"github.com/merlon-web/merlon/sqlite"
)

// A clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// counting is the real store, counting what it is asked.
type counting struct {
	session.Store
	mu   sync.Mutex
	gets int
}

func (c *counting) Get(q db.Querier, key session.Digest) (session.Row, error) {
	c.mu.Lock()
	c.gets++
	c.mu.Unlock()
	return c.Store.Get(q, key)
}

func (c *counting) lookups() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.gets
	c.gets = 0
	return n
}

// events collects what is recorded.
type events struct {
	mu  sync.Mutex
	all []event.Event
}

func (e *events) Record(_ context.Context, ev event.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

func (e *events) count(rule check.Rule) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, ev := range e.all {
		if ev.ID == rule.ID {
			n++
		}
	}
	return n
}

// A house is a site's sessions on a real database.
type house struct {
	testing.TB
	dir    string
	engine db.Engine
	m      *session.Manager
	store  *counting
	clock  *clock
	events *events
	ctx    context.Context
}

func secret(string) []byte { return []byte("a key of the test, 32 bytes long") }

func newHouse(t testing.TB, change ...func(*session.Config)) *house {
	t.Helper()
	h := &house{TB: t, dir: t.TempDir(), engine: sqlite.Engine("site.db"), store: &counting{Store: session.NewStore()}, clock: newClock(), events: &events{}}
	h.ctx = event.With(context.Background(), h.events)
	if err := h.engine.Open(h.ctx, h.dir, session.Schema()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.engine.Close() })
	if _, err := h.engine.Migrate(h.ctx); err != nil {
		t.Fatal(err)
	}
	c := session.Config{Store: h.store, Clock: h.clock.Now, Secret: secret}
	for _, f := range change {
		f(&c)
	}
	var err error
	if h.m, err = session.New(c); err != nil {
		t.Fatal(err)
	}
	return h
}

// A browser keeps the session cookie, as a browser does.
type browser struct {
	*house
	cookie string
}

func (h *house) browser() *browser { return &browser{house: h} }

func (b *browser) request() *http.Request {
	r := httptest.NewRequest("GET", "https://site.test/", nil)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if b.cookie != "" {
		r.Header.Set("Cookie", b.m.CookieName()+"="+b.cookie)
	}
	return r
}

func (b *browser) load() *session.State {
	b.Helper()
	q := b.engine.Read(b.ctx)
	defer q.Close()
	s, err := b.m.Load(q, b.request())
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// post runs a handler as the walk does.
func (b *browser) post(do func(*session.Writer) error) error {
	b.Helper()
	s := b.load()
	s.SetClient(netip.MustParseAddr("192.0.2.77"))
	return b.postAs(s, do)
}

func (b *browser) postAs(s *session.State, do func(*session.Writer) error) error {
	var set header.Cookie
	var any bool
	err := b.engine.Write(b.ctx, func(_ context.Context, w *db.Writer) error {
		sw, err := b.m.Begin(s, w)
		if err != nil {
			return err
		}
		if err := do(sw); err != nil {
			return err
		}
		if err := sw.Save(); err != nil {
			return err
		}
		set, any = sw.Cookie()
		return nil
	})
	if err == nil && any {
		h := http.Header{}
		if err := header.SetCookie(h, set); err != nil {
			b.Fatal(err)
		}
		c := (&http.Response{Header: h}).Cookies()[0]
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || !strings.HasPrefix(c.Name, "__Host-") {
			b.Errorf("the cookie lacks a protection: %s", h["Set-Cookie"])
		}
		b.cookie = c.Value
		if c.MaxAge < 0 {
			b.cookie = ""
		}
	}
	return err
}

func (b *browser) signIn(user int64) {
	b.Helper()
	if err := b.post(func(w *session.Writer) error { return w.Rotate(session.Level{User: user, Factors: 1}) }); err != nil {
		b.Fatal(err)
	}
}

func (b *browser) signOut() {
	b.Helper()
	if err := b.post(func(w *session.Writer) error { return w.End("sign-out") }); err != nil {
		b.Fatal(err)
	}
}

func (b *browser) copy() *browser { return &browser{b.house, b.cookie} }

func (h *house) write(do func(*db.Writer) error) {
	h.Helper()
	if err := h.engine.Write(h.ctx, func(_ context.Context, w *db.Writer) error { return do(w) }); err != nil {
		h.Fatal(err)
	}
}

func (h *house) rows() int {
	h.Helper()
	q := h.engine.Read(h.ctx)
	defer q.Close()
	n, err := countRows.One(q)
	if err != nil {
		h.Fatal(err)
	}
	return n
}

// The room's own schema is not sealed in this process, so that tests can look into the table.
var (
	damageRow = db.Exec(session.Schema(), "UPDATE merlon_session SET class = 99, factors = -1, data = $2, version = -5 WHERE key = $1")
	countRows = db.Query[int](session.Schema(), "SELECT COUNT(*) FROM merlon_session")
	note      = session.NewKey[string]("test.note")
	number    = session.NewKey[int64]("test.number")
)

func TestStore(t *testing.T) {
	sessiontest.Run(t, func(t *testing.T) (session.Store, db.Engine) {
		h := newHouse(t)
		return session.NewStore(), h.engine
	})
}

func TestDamaged(t *testing.T) {
	data := [][]byte{{0}, {}, []byte("junk")}
	sessiontest.RunDamaged(t, len(data), func(t *testing.T) (session.Store, db.Engine, func(session.Digest, int)) {
		h := newHouse(t)
		return session.NewStore(), h.engine, func(key session.Digest, way int) {
			err := h.engine.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
				_, err := damageRow.Run(w, key[:], data[way])
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestStatementsFitTheTable(t *testing.T) {
	scratch, err := sqlite.Engine("x").Scratch(context.Background(), session.Schema())
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Close()
	if faults := db.Verify(context.Background(), scratch, session.Schema()); faults != nil {
		t.Fatal(faults)
	}
}

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range session.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
		if seen[r.ID] {
			t.Errorf("%s twice", r.ID)
		}
		seen[r.ID] = true
		if n := strings.Count(r.Explain(), "\n"); n > 40 {
			t.Errorf("%s explains itself in %d lines", r.ID, n)
		}
	}
}

func TestConfigIsJudgedWhole(t *testing.T) {
	_, err := session.New(session.Config{
		Name: "Shop!", Secret: func(string) []byte { return []byte("short") }, PerUser: -1, MaxBytes: 5, CacheBytes: 1,
		Single: session.Lifetime{Idle: time.Hour}, Admin: session.Lifetime{Idle: 2 * time.Hour, Absolute: time.Hour},
	})
	var faults check.Faults
	if !errors.As(err, &faults) || len(faults) != 7 {
		t.Fatalf("got %v, want 7 faults", err)
	}
	if _, err := session.New(session.Config{}); err == nil {
		t.Error("the zero Config has no key and must not pass")
	}
	m, err := session.New(session.Config{Name: "shop", Secret: secret})
	if err != nil || m.CookieName() != "__Host-shop-session" {
		t.Errorf("got %v, %v", m, err)
	}
	if got := strings.Join(m.Numbers(), "\n"); !strings.Contains(got, "administrators: ends 15 min after its last use, 8 h after") || !strings.Contains(got, "30 days") {
		t.Errorf("the numbers are not documented: %s", got)
	}
	if report := check.Run(context.Background(), m.Checks()...); len(report.Findings(check.Low)) != 0 {
		t.Errorf("the defaults are found: %v", report)
	}
	long, err := session.New(session.Config{Secret: secret, Admin: session.Lifetime{Idle: time.Hour, Absolute: 24 * time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	if report := check.Run(context.Background(), long.Checks()...); len(report.Findings(check.Low)) != 1 {
		t.Errorf("long lifetimes are not found: %v", report)
	}
}

var _ io.Reader = (*fixed)(nil)

// fixed gives the tokens that a test names, then what follows.
type fixed struct {
	tokens [][]byte
	rest   io.Reader
}

func (f *fixed) Read(b []byte) (int, error) {
	if len(b) == 32 && len(f.tokens) > 0 {
		copy(b, f.tokens[0])
		f.tokens = f.tokens[1:]
		return 32, nil
	}
	return f.rest.Read(b)
}
