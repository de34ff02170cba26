package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/db"
)

// Measures are the measures of a reader's connection, by name: false switches one off.
type Measures map[string]bool

// MeasureNames are the names, in the order in which the measures are taken.
var MeasureNames = []string{"read-only open", "query_only", "attached 0", "length", "defensive", "trusted_schema", "authorizer"}

func (m Measures) off() measures {
	off := func(name string) bool { return !m[name] }
	return measures{noReadOnly: off("read-only open"), noQueryOnly: off("query_only"), noAttachLimit: off("attached 0"), noLengthLimit: off("length"),
		noDefensive: off("defensive"), noTrusted: off("trusted_schema"), noAuthorizer: off("authorizer"), noShape: true}
}

// A RawReader is a reader's connection, used without what db and its statements check.
type RawReader struct{ c *conn }

// OpenRawReader opens a reader's connection with some measures, and begins a transaction as a Reader does.
func OpenRawReader(path string, m Measures) (*RawReader, error) {
	c, err := openReader(path, nil, m.off())
	if err != nil {
		return nil, err
	}
	if err := c.beginRead(context.Background()); err != nil {
		return nil, err
	}
	return &RawReader{c}, nil
}

// Run runs a text, every statement of it to its end, and returns the first error's code.
func (r *RawReader) Run(text string) (rows int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	for text != "" {
		stmt, tail, err := r.c.c.Prepare(text)
		if err != nil {
			return rows, err
		}
		if text = tail; stmt == nil {
			continue
		}
		for stmt.Step() {
			rows++
		}
		err = stmt.Err()
		stmt.Close()
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// End ends the transaction as a Reader does.
func (r *RawReader) End() { r.c.end() }

// Close closes the connection.
func (r *RawReader) Close() { r.c.close() }

// Code returns the name of an error of SQLite.
func Code(err error) string {
	var code sqlite3.ErrorCode
	switch {
	case err == nil:
		return "ran"
	case errors.As(err, &code):
		return map[sqlite3.ErrorCode]string{sqlite3.ERROR: "ERROR", sqlite3.AUTH: "AUTH", sqlite3.READONLY: "READONLY", sqlite3.TOOBIG: "TOOBIG",
			sqlite3.BUSY: "BUSY", sqlite3.LOCKED: "LOCKED", sqlite3.CANTOPEN: "CANTOPEN", sqlite3.MISUSE: "MISUSE", sqlite3.NOMEM: "NOMEM", sqlite3.CORRUPT: "CORRUPT"}[code]
	}
	return "PANIC"
}

// BreakWriter makes the engine's writer look broken, as an I/O error does.
func BreakWriter(e db.Engine) {
	on := e.(*engine).on.Load()
	c, err := on.writer.Get(context.Background())
	if err != nil {
		panic(err)
	}
	c.broken = true
	on.writer.Put(c)
}

// Idle returns how many connections of the readers and the writer are idle, and how many there are.
func Idle(e db.Engine) (readers, ofReaders, writers, ofWriters int) {
	on := e.(*engine).on.Load()
	readers, ofReaders = on.readers.Len()
	writers, ofWriters = on.writer.Len()
	return readers, ofReaders, writers, ofWriters
}

// AppendTime and ParseTime are how times are stored.
var (
	AppendTime = appendTime
	ParseTime  = parseTime
)

// Compiles reports whether SQLite prepares a text, and how many parameters it sees.
func Compiles(text string) (params int, ok bool) {
	c, err := openMemory(nil)
	if err != nil {
		panic(err)
	}
	defer c.close()
	stmt, tail, err := c.c.Prepare(text)
	if err != nil || stmt == nil || tail != "" {
		return 0, false
	}
	defer stmt.Close()
	return stmt.BindCount(), true
}

// Integrity returns what SQLite finds wrong with a file that no engine has open, "" for nothing.
func Integrity(path string) string {
	raw, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE)
	if err != nil {
		return err.Error()
	}
	defer raw.Close()
	stmt, _, err := raw.Prepare("PRAGMA integrity_check")
	if err != nil {
		return err.Error()
	}
	defer stmt.Close()
	for stmt.Step() {
		if text := stmt.ColumnText(0); text != "ok" {
			return text
		}
	}
	if err := stmt.Err(); err != nil {
		return err.Error()
	}
	return ""
}

// SetWait sets how long the engine's readers and writer wait for a turn.
func SetWait(e db.Engine, d time.Duration) {
	on := e.(*engine).on.Load()
	on.readers.Wait, on.writer.Wait = d, d
}

// Waiting returns how many wait for the writer.
func Waiting(e db.Engine) int {
	return e.(*engine).on.Load().writer.Waiting()
}

// Without returns an engine whose readers lack a measure.
func Without(e db.Engine, measure string) db.Engine {
	m := Measures{}
	for _, name := range MeasureNames {
		m[name] = name != measure
	}
	e.(*engine).measure = m.off()
	return e
}

// RenewReaders has the readers' connections opened anew.
func RenewReaders(e db.Engine) { e.(*engine).on.Load().readers.Renew() }

// Parked returns how many readers' transactions are open for the next one.
func Parked(e db.Engine) (n int) {
	e.(*engine).on.Load().readers.Take(func(c *conn) bool {
		if c.parked {
			if !c.InTransaction() {
				panic("a parked connection is in no transaction")
			}
			n++
		}
		return false
	})
	return n
}

// SetSweep sets how often commits end what is parked, at most.
func SetSweep(e db.Engine, d time.Duration) { e.(*engine).on.Load().readers.sweep = d }

// SetMaxParked sets how old a parked transaction may grow, counted from the next that is parked.
func SetMaxParked(e db.Engine, d time.Duration) {
	p := e.(*engine).on.Load().readers
	p.maxParked = d
	p.instant.armed.Store(false)
}

// Change begins what every commit does around itself, and returns what ends it.
func Change(e db.Engine) (done func()) { return e.(*engine).on.Load().readers.change() }

// Outside runs a text over a connection that the engine knows nothing of, as an owner's tool would: the locks belong to
// the open file, so that another process would meet the same.
func Outside(path, text string) error {
	raw, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE)
	if err != nil {
		return err
	}
	defer raw.Close()
	return raw.Exec(text)
}

// StandsStill reports whether a snapshot that is made now copies the file.
func StandsStill(ctx context.Context, e db.Engine) (bool, error) {
	own := e.(*engine)
	c, err := own.standstill(ctx, own.on.Load().path)
	if c != nil {
		c.close()
	}
	return c != nil, err
}

// PanicWhileMigrating panics on the connection that migrates, in a transaction, and returns what was recovered.
func PanicWhileMigrating(e db.Engine) (got any) {
	defer func() { got = recover() }()
	return e.(*engine).migrating(context.Background(), func(c *conn, _ []*db.Schema) error {
		if err := c.c.Exec("BEGIN IMMEDIATE"); err != nil {
			return err
		}
		panic("in a migration")
	})
}
