package db

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// A Counter counts the statements that were run, for attack and tests: two ways through a program between which a visitor
// must not tell, such as a known and an unknown address, run as many each (OWASP ASVS 5.0 6.3.8). It is safe for
// concurrent use.
type Counter struct {
	n     atomic.Int64
	mu    sync.Mutex
	wrote map[string]int // by the schema's name
}

// Ran returns how many statements were begun.
func (c *Counter) Ran() int { return int(c.n.Load()) }

// Wrote returns how many of them write, those of the schemas of these names left out: limits and the journal count also
// what is refused. A transaction that was rolled back counts as well.
func (c *Counter) Wrote(but ...string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for schema, k := range c.wrote {
		if !slices.Contains(but, schema) {
			n += k
		}
	}
	return n
}

type counterKey struct{}

// Counted returns a context whose readers and writers count their statements.
func Counted(ctx context.Context, c *Counter) context.Context {
	return context.WithValue(ctx, counterKey{}, c)
}

// count counts a statement. The context is asked once in the life of a reader or writer.
func (c *core) count(d *declared) {
	if !c.asked {
		c.asked = true
		c.counter, _ = c.context().Value(counterKey{}).(*Counter)
	}
	if c.counter != nil {
		c.counter.n.Add(1)
		if d.kind != KindQuery {
			c.counter.mu.Lock()
			if c.counter.wrote == nil {
				c.counter.wrote = map[string]int{}
			}
			c.counter.wrote[d.schema.Name()]++
			c.counter.mu.Unlock()
		}
	}
}
