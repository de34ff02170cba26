package throttle

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// RateConfig is what a [Rate] is made of.
type RateConfig struct {
	// PerSecond is how many requests a second one address (IPv6: one /64) may make for long. 0: 50. Its /24 (/48) may make
	// ten times as many.
	PerSecond float64
	// Burst is how many it may make at once after a pause. 0: four seconds' worth.
	Burst int
	// Entries is how many addresses are remembered. 0: 32,768, about 1 MB. Of more, the ones that asked least are forgotten.
	Entries int
}

// A Rate limits ordinary requests by network, in memory only, so cheaply that it can stand before everything else. It is for
// availability; what guards a secret is a [Limiter].
//
// Addresses of this machine are limited as all others: behind a proxy that names nobody they are the whole world's. Whoever
// calls it spares what must be spared. Rate is safe for concurrent use. Allow allocates nothing.
type Rate struct {
	seed maphash.Seed
	near rateLevel
	wide rateLevel
}

type rateLevel struct {
	step  int64 // microseconds a request
	burst int64 // microseconds of credit
	sets  []rateSet
}

// rateSet is a part of a table of fixed size: a key has eight places, and the one with the oldest time is thrown out.
type rateSet struct {
	mu   sync.Mutex
	keys [8][16]byte
	tat  [8]int64 // theoretical arrival time of the next request: GCRA, a token bucket in one number
}

// NewRate returns a limiter of requests. Values that make no sense are taken as 0.
func NewRate(c RateConfig) *Rate {
	if !(c.PerSecond > 0) || c.PerSecond > 1e6 {
		c.PerSecond = 50
	}
	if c.Burst <= 0 {
		c.Burst = max(int(4*c.PerSecond), 1)
	}
	if c.Entries <= 0 {
		c.Entries = 32 << 10
	}
	r := &Rate{seed: maphash.MakeSeed()}
	r.near.make(c.PerSecond, c.Burst, c.Entries)
	r.wide.make(10*c.PerSecond, 10*c.Burst, c.Entries)
	return r
}

func (l *rateLevel) make(perSecond float64, burst, entries int) {
	l.step = max(int64(1e6/perSecond), 1)
	l.burst = l.step * int64(burst-1)
	n := 1
	for n*8 < entries {
		n *= 2
	}
	l.sets = make([]rateSet, n)
}

// Allow reports whether a request of an address may pass now, and if not, when one may.
func (r *Rate) Allow(from netip.Addr, now time.Time) (until time.Time, ok bool) {
	from = from.Unmap()
	var near, wide [16]byte // the zero key: no address; all such share it
	if from.IsValid() {
		near = from.As16()
		wide = near
		if from.Is4() {
			wide[15] = 0
		} else {
			clear(near[8:])
			clear(wide[6:])
		}
	}
	at := now.UnixMicro()
	// The address first: what it is refused must not be taken from its neighbours.
	if wait := r.near.take(r.seed, &near, at); wait > 0 {
		return now.Add(time.Duration(wait) * time.Microsecond), false
	}
	if wait := r.wide.take(r.seed, &wide, at); wait > 0 {
		return now.Add(time.Duration(wait) * time.Microsecond), false
	}
	return time.Time{}, true
}

// take counts a request and returns 0, or how long to wait in microseconds.
func (l *rateLevel) take(seed maphash.Seed, key *[16]byte, now int64) int64 {
	s := &l.sets[maphash.Bytes(seed, key[:])&uint64(len(l.sets)-1)]
	s.mu.Lock()
	defer s.mu.Unlock()
	at := 0
	for i := range s.keys {
		if s.tat[i] != 0 && s.keys[i] == *key {
			at = i
			goto found
		}
		if s.tat[i] < s.tat[at] {
			at = i
		}
	}
	s.keys[at], s.tat[at] = *key, now
found:
	tat := max(s.tat[at], now)
	if tat-now > l.burst+l.step { // the clock was set back
		tat = now + l.burst
	}
	if tat-now > l.burst {
		return tat - now - l.burst
	}
	s.tat[at] = tat + l.step
	return 0
}
