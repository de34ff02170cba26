// Package throttletest proves implementations of [throttle.Store], and lends tests of other rooms a limiter without a
// database.
package throttletest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/throttle"
)

// Open opens an empty store. Again opens what the store kept once more, as after the death of the process; nil if the store
// is not one that outlives it, and then it is none for a site. What Open opens it closes by t.Cleanup.
type Open func(t *testing.T) (store throttle.Store, again func() throttle.Store)

const (
	start  = int64(1_800_000_000_000_000)
	minute = int64(60_000_000)
)

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"the limit's number passes, one more does not", exact},
		{"a hundred at once pass exactly as often", parallel},
		{"all buckets or none", atomicAll},
		{"one bucket twice in an attempt", twice},
		{"a refusal says which, all of them, and until when", refusal},
		{"a success resets, refunds, keeps", outcomes},
		{"returned places are free again", returned},
		{"settling a bucket that is gone does nothing", settleGone},
		{"release empties", released},
		{"inspect shows and changes nothing", inspected},
		{"sweep removes what is over, nothing else", swept},
		{"what was granted outlives the process", persistent},
		{"a cancelled context takes no place twice", cancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, again := open(t)
			c.run(&suite{t, store, again})
		})
	}
}

type suite struct {
	*testing.T
	store throttle.Store
	again func() throttle.Store
}

func key(n byte) (k throttle.Key) {
	for i := range k {
		k[i] = n + byte(i)
	}
	return k
}

var five = throttle.Limit{Burst: 5, Window: 15 * time.Minute, After: throttle.Reset}

func ask(n byte, l throttle.Limit) throttle.Ask {
	return throttle.Ask{Key: key(n), Kind: "test", Limit: l}
}

func (s *suite) reserve(now int64, asks ...throttle.Ask) throttle.Answer {
	s.Helper()
	a, err := s.store.Reserve(context.Background(), now, asks)
	if err != nil {
		s.Fatal(err)
	}
	if a.Granted && len(a.Places) != len(asks) {
		s.Fatalf("%d places for %d buckets", len(a.Places), len(asks))
	}
	for i := range a.Places {
		if a.Places[i].Key != asks[i].Key {
			s.Fatalf("place %d is of another bucket", i)
		}
	}
	return a
}

func (s *suite) settle(now int64, a throttle.Answer, how throttle.Outcome) {
	s.Helper()
	if err := s.store.Settle(context.Background(), now, a.Places, how); err != nil {
		s.Fatal(err)
	}
}

// passes counts how many of n attempts are granted.
func (s *suite) passes(n int, now int64, asks ...throttle.Ask) int {
	s.Helper()
	granted := 0
	for range n {
		if s.reserve(now, asks...).Granted {
			granted++
		}
	}
	return granted
}

func exact(s *suite) {
	if n := s.passes(9, start, ask(1, five)); n != 5 {
		s.Errorf("%d passed, want 5", n)
	}
	if n := s.passes(9, start+15*minute-1, ask(1, five)); n != 0 {
		s.Errorf("within the window %d more passed", n)
	}
	if n := s.passes(9, start+15*minute, ask(1, five)); n != 5 {
		s.Errorf("after the window %d passed, want 5", n)
	}
	if n := s.passes(9, start, ask(2, five)); n != 5 {
		s.Errorf("another bucket: %d passed, want 5", n)
	}
}

func parallel(s *suite) {
	for round := range 3 {
		var granted atomic.Int32
		together(100, func(int) {
			if s.reserve(start, ask(byte(10*round), five), ask(byte(10*round+100), throttle.Limit{Burst: 50, Window: time.Hour})).Granted {
				granted.Add(1)
			}
		})
		if granted.Load() != 5 {
			s.Fatalf("of 100 at once %d passed, want 5", granted.Load())
		}
		if n := s.passes(60, start, ask(byte(10*round+100), throttle.Limit{Burst: 50, Window: time.Hour})); n != 45 {
			s.Fatalf("the refused took places of another bucket: %d were left, want 45", n)
		}
	}
}

func atomicAll(s *suite) {
	s.passes(5, start, ask(2, five))
	if n := s.passes(20, start, ask(1, five), ask(2, five), ask(3, five)); n != 0 {
		s.Errorf("%d passed a full bucket", n)
	}
	for _, k := range []byte{1, 3} {
		if n := s.passes(9, start, ask(k, five)); n != 5 {
			s.Errorf("bucket %d lost places to attempts that were refused: %d left, want 5", k, n)
		}
	}
}

func twice(s *suite) {
	// Nobody asks so; but whatever it counts, it must not count for less than one each.
	n := s.passes(9, start, ask(1, five), ask(1, five))
	if n > 5 {
		s.Errorf("%d passed, want 5 at most", n)
	}
}

func refusal(s *suite) {
	long := throttle.Limit{Burst: 1, Window: time.Hour}
	s.passes(5, start+minute, ask(2, five))
	s.passes(1, start, ask(3, long))
	a := s.reserve(start+2*minute, ask(1, five), ask(2, five), ask(3, long))
	if want := []throttle.Refusal{{Ask: 1, Until: start + 16*minute}, {Ask: 2, Until: start + 60*minute}}; a.Granted || !slices.Equal(a.Refused, want) {
		s.Errorf("got %+v, want all buckets that are full, each until its window is over: %+v", a, want)
	}
	total := throttle.Limit{Burst: 2, Window: time.Second, Total: 3}
	for i := range int64(3) {
		s.passes(1, start+i*minute, ask(9, total))
	}
	if a := s.reserve(start+5*minute, ask(9, total)); a.Granted || len(a.Refused) != 1 || !a.Refused[0].Closed || a.Refused[0].Until < start+24*60*minute {
		s.Errorf("got %+v, want closed", a)
	}
}

func outcomes(s *suite) {
	reset, refund, keep := five, five, five
	reset.After, refund.After, keep.After = throttle.Reset, throttle.Refund, throttle.Keep
	asks := []throttle.Ask{ask(1, reset), ask(2, refund), ask(3, keep)}
	var last throttle.Answer
	for range 4 {
		last = s.reserve(start, asks...)
	}
	s.settle(start, last, throttle.Succeeded)
	for i, want := range []int{5, 2, 1} {
		if n := s.passes(9, start, asks[i]); n != want {
			s.Errorf("after 4 attempts, the last a success, bucket %d has %d places, want %d", i, n, want)
		}
	}
}

func returned(s *suite) {
	for _, after := range []throttle.After{throttle.Reset, throttle.Refund, throttle.Keep} {
		l := five
		l.After = after
		k := byte(20 + 40*int(after))
		for range 10 {
			a := s.reserve(start, ask(k, l))
			if !a.Granted {
				s.Fatal("a returned place is not free")
			}
			s.settle(start, a, throttle.Returned)
		}
		s.passes(3, start, ask(k, l))
		a := s.reserve(start+minute, ask(k, l))
		s.settle(start+minute, a, throttle.Returned)
		if n := s.passes(9, start+minute, ask(k, l)); n != 2 {
			s.Errorf("3 of 5 taken, one taken and returned: %d left, want 2", n)
		}
	}
	slow := throttle.Limit{Burst: 1, Window: time.Minute, Slow: true}
	s.passes(1, start, ask(9, slow))
	a := s.reserve(start+minute, ask(9, slow))
	if !a.Granted {
		s.Fatal("a slow bucket gives no single attempt")
	}
	s.settle(start+minute, a, throttle.Returned)
	if !s.reserve(start+minute, ask(9, slow)).Granted {
		s.Error("a returned single attempt is not free")
	}
}

func settleGone(s *suite) {
	a := s.reserve(start, ask(1, five))
	if err := s.store.Release(context.Background(), []throttle.Key{key(1)}); err != nil {
		s.Fatal(err)
	}
	s.settle(start, a, throttle.Succeeded)
	s.settle(start, a, throttle.Returned)
	if n := s.passes(9, start, ask(1, five)); n != 5 {
		s.Errorf("%d passed, want 5", n)
	}
}

func released(s *suite) {
	s.passes(5, start, ask(1, five))
	s.passes(5, start, ask(2, five))
	if err := s.store.Release(context.Background(), []throttle.Key{key(1), key(99)}); err != nil {
		s.Fatal(err)
	}
	if n := s.passes(9, start, ask(1, five)); n != 5 {
		s.Errorf("released, %d passed, want 5", n)
	}
	if n := s.passes(9, start, ask(2, five)); n != 0 {
		s.Errorf("another bucket was released: %d passed", n)
	}
}

func inspected(s *suite) {
	for range 3 {
		st, err := s.store.Inspect(context.Background(), key(1))
		if err != nil || len(st.Hits) != 0 || st.Last != 0 {
			s.Fatalf("a bucket that is not there: %+v, %v", st, err)
		}
	}
	s.passes(4, start, ask(1, five))
	for range 3 {
		st, err := s.store.Inspect(context.Background(), key(1))
		if err != nil || st.Last != start {
			s.Fatalf("got %+v, %v", st, err)
		}
	}
	if n := s.passes(9, start, ask(1, five)); n != 1 {
		s.Errorf("%d left, want 1", n)
	}
}

func swept(s *suite) {
	total := throttle.Limit{Burst: 5, Window: 15 * time.Minute, Total: 100}
	s.passes(5, start, ask(1, five))
	s.passes(5, start+10*minute, ask(2, five))
	s.passes(5, start, ask(3, total))
	if err := s.store.Sweep(context.Background(), start+15*minute); err != nil {
		s.Fatal(err)
	}
	for k, there := range map[byte]bool{1: false, 2: true, 3: true} {
		st, err := s.store.Inspect(context.Background(), key(k))
		if err != nil || (st.Last != 0) != there {
			s.Errorf("bucket %d: %+v, %v; want it there: %v", k, st, err, there)
		}
	}
	if n := s.passes(9, start+15*minute, ask(2, five)); n != 0 {
		s.Errorf("the sweep opened a bucket: %d passed", n)
	}
}

func persistent(s *suite) {
	if s.again == nil {
		s.Skip("the store does not outlive the process: it is not one for a site")
	}
	s.passes(5, start, ask(1, five))
	last := s.reserve(start, ask(2, five))
	s.store = s.again()
	if n := s.passes(9, start, ask(1, five)); n != 0 {
		s.Errorf("after the restart %d passed a full bucket", n)
	}
	s.settle(start, last, throttle.Returned)
	if n := s.passes(9, start, ask(2, five)); n != 5 {
		s.Errorf("a place of before the restart was not given back: %d passed, want 5", n)
	}
}

func cancelled(s *suite) {
	var granted atomic.Int32
	together(60, func(i int) {
		ctx, cancel := context.WithCancel(context.Background())
		if i%2 == 0 {
			cancel()
		}
		defer cancel()
		a, err := s.store.Reserve(ctx, start, []throttle.Ask{ask(1, five)})
		if err != nil && i%2 != 0 {
			s.Errorf("one who waits paid for another who left: %v", err)
		}
		if a.Granted {
			granted.Add(1)
		}
	})
	if granted.Load() > 5 {
		s.Errorf("%d passed, want 5 at most", granted.Load())
	}
	s.passes(9, start, ask(1, five))
	if s.reserve(start, ask(1, five)).Granted {
		s.Error("the bucket is not full")
	}
}

func together(n int, do func(i int)) {
	var wg sync.WaitGroup
	go1 := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-go1
			do(i)
		})
	}
	close(go1)
	wg.Wait()
}
