package journal_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/journal"
)

func TestChain(t *testing.T) {
	s := open(t)
	if n := s.chain(); n != 0 {
		t.Errorf("an empty journal: %d linked", n)
	}
	if res := s.verify(); res.Broken != nil || res.Linked != 0 || res.Unlinked != 0 {
		t.Errorf("an empty journal: %+v", res)
	}
	s.append(some(3)...)
	res := s.verify()
	if res.Broken != nil || res.Linked != 0 || res.Unlinked != 3 || res.FirstUnlinked != 1 || !res.OldestUnlinked.Equal(start) {
		t.Errorf("before the chainer: %+v", res)
	}
	if n := s.chain(); n != 3 {
		t.Errorf("%d linked, want 3", n)
	}
	head := s.verify().Head
	s.append(some(600)...) // more than one batch
	if n := s.chain(); n != 600 {
		t.Errorf("%d linked, want 600", n)
	}
	res = s.verify(head)
	if res.Broken != nil || res.Linked != 603 || res.Unlinked != 0 || res.Head.Link != 603 {
		t.Errorf("afterwards: %+v", res)
	}
	if e := s.list(journal.Filter{Limit: 1})[0]; e.Link != 603 || e.Hash != fmt.Sprintf("%x", res.Head.Hash[:]) {
		t.Errorf("the newest entry %+v is not the head %v", e, res.Head)
	}
	again, err := journal.ParseHead(res.Head.String())
	if err != nil || again != res.Head {
		t.Errorf("ParseHead: %v, %v", again, err)
	}
	for _, bad := range []string{"", "x", "1:", "1:ff", "-1:" + strings.Repeat("0", 64), "01:" + strings.Repeat("0", 64), "1:" + strings.Repeat("G", 64), "1:" + strings.Repeat("A", 64)} {
		if _, err := journal.ParseHead(bad); err == nil {
			t.Errorf("ParseHead(%q) took it", bad)
		}
	}
}

// An idle site writes nothing: the chainer would wait here for the one writer otherwise.
func TestChainOpensNoTransactionForNothing(t *testing.T) {
	s := open(t)
	s.append(some(3)...)
	s.chain()
	s.must(func(*db.Writer) error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		n, err := journal.Chain(ctx, s.engine)
		if n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		return nil
	})
	s.append(some(1)...)
	s.engine.Close()
	if n, err := journal.Chain(t.Context(), s.engine); err == nil || n != 0 {
		t.Errorf("a closed database: %d, %v", n, err)
	}
}

func TestTampering(t *testing.T) {
	for name, c := range tamperings {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.append(some(6)...)
			s.chain()
			if res := s.verify(); res.Broken != nil {
				t.Fatalf("the honest chain: %+v", res.Broken)
			}
			s.must(func(w *db.Writer) error {
				done, err := c.do.Run(w)
				if err == nil && done.Rows == 0 {
					t.Error("nothing was tampered with")
				}
				return err
			})
			res := s.verify()
			if res.Broken == nil {
				t.Fatalf("not found: %+v", res)
			}
			if res.Broken.Link != c.first || res.Broken.Why == "" || name == "deleted" && !strings.Contains(res.Broken.Why, "deleted") {
				t.Errorf("broken at link %d (%s), want %d", res.Broken.Link, res.Broken.Why, c.first)
			}
		})
	}
}

func run(w *db.Writer, all ...*db.Statement[db.Affected]) error {
	for _, one := range all {
		if _, err := one.Run(w); err != nil {
			return err
		}
	}
	return nil
}

func TestTheChainerDoesNotBuildOnADamagedHead(t *testing.T) {
	s := open(t)
	s.append(some(2)...)
	s.must(func(w *db.Writer) error { return run(w, damageHead) })
	if n, err := journal.Chain(t.Context(), s.engine); err == nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestReorderedRowsAreFound(t *testing.T) {
	s := open(t)
	s.append(some(6)...)
	s.chain()
	s.must(func(w *db.Writer) error { return run(w, swapAway, swapHere, swapBack) })
	if b := s.verify().Broken; b == nil || b.Link != 3 || b.Seq != 4 {
		t.Errorf("rows 3 and 4 exchanged: %+v", b)
	}
}

func TestTheOldestRowsCannotGoSilently(t *testing.T) {
	s := open(t)
	s.append(some(6)...)
	s.chain()
	s.must(func(w *db.Writer) error { return run(w, moveAnchor, deleteOld) })
	if b := s.verify().Broken; b == nil || b.Link != 2 {
		t.Errorf("oldest rows deleted and the anchor moved: %+v", b)
	}
}

// Who can write every row can rebuild the chain. A head that was noted elsewhere shows it.
func TestARebuiltChainContradictsANotedHead(t *testing.T) {
	s := open(t)
	s.append(some(6)...)
	s.chain()
	noted := s.verify().Head
	s.must(func(w *db.Writer) error { return run(w, unlinkAll, deleteOne, resetChain) })
	s.chain()
	if res := s.verify(); res.Broken != nil {
		t.Fatalf("the rebuilt chain holds in itself, as the package says: %+v", res.Broken)
	}
	if res := s.verify(noted); res.Broken == nil {
		t.Error("a rebuilt chain agrees with a head noted before")
	}
	s.append(some(3)...) // as long as before, and longer
	s.chain()
	if res := s.verify(noted); res.Broken == nil || res.Broken.Link != 6 || !strings.Contains(res.Broken.Why, "rebuilt") {
		t.Errorf("a rebuilt chain of the same length agrees with a head noted before: %+v", res.Broken)
	}
	s = open(t)
	s.append(some(6)...)
	s.chain()
	noted = s.verify().Head
	s.must(func(w *db.Writer) error { return run(w, headBack, deleteEnd) })
	if res := s.verify(noted); res.Broken == nil || res.Broken.Link != 5 {
		t.Errorf("the end was cut off and the head set back: %+v", res.Broken)
	}
	s = open(t)
	s.append(some(6)...)
	s.chain()
	noted = s.verify().Head
	if res := s.verify(noted, noted); res.Broken != nil {
		t.Errorf("one head noted twice: %+v", res.Broken)
	}
	for _, heads := range [][]journal.Head{{noted, {Link: 6}}, {{Link: 6}, noted}} {
		if res := s.verify(heads...); res.Broken == nil || res.Broken.Link != 6 {
			t.Errorf("two noted heads that differ: %+v", res.Broken)
		}
	}
}

func TestConcurrentChainersMakeOneChain(t *testing.T) {
	s := open(t)
	var all sync.WaitGroup
	linked := make(chan int, 64)
	for range 4 {
		all.Go(func() {
			for i := range 40 {
				s.append(some(7)...)
				if i%4 == 0 {
					linked <- s.chain()
				}
			}
		})
	}
	all.Wait()
	close(linked)
	total := s.chain()
	for n := range linked {
		total += n
	}
	if res := s.verify(); res.Broken != nil || res.Linked != 4*40*7 || total != 4*40*7 {
		t.Errorf("%d linked by the chainers, verify: %+v %+v", total, res, res.Broken)
	}
}

func TestPurgeKeepsTheChainVerifiable(t *testing.T) {
	s := open(t)
	s.append(some(10)...) // a second apart
	s.chain()
	noted := s.verify().Head
	purge := func(before time.Duration) (n int64) {
		t.Helper()
		s.must(func(w *db.Writer) (err error) {
			n, err = journal.Purge(w, start.Add(before), start.Add(time.Hour))
			return err
		})
		return n
	}
	if n := purge(0); n != 0 {
		t.Errorf("%d purged, but nothing is as old", n)
	}
	if n := purge(4 * time.Second); n != 4 {
		t.Errorf("%d purged, want 4", n)
	}
	res := s.verify(noted)
	if res.Broken != nil || res.Anchor.Link != 4 || res.Linked != 6 || res.Unlinked != 1 {
		t.Fatalf("after a purge: %+v %+v", res, res.Broken)
	}
	s.chain()
	if n := purge(6 * time.Second); n != 2 {
		t.Errorf("%d purged, want 2", n)
	}
	s.chain()
	if res := s.verify(noted); res.Broken != nil || res.Linked != 6 || res.Anchor.Link != 6 {
		t.Errorf("after a second purge: %+v %+v", res, res.Broken)
	}
	anchor := s.verify().Anchor
	if res := s.verify(anchor); res.Broken != nil {
		t.Errorf("the anchor itself, noted: %+v", res.Broken)
	}
	anchor.Hash[0] ^= 1
	if res := s.verify(anchor); res.Broken == nil {
		t.Error("another anchor was noted elsewhere")
	}
	if list := s.list(journal.Filter{ID: journal.RulePurged.ID}); len(list) != 2 {
		t.Errorf("the purges left %d events", len(list))
	}
	// All of it at once, the record of the last purge included: the new one takes its place.
	if n := purge(48 * time.Hour); n != 6 {
		t.Errorf("%d purged, want the rest", n)
	}
	if res := s.verify(); res.Broken != nil || res.Linked != 0 {
		t.Errorf("after purging all: %+v %+v", res, res.Broken)
	}
	s.append(some(2)...)
	s.chain()
	if res := s.verify(); res.Broken != nil || res.Linked != 3 {
		t.Errorf("and on: %+v %+v", res, res.Broken)
	}
}

func TestPurgeIsBounded(t *testing.T) {
	s := open(t)
	s.append(some(2500)...)
	s.chain()
	var counts []int64
	for range 3 {
		s.must(func(w *db.Writer) error {
			n, err := journal.Purge(w, start.Add(24*time.Hour), start.Add(48*time.Hour))
			counts = append(counts, n)
			return err
		})
	}
	if fmt.Sprint(counts) != "[2000 500 0]" {
		t.Errorf("purged %v a call", counts)
	}
}

func BenchmarkChain(b *testing.B) {
	s := open(b)
	events := some(1000)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		s.append(events...)
		b.StartTimer()
		s.chain()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

func BenchmarkVerify(b *testing.B) {
	s := open(b)
	for range 10 {
		s.append(some(1000)...)
	}
	s.chain()
	b.ReportAllocs()
	for b.Loop() {
		r := s.engine.Read(context.Background())
		if res, err := journal.Verify(r); err != nil || res.Linked != 10000 {
			b.Fatal(res, err)
		}
		r.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10000, "ns/event")
}
