// Package pool keeps an engine's connections: those that read, and the one that writes. It knows nothing of what goes over
// them.
package pool

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/merlon-web/merlon/db"
)

// A Mark is what a pool notes on a connection. Connections embed it.
type Mark struct{ age int }

// Note returns the mark itself: it is how a pool finds it.
func (m *Mark) Note() *Mark { return m }

// A Conn is a connection: a pointer to a struct that embeds a [Mark].
type Conn interface {
	comparable
	Note() *Mark  // that of the embedded [Mark]
	Close()       // ends it
	Broken() bool // it is not to be used again
}

// A Pool holds up to a number of connections. Those who find none free wait in the order of their coming, so that nobody
// starves; the writer is a pool of one. It is safe for concurrent use.
type Pool[C Conn] struct {
	Name string        // what its connections are, for errors: "reader"
	Wait time.Duration // for a turn, and for the connections in use when it is closed

	engine string
	max    int
	open   func(context.Context) (C, error)

	mu      sync.Mutex
	idle    []C
	count   int      // connections that are open or being opened
	waiters []chan C // each takes one connection, or the zero value: the right to open one
	age     int      // connections older than this are not used again
	closed  bool
	empty   chan struct{} // closed when closed and count is 0
}

// New returns a pool of an engine that opens connections as they are needed.
func New[C Conn](engine, name string, max int, wait time.Duration, open func(context.Context) (C, error)) *Pool[C] {
	return &Pool[C]{Name: name, Wait: wait, engine: engine, max: max, open: open, empty: make(chan struct{})}
}

// Stopped is the error of a context that is done. Its cause is in it, if it has one of its own.
func Stopped(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != ctx.Err() {
		return fmt.Errorf("stopped: %w (%w)", ctx.Err(), cause)
	}
	return fmt.Errorf("stopped: %w", ctx.Err())
}

// Get takes a connection. Every Get that succeeds is followed by one Put.
func (p *Pool[C]) Get(ctx context.Context) (none C, err error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return none, db.ErrClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1] // the last one used: its pages and statements are warm
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	if p.count < p.max {
		p.count++
		p.mu.Unlock()
		return p.make(ctx)
	}
	turn := make(chan C, 1)
	p.waiters = append(p.waiters, turn)
	p.mu.Unlock()
	return p.queue(ctx, turn)
}

// queue waits for a turn.
func (p *Pool[C]) queue(ctx context.Context, turn chan C) (none C, err error) {
	timer := time.NewTimer(p.Wait)
	defer timer.Stop()
	select {
	case c, ok := <-turn:
		switch {
		case !ok:
			return none, db.ErrClosed
		case c == none:
			return p.make(ctx)
		}
		return c, nil
	case <-ctx.Done():
		err = Stopped(ctx)
	case <-timer.C:
		err = fmt.Errorf("%w: no %s came free in %v; close each Reader, and begin no write transaction within another", db.ErrBusy, p.Name, p.Wait)
	}
	p.mu.Lock()
	for i, w := range p.waiters {
		if w == turn {
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
			p.mu.Unlock()
			return none, err
		}
	}
	p.mu.Unlock()
	if c, ok := <-turn; ok { // it came in the same moment
		if c == none {
			p.drop()
		} else {
			p.Put(c)
		}
	}
	return none, err
}

// make opens a connection for which count was raised.
func (p *Pool[C]) make(ctx context.Context) (none C, err error) {
	p.mu.Lock()
	age := p.age
	p.mu.Unlock()
	c, err := p.open(ctx)
	if err != nil {
		p.drop()
		return none, err
	}
	c.Note().age = age
	return c, nil
}

// Put gives a connection back. One that broke, or is from before a [Pool.Renew], is closed.
func (p *Pool[C]) Put(c C) {
	p.mu.Lock()
	if c.Broken() || c.Note().age < p.age || p.closed {
		p.mu.Unlock()
		c.Close()
		p.drop()
		return
	}
	if len(p.waiters) > 0 {
		turn := p.waiters[0]
		p.waiters = p.waiters[1:]
		p.mu.Unlock()
		turn <- c
		if p.max == 1 {
			runtime.Gosched() // the others wait for the next writer's sync: it begins before this goroutine goes on
		}
		return
	}
	p.idle = append(p.idle, c)
	p.mu.Unlock()
}

// drop forgets a connection that is no more; who waits longest may open another.
func (p *Pool[C]) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiters) > 0 && !p.closed {
		turn := p.waiters[0]
		p.waiters = p.waiters[1:]
		var open C
		turn <- open
		return
	}
	if p.count--; p.closed && p.count == 0 {
		close(p.empty)
	}
}

// Take takes the idle connections that which names. Each is followed by one Put.
func (p *Pool[C]) Take(which func(C) bool) (taken []C) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.idle[:0]
	for _, c := range p.idle {
		if which(c) {
			taken = append(taken, c)
		} else {
			left = append(left, c)
		}
	}
	clear(p.idle[len(left):])
	p.idle = left
	return taken
}

// Hold puts in a connection that was opened elsewhere.
func (p *Pool[C]) Hold(c C) {
	p.mu.Lock()
	p.idle, p.count = append(p.idle, c), p.count+1
	p.mu.Unlock()
}

// Len returns how many connections are idle, and how many there are.
func (p *Pool[C]) Len() (idle, all int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle), p.count
}

// Waiting returns how many wait for their turn.
func (p *Pool[C]) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiters)
}

// Renew has every connection opened anew before its next use.
func (p *Pool[C]) Renew() {
	p.mu.Lock()
	p.age++
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range idle {
		c.Close()
		p.drop()
	}
}

// Close closes the idle connections, wakes those who wait, and waits for the connections in use.
func (p *Pool[C]) Close() error {
	p.mu.Lock()
	p.closed = true
	idle, waiters := p.idle, p.waiters
	p.idle, p.waiters = nil, nil
	if p.count == 0 {
		close(p.empty)
	}
	p.mu.Unlock()
	for _, turn := range waiters {
		close(turn)
	}
	for _, c := range idle {
		c.Close()
		p.drop()
	}
	timer := time.NewTimer(p.Wait)
	defer timer.Stop()
	select {
	case <-p.empty:
		return nil
	case <-timer.C:
		p.mu.Lock()
		defer p.mu.Unlock()
		return errors.Join(db.ErrBusy, fmt.Errorf("%s: close: %d %ss are still in use: close each Reader", p.engine, p.count, p.Name))
	}
}
