package db

import (
	"context"
	"sync/atomic"
)

// A Counter counts the statements that were run, for attack and tests: two ways through a program between which a visitor
// must not tell, such as a known and an unknown address, run as many each (OWASP ASVS 5.0 6.3.8). It is safe for
// concurrent use.
type Counter struct{ n atomic.Int64 }

// Ran returns how many statements were begun.
func (c *Counter) Ran() int { return int(c.n.Load()) }

type counterKey struct{}

// Counted returns a context whose readers and writers count their statements.
func Counted(ctx context.Context, c *Counter) context.Context {
	return context.WithValue(ctx, counterKey{}, c)
}

// count counts a statement. The context is asked once in the life of a reader or writer.
func (c *core) count() {
	if !c.asked {
		c.asked = true
		c.counter, _ = c.context().Value(counterKey{}).(*Counter)
	}
	if c.counter != nil {
		c.counter.n.Add(1)
	}
}
