package password

import (
	"context"
	"sync"
	"time"
)

// From tells where a password comes from, for the order of the queue.
type From struct {
	Network string // the client's network prefix: hashes of different networks take turns
	Known   bool   // the device has a valid device cookie of this account: it waits in a line of its own
}

// pool bounds how many hashes are computed at a time and how many wait. Those who wait stand in two lines, one for known
// devices; the lines take turns, so that neither a flood of strangers nor one of known devices stops the other. Within a
// line the networks take turns.
//
// A full line drops the last one of the network that holds most places, so that one network cannot keep others out.
type pool struct {
	slots int

	mu        sync.Mutex
	free      int
	strangers line
	known     line
	knownTurn bool
	average   time.Duration // of a hash, for Retry-After
	refused   uint64
}

type waiter struct {
	ready chan error // nil: the slot is yours; buffered
	queue *queue
}

func newPool(slots, places, knownPlaces int, average time.Duration) *pool {
	return &pool{
		slots: slots, free: slots, average: average, knownTurn: true,
		strangers: line{places: places, networks: map[string]*queue{}},
		known:     line{places: knownPlaces, networks: map[string]*queue{}},
	}
}

// enter waits for a slot. The slot is given back by leave.
func (p *pool) enter(ctx context.Context, from From) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	if p.free > 0 { // then nobody waits
		p.free--
		p.mu.Unlock()
		return nil
	}
	l := &p.strangers
	if from.Known {
		l = &p.known
	}
	w := &waiter{ready: make(chan error, 1)}
	dropped, ok := l.add(from.Network, w)
	if dropped != nil {
		p.refused++
		dropped.ready <- p.busy()
	}
	if !ok {
		p.refused++
		err := p.busy()
		p.mu.Unlock()
		return err
	}
	p.mu.Unlock()

	select {
	case err := <-w.ready:
		return err
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !l.remove(w) { // it was called or dropped in the same moment
		if err := <-w.ready; err == nil {
			p.pass()
		}
	}
	return ctx.Err()
}

// usual is what a hash takes on average, 0 while none was made.
func (p *pool) usual() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.average
}

// leave gives a slot back after a hash that took the time.
func (p *pool) leave(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if took > 0 {
		p.average += (took - p.average) / 8
	}
	p.pass()
}

// pass hands a slot to who is next, or keeps it free.
func (p *pool) pass() {
	l := &p.strangers
	if p.known.waiting > 0 && (p.knownTurn || p.strangers.waiting == 0) {
		l = &p.known
	}
	p.knownTurn = l != &p.known
	w := l.next()
	if w == nil {
		p.knownTurn = true
		p.free++
		return
	}
	w.ready <- nil
}

// busy estimates when a place will be free: after those who wait now.
func (p *pool) busy() error {
	rounds := (p.strangers.waiting+p.known.waiting)/p.slots + 1
	after := (time.Duration(rounds)*p.average + time.Second - 1).Truncate(time.Second)
	return &BusyError{RetryAfter: min(max(after, time.Second), time.Minute)}
}

// line is a bounded queue whose networks take turns.
type line struct {
	places   int
	waiting  int
	turns    []*queue // networks with somebody waiting; the first is next
	networks map[string]*queue
}

type queue struct {
	network string
	waiters []*waiter
}

// add puts w at the end of its network's queue. When the line is full the last of the longest queue is dropped for it,
// unless its own would be as long: then it is not let in.
func (l *line) add(network string, w *waiter) (dropped *waiter, ok bool) {
	q := l.networks[network]
	if l.waiting >= l.places {
		var longest *queue
		for _, one := range l.turns {
			if longest == nil || len(one.waiters) > len(longest.waiters) {
				longest = one
			}
		}
		mine := 0
		if q != nil {
			mine = len(q.waiters)
		}
		if longest == nil || len(longest.waiters) <= mine+1 {
			return nil, false
		}
		dropped = longest.waiters[len(longest.waiters)-1]
		l.remove(dropped)
	}
	if q == nil {
		q = &queue{network: network}
		l.networks[network] = q
		l.turns = append(l.turns, q)
	}
	w.queue = q
	q.waiters = append(q.waiters, w)
	l.waiting++
	return dropped, true
}

// next takes the first waiter of the network whose turn it is; the network then goes to the end.
func (l *line) next() *waiter {
	if len(l.turns) == 0 {
		return nil
	}
	q := l.turns[0]
	w := q.waiters[0]
	copy(l.turns, l.turns[1:])
	l.turns[len(l.turns)-1] = q
	l.remove(w)
	return w
}

// remove takes w out, false when it waits no more.
func (l *line) remove(w *waiter) bool {
	q := w.queue
	if q == nil {
		return false
	}
	w.queue = nil
	for i, one := range q.waiters {
		if one == w {
			q.waiters = append(q.waiters[:i], q.waiters[i+1:]...)
			break
		}
	}
	l.waiting--
	if len(q.waiters) == 0 {
		delete(l.networks, q.network)
		for i, one := range l.turns {
			if one == q {
				l.turns = append(l.turns[:i], l.turns[i+1:]...)
				break
			}
		}
	}
	return true
}
