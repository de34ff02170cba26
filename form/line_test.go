package form

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// lineOf has one slot, which is taken.
func lineOf(t *testing.T, places, share int) *line {
	l := newLine(1, places, share, 20*time.Second)
	if r := l.enter(t.Context(), "first"); r != nil {
		t.Fatal(r)
	}
	return l
}

// TestLineTakesTurns: networks take turns, whoever has many waiting; no slot is lost.
func TestLineTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lineOf(t, 10, 4)
		order := make(chan string, 10)
		for _, network := range []string{"a", "a", "a", "b", "c"} {
			go func() {
				if r := l.enter(t.Context(), network); r != nil {
					t.Error(r)
				}
				order <- network
			}()
			synctest.Wait()
		}
		got := ""
		for range 5 {
			l.leave()
			got += <-order
		}
		if l.leave(); got != "abcaa" || l.free != 1 || l.waiting != 0 || len(l.turns) != 0 {
			t.Errorf("the order was %s; %d slots are free, %d wait", got, l.free, l.waiting)
		}
	})
}

// TestLineIsBounded: one network has its share, a full line drops the last of the longest, nobody waits for ever, and who
// has gone stands in nobody's way.
func TestLineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lineOf(t, 5, 4)
		got := map[string]chan *Refusal{}
		enter := func(ctx context.Context, name, network string) {
			c := make(chan *Refusal, 1)
			got[name] = c
			go func() { c <- l.enter(ctx, network) }()
			synctest.Wait()
		}
		status := func(name string) int {
			select {
			case r := <-got[name]:
				if r == nil {
					return 200
				}
				if r.Rule.ID != RulePictures.ID {
					t.Errorf("%s: %v", name, r)
				}
				return r.Status
			default:
				return 0
			}
		}
		is := func(name string, want int) {
			t.Helper()
			if got := status(name); got != want {
				t.Errorf("%s: %d, want %d", name, got, want)
			}
		}
		gone, leave := context.WithCancel(t.Context())
		enter(gone, "a1", "a")
		for _, name := range []string{"a2", "a3", "a4", "a5"} {
			enter(t.Context(), name, "a")
		}
		is("a4", 0)
		is("a5", 429)
		enter(t.Context(), "b1", "b")
		is("b1", 0)
		enter(t.Context(), "c1", "c") // the line is full
		is("a4", 503)
		leave()
		synctest.Wait()
		is("a1", 503)
		enter(gone, "a0", "a")
		is("a0", 503)
		l.leave()
		synctest.Wait()
		is("a2", 200)
		time.Sleep(21 * time.Second)
		synctest.Wait()
		for _, name := range []string{"a3", "b1", "c1"} {
			is(name, 503)
		}
		if l.leave(); l.free != 1 || l.waiting != 0 {
			t.Errorf("%d slots are free, %d wait", l.free, l.waiting)
		}
	})
}
