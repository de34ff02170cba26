package form

import (
	"context"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Pictures are decoded a few at a time, each takes the memory of its pixels. The others wait in a bounded line in which
// networks take turns; a full line drops the last one of the network with most places, as that of room password does.
const (
	linePlaces = 32
	lineShare  = 8                // of one network
	lineWait   = 20 * time.Second // less than an answer has
)

// decoding is the line of all pictures.
var decoding = newLine(max(1, runtime.GOMAXPROCS(0)/2), linePlaces, lineShare, lineWait)

type line struct {
	places, share int
	wait          time.Duration

	mu      sync.Mutex
	free    int
	waiting int
	turns   []*turn // networks with somebody waiting; the first is next
}

// turn is one network's part of the line, in the order of arrival.
type turn struct {
	network string
	waiters []chan bool // buffered; true: decode, false: the place went to another network
}

func newLine(slots, places, share int, wait time.Duration) *line {
	return &line{free: slots, places: places, share: share, wait: wait}
}

// enter waits for a slot, which [line.leave] gives back. The refusal is for a line without a place, a wait that was too long,
// or a visitor who has gone.
func (l *line) enter(ctx context.Context, network string) *Refusal {
	if ctx.Err() != nil {
		return crowded(http.StatusServiceUnavailable, "the visitor has gone before the picture was decoded")
	}
	l.mu.Lock()
	if l.free > 0 { // then nobody waits
		l.free--
		l.mu.Unlock()
		return nil
	}
	mine, refusal := l.add(network)
	l.mu.Unlock()
	if refusal != nil {
		return refusal
	}
	timer := time.NewTimer(l.wait)
	defer timer.Stop()
	select {
	case called := <-mine:
		if !called {
			return crowded(http.StatusServiceUnavailable, "the place in the line of pictures went to another network")
		}
		return nil
	case <-timer.C:
		refusal = crowded(http.StatusServiceUnavailable, "the picture waited too long for its turn")
	case <-ctx.Done():
		refusal = crowded(http.StatusServiceUnavailable, "the visitor has gone before the picture was decoded")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.remove(mine) && <-mine { // it was called in the same moment
		l.pass()
	}
	return refusal
}

// leave gives a slot back.
func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass()
}

// pass hands a slot to the network whose turn it is, which then stands last, or keeps it free.
func (l *line) pass() {
	if len(l.turns) == 0 {
		l.free++
		return
	}
	t := l.turns[0]
	first := t.waiters[0]
	l.turns = append(l.turns[1:], t)
	l.remove(first)
	first <- true
}

// add puts somebody at the end of a network's turn.
func (l *line) add(network string) (chan bool, *Refusal) {
	at := slices.IndexFunc(l.turns, func(t *turn) bool { return t.network == network })
	mine := 0
	if at >= 0 {
		mine = len(l.turns[at].waiters)
	}
	if mine >= l.share {
		return nil, crowded(http.StatusTooManyRequests, "the visitor's network has as many pictures waiting as one may have")
	}
	if l.waiting >= l.places {
		longest := slices.MaxFunc(l.turns, func(a, b *turn) int { return len(a.waiters) - len(b.waiters) })
		if len(longest.waiters) <= mine+1 {
			return nil, crowded(http.StatusServiceUnavailable, "the line of pictures is full")
		}
		last := longest.waiters[len(longest.waiters)-1]
		l.remove(last)
		last <- false
		at = slices.IndexFunc(l.turns, func(t *turn) bool { return t.network == network })
	}
	if at < 0 {
		at = len(l.turns)
		l.turns = append(l.turns, &turn{network: network})
	}
	w := make(chan bool, 1)
	l.turns[at].waiters = append(l.turns[at].waiters, w)
	l.waiting++
	return w, nil
}

// remove takes somebody out, false when that one waits no more.
func (l *line) remove(w chan bool) bool {
	for i, t := range l.turns {
		at := slices.Index(t.waiters, w)
		if at < 0 {
			continue
		}
		l.waiting--
		if t.waiters = slices.Delete(t.waiters, at, at+1); len(t.waiters) == 0 {
			l.turns = slices.Delete(l.turns, i, i+1)
		}
		return true
	}
	return false
}

func crowded(status int, detail string) *Refusal { return refuse(status, RulePictures, detail) }
