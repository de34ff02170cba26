package sqlite

import (
	"context"
	"sync/atomic"
	"time"
)

// maxParked is how old a parked transaction may grow. Only a write from outside of this process (an owner's tool on the
// file) can be missed that long: our own commits end what is parked.
const maxParked = 250 * time.Millisecond

// sweepParked is how often commits end what is parked, at most. Many commits a second wait for one another, and a reader that
// takes a connection ends what is past on it by itself.
const sweepParked = 5 * time.Millisecond

// An instant tells whether the database is still what a reader saw.
//
// Beginning and ending a transaction that reads one row costs as much as the row: BEGIN, ROLLBACK, and a lock and an unlock
// of the shared memory, which are system calls. As long as nothing was committed the next reader would see the very same
// rows, so the transaction stays open on the idle connection, parked, and is the next reader's.
//
// Nobody sees less than before: a commit makes the number odd before it begins and even after it has ended, however it
// ended, and before its writer is told. A parked transaction is used only at the very number at which it began, and only
// if that is even. So who begins after a commit was acknowledged sees it; and who begins while one is on its way begins a
// transaction of its own, so that of two readers, one after the other, the later never sees the older rows.
//
// SQLite's locks stay what they are: a parked transaction holds its read lock as a running one does, and a process from
// outside that writes or checkpoints heeds it. It does not keep the log from being written back for long: commits end the
// idle ones first, if that was not done some milliseconds ago.
type instant struct {
	number atomic.Uint64 // odd while a commit is on its way
	armed  atomic.Bool   // expire will be called
	swept  time.Time     // when a commit ended what was parked; who commits has it
}

// holds reports whether a transaction that began at the number sees what one that begins now would see.
func (i *instant) holds(number uint64) bool {
	return number&1 == 0 && i.number.Load() == number
}

// change is called around everything that can change the database; only who has the writer's turn may. The function that
// it returns ends it.
func (p *connPool) change() (done func()) {
	p.instant.number.Add(1)
	if now := time.Now(); now.Sub(p.instant.swept) >= p.sweep {
		p.instant.swept = now
		p.endParked()
	}
	return func() { p.instant.number.Add(1) }
}

// begin takes a connection with a transaction that reads.
func (p *connPool) begin(ctx context.Context) (*conn, error) {
	c, err := p.Get(ctx)
	if err != nil {
		return nil, err
	}
	if c.parked {
		if p.instant.holds(c.began) {
			c.resume(ctx)
			return c, nil
		}
		c.end()
	}
	c.began = p.instant.number.Load() // before the transaction sees anything
	if err := c.beginRead(ctx); err != nil {
		c.end()
		p.Put(c)
		return nil, err
	}
	return c, nil
}

// end gives a reader's connection back, its transaction parked if it would still do.
func (p *connPool) end(c *conn) {
	if !c.parkable() || !p.instant.holds(c.began) {
		c.end()
		p.Put(c)
		return
	}
	c.park()
	p.Put(c)
	// After put: an expire that came before it has not met c, and one that is armed now will.
	if !p.instant.armed.Load() && p.instant.armed.CompareAndSwap(false, true) {
		time.AfterFunc(p.maxParked, p.expire)
	}
}

// expire ends all parked transactions, those of connections in use as soon as they come back.
func (p *connPool) expire() {
	p.instant.armed.Store(false)
	p.instant.number.Add(2)
	p.endParked()
}

// parkable reports whether the transaction of a reader may go on for another one: nothing went wrong in it, and the
// connection is not the writer's too.
func (c *conn) parkable() bool { return !c.memory && !c.broken && !c.failed }

// park forgets a reader's context and leaves the transaction open.
func (c *conn) park() {
	c.parked = true
	c.c.SetInterrupt(context.Background())
	c.ctx = nil
}

// resume gives a parked transaction to a reader.
func (c *conn) resume(ctx context.Context) {
	c.parked = false
	c.ctx = ctx
	c.c.SetInterrupt(ctx)
	c.mode = modeRead
}

// endParked ends the transactions that are parked on idle connections. Readers that find none idle meanwhile wait in line.
func (p *connPool) endParked() {
	parked := p.Take(func(c *conn) bool { return c.parked })
	for _, c := range parked {
		c.end()
		p.Put(c)
	}
}
