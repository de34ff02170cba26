package db

import (
	"context"
	"sync"
)

// A Querier is what a query reads from: a *[Reader] or a *[Writer], nothing else.
type Querier interface {
	Context() context.Context
	core() *core
}

// A Source gives sessions to readers. It is for writers of engines.
type Source interface {
	// Begin takes a connection and begins a read-only transaction on it. Statements stop when ctx is done.
	Begin(ctx context.Context) (*Session, error)

	// End ends the transaction and takes the connection back. It throws away one that broke.
	End(s *Session)
}

// A Reader reads from one instant of the database: it begins one read-only transaction at its first use and holds it
// until it is closed. It has no method that writes, it is a struct, so that no type assertion makes more of it, and its
// connection refuses writes by itself. The zero Reader answers [ErrClosed].
//
// A Reader may be used by several goroutines, which wait for one another; it must not outlive its request.
type Reader struct{ c core }

// NewReader returns a reader over a source. It is for writers of engines.
func NewReader(ctx context.Context, from Source) *Reader {
	return &Reader{c: core{ctx: ctx, source: from}}
}

// Context returns the context that the reader was made with.
func (r *Reader) Context() context.Context { return r.core().context() }

// Close ends the transaction. The reader answers [ErrClosed] from then on. It is safe to close a reader twice.
func (r *Reader) Close() error {
	r.core().close()
	return nil
}

func (r *Reader) core() *core {
	if r == nil {
		return &core{}
	}
	return &r.c
}

// core is what readers and writers share: a session for the time of a transaction, under a lock, so that a goroutine that
// outlives the request finds the door closed and never a connection that is someone else's by now.
type core struct {
	mu      sync.Mutex
	ctx     context.Context
	source  Source      // of a Reader that is open
	session *Session    // nil before a Reader's first use and after the end
	writing bool        // a Writer
	dead    error       // the engine rolled a Writer's transaction back by itself
	running []*prepared // open loops over Each
	asked   bool        // the context was asked for a counter
	counter *Counter    // nil: nobody counts
}

func (c *core) context() context.Context {
	if c.ctx == nil {
		return context.Background()
	}
	return c.ctx
}

// enter takes the lock and makes sure of a session. It leaves the lock taken only if it returns nil.
func (c *core) enter() error {
	c.mu.Lock()
	if c.session != nil && c.dead == nil {
		return nil
	}
	err := c.begin()
	if err != nil {
		c.mu.Unlock()
	}
	return err
}

func (c *core) leave() { c.mu.Unlock() }

func (c *core) begin() error {
	if c.dead != nil {
		return c.dead
	}
	if c.source == nil {
		return ErrClosed
	}
	s, err := c.source.Begin(c.ctx)
	if err == nil {
		c.session = s
	}
	return err
}

// start prepares a statement and binds its arguments. Finish must follow if it returns no error.
func (c *core) start(d *declared, key uint64, args []any) (*prepared, error) {
	if len(args) != d.params {
		return nil, d.wrongCount(len(args))
	}
	if err := d.needsEscape(args); err != nil {
		return nil, err
	}
	if d.lists != nil {
		lists, err := d.listKey(args)
		if err != nil {
			return nil, err
		}
		key |= lists
	}
	p, err := c.session.prepare(d.text(key))
	if err != nil {
		return nil, err
	}
	c.count(d)
	p.busy = true
	if d.lists == nil {
		for i := range args {
			if err := bind(p.stmt, i+1, args[i]); err != nil {
				c.finish(p)
				return nil, argError(i, args[i], err)
			}
		}
	} else if err := bindLists(p, args); err != nil {
		c.finish(p)
		return nil, err
	}
	return p, nil
}

// finish ends a run that start began.
func (c *core) finish(p *prepared) {
	p.stmt.Reset()
	p.busy = false
	if !p.kept {
		p.stmt.Close()
	}
}

// failed looks at the transaction after an error of the engine.
func (c *core) failed(err error) error {
	if c.writing && !c.session.conn.InTransaction() {
		c.dead = RuleRolledBack.Finding("", "the database rolled the transaction back by itself", "return the first error: "+err.Error())
	}
	return err
}

// open is enter and start for a loop over Each, which holds the lock only within its steps.
func (c *core) open(d *declared, key uint64, args []any) (*prepared, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	p, err := c.start(d, key, args)
	if err != nil {
		return nil, err
	}
	c.running = append(c.running, p)
	return p, nil
}

// next takes a loop's next row.
func next[Row any](c *core, p *prepared, row *Row) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		return false, ErrClosed
	}
	if c.dead != nil {
		return false, c.dead
	}
	more, err := p.stmt.Step()
	if err != nil {
		return false, c.failed(err)
	}
	if !more {
		return false, nil
	}
	return true, scanRow(p, row)
}

// shut ends a loop, if the end of the transaction did not.
func (c *core) shut(p *prepared) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, q := range c.running {
		if p == q {
			c.running = append(c.running[:i], c.running[i+1:]...)
			c.finish(p)
			return
		}
	}
}

// release ends the running loops and forgets the session.
func (c *core) release() (*Session, Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.running {
		c.finish(p)
	}
	s, from := c.session, c.source
	c.running, c.session, c.source = nil, nil, nil
	return s, from
}

func (c *core) close() {
	if s, from := c.release(); s != nil && from != nil {
		from.End(s)
	}
}
