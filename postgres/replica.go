package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/merlon-web/merlon/db"
)

// replica is a standby that readers may go to.
type replica struct {
	name    string
	server  *pgconn.Config
	pool    *connPool
	readers atomic.Int64
	now     atomic.Pointer[standing]
	watch   *conn // the follower's own; nil: none is open

	mu   sync.Mutex
	open map[*conn]bool // those of the pool
}

// standing is what is known of a replica.
type standing struct {
	fault string // why nothing can be read there
	err   error  // the same, if the replica is none
	fresh time.Time
	xmin  int64 // the transactions with a lower number have ended there
}

// serves reports whether readers may go there.
func (s *standing) serves(now time.Time) bool {
	return s.fault == "" && now.Sub(s.fresh) <= db.MaxLag
}

// elsewhere is the [db.Source] of a reader that goes to a replica, and to the server itself if it cannot.
type elsewhere struct {
	*engine
	replica *replica
	after   int64
}

// Begin implements [db.Source].
func (s elsewhere) Begin(ctx context.Context) (*db.Session, error) {
	if c := s.replica.begin(ctx, s.after); c != nil {
		return c.session, nil
	}
	return s.engine.Begin(ctx)
}

// Replicas implements [db.Replicated].
func (e *engine) Replicas() (all []db.Replica) {
	on := e.on.Load()
	if on == nil || on.follow == nil {
		return nil
	}
	now := time.Now()
	for _, r := range on.follow.replicas {
		is := r.now.Load()
		one := db.Replica{Name: r.name, Lag: -1, Readers: r.readers.Load(), Fault: is.fault, Foreign: is.err != nil}
		if !is.fresh.IsZero() {
			one.Lag = now.Sub(is.fresh)
		}
		if one.Fault == "" && !is.serves(now) {
			one.Fault = fmt.Sprintf("it is more than %v behind", db.MaxLag)
		}
		all = append(all, one)
	}
	return all
}

// ReadAfter implements [db.Replicated].
func (e *engine) ReadAfter(ctx context.Context, after int64) *db.Reader {
	on := e.on.Load()
	if on == nil {
		return nil
	}
	r := on.follow.choose(after)
	if r == nil {
		return nil
	}
	return db.NewReader(ctx, elsewhere{e, r, after})
}

// choose returns the replica that is the least busy of those that have seen a transaction, or else of those that may have; nil: the
// server itself is to be asked.
func (f *follower) choose(after int64) (best *replica) {
	if f == nil {
		return nil
	}
	now, first := time.Now(), int(f.turn.Add(1)%uint32(len(f.replicas)))
	var least int
	var seen bool
	for i := range f.replicas {
		r := f.replicas[(first+i)%len(f.replicas)]
		is := r.now.Load()
		if !is.serves(now) {
			continue
		}
		sure, busy := after < is.xmin, r.busy()
		if best == nil || sure && !seen || sure == seen && busy < least {
			best, seen, least = r, sure, busy
		}
	}
	return best
}

// busy counts the readers that are there and those that wait for their turn.
func (r *replica) busy() int {
	idle, all := r.pool.Len()
	return all - idle + r.pool.Waiting()
}

// seenText asks whether a transaction has ended here, at or after its end on the first server. It is a statement of its own, before the
// reader's transaction: a snapshot that is taken later shows what the answer knew. A standby's snapshot lists what runs there among its
// subtransactions, which nobody can ask for; pg_xact_status looks among them.
func seenText(number int64) string {
	n := "'" + strconv.FormatInt(number, 10) + "'::xid8"
	return "SELECT CASE WHEN " + n + " >= pg_snapshot_xmax(pg_current_snapshot()) THEN false ELSE coalesce(pg_xact_status(" + n + ") <> 'in progress', true) END"
}

// begin begins a reader's transaction that shows what a transaction has committed; nil: it has not come there yet, or the replica does
// not do.
func (r *replica) begin(ctx context.Context, after int64) *conn {
	is := r.now.Load()
	if is.fault != "" {
		return nil
	}
	texts, seen := []string{beginRead}, true
	if after >= is.xmin {
		texts = []string{seenText(after), beginRead}
	}
	c, err := r.pool.try(ctx, func(c *conn) error {
		rows := 0
		return c.beginSeeing(ctx, func(values [][]byte) {
			if rows++; rows == 1 && len(texts) == 2 {
				seen = string(values[0]) == "t"
			}
		}, texts...)
	})
	switch {
	case err == nil && seen:
		r.readers.Add(1)
		return c
	case err == nil:
		c.end()
		r.pool.Put(c)
	case errors.Is(err, db.ErrAway):
		r.leave("it does not answer: "+err.Error(), nil)
	}
	return nil
}

// leave has no reader go to the replica until the follower has seen it well again. Those who wait for its answer stop.
func (r *replica) leave(fault string, err error) {
	was := r.now.Load()
	r.now.Store(&standing{fault: fault, err: err, fresh: was.fresh})
	r.pool.Renew()
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		c.doomed.Store(true)
		_ = c.pg.Conn().SetDeadline(time.Unix(1, 0))
	}
}

// keep has leave know a connection of the pool until it is closed.
func (r *replica) keep(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[c] = true
	c.closed = func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.open, c)
	}
}
