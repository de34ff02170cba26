package throttle

import (
	"encoding/binary"
	"errors"
	"time"
)

const (
	maxBack  = time.Hour      // the longest wait between single attempts
	quietDay = 24 * time.Hour // after so long without an attempt a slow bucket has its burst again
	maxQuiet = 30             // days after which any bucket has forgotten everything
	maxHits  = 64             // entries of a history
	maxLevel = 60             // single attempts that are counted

	maxDisorder = 5 * time.Second // by which attempts may arrive in another order than their clock's
	maxSkew     = time.Hour       // by which clocks of processes that share a store may differ
)

// A State is what a bucket holds. The zero value is an empty bucket. Stores keep it as bytes and change it only by its own
// methods, within one transaction, so that all stores count alike. Times are Unix microseconds.
type State struct {
	Hits  []Hit  // attempts within the window, oldest first
	Row   uint32 // attempts since the last success
	Level uint8  // single attempts passed since the burst was reached, plus one; 0: it was not
	Until int64  // when the next single attempt may pass
	Last  int64  // the last attempt
}

// A Hit is a number of attempts at about the same time.
type Hit struct {
	At int64
	N  uint16
}

// A Place is one attempt in one bucket: what [Store.Settle] takes back.
type Place struct {
	Key   Key
	Limit Limit
	At    int64 // where in the history
	Level uint8 // before the attempt
	Until int64 // before the attempt
	Last  bool  // the bucket takes no other attempt at the same time
}

// Verdict is the answer of a bucket to an attempt.
type Verdict struct {
	Taken  bool
	Until  int64 // if not taken: when the next attempt may pass
	Closed bool  // if not taken: closed by Limit.Total
	// Mended says that the state is to be kept also if the attempt is refused: the clock was set back, and the state's times
	// with it, once. Otherwise its lock would last until the clock is where it was.
	Mended bool
}

// Take takes a place for an attempt at the time now, or tells when there will be one.
func (s *State) Take(l *Limit, now int64) (Place, Verdict) {
	now, mended := s.age(l, now)
	p := Place{Limit: *l, At: now, Level: s.Level, Until: s.Until}
	if l.Total > 0 && s.Row >= uint32(l.Total) {
		return p, Verdict{Until: s.Last + s.quiet(), Closed: true, Mended: mended}
	}
	if s.Level > 0 {
		if now < s.Until {
			return p, Verdict{Until: s.Until, Mended: mended}
		}
		s.Level = min(s.Level+1, maxLevel)
		s.Until = now + back(s.Level)
	} else {
		used := s.used()
		if used >= l.Burst {
			return p, Verdict{Until: s.freeAt(l, used), Mended: mended}
		}
		p.At = s.hit(l, now)
		if l.Slow && used+1 >= l.Burst {
			s.Level, s.Until = 1, now+back(1)
		}
	}
	if l.Total > 0 {
		s.Row++
	}
	s.Last = now
	p.Last = s.Level > 0 || s.used() >= l.Burst || l.Total > 0 && s.Row >= uint32(l.Total)
	return p, Verdict{Taken: true}
}

// back is the wait after the n-th single attempt: 1, 2, 4 … 60 minutes.
func back(level uint8) int64 {
	return min(time.Minute<<min(level-1, 6), maxBack).Microseconds()
}

func (s *State) used() int {
	n := 0
	for _, h := range s.Hits {
		n += int(h.N)
	}
	return n
}

// freeAt is when enough of the history has left the window for one more.
func (s *State) freeAt(l *Limit, used int) int64 {
	for _, h := range s.Hits {
		if used -= int(h.N); used < l.Burst {
			return h.At + l.Window.Microseconds()
		}
	}
	return 0
}

// hit adds an attempt to the history. Up to a burst of 60 each stands by itself, and the limit is exact for any stretch of
// the window's length; with more, attempts within a 60th of the window share an entry, whose time is the latest of theirs, so
// that some are forgotten by that much too late, never too early.
func (s *State) hit(l *Limit, now int64) int64 {
	if n := len(s.Hits); n > 0 {
		last, grain := &s.Hits[n-1], l.grain()
		if last.At == now || grain > 0 && last.At/grain == now/grain || n == maxHits {
			last.At = now
			last.N++
			return now
		}
	}
	s.Hits = append(s.Hits, Hit{now, 1})
	return now
}

// grain is how wide an entry of the history is, in microseconds; 0: an instant.
func (l *Limit) grain() int64 {
	if l.Burst <= maxHits-4 {
		return 0
	}
	return l.Window.Microseconds() / (maxHits - 4)
}

// disorder is by how much the last attempt may be ahead of the clock that is gone by.
func (l *Limit) disorder() time.Duration {
	if l.shared {
		return maxSkew
	}
	return maxDisorder
}

// quiet is how long a bucket must be left alone to forget its row: a day for each attempt in it, 30 at most. So an attacker
// who waits for it has one attempt a day.
func (s *State) quiet() int64 {
	return int64(min(max(s.Row, 1), maxQuiet)) * quietDay.Microseconds()
}

// age forgets what is over at the time now, and returns the time to go by. Attempts do not arrive in the order of their
// clocks: one that is a little older than the last counts as of then. When the clock was set back by more, all times move
// with it, so that no wait becomes longer than it was, nor shorter. Where processes share a store it may be another process's
// clock that is ahead: the bucket goes by that one, since moved times would be moved again by each of the two in turn, out of
// the window.
func (s *State) age(l *Limit, now int64) (at int64, mended bool) {
	if ahead := s.Last - now; ahead > l.disorder().Microseconds() {
		s.Last, s.Until = now, max(s.Until-ahead, 0)
		for i := range s.Hits {
			s.Hits[i].At -= ahead
		}
		mended = true
	} else if ahead > 0 {
		now = s.Last
	}
	s.Until = min(s.Until, now+maxBack.Microseconds())
	keep := s.Hits[:0]
	for _, h := range s.Hits {
		if h.At > now-l.Window.Microseconds() {
			keep = append(keep, h)
		}
	}
	s.Hits = keep
	if s.Level > 0 && now-s.Last >= quietDay.Microseconds() {
		s.Level, s.Until, s.Hits = 0, 0, nil
	}
	if s.Level == 0 && l.Slow && s.used() >= l.Burst { // the limit was lowered since
		s.Level, s.Until = 1, s.Last+back(1)
	}
	if now-s.Last >= s.quiet() {
		s.Row = 0
	}
	return now, mended
}

// GiveBack takes an attempt back, if it is still there: the outcome was [Returned], or a success whose limit refunds.
func (s *State) GiveBack(p *Place, now int64) {
	s.age(&p.Limit, now)
	found := false
	for i := range s.Hits {
		h := &s.Hits[i]
		if h.At == p.At || h.At > p.At && p.Limit.grain() > 0 && h.At/p.Limit.grain() == p.At/p.Limit.grain() {
			if h.N--; h.N == 0 {
				s.Hits = append(s.Hits[:i], s.Hits[i+1:]...)
			}
			found = true
			break
		}
	}
	if s.Level > 0 && s.Last == p.At && s.Level == min(p.Level+1, maxLevel) {
		s.Level, s.Until, found = p.Level, p.Until, true
	}
	if found && s.Row > 0 {
		s.Row--
	}
}

// Expires is when the bucket will be empty by itself.
func (s *State) Expires(l *Limit) int64 {
	end := s.Last + l.Window.Microseconds()
	if s.Level > 0 {
		end = max(end, s.Last+quietDay.Microseconds())
	}
	if l.Total > 0 && s.Row > 0 {
		end = max(end, s.Last+s.quiet())
	}
	return end
}

func (s *State) status(l *Limit, now int64) Status {
	t := *s
	t.Hits = append([]Hit(nil), s.Hits...)
	at, _ := t.age(l, now)
	st := Status{Attempts: t.used()}
	if l.Total > 0 {
		st.Attempts = int(t.Row)
	}
	if _, v := t.Take(l, at); !v.Taken {
		st.Until, st.Closed = time.UnixMicro(v.Until), v.Closed
	}
	return st
}

// The layout of a state: version (1) | level (1) | row (4) | until (8) | last (8) | entries (1) | entries × (time (8), number (2)).
// Times of the entries rise.
const (
	stateVersion = 1
	stateHead    = 1 + 1 + 4 + 8 + 8 + 1
	hitBytes     = 8 + 2
)

var errState = errors.New("throttle: the state of a bucket is not in the layout of this version")

// AppendBinary appends the state's bytes: at most 663.
func (s *State) AppendBinary(dst []byte) ([]byte, error) {
	if len(s.Hits) > maxHits {
		return dst, errState
	}
	dst = append(dst, stateVersion, s.Level)
	dst = binary.BigEndian.AppendUint32(dst, s.Row)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.Until))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.Last))
	dst = append(dst, byte(len(s.Hits)))
	for _, h := range s.Hits {
		dst = binary.BigEndian.AppendUint64(dst, uint64(h.At))
		dst = binary.BigEndian.AppendUint16(dst, h.N)
	}
	return dst, nil
}

// UnmarshalBinary reads what AppendBinary wrote, and nothing else.
func (s *State) UnmarshalBinary(b []byte) error {
	if len(b) < stateHead || b[0] != stateVersion || b[1] > 60 {
		return errState
	}
	n := int(b[stateHead-1])
	if n > maxHits || len(b) != stateHead+n*hitBytes {
		return errState
	}
	t := State{Level: b[1], Row: binary.BigEndian.Uint32(b[2:]), Until: int64(binary.BigEndian.Uint64(b[6:])), Last: int64(binary.BigEndian.Uint64(b[14:]))}
	if t.Until < 0 || t.Last < 0 || t.Row > 1<<30 {
		return errState
	}
	if n > 0 {
		t.Hits = make([]Hit, n)
	}
	last := int64(-1)
	for i := range t.Hits {
		at := b[stateHead+i*hitBytes:]
		h := Hit{int64(binary.BigEndian.Uint64(at)), binary.BigEndian.Uint16(at[8:])}
		if h.At <= last || h.N == 0 || h.At > t.Last {
			return errState
		}
		last, t.Hits[i] = h.At, h
	}
	*s = t
	return nil
}

// Fill makes a bucket full as of now: what a store does with bytes that it cannot read. The bucket releases itself as any
// other; an empty one would be a gift to who damaged it.
func (s *State) Fill(l *Limit, now int64) {
	*s = State{Hits: []Hit{{now, uint16(l.Burst)}}, Last: now}
	if l.Total > 0 {
		s.Row = uint32(l.Burst)
	}
	if l.Slow {
		s.Level, s.Until = 1, now+back(1)
	}
}
