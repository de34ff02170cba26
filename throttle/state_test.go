package throttle_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/merlon-web/merlon/throttle"
)

// A bucket against the plainest model of it: a list of all times. Small bursts are exact; of large ones an attempt may be
// forgotten a 60th of the window too late, never too early.
func TestStateAgainstModel(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		burst := []int{1, 2, 5, 10, 50, 60, 61, 500}[seed%8]
		l := throttle.Limit{Burst: burst, Window: 15 * time.Minute, After: throttle.Refund}
		window, grain := l.Window.Microseconds(), l.Window.Microseconds()/60
		t.Run(fmt.Sprintf("burst %d seed %d", burst, seed), func(t *testing.T) {
			var s throttle.State
			var model []int64
			type held struct {
				p  throttle.Place
				at int64
			}
			var places []held
			now := int64(1e15)
			for step := range 4000 {
				now += rnd.Int64N(2 * window / int64(burst))
				if rnd.IntN(40) == 0 {
					now += window
				}
				b, err := s.AppendBinary(nil)
				if err != nil {
					t.Fatal(err)
				}
				var kept throttle.State
				if err := kept.UnmarshalBinary(b); err != nil {
					t.Fatalf("step %d: what was written is not read: %v: %+v", step, err, s)
				}
				s = kept
				in, lenient := 0, 0
				for _, at := range model {
					if at > now-window {
						in++
					}
					if at > now-window-grain {
						lenient++
					}
				}
				p, v := s.Take(&l, now)
				if v.Taken && in >= burst {
					t.Fatalf("step %d: %d within the window, and one more passed", step, in)
				}
				if !v.Taken && (burst <= 60 && in < burst || lenient < burst) {
					t.Fatalf("step %d: refused with %d of %d taken", step, in, burst)
				}
				if !v.Taken {
					if v.Until <= now || v.Until > now+window {
						t.Fatalf("step %d: wait until %d µs from now", step, v.Until-now)
					}
					if rnd.IntN(3) == 0 { // what it promises it keeps
						now = v.Until
						if _, again := s.Take(&l, now); !again.Taken {
							t.Fatalf("step %d: refused at the time it named", step)
						}
						model = append(model, now)
					}
					continue
				}
				model = append(model, now)
				places = append(places, held{p, now})
				if rnd.IntN(3) == 0 { // one of the last ones is given back
					i := max(0, len(places)-1-rnd.IntN(5))
					h := places[i]
					places = append(places[:i], places[i+1:]...)
					s.GiveBack(&h.p, now)
					for j, at := range model {
						if at == h.at {
							model = append(model[:j], model[j+1:]...)
							break
						}
					}
				}
			}
		})
	}
}

// Attempts that arrive a little out of order lose nothing and win nothing.
func TestDisorder(t *testing.T) {
	l := throttle.Limit{Burst: 10, Window: time.Minute}
	var s throttle.State
	taken := 0
	for i := range 30 {
		if _, v := s.Take(&l, 1e15-int64(i%7)*100_000); v.Taken {
			taken++
		}
	}
	if taken != 10 {
		t.Errorf("%d passed, want 10", taken)
	}
}

// What cannot be read counts as full, and releases itself.
func TestDamagedState(t *testing.T) {
	h := newHouse(t)
	h.fails(3, throttle.Device("ann", "d"))
	damage(t, h)
	if h.try(false, throttle.Device("ann", "d")) {
		t.Error("damaging a bucket opens it")
	}
	h.clock.Add(15*time.Minute - time.Second)
	if h.try(false, throttle.Device("ann", "d")) {
		t.Error("damaging a bucket opens it early")
	}
	h.clock.Add(time.Second)
	if !h.try(false, throttle.Device("ann", "d")) {
		t.Error("a damaged bucket stays full for ever")
	}
}

// The layout: what is read is written the same again, and a bucket of any bytes that are read keeps its promises.
func FuzzState(f *testing.F) {
	l := throttle.Limit{Burst: 5, Window: 15 * time.Minute, Slow: true, Total: 20}
	var s throttle.State
	for i := range 8 {
		b, _ := s.AppendBinary(nil)
		f.Add(b, int64(1e15)+int64(i)*60e6)
		s.Take(&l, 1e15+int64(i)*60e6)
	}
	f.Add([]byte{}, int64(0))
	f.Fuzz(func(t *testing.T, b []byte, now int64) {
		var s throttle.State
		if s.UnmarshalBinary(b) != nil {
			return
		}
		again, err := s.AppendBinary(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("read %x, written %x, %v", b, again, err)
		}
		if now < 1e15 || now > 2e15 {
			return
		}
		p, v := s.Take(&l, now)
		if v.Taken == (v.Until != 0) {
			t.Fatalf("%+v", v)
		}
		if !v.Taken && v.Until-now > (31*24*time.Hour).Microseconds() {
			t.Fatalf("a wait of %d days", (v.Until-now)/86_400_000_000)
		}
		if !v.Closed && !v.Taken && v.Until-now > time.Hour.Microseconds()+5e6 {
			t.Fatalf("a wait of %d minutes", (v.Until-now)/60_000_000)
		}
		out, err := s.AppendBinary(nil)
		if err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		var back throttle.State
		if err := back.UnmarshalBinary(out); err != nil || !reflect.DeepEqual(back, s) && len(s.Hits) > 0 {
			t.Fatalf("there and back: %+v, was %+v, %v", back, s, err)
		}
		if v.Taken {
			s.GiveBack(&p, now)
			if _, v := s.Take(&l, now); !v.Taken {
				t.Fatal("a place that was given back is not free")
			}
		}
	})
}

// Two lists of parts have the same frame only if they are the same.
func FuzzFrame(f *testing.F) {
	f.Add("a", "b", "c", "a", "bc", "")
	f.Add("", "", "", "\x00", "", "")
	f.Add("kind", "\x01a", "", "kind", "", "a")
	f.Fuzz(func(t *testing.T, a, b, c, x, y, z string) {
		same := a == x && b == y && c == z
		if (throttle.Frame(a, b, c) == throttle.Frame(x, y, z)) != same {
			t.Errorf("%q and %q", []string{a, b, c}, []string{x, y, z})
		}
		if throttle.Frame(a, b) == throttle.Frame(x, y, z) || throttle.Frame(a) == throttle.Frame(x, y) || throttle.Frame(a, b) == throttle.Frame(x) {
			t.Errorf("lists of different lengths share a frame: %q %q", []string{a, b}, []string{x, y, z})
		}
	})
}
