// Package postgres is the database engine over a PostgreSQL server, version 14 or later: two roles, one that reads and can
// do nothing else, and one that owns the tables. Several processes may serve one database.
//
// It protects rows from readers that try to write, by the server's own rights; from statements that are not queries or
// changes of rows, by the server's own grammar; and from two writers at once, in all processes. Copies of the database are made
// by pg_dump and loaded by pg_restore, into databases of their own; neither program is told a password.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/steps"
)

// Limits of this engine.
const (
	waitTimeout  = 10 * time.Second // how long a reader or writer waits for its turn, if its context lets it
	readTimeout  = 10 * time.Second // of one statement of a reader
	writeTimeout = 30 * time.Second // of one statement of a writer, and how long it may hold the writers' lock idle
	idleTimeout  = time.Minute      // how long a reader may hold its transaction idle
	dialTimeout  = 5 * time.Second
	keepAlive    = 15 * time.Second // how often a connection on which nothing goes on is asked whether it lives
	startTimeout = time.Minute      // how long a first start waits for another one's
	readers      = 8                // connections of one process that read; with the writer's and one that judges, ten
	maxMessage   = 16 << 20         // bytes of one row that is read
	maxBound     = 8 << 20          // bytes of all values of one statement, so that the row that it writes can be read
	slack        = 5 * time.Second  // how much longer than the server's own limit this side waits for its answer
	fetch        = 256              // rows that a reader takes at once
)

// A Config says where the database is, and as whom it is asked. Both addresses name the same database, as
// "postgres://ROLE:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full"; they come from settings, never from a visitor. Off
// loopback nothing less than verify-full is accepted.
type Config struct {
	URL    string // of the role that owns the tables: it migrates and writes
	Reader string // of the role that reads, made by [Setup]
	// Replicas are the addresses of standbys of that server, of the role of Reader and the same database: readers that may be a moment
	// behind go there ([db.Replicated]). None: all go to the server itself.
	Replicas []string
	Tools    string // the folder of pg_dump and pg_restore; "": where systems put them
}

// Engine returns the engine of a database. Nothing is connected before Open, or before the statements are prepared.
func Engine(c Config) db.Engine { return &engine{config: c, schema: "public"} }

// engine is the one implementation of db.Engine here: on the site's schema, or on one of its own if it is a scratch.
type engine struct {
	config Config
	schema string
	on     atomic.Pointer[opened]
	loose  looseEnds // what tests have switched off

	beside  *way   // of a scratch: where the engine is open that made it
	setting string // db.url, "" for a program's own Config
	unread  error  // why it could not be read

	mu     sync.Mutex // of Open and Close
	keeper *conn      // of a scratch: holds the lock that says it is in use
}

// looseEnds switches off single measures of the reader's recipe. It is not zero in tests only, which show that each holds
// something by itself.
type looseEnds struct {
	noQueryFirst, noRollback, noRole, noJudge bool
	patience                                  time.Duration // instead of a connection's own
}

// opened is what an engine has between Open and Close.
type opened struct {
	way     *way
	dir     string // of the data
	schemas []*db.Schema
	readers *connPool
	writer  *connPool // of one
	judge   *judge
	follow  *follower // nil: there are no replicas
}

var (
	_ db.Shared     = (*engine)(nil)
	_ db.Starter    = (*engine)(nil)
	_ db.Placed     = (*engine)(nil)
	_ db.Checker    = (*engine)(nil)
	_ db.Replicated = (*engine)(nil)
)

// Name returns "postgres".
func (e *engine) Name() string { return "postgres" }

// Shared implements [db.Shared]: other processes write too.
func (e *engine) Shared() bool { return true }

// Starting implements [db.Starter] by an advisory lock. Whoever waits for more than a minute is told who holds the start up.
func (e *engine) Starting(ctx context.Context, do func() error) error {
	return e.asOwner(ctx, func(c *conn, _ *opened) error {
		waiting, cancel := context.WithTimeout(ctx, startTimeout)
		defer cancel()
		if _, err := c.rows(waiting, "SELECT pg_advisory_lock($1)", fmt.Sprint(lockKey("start", e.schema))); err != nil {
			if ctx.Err() == nil && waiting.Err() != nil {
				return fmt.Errorf("%w: another process has been making its first start on this database for %v: end it, or try again", db.ErrBusy, startTimeout)
			}
			return err
		}
		return do()
	})
}

// Open connects as both roles, and gives the readers' role the rights that it lacks. The folder is asked whether it names
// another database than the settings do. Several processes may serve one database; a restore in its place keeps them out.
func (e *engine) Open(ctx context.Context, dir string, schemas ...*db.Schema) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.on.Load() != nil {
		return errors.New("postgres: the engine is open already: close it first, or make another with postgres.Engine")
	}
	if err := steps.Distinct("postgres", schemas); err != nil {
		return err
	}
	w, err := e.wayOf(ctx, dir)
	if err != nil {
		return err
	}
	w.loose = e.loose
	if e.keeper != nil {
		w.replicas = nil // of a scratch
	}
	on := &opened{way: w, dir: dir, schemas: schemas, judge: &judge{way: w}}
	open := func(as role) func(context.Context) (*conn, error) {
		return func(ctx context.Context) (*conn, error) {
			c, err := w.connect(ctx, as, schemas)
			if err != nil {
				return nil, err
			}
			c.judge = on.judge.query
			if as == owner {
				if err := c.use(ctx); err != nil {
					c.close()
					return nil, err
				}
			}
			return c, nil
		}
	}
	on.writer, on.readers = newPool("writer", 1, open(owner)), newPool("reader", readers, open(reader))
	if err := on.prove(ctx); err != nil {
		return errors.Join(err, on.close())
	}
	if err := errors.Join(e.ready(ctx, w), e.needless(dir, w)); err != nil {
		return errors.Join(err, on.close())
	}
	if err := on.followReplicas(ctx); err != nil {
		return errors.Join(err, on.close())
	}
	e.on.Store(on)
	return nil
}

// prove connects as both roles, and refuses a reader that is the owner or above all rights.
func (on *opened) prove(ctx context.Context) error {
	for _, p := range []*connPool{on.writer, on.readers} {
		c, err := p.Get(ctx)
		if err != nil {
			return err
		}
		defer p.Put(c)
		if p == on.writer {
			continue
		}
		if bad, err := c.mighty(ctx); err != nil || bad != "" && !on.way.loose.noRole {
			if err == nil {
				err = db.RuleReaderRole.Finding("", "postgres: the role of the readers "+bad, "give Reader a role that only reads: postgres.Setup prints what makes one")
			}
			return err
		}
	}
	return nil
}

func (on *opened) close() error {
	return errors.Join(on.follow.close(), on.readers.Close(), on.writer.Close(), on.judge.close())
}

// Close waits up to ten seconds for running transactions.
func (e *engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	on := e.on.Swap(nil)
	if on == nil {
		return nil
	}
	err := on.close()
	if e.keeper != nil {
		err = errors.Join(err, e.keeper.dropScratch(e.schema))
		e.keeper.close()
		e.keeper = nil
	}
	return err
}

// Read returns a reader of the pool.
func (e *engine) Read(ctx context.Context) *db.Reader { return db.NewReader(ctx, e) }

// Begin implements [db.Source].
func (e *engine) Begin(ctx context.Context) (*db.Session, error) {
	on := e.on.Load()
	if on == nil {
		return nil, db.ErrClosed
	}
	begin := beginRead
	if e.loose.noQueryFirst {
		begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	}
	c, err := on.readers.begin(ctx, func(c *conn) error { return c.begin(ctx, begin) })
	if err != nil {
		return nil, err
	}
	return c.session, nil
}

// End implements [db.Source].
func (e *engine) End(s *db.Session) {
	c := s.Conn().(*conn)
	c.end()
	c.pool.Put(c)
}

// The fixed texts that bound transactions. A reader's begins with a query: after one, no SET TRANSACTION makes it write. It
// is ended by ROLLBACK alone, which undoes what a statement may have set. A writer's takes the lock of all writers.
const (
	beginRead = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1; SAVEPOINT merlon"
	rollback  = "ROLLBACK"
	back      = "ROLLBACK TO SAVEPOINT merlon"
	onward    = "RELEASE SAVEPOINT merlon; SAVEPOINT merlon"
)

// lockKey is the number of an advisory lock of this database: one for the writers of each schema, one for its migrations.
func lockKey(what, schema string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("merlon/" + what + "/" + schema))
	return int64(h.Sum64())
}

// Write runs do in the one write transaction. Writers of all processes wait for one another at an advisory lock, so that
// what a handler has read is still so when it writes, as with every engine.
func (e *engine) Write(ctx context.Context, do func(context.Context, *db.Writer) error) error {
	if err := db.RefuseNested(ctx); err != nil {
		return err
	}
	on := e.on.Load()
	if on == nil {
		return db.ErrClosed
	}
	c, err := on.writer.begin(ctx, func(c *conn) error {
		text := fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock(%d)", lockKey("writer", e.schema))
		if on.follow == nil {
			return c.begin(ctx, text+"; SAVEPOINT merlon")
		}
		return c.beginNumbered(ctx, text)
	})
	if err != nil {
		return err
	}
	return db.RunTx(ctx, transaction{c, ctx}, do)
}

// transaction implements [db.Tx].
type transaction struct {
	c   *conn
	ctx context.Context
}

func (t transaction) Session() *db.Session { return t.c.session }
func (t transaction) Commit() error        { return t.c.commit(t.ctx) }
func (t transaction) Rollback()            { t.c.end() }
func (t transaction) Release()             { t.c.pool.Put(t.c) }
func (t transaction) Number() int64        { return t.c.number }

// Generation returns how often a writer has committed to this schema.
func (e *engine) Generation(ctx context.Context) (n int64, err error) {
	on := e.on.Load()
	if on == nil {
		return 0, db.ErrClosed
	}
	c, err := on.readers.begin(ctx, func(c *conn) error { return c.begin(ctx, beginRead) })
	if err != nil {
		return 0, err
	}
	defer func() { c.end(); c.pool.Put(c) }()
	rows, err := c.rows(ctx, "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM "+generation) // of none yet the last value is 1 too
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(rows[0][0], &n)
	return n, err
}

// generation is the sequence that counts commits. A sequence is not rolled back, so it counts some that failed as well.
const generation = "merlon_generation"

// quoteName quotes a name of the database.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
