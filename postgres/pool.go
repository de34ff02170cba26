package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/merlon-web/merlon/db"
)

// A pool holds up to max connections. Those who find none free wait in the order of their coming, so that nobody starves;
// the writer is a pool of one.
type pool struct {
	name string
	max  int
	open func(context.Context) (*conn, error)

	mu      sync.Mutex
	idle    []*conn
	count   int          // connections that are open or being opened
	waiters []chan *conn // each takes one connection, or nil: the right to open one
	age     int          // connections older than this are not used again
	closed  bool
	empty   chan struct{} // closed when closed and count is 0
}

func newPool(name string, max int, open func(context.Context) (*conn, error)) *pool {
	return &pool{name: name, max: max, open: open, empty: make(chan struct{})}
}

// begin takes a connection and begins a transaction on it. One that the server has left meanwhile (a restart, an idle
// connection that somebody in between has dropped) is replaced once, since nothing has happened on it yet.
func (p *pool) begin(ctx context.Context, text string) (*conn, error) {
	for try := 0; ; try++ {
		c, err := p.get(ctx)
		if err != nil {
			return nil, err
		}
		used := c.uses > 0
		if err = c.begin(ctx, text); err == nil {
			return c, nil
		}
		lost := c.broken
		c.end()
		p.put(c)
		if !lost || !used || try > 0 || ctx.Err() != nil {
			return nil, err
		}
		p.renew() // the others are from before as well
	}
}

// get takes a connection. Every get is followed by one put.
func (p *pool) get(ctx context.Context) (*conn, error) {
	if ctx.Err() != nil {
		return nil, stopped(ctx)
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, db.ErrClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1] // the last one used: its statements are prepared
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	if p.count < p.max {
		p.count++
		p.mu.Unlock()
		return p.make(ctx)
	}
	turn := make(chan *conn, 1)
	p.waiters = append(p.waiters, turn)
	p.mu.Unlock()
	return p.queue(ctx, turn)
}

// queue waits for a turn.
func (p *pool) queue(ctx context.Context, turn chan *conn) (*conn, error) {
	timer := time.NewTimer(waitTimeout)
	defer timer.Stop()
	var err error
	select {
	case c, ok := <-turn:
		switch {
		case !ok:
			return nil, db.ErrClosed
		case c == nil:
			return p.make(ctx)
		}
		return c, nil
	case <-ctx.Done():
		err = stopped(ctx)
	case <-timer.C:
		err = fmt.Errorf("%w: no %s came free in %v; close each Reader, and begin no write transaction within another", db.ErrBusy, p.name, waitTimeout)
	}
	p.mu.Lock()
	for i, w := range p.waiters {
		if w == turn {
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
			p.mu.Unlock()
			return nil, err
		}
	}
	p.mu.Unlock()
	if c, ok := <-turn; ok { // it came in the same moment
		if c == nil {
			p.drop()
		} else {
			p.put(c)
		}
	}
	return nil, err
}

// make opens a connection for which count was raised.
func (p *pool) make(ctx context.Context) (*conn, error) {
	p.mu.Lock()
	age := p.age
	p.mu.Unlock()
	c, err := p.open(ctx)
	if err != nil {
		p.drop()
		return nil, err
	}
	c.pool, c.age = p, age
	return c, nil
}

// put gives a connection back. One that broke, or is from before a migration, is closed.
func (p *pool) put(c *conn) {
	p.mu.Lock()
	if c.broken || c.age < p.age || p.closed {
		p.mu.Unlock()
		c.close()
		p.drop()
		return
	}
	if len(p.waiters) > 0 {
		turn := p.waiters[0]
		p.waiters = p.waiters[1:]
		p.mu.Unlock()
		turn <- c
		return
	}
	p.idle = append(p.idle, c)
	p.mu.Unlock()
}

// drop forgets a connection that is no more; who waits longest may open another.
func (p *pool) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiters) > 0 && !p.closed {
		turn := p.waiters[0]
		p.waiters = p.waiters[1:]
		turn <- nil
		return
	}
	if p.count--; p.closed && p.count == 0 {
		close(p.empty)
	}
}

// renew has every connection opened anew before its next use.
func (p *pool) renew() {
	p.mu.Lock()
	p.age++
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range idle {
		c.close()
		p.drop()
	}
}

// close closes the idle connections, wakes those who wait, and waits for the connections in use.
func (p *pool) close() error {
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
		c.close()
		p.drop()
	}
	timer := time.NewTimer(waitTimeout)
	defer timer.Stop()
	select {
	case <-p.empty:
		return nil
	case <-timer.C:
		p.mu.Lock()
		defer p.mu.Unlock()
		return errors.Join(db.ErrBusy, fmt.Errorf("postgres: close: %d %ss are still in use: close each Reader", p.count, p.name))
	}
}
