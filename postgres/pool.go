package postgres

import (
	"context"
	"errors"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/pool"
)

// connPool is a pool of connections, which the server may have left when their turn comes.
type connPool struct {
	*pool.Pool[*conn]
	outage db.Outage
}

func newPool(name string, max int, open func(context.Context) (*conn, error)) *connPool {
	p := &connPool{}
	p.Pool = pool.New("postgres", name, max, waitTimeout, func(ctx context.Context) (*conn, error) {
		c, err := open(ctx)
		if err == nil {
			c.pool = p
		}
		return c, err
	})
	return p
}

// begin takes a connection and begins a transaction on it. A server that is away is waited for, without a place in the pool: nothing
// has happened yet, and a restart takes a moment.
func (p *connPool) begin(ctx context.Context, begin func(*conn) error) (*conn, error) {
	for {
		c, err := p.try(ctx, begin)
		if err == nil {
			p.outage.Over()
			return c, nil
		}
		if !errors.Is(err, db.ErrAway) || !p.outage.Wait(ctx) {
			return nil, err
		}
	}
}

// try begins a transaction once. A connection that the server has left meanwhile (a restart, an idle one that somebody in between
// has dropped) is replaced once.
func (p *connPool) try(ctx context.Context, begin func(*conn) error) (*conn, error) {
	for try := 0; ; try++ {
		c, err := p.Get(ctx)
		if err != nil {
			return nil, err
		}
		used := c.uses > 0
		if err = begin(c); err == nil {
			return c, nil
		}
		lost := c.broken
		c.end()
		p.Put(c)
		if !lost || !used || try > 0 || ctx.Err() != nil {
			return nil, err
		}
		p.Renew() // the others are from before as well
	}
}

// Get takes a connection for a context that is not done yet.
func (p *connPool) Get(ctx context.Context) (*conn, error) {
	if ctx.Err() != nil {
		return nil, pool.Stopped(ctx)
	}
	return p.Pool.Get(ctx)
}

// Close implements [pool.Conn].
func (c *conn) Close() { c.close() }

// Broken implements [pool.Conn].
func (c *conn) Broken() bool { return c.broken }
