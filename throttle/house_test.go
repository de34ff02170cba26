package throttle_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/throttle"
)

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

// counting counts transactions of the real engine.
type counting struct {
	db.Engine
	writes, reads atomic.Int32
}

func (c *counting) Write(ctx context.Context, do func(context.Context, *db.Writer) error) error {
	c.writes.Add(1)
	return c.Engine.Write(ctx, do)
}

func (c *counting) Read(ctx context.Context) *db.Reader {
	c.reads.Add(1)
	return c.Engine.Read(ctx)
}

type house struct {
	testing.TB
	dir    string
	engine *counting
	clock  *clock
	events *events
	ctx    context.Context
	l      *throttle.Limiter
}

var testKey = []byte("a key of the test, 32 bytes long")

func open(t testing.TB, dir string) *counting {
	t.Helper()
	e := &counting{Engine: sqlite.Engine("site.db")}
	if err := e.Open(context.Background(), dir, throttle.Schema()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	if _, err := e.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return e
}

func newHouse(t testing.TB, change ...func(*throttle.Config)) *house {
	t.Helper()
	h := &house{TB: t, dir: t.TempDir(), clock: newClock(), events: &events{}}
	h.ctx = event.With(context.Background(), h.events)
	h.engine = open(t, h.dir)
	h.l = h.limiter(change...)
	return h
}

func (h *house) limiter(change ...func(*throttle.Config)) *throttle.Limiter {
	c := throttle.Config{Store: throttle.NewStore(h.engine), Key: testKey, Clock: h.clock.Now}
	for _, f := range change {
		f(&c)
	}
	l, err := throttle.New(c)
	if err != nil {
		h.Fatal(err)
	}
	return l
}

// try makes one attempt and reports whether it passed.
func (h *house) try(success bool, buckets ...throttle.Bucket) bool {
	h.Helper()
	p, err := h.l.Reserve(h.ctx, buckets...)
	var limited *throttle.Limited
	if errors.As(err, &limited) {
		return false
	}
	if err != nil {
		h.Fatal(err)
	}
	if err := p.Spend(p.Purpose()); err != nil {
		h.Fatal(err)
	}
	if err := p.Settle(h.ctx, success); err != nil {
		h.Fatal(err)
	}
	return true
}

func (h *house) fails(n int, buckets ...throttle.Bucket) (passed int) {
	h.Helper()
	for range n {
		if h.try(false, buckets...) {
			passed++
		}
	}
	return passed
}

var (
	near  = netip.MustParseAddr("192.0.2.1")
	other = netip.MustParseAddr("198.51.100.7")
)
