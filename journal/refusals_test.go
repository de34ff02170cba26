package journal_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/sqlite"
)

func refusal(route, client string) event.Event {
	e := event.New(rule, event.Refused)
	e.Method, e.Route = "POST", route
	if client != "" {
		e.Client = netip.MustParseAddr(client)
	}
	return e
}

func (s *site) flush(c *journal.Refusals) int {
	s.t.Helper()
	n, err := c.Flush(context.Background(), s.engine)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func sum(list []journal.Refused) (n int64) {
	for _, r := range list {
		n += r.Count
	}
	return n
}

func TestEqualRefusalsAreOneRowAMinute(t *testing.T) {
	s := open(t)
	c := journal.NewRefusals(s.now)
	for _, client := range []string{"192.0.2.1", "192.0.2.200", "::ffff:192.0.2.9", "198.51.100.1", "2001:db8:1::1", "2001:db8:1:ffff::1", ""} {
		c.Add(refusal("/notes", client))
		s.pass(time.Second)
	}
	c.Add(refusal("/other", "192.0.2.1"))
	if n := s.flush(c); n != 5 {
		t.Errorf("%d rows, want 5", n)
	}
	if n := s.flush(c); n != 0 {
		t.Errorf("%d rows for nothing new", n)
	}
	c.Add(refusal("/notes", "192.0.2.7")) // the same minute again
	s.flush(c)
	list := s.refused(journal.Filter{})
	if len(list) != 5 || sum(list) != 9 {
		t.Fatalf("%d rows with %d refusals, want 5 with 9", len(list), sum(list))
	}
	top := list[0]
	if top.Count != 4 || top.Network != "192.0.2.0/24" || top.Route != "POST /notes" || top.ID != rule.ID || top.Property != "integrity" ||
		!top.Minute.Equal(start) || !top.First.Equal(start) || !top.Last.Equal(start.Add(7*time.Second)) {
		t.Errorf("the most frequent: %+v", top)
	}
	networks := map[string]int64{}
	for _, r := range list {
		networks[r.Network] += r.Count
	}
	if networks["2001:db8:1::/48"] != 2 || networks[""] != 1 {
		t.Errorf("networks %v", networks)
	}
	s.pass(time.Minute)
	c.Add(refusal("/notes", "192.0.2.1"))
	s.flush(c)
	if list := s.refused(journal.Filter{Since: start.Add(time.Minute)}); len(list) != 1 || list[0].Count != 1 {
		t.Errorf("the next minute: %+v", list)
	}
	if list := s.refused(journal.Filter{ID: "MRL-TEST-009"}); len(list) != 0 {
		t.Errorf("another id: %+v", list)
	}
}

func TestAFloodOfRefusalsIsNoFloodOfWrites(t *testing.T) {
	s := open(t)
	c := journal.NewRefusals(s.now)
	const n = 100_000
	rows := 0
	for i := range n {
		e := event.New(rule, event.Refused)
		e.Client = netip.AddrFrom4([4]byte{byte(i >> 9), byte(i >> 1), byte(i), 1}) // thousands of networks
		e.Method = fmt.Sprint("METHOD", i)                                          // before routing: the visitor's own invention
		c.Add(e)
		if i%1000 == 999 { // a flush a second or so
			rows += s.flush(c)
		}
	}
	rows += s.flush(c)
	list := s.refused(journal.Filter{Limit: 500})
	if got := s.refused(journal.Filter{Limit: 500}); len(got) != 500 {
		t.Errorf("%d rows listed", len(got))
	}
	if list[0].Network != journal.Other || list[0].Route != journal.Other {
		t.Errorf("the overflow row is not the largest: %+v", list[0])
	}
	var kept, count int64
	r := s.engine.Read(t.Context())
	defer r.Close()
	for _, one := range countRefusals(t, r) {
		kept, count = one.Rows, one.Total
	}
	if kept > 513 || count != n || c.Lost() != 0 {
		t.Errorf("%d refusals became %d rows that count %d, %d lost; want at most 513 rows that count all", n, kept, count, c.Lost())
	}
	if rows > 2000 {
		t.Errorf("they took %d row writes", rows)
	}
}

func TestEvenIDsAreBounded(t *testing.T) {
	s := open(t)
	c := journal.NewRefusals(s.now)
	for i := range 5000 {
		c.Add(event.New(check.Rule{ID: fmt.Sprint("X", i), Property: check.Integrity}, event.Refused))
	}
	if n := s.flush(c); n > 768 || c.Lost() == 0 {
		t.Errorf("%d rows, %d lost", n, c.Lost())
	}
}

func TestCountsSurviveAFailedFlush(t *testing.T) {
	s := open(t)
	c := journal.NewRefusals(s.now)
	c.Add(refusal("/notes", "192.0.2.1"))
	closed := sqlite.Engine("closed.db")
	if _, err := c.Flush(t.Context(), closed); err == nil {
		t.Fatal("flushed into an engine that is not open")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Flush(ctx, s.engine); !errors.Is(err, context.Canceled) {
		t.Fatalf("flushed with a dead context: %v", err)
	}
	// A database that is gone for long fills no memory.
	for range 100 {
		s.pass(time.Minute)
		for i := range 600 {
			c.Add(refusal("/notes", fmt.Sprintf("10.%d.%d.1", i/250, i%250)))
		}
	}
	c.Flush(t.Context(), closed)
	if c.Lost() == 0 {
		t.Error("an hour and a half of refusals waits in memory")
	}
	s.flush(c)
	if list := s.refused(journal.Filter{Until: start.Add(time.Minute)}); len(list) != 1 || list[0].Count != 1 {
		t.Errorf("the first refusal was lost: %+v", list)
	}
}

func TestRefusalsConcurrently(t *testing.T) {
	s := open(t)
	c := journal.NewRefusals(s.now)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				c.Add(refusal("/notes", fmt.Sprintf("192.0.%d.1", i%3)))
				if i%100 == 0 {
					s.flush(c)
					if g == 0 {
						s.pass(20 * time.Second)
					}
				}
			}
		})
	}
	all.Wait()
	s.flush(c)
	if got := sum(s.refused(journal.Filter{Limit: 500})); got != 8*500 {
		t.Errorf("%d counted, want %d", got, 8*500)
	}
}

func TestAddDoesNotAllocateForAKnownRefusal(t *testing.T) {
	c := journal.NewRefusals(func() time.Time { return start })
	e := refusal("/notes", "192.0.2.1")
	c.Add(e)
	if n := testing.AllocsPerRun(100, func() { c.Add(e) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRefusalsAdd(b *testing.B) {
	c := journal.NewRefusals(func() time.Time { return start })
	e := refusal("/notes", "192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		c.Add(e)
	}
}
