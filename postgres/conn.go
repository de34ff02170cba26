package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/pool"
)

// conn is one connection. It implements [db.Conn]. It speaks the extended protocol by itself, over pgx's messages: values
// and SQL travel in different messages, so there is nothing in which a value could become SQL, and no argument that would
// change how a statement is run.
type conn struct {
	pool.Mark
	pg       *pgconn.PgConn
	f        *pgproto3.Frontend
	pool     *connPool
	schema   string
	loose    looseEnds
	writing  bool
	broken   bool
	doomed   atomic.Bool   // whoever waits for its answer is to stop: see replica.leave
	closed   func()        // is told of the end; nil: nobody is
	number   int64         // of a writer's transaction, 0: it was not asked for
	patience time.Duration // for one answer; 0: no limit of this side
	status   byte          // of the server: I(dle), T(ransaction), E(rror in one)
	dirty    bool          // a writer's statement ran since the savepoint
	ctx      context.Context
	session  *db.Session
	judge    func(ctx context.Context, t *db.Text) error
	named    int      // statements so far
	uses     int      // transactions so far
	gone     []string // statements to be closed with the next message
	portals  []string // portals too
}

// exchange sends what was queued and reads all answers up to the last of n marks that the server is ready. It returns the
// first error of the server. An error of the connection breaks it.
func (c *conn) exchange(ctx context.Context, n int, see func(pgproto3.BackendMessage)) error {
	if c.broken {
		return away(errors.New("postgres: the connection is lost"))
	}
	if ctx.Err() != nil {
		c.broken = true // what was queued was not sent
		return pool.Stopped(ctx)
	}
	if c.patience > 0 { // before the context can end it
		_ = c.pg.Conn().SetDeadline(time.Now().Add(c.patience))
	}
	if c.doomed.Load() { // after the deadline was set, which dooming sets too
		c.broken = true
		return away(errors.New("postgres: the replica was left"))
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = c.pg.Conn().SetDeadline(time.Unix(1, 0))
		close(interrupted)
		ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), dialTimeout)
		defer cancel()
		_ = c.pg.CancelRequest(ask)
	})
	err := c.receive(n, see)
	if !stop() {
		<-interrupted
		c.broken = true
		return pool.Stopped(ctx)
	}
	return err
}

func (c *conn) receive(n int, see func(pgproto3.BackendMessage)) (first error) {
	if err := c.f.Flush(); err != nil {
		c.broken = true
		return c.silent(err)
	}
	for n > 0 {
		msg, err := c.f.Receive()
		if err != nil {
			c.broken = true
			if first != nil {
				return first // the server's last words
			}
			return c.silent(err)
		}
		switch m := msg.(type) {
		case *pgproto3.ErrorResponse:
			if first == nil {
				first = c.explain(pgconn.ErrorResponseToPgError(m))
			}
			if m.SeverityUnlocalized == "FATAL" || m.SeverityUnlocalized == "PANIC" {
				c.broken = true
				return first
			}
		case *pgproto3.ReadyForQuery:
			c.status = m.TxStatus
			n--
		case *pgproto3.NoticeResponse, *pgproto3.ParameterStatus, *pgproto3.NotificationResponse:
		case *pgproto3.CopyInResponse, *pgproto3.CopyOutResponse, *pgproto3.CopyBothResponse:
			c.broken = true // no text of ours copies: whatever follows would be taken for something else
			return errors.New("postgres: the server wants to copy")
		default:
			if see != nil {
				see(msg)
			}
		}
	}
	return first
}

// silent says why there is no answer.
func (c *conn) silent(err error) error {
	var long *pgproto3.ExceededMaxBodyLenErr
	switch {
	case errors.As(err, &long):
		return fmt.Errorf("postgres: a row has %d MB, and %d are read: ask for less of it, other columns or a part of the long one by substr", long.ActualBodyLen>>20, maxMessage>>20)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: postgres: the server has not answered for %v", db.ErrBusy, c.patience) // waited for long enough
	}
	return away(fmt.Errorf("postgres: %w", err))
}

// own runs a fixed text of this package by the simple protocol, which takes several statements in one message.
func (c *conn) own(ctx context.Context, text string) error {
	c.flushGone()
	c.f.SendQuery(&pgproto3.Query{String: text})
	return c.exchange(ctx, 1, nil)
}

// flushGone queues the closing of statements and portals that nobody uses any more.
func (c *conn) flushGone() {
	for _, name := range c.gone {
		c.f.SendClose(&pgproto3.Close{ObjectType: 'S', Name: name})
	}
	for _, name := range c.portals {
		c.f.SendClose(&pgproto3.Close{ObjectType: 'P', Name: name})
	}
	c.gone, c.portals = c.gone[:0], c.portals[:0]
}

// begin begins a transaction.
func (c *conn) begin(ctx context.Context, text string) error { return c.beginSeeing(ctx, nil, text) }

// beginSeeing begins a transaction by the last of several texts, which go out together, and shows the values of all rows.
func (c *conn) beginSeeing(ctx context.Context, see func(values [][]byte), texts ...string) error {
	c.ctx, c.dirty = ctx, false
	c.uses++
	c.flushGone()
	for _, text := range texts {
		c.f.SendQuery(&pgproto3.Query{String: text})
	}
	var each func(pgproto3.BackendMessage)
	if see != nil {
		each = func(m pgproto3.BackendMessage) {
			if row, ok := m.(*pgproto3.DataRow); ok {
				see(row.Values)
			}
		}
	}
	if err := c.exchange(ctx, len(texts), each); err != nil {
		return err
	}
	if c.status != 'T' {
		c.broken = true
		return fmt.Errorf("postgres: a transaction was begun, and the server is in state %q", c.status)
	}
	return nil
}

// recover undoes the statement that failed, so that the transaction goes on without it.
func (c *conn) recover() {
	if c.broken || c.status != 'E' {
		return
	}
	ctx, cancel := ending()
	defer cancel()
	if err := c.own(ctx, back); err != nil || c.status != 'T' {
		c.broken = true
		return
	}
	c.dirty = false
}

// ending is the context of what ends a transaction: it must happen whatever becomes of the request, but not for ever.
func ending() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), waitTimeout)
}

// commit ends a write transaction. A context that is done before stops it; one that is done within does not, since the
// outcome would be unknown.
func (c *conn) commit(ctx context.Context) error {
	if ctx.Err() != nil {
		return pool.Stopped(ctx)
	}
	if c.broken || c.status != 'T' {
		return db.RuleRolledBack.Finding("", "postgres: a statement failed in a way that nothing of the transaction can be kept after", "return the first error")
	}
	within, cancel := ending()
	defer cancel()
	// A COMMIT of a failed transaction answers ROLLBACK, and no error: the number before it fails first.
	var tag string
	c.flushGone()
	c.f.SendQuery(&pgproto3.Query{String: "SELECT nextval('" + generation + "'); COMMIT"})
	err := c.exchange(within, 1, func(m pgproto3.BackendMessage) {
		if done, ok := m.(*pgproto3.CommandComplete); ok {
			tag = string(done.CommandTag)
		}
	})
	c.ctx = nil
	if err != nil {
		return fmt.Errorf("postgres: the commit: %w", err)
	}
	if tag != "COMMIT" || c.status != 'I' {
		c.broken = true
		return fmt.Errorf("postgres: the commit was answered by %s", tag)
	}
	return nil
}

// end ends whatever transaction there is, keeping nothing, and forgets its context.
func (c *conn) end() {
	c.ctx = nil
	if c.broken || c.status == 'I' {
		return
	}
	ctx, cancel := ending()
	defer cancel()
	c.portals = c.portals[:0] // they end with it
	text := rollback
	if c.loose.noRollback && !c.writing {
		text = "COMMIT"
	}
	if err := c.own(ctx, text); err != nil || c.status != 'I' {
		c.broken = true
	}
}

// InTransaction implements [db.Conn].
func (c *conn) InTransaction() bool { return !c.broken && c.status == 'T' }

// rows runs a constant query of this package and returns its values as text, "" for NULL.
func (c *conn) rows(ctx context.Context, query string, args ...string) (all [][]string, err error) {
	params := make([][]byte, len(args))
	for i, arg := range args {
		params[i] = []byte(arg)
	}
	c.f.SendParse(&pgproto3.Parse{Query: query})
	c.f.SendBind(&pgproto3.Bind{Parameters: params})
	c.f.SendExecute(&pgproto3.Execute{})
	c.f.SendSync(&pgproto3.Sync{})
	err = c.exchange(ctx, 1, func(m pgproto3.BackendMessage) {
		if row, ok := m.(*pgproto3.DataRow); ok {
			texts := make([]string, len(row.Values))
			for i, v := range row.Values {
				texts[i] = string(v)
			}
			all = append(all, texts)
		}
	})
	return all, err
}

// mighty says why the role of the connection is none that only reads, "" if it may be one.
func (c *conn) mighty(ctx context.Context) (string, error) {
	rows, err := c.rows(ctx, `SELECT CASE
		WHEN r.rolsuper THEN 'is a superuser'
		WHEN r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication THEN 'may make roles or databases, replicate, or pass by row security'
		WHEN EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid) THEN 'is a member of another role'
		WHEN EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid) OR EXISTS (SELECT FROM pg_namespace n WHERE n.nspowner = r.oid)
			OR EXISTS (SELECT FROM pg_proc p WHERE p.proowner = r.oid) OR EXISTS (SELECT FROM pg_database d WHERE d.datdba = r.oid) THEN 'owns tables, schemas, functions or databases'
		ELSE '' END FROM pg_roles r WHERE r.rolname = current_user`)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0][0], nil
}

// close closes the connection.
func (c *conn) close() {
	if c.closed != nil {
		c.closed()
	}
	_ = c.pg.Conn().SetDeadline(time.Now().Add(time.Second))
	if c.broken {
		_ = c.pg.Conn().Close()
		return
	}
	_ = c.pg.Close(context.Background())
}
