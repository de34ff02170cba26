package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
)

// How often the replicas are looked at, and how long one may take to answer, or to be connected to. A replica whose last look is
// older than [db.MaxLag] serves nobody.
const (
	followEvery = time.Second
	followTime  = time.Second
)

// A follower knows how far each replica is. It asks the server itself how far its log is written, and a moment later each replica how
// far it has replayed: what shows a position shows all that was committed when the position was asked for.
type follower struct {
	on       *opened
	replicas []*replica
	turn     atomic.Uint32 // who is asked first
	stop     context.CancelFunc
	done     sync.WaitGroup

	system atomic.Pointer[string] // the number of the server's data, which its standbys have too; nil: it was not reached yet

	// Of the goroutine that looks.
	watch   *conn    // on the server itself; nil: none is open
	samples []sample // of the last seconds, the oldest first
}

// sample is how far the server's log was written at least, by all that was committed until then. (With synchronous_commit off that
// is what was committed some tenths of a second before.)
type sample struct {
	at       time.Time
	lsn      uint64
	timeline uint64 // rises with each promotion
}

// followReplicas begins to follow the replicas that the settings name. One that is something else refuses the opening; one that does not answer,
// or was promoted, does not: readers go to the server itself.
func (on *opened) followReplicas(ctx context.Context) error {
	if len(on.way.replicas) == 0 {
		return nil
	}
	f := &follower{on: on}
	for _, server := range on.way.replicas {
		r := &replica{name: serverName(server), server: server, open: map[*conn]bool{}}
		r.now.Store(&standing{fault: "it was not looked at yet"})
		r.pool = newPool("reader", readers, func(ctx context.Context) (*conn, error) {
			if is := r.now.Load(); is.fault != "" {
				return nil, away(errors.New("postgres: the replica " + r.name + ": " + is.fault))
			}
			c, err := f.connect(ctx, r)
			if err == nil {
				c.judge = on.judge.query
				r.keep(c)
			}
			return c, err
		})
		r.pool.Wait = 2 * followTime
		f.replicas = append(f.replicas, r)
	}
	looking, stop := context.WithCancel(context.WithoutCancel(ctx))
	on.follow, f.stop = f, stop
	f.look(ctx)
	for _, r := range f.replicas {
		var foreign check.Finding
		if is := r.now.Load(); errors.As(is.err, &foreign) {
			return foreign
		}
	}
	f.done.Go(func() {
		tick := time.NewTicker(followEvery)
		defer tick.Stop()
		for {
			select {
			case <-looking.Done():
				return
			case <-tick.C:
				f.look(looking)
			}
		}
	})
	return nil
}

func (f *follower) close() error {
	if f == nil {
		return nil
	}
	f.stop()
	f.done.Wait()
	var all error
	for _, r := range f.replicas {
		all = errors.Join(all, r.pool.Close())
		if r.watch != nil {
			r.watch.close()
		}
	}
	if f.watch != nil {
		f.watch.close()
	}
	return all
}

// look takes a sample and looks at all replicas.
func (f *follower) look(ctx context.Context) {
	f.sample(ctx)
	var all sync.WaitGroup
	for _, r := range f.replicas {
		all.Go(func() { f.lookAt(ctx, r) })
	}
	all.Wait()
}

// ask runs a query on a connection of the follower's own, which is made if need be and given up if it fails.
func (f *follower) ask(ctx context.Context, on **conn, connect func(context.Context) (*conn, error), query string) (row []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, followTime)
	defer cancel()
	if *on == nil {
		if *on, err = connect(ctx); err != nil {
			*on = nil
			return nil, err
		}
	}
	rows, err := (*on).rows(ctx, query)
	if err == nil && len(rows) == 1 {
		return rows[0], nil
	}
	(*on).close()
	*on = nil
	return nil, away(fmt.Errorf("postgres: %d rows: %v", len(rows), err))
}

// sample asks the server itself. One that does not answer leaves the samples as they are: what the replicas show grows old.
func (f *follower) sample(ctx context.Context) {
	now := time.Now()
	row, err := f.ask(ctx, &f.watch, func(ctx context.Context) (*conn, error) {
		c, err := f.on.way.connect(ctx, reader, nil)
		if err != nil {
			return nil, err
		}
		system, _, err := c.systemOf(ctx)
		if err != nil {
			c.close()
			return nil, err
		}
		f.system.Store(&system)
		return c, nil
	}, "SELECT pg_current_wal_lsn(), substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)")
	if err != nil {
		return
	}
	lsn, err := position(row[0])
	timeline, bad := strconv.ParseUint(row[1], 16, 32)
	if err != nil || bad != nil {
		return
	}
	kept := f.samples[:0]
	for _, s := range f.samples {
		if now.Sub(s.at) <= 2*db.MaxLag {
			kept = append(kept, s)
		}
	}
	f.samples = append(kept, sample{now, lsn, timeline})
}

// lookText asks a replica what it follows and how far it is. Which promotions of the server it has gone along with stands in its files a
// moment after it has, up to the time between two checkpoints: one that follows the server that was there before a failover is as far
// in its log as the new one, and shows nothing of what is written since.
const lookText = "SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn(), pg_snapshot_xmin(pg_current_snapshot())," +
	" greatest((SELECT timeline_id FROM pg_control_checkpoint()), (SELECT min_recovery_end_timeline FROM pg_control_recovery()))"

// lookAt asks a replica.
func (f *follower) lookAt(ctx context.Context, r *replica) {
	row, err := f.ask(ctx, &r.watch, func(ctx context.Context) (*conn, error) { return f.connect(ctx, r) },
		lookText)
	var foreign check.Finding
	switch {
	case ctx.Err() != nil:
		return // it ends
	case errors.As(err, &foreign):
		r.leave(foreign.What, err)
	case err != nil:
		r.leave("it does not answer: "+err.Error(), nil)
	case row[0] != "t":
		r.leave(promoted, nil)
	default:
		is := &standing{fresh: r.now.Load().fresh}
		at, err1 := position(row[1])
		xmin, err2 := strconv.ParseInt(row[2], 10, 64)
		timeline, err3 := strconv.ParseUint(row[3], 10, 32)
		if errors.Join(err1, err2, err3) != nil {
			r.leave("it does not tell how far it is", nil)
			return
		}
		is.xmin = xmin
		for _, s := range f.samples {
			if s.lsn <= at {
				is.fresh = s.at
			}
		}
		if n := len(f.samples); n > 0 && f.samples[n-1].timeline > timeline {
			is.fault = "it follows the server that was there before a failover, or has gone over to the new one only now"
		}
		r.now.Store(is)
	}
}

const promoted = "it follows no server: it was promoted, or is the server itself under another name"

// connect connects to a replica, as a reader that is proven as on the server itself, and proves that it is one.
func (f *follower) connect(ctx context.Context, r *replica) (*conn, error) {
	within, cancel := context.WithTimeout(ctx, followTime)
	defer cancel()
	c, err := f.on.way.connectTo(within, r.server, reader, f.on.schemas)
	if err != nil {
		if within.Err() != nil && ctx.Err() == nil {
			err = away(errors.New("nothing answers in time"))
		}
		return nil, err
	}
	system, follows, err := c.systemOf(within)
	switch known := f.system.Load(); {
	case err != nil:
	case known == nil:
		err = away(errors.New("postgres: the server of db.url was not reached yet, or does not tell which data it has"))
	case system != *known:
		err = db.RuleReplica.Finding("", "postgres: "+r.name+" follows another server than that of db.url: its data have another number", "name a standby that was made of that server, by pg_basebackup for one")
	case !follows:
		err = away(errors.New(promoted))
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// systemOf returns the number that a server's data have had since they were made, and whether it follows another server.
func (c *conn) systemOf(ctx context.Context) (system string, follows bool, err error) {
	rows, err := c.rows(ctx, "SELECT system_identifier, pg_is_in_recovery() FROM pg_control_system()")
	if err != nil {
		return "", false, away(fmt.Errorf("postgres: which data a server has is not told to the role of the readers (GRANT EXECUTE ON FUNCTION pg_control_system, pg_control_checkpoint, pg_control_recovery): %v", err))
	}
	return rows[0][0], rows[0][1] == "t", nil
}

// position reads a place in the log, as "16/B374D848".
func position(text string) (uint64, error) {
	high, low, _ := strings.Cut(text, "/")
	h, err := strconv.ParseUint(high, 16, 32)
	if err != nil {
		return 0, err
	}
	l, err := strconv.ParseUint(low, 16, 32)
	return h<<32 | l, err
}

// beginNumbered begins a write transaction with its number, which the server gives it at once.
func (c *conn) beginNumbered(ctx context.Context, text string) error {
	c.number = 0
	err := c.beginSeeing(ctx, func(values [][]byte) {
		c.number, _ = strconv.ParseInt(string(values[0]), 10, 64) // of the last row
	}, text+"; SELECT pg_current_xact_id(); SAVEPOINT merlon")
	if err == nil && c.number <= 0 {
		c.broken = true
		return errors.New("postgres: the server does not tell the number of the transaction")
	}
	return err
}
