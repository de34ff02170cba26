package throttle

import "context"

// An Ask is one bucket of an attempt.
type Ask struct {
	Key   Key
	Kind  string
	Limit Limit
}

// An Answer tells whether an attempt may pass.
type Answer struct {
	Granted bool
	Places  []Place   // granted: one for each ask, in order
	Refused []Refusal // not granted: all asks whose bucket is full, in order
}

// A Refusal is one bucket that did not take an attempt.
type Refusal struct {
	Ask    int   // which one
	Until  int64 // when the next attempt may pass, Unix microseconds
	Closed bool  // for days
}

// Outcome is what became of an attempt.
type Outcome uint8

// The outcomes that change a bucket; a failure changes none.
const (
	Succeeded Outcome = iota // each bucket does what its limit's After says
	Returned                 // nothing was compared: the places are given back, whatever After says
)

// A Store keeps buckets. Package throttletest proves one; [NewStore] is the one in the site's own database, which most sites
// use. All times are Unix microseconds. Methods are safe for concurrent use and never called within a write transaction.
type Store interface {
	// Reserve takes a place in each bucket by [State.Take], or in none, atomically also with other calls: of any number at
	// the same time, exactly as many are granted as one after the other would be. What it granted is kept when it returns,
	// even if the process dies the moment after. A refusal writes nothing, but for a state that says [Verdict].Mended.
	Reserve(ctx context.Context, now int64, asks []Ask) (Answer, error)
	// Settle applies an outcome to places that Reserve took. A bucket that is gone stays gone.
	Settle(ctx context.Context, now int64, places []Place, how Outcome) error
	// Release empties buckets.
	Release(ctx context.Context, keys []Key) error
	// Inspect returns a bucket's state, the zero State if there is none.
	Inspect(ctx context.Context, key Key) (State, error)
	// Sweep removes buckets that are empty by themselves at the time now.
	Sweep(ctx context.Context, now int64) error
}

// Settle applies an outcome to a state, as [Store.Settle] does. It reports whether the bucket is to be removed.
func (s *State) Settle(p *Place, now int64, how Outcome) (remove bool) {
	switch {
	case how == Returned, p.Limit.After == Refund:
		s.GiveBack(p, now)
	case p.Limit.After == Reset:
		return true
	}
	return s.Row == 0 && len(s.Hits) == 0 && s.Level == 0
}
