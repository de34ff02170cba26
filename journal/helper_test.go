package journal_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/sqlite"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var rule = check.Rule{ID: "MRL-TEST-001", Property: check.Integrity, Title: "something happened"}

// site is a journal over a real database with a clock of the test's own.
type site struct {
	t      testing.TB
	engine db.Engine
	dir    string
	mu     sync.Mutex
	time   time.Time
}

func open(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, engine: sqlite.Engine("site.db"), dir: t.TempDir(), time: start}
	if err := s.engine.Open(context.Background(), s.dir, journal.Schema(), tamper); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.engine.Close() })
	if _, err := s.engine.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.time
}

func (s *site) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.time = s.time.Add(d)
}

func (s *site) write(do func(w *db.Writer) error) error {
	return s.engine.Write(context.Background(), func(_ context.Context, w *db.Writer) error { return do(w) })
}

func (s *site) must(do func(w *db.Writer) error) {
	s.t.Helper()
	if err := s.write(do); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) append(events ...event.Event) {
	s.t.Helper()
	s.must(func(w *db.Writer) error { return journal.Append(w, events...) })
}

func (s *site) chain() int {
	s.t.Helper()
	n, err := journal.Chain(context.Background(), s.engine)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *site) verify(known ...journal.Head) journal.Result {
	s.t.Helper()
	r := s.engine.Read(context.Background())
	defer r.Close()
	res, err := journal.Verify(r, known...)
	if err != nil {
		s.t.Fatal(err)
	}
	return res
}

func (s *site) list(f journal.Filter) []journal.Entry {
	s.t.Helper()
	r := s.engine.Read(context.Background())
	defer r.Close()
	list, err := journal.List(r, f)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func (s *site) refused(f journal.Filter) []journal.Refused {
	s.t.Helper()
	r := s.engine.Read(context.Background())
	defer r.Close()
	list, err := journal.ListRefused(r, f)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// some returns n different events a second apart.
func some(n int) []event.Event {
	all := make([]event.Event, n)
	for i := range all {
		e := event.New(rule, event.Outcome(i%3), slog.Int("n", i))
		e.Time = start.Add(time.Duration(i) * time.Second)
		e.Request, e.Method, e.Route, e.User = fmt.Sprint("r", i), "POST", "/notes/{id}", int64(i)
		e.Client = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
		all[i] = e
	}
	return all
}
