package throttle

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/merlon-web/merlon/db"
)

var (
	// ErrSpent is returned for a permit that was spent before, and for the zero Permit: one permit, one comparison.
	ErrSpent = errors.New("throttle: the permit is spent: it is good for one comparison; reserve another")
	// ErrPurpose is returned for a permit that was given for something else.
	ErrPurpose = errors.New("throttle: the permit was given for another purpose: its buckets do not count this; reserve with the buckets of this one")
	// ErrSettled is returned for a permit whose outcome was told before.
	ErrSettled = errors.New("throttle: the permit is settled: its outcome was told before; settle once")
)

// A Permit is the right to compare one secret, once. Whatever compares a secret takes one and calls [Permit.Spend] first.
// The zero value is no right. It is safe for concurrent use.
type Permit struct {
	l       *Limiter
	purpose Purpose
	places  []Place
	filled  []Kind
	state   atomic.Uint32
}

const (
	unspent uint32 = iota
	spent
	settled
)

// Purpose returns what the permit is good for.
func (p *Permit) Purpose() Purpose {
	if p == nil {
		return ""
	}
	return p.purpose
}

// Filled reports whether the attempt took the last place for now in a bucket of one of these kinds. Who waits until the next
// place is free is never refused: what is told of a bucket that is full is told from here on.
func (p *Permit) Filled(kinds ...Kind) bool { return p != nil && anyOf(p.filled, kinds) }

// Spend uses the permit up, for a purpose that must be its own. Of several calls, at the same time too, one returns nil.
func (p *Permit) Spend(purpose Purpose) error {
	if p == nil || p.l == nil {
		return ErrSpent
	}
	if purpose != p.purpose {
		return fmt.Errorf("%w (given for %q, spent on %q)", ErrPurpose, p.purpose, purpose)
	}
	if !p.state.CompareAndSwap(unspent, spent) {
		return ErrSpent
	}
	return nil
}

// Settle tells the outcome of what the permit was spent on. A failure stays counted as it was when the places were taken, so
// it writes nothing. A success empties or refunds each bucket as its limit says, in a short transaction of its own; ctx must
// not be that of a write transaction. A permit that is never settled counts as a failure.
func (p *Permit) Settle(ctx context.Context, success bool) error {
	if p == nil || p.l == nil {
		return ErrSpent
	}
	if success && db.InWrite(ctx) {
		return errWriting
	}
	if !p.state.CompareAndSwap(spent, settled) {
		if p.state.Load() == settled {
			return ErrSettled
		}
		return errors.New("throttle: a permit settled before it was spent: nothing was compared, so there is no outcome; Return it instead")
	}
	if !success {
		p.l.alarm.failed(ctx, p.l.now())
		return nil
	}
	return p.free(ctx, Succeeded)
}

// Return gives the places of an unspent permit back: nothing was compared, because the queue was full or the visitor left.
// It is an error to return a permit that was spent.
func (p *Permit) Return(ctx context.Context) error {
	if p == nil || p.l == nil {
		return ErrSpent
	}
	if db.InWrite(ctx) {
		return errWriting
	}
	if !p.state.CompareAndSwap(unspent, settled) {
		return ErrSpent
	}
	return p.free(ctx, Returned)
}

func (p *Permit) free(ctx context.Context, how Outcome) error {
	if err := p.l.store.Settle(ctx, p.l.now(), p.places, how); err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	for i := range p.places {
		p.l.freed([]Key{p.places[i].Key})
	}
	return nil
}
