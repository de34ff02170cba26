package sqlite

import (
	"context"
	"time"

	"github.com/merlon-web/merlon/internal/pool"
)

// connPool is a pool of connections, and of the transactions of readers that are parked on them (see instant).
type connPool struct {
	*pool.Pool[*conn]

	instant   instant       // of readers
	maxParked time.Duration // how old their parked transactions may grow
	sweep     time.Duration // how often commits end them, at most
}

func newPool(name string, max int, open func() (*conn, error)) *connPool {
	p := &connPool{maxParked: maxParked, sweep: sweepParked}
	p.Pool = pool.New("sqlite", name, max, waitTimeout, func(context.Context) (*conn, error) {
		c, err := open()
		if err == nil {
			c.pool = p
		}
		return c, err
	})
	return p
}

// Close implements [pool.Conn].
func (c *conn) Close() { c.close() }

// Broken implements [pool.Conn].
func (c *conn) Broken() bool { return c.broken }
