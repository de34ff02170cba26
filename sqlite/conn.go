package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/pool"
)

// A mode says which rules a connection's authorizer applies.
type mode uint8

const (
	modeRead    mode = iota // a reader's statement
	modeWrite               // a writer's statement
	modeOwn                 // a statement of this package: BEGIN, COMMIT
	modeMigrate             // a migration
)

// conn is one connection. It implements [db.Conn].
type conn struct {
	pool.Mark
	c       *sqlite3.Conn
	folder  string // of the file; "" in memory
	mode    mode
	measure measures
	pool    *connPool
	broken  bool
	failed  bool            // a statement of the transaction did
	parked  bool            // a reader's transaction is open, for the next one
	began   uint64          // the instant's number when the reader's transaction began
	memory  bool            // both a reader and a writer
	ctx     context.Context // of the transaction

	reading, writing                *db.Session // a connection to a file has one of them, one in memory both
	begin, beginWriting, keep, back *sqlite3.Stmt
}

// measures switches off single measures of the reader's recipe. It is not zero in tests only, which show that each
// measure holds something by itself.
type measures struct {
	noReadOnly, noQueryOnly, noAttachLimit, noLengthLimit, noDefensive, noTrusted, noAuthorizer, noShape bool
}

// openReader opens a connection that cannot write, by several measures: no measure is enough by itself,
// so all are kept. The authorizer comes last, since it refuses our own PRAGMA too.
func openReader(path string, schemas []*db.Schema, m measures) (_ *conn, err error) {
	flags := sqlite3.OPEN_READONLY
	if m.noReadOnly {
		flags = sqlite3.OPEN_READWRITE
	}
	raw, err := openFile(path, flags|sqlite3.OPEN_NOFOLLOW)
	if err != nil {
		return nil, opening(err)
	}
	c := &conn{c: raw, folder: filepath.Dir(path), mode: modeOwn, measure: m}
	defer c.closeIf(&err)
	if err := raw.BusyTimeout(busyTimeout); err != nil {
		return nil, err
	}
	if !m.noQueryOnly {
		if err := raw.Exec("PRAGMA query_only=ON"); err != nil {
			return nil, err
		}
	}
	if err := raw.Exec(fmt.Sprintf("PRAGMA cache_size=-%d", max(2000, readerCache>>10/readerCount()))); err != nil {
		return nil, err
	}
	if err := c.harden(); err != nil {
		return nil, err
	}
	if err := c.private(path); err != nil {
		return nil, err
	}
	c.reading = db.NewSession(c, schemas...)
	c.mode = modeRead
	return c, nil
}

// pragma returns the answer of a pragma.
func (c *conn) pragma(name string) (string, error) {
	stmt, _, err := c.c.Prepare("PRAGMA " + name)
	if err != nil {
		return "", err
	}
	defer stmt.Close()
	if stmt.Step() {
		return stmt.ColumnText(0), nil
	}
	return "", stmt.Err()
}

// private makes the files beside the database readable by their owner only. SQLite makes them readable by everybody; the
// first connection makes them, when it reads.
func (c *conn) private(path string) error {
	if _, err := c.integers("SELECT count(*) FROM sqlite_schema"); err != nil {
		return err
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Chmod(path+suffix, 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// synchronous returns the pragma that says when a commit reaches the disk: before it is acknowledged, at the cost of one
// fdatasync each, or, of a [db.Hasty] engine, when the system likes.
func synchronous(hasty bool) string {
	if hasty {
		return "synchronous=OFF"
	}
	return "synchronous=FULL"
}

// openWriter opens the connection that writes.
func openWriter(path string, hasty bool, schemas []*db.Schema) (_ *conn, err error) {
	raw, err := openFile(path, sqlite3.OPEN_READWRITE|sqlite3.OPEN_NOFOLLOW)
	if err != nil {
		return nil, opening(err)
	}
	c := &conn{c: raw, folder: filepath.Dir(path), mode: modeOwn}
	defer c.closeIf(&err)
	if err := raw.BusyTimeout(busyTimeout); err != nil {
		return nil, err
	}
	for _, pragma := range []string{synchronous(hasty), "foreign_keys=ON", "journal_size_limit=67108864"} {
		if err := raw.Exec("PRAGMA " + pragma); err != nil {
			return nil, err
		}
	}
	for pragma, want := range map[string]string{"journal_mode=WAL": "wal", "encoding": "UTF-8"} {
		if got, err := c.pragma(pragma); err != nil || got != want {
			return nil, errors.Join(err, fmt.Errorf("PRAGMA %s answers %q, want %q: the database must be in UTF-8, on a file system of this machine that has shared memory", pragma, got, want))
		}
	}
	if err := c.harden(); err != nil {
		return nil, err
	}
	if err := c.private(path); err != nil {
		return nil, err
	}
	c.writing = db.NewSession(c, schemas...)
	c.mode = modeWrite
	return c, nil
}

// harden sets what readers and writers share, the authorizer last, and prepares the statements that bound transactions.
func (c *conn) harden() error {
	if !c.measure.noAttachLimit {
		c.c.Limit(sqlite3.LIMIT_ATTACHED, 0)
	}
	if !c.measure.noLengthLimit {
		c.c.Limit(sqlite3.LIMIT_LENGTH, maxValue)
	}
	if !c.measure.noDefensive {
		if _, err := c.c.Config(sqlite3.DBCONFIG_DEFENSIVE, true); err != nil {
			return err
		}
	}
	if !c.measure.noTrusted {
		if _, err := c.c.Config(sqlite3.DBCONFIG_TRUSTED_SCHEMA, false); err != nil {
			return err
		}
	}
	for _, quoted := range []sqlite3.DBConfig{sqlite3.DBCONFIG_DQS_DML, sqlite3.DBCONFIG_DQS_DDL} { // "x" is a name, never a string
		if _, err := c.c.Config(quoted, false); err != nil {
			return err
		}
	}
	if !c.measure.noAuthorizer {
		if err := c.c.SetAuthorizer(c.authorize); err != nil {
			return err
		}
	}
	for to, sql := range map[**sqlite3.Stmt]string{&c.begin: "BEGIN", &c.beginWriting: "BEGIN IMMEDIATE", &c.keep: "COMMIT", &c.back: "ROLLBACK"} {
		stmt, _, err := c.c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
		if err != nil {
			return err
		}
		*to = stmt
	}
	return nil
}

// authorize is asked by SQLite for everything that a statement does, when it is prepared. What it does not name is
// refused: ATTACH, DETACH, PRAGMA and changes of tables for everybody, all writing for readers.
func (c *conn) authorize(action sqlite3.AuthorizerActionCode, name, arg, schema, inner string) sqlite3.AuthorizerReturnCode {
	switch c.mode {
	case modeOwn:
		return sqlite3.AUTH_OK
	case modeMigrate:
		return authorizeMigration(action, name)
	}
	switch action {
	case sqlite3.AUTH_SELECT, sqlite3.AUTH_READ, sqlite3.AUTH_FUNCTION, sqlite3.AUTH_RECURSIVE:
		return sqlite3.AUTH_OK
	case sqlite3.AUTH_INSERT, sqlite3.AUTH_UPDATE, sqlite3.AUTH_DELETE:
		if c.mode == modeWrite {
			return sqlite3.AUTH_OK
		}
	case sqlite3.AUTH_PRAGMA:
		if name == "data_version" && arg == "" { // full-text search asks for it when it reads
			return sqlite3.AUTH_OK
		}
	}
	return sqlite3.AUTH_DENY
}

// own runs one of the statements that bound transactions, which the authorizer allows to nobody else. Some of them are
// prepared anew when they run.
func (c *conn) own(stmt *sqlite3.Stmt) (err error) {
	defer c.rescue(&err)
	mode := c.mode
	c.mode = modeOwn
	err = stmt.Exec()
	c.mode = mode
	return err
}

func (c *conn) beginRead(ctx context.Context) error {
	if c.memory { // it is the writer's connection too
		if err := c.queryOnly(true); err != nil {
			return err
		}
	}
	c.failed = false
	c.resume(ctx)
	if err := c.own(c.begin); err != nil {
		return c.explain(err)
	}
	return nil
}

func (c *conn) queryOnly(on bool) error {
	c.mode = modeOwn
	return c.c.Exec(fmt.Sprintf("PRAGMA query_only=%t", on))
}

func (c *conn) beginWrite(ctx context.Context) error {
	c.ctx = ctx
	c.c.SetInterrupt(ctx)
	c.mode = modeWrite
	if err := c.own(c.beginWriting); err != nil {
		return c.explain(err)
	}
	return nil
}

// commit ends a write transaction. A context that is done before stops it; one that is done within does not, since the
// outcome would be unknown.
func (c *conn) commit(ctx context.Context) error {
	if ctx.Err() != nil {
		return pool.Stopped(ctx)
	}
	if c.broken || !c.InTransaction() {
		return db.RuleRolledBack.Finding("", "sqlite: a statement failed in a way that nothing of the transaction can be kept after", "return the first error")
	}
	c.c.SetInterrupt(context.Background())
	if err := c.own(c.keep); err != nil {
		// After a failed write or sync the system may hold pages that it calls clean and that are not on the disk.
		// Nothing that this connection remembers is believed again.
		c.broken = c.broken || !isAny(err, sqlite3.BUSY, sqlite3.CONSTRAINT)
		return c.explain(err)
	}
	return nil
}

// end ends whatever transaction there is, keeping nothing, and forgets its context.
func (c *conn) end() {
	c.c.SetInterrupt(context.Background())
	c.ctx = nil
	c.parked = false
	if !c.broken && c.InTransaction() {
		if err := c.own(c.back); err != nil || c.InTransaction() {
			c.broken = true
		}
	}
	if c.memory && !c.broken {
		c.broken = c.queryOnly(false) != nil
	}
}

// InTransaction implements [db.Conn].
func (c *conn) InTransaction() bool { return !c.c.GetAutocommit() }

// Prepare implements [db.Conn].
func (c *conn) Prepare(t *db.Text) (_ db.Stmt, err error) {
	defer c.rescue(&err)
	stmt, err := c.prepare(t)
	if err != nil {
		return nil, c.explain(err)
	}
	return stmt, nil
}

// prepare prepares a text and looks at its shape, without explaining its error.
func (c *conn) prepare(t *db.Text) (*statement, error) {
	raw, tail, err := c.c.PrepareFlags(t.SQL('?'), sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, errors.New("the text has no statement")
	}
	s := &statement{c: c, s: raw}
	for i := range raw.ColumnCount() {
		s.columns = append(s.columns, raw.ColumnName(i))
	}
	if err := c.shape(t, s, tail); err != nil {
		raw.Close()
		return nil, err
	}
	return s, nil
}

// shape refuses what is more than one statement, what has other parameters than the text, and a query that has no
// columns or is not read-only. ReadOnly alone would not do: it is true for ATTACH, BEGIN and some PRAGMA.
func (c *conn) shape(t *db.Text, s *statement, tail string) error {
	switch {
	case c.measure.noShape:
		return nil
	case !blank(tail):
		return fmt.Errorf("a second statement follows: %q", tail)
	case s.s.BindCount() != t.Values():
		return fmt.Errorf("SQLite sees %d parameters, the text has %d", s.s.BindCount(), t.Values())
	case t.Kind() == db.KindQuery && len(s.columns) == 0:
		return db.RuleReadOnly.Finding(t.Where(), "sqlite: a query without columns", "declare it with db.Exec")
	case t.Kind() == db.KindQuery && !s.s.ReadOnly():
		return db.RuleReadOnly.Finding(t.Where(), "sqlite: a query that writes", "declare it with db.Exec or db.Returning")
	}
	return nil
}

// blank reports whether a tail is nothing: this package's texts have no comment at their end that would matter.
func blank(tail string) bool {
	for _, c := range []byte(tail) {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != ';' {
			return false
		}
	}
	return true
}

// close closes the connection and its statements.
func (c *conn) close() {
	defer func() { _ = recover() }() // of a broken connection: nothing more can be done for it
	for _, s := range []*db.Session{c.reading, c.writing} {
		if s != nil {
			s.Forget()
		}
	}
	for _, s := range []*sqlite3.Stmt{c.begin, c.beginWriting, c.keep, c.back} {
		s.Close()
	}
	c.c.Close()
}

func (c *conn) closeIf(err *error) {
	if *err != nil {
		c.close()
	}
}
