package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// An Engine is a database behind a site: sqlite, postgres. Whoever writes one finds the suite that it must pass in
// db/enginetest. An Engine is safe for concurrent use.
type Engine interface {
	// Name returns the engine's name, which is also that of its folder of migrations: "sqlite".
	Name() string

	// Open opens the database in the folder dir and takes its lock, for statements of the given schemas. It does not
	// migrate. The error wraps [ErrLocked] when another process has the database.
	Open(ctx context.Context, dir string, schemas ...*Schema) error

	// Read returns a reader. It never fails: a connection is taken at the first use, and errors come there. Close it.
	Read(ctx context.Context) *Reader

	// Write runs do in a write transaction: committed when do returns nil; rolled back when it returns an error, which
	// Write returns unchanged, or panics, which goes on. The context given to do is marked for [InWrite]; a Write under
	// such a context is refused. Writers wait for one another in the order of their coming.
	//
	// When the commit itself fails, it may be unknown whether the rows were kept: a disk can fail after the write.
	Write(ctx context.Context, do func(ctx context.Context, w *Writer) error) error

	// Scratch returns another engine of the same kind: empty, in memory where it can be, migrated, opened. Statements
	// are prepared there at start. Close it.
	Scratch(ctx context.Context, schemas ...*Schema) (Engine, error)

	// Inspect prepares a text without running it, under the reader's rules if its kind is [KindQuery]. It is only
	// called on a Scratch. The error is a *[PrepareError] when the text is at fault.
	Inspect(ctx context.Context, t *Text) (Shape, error)

	// Migrations returns all migrations that the program knows, schema by schema, in their order, with what became of
	// them. It writes nothing. The error wraps [ErrAhead] when the database has one that the program does not know.
	Migrations(ctx context.Context) ([]MigrationState, error)

	// Pending returns the migrations that were not run yet, in their order. It writes nothing. The error is that of
	// Migrations, or an [*EditedError] when the file of a migration that was run is another now.
	Pending(ctx context.Context) ([]Migration, error)

	// Migrate runs the pending migrations, each in a transaction of its own, and returns those that it ran, also beside
	// an error. With each it keeps the sum of its file ([MigrationSum]); for those that were run by a program from before
	// there were sums it keeps that of the file as it is now.
	Migrate(ctx context.Context) ([]Migration, error)

	// Undo runs the newest migration of the schema backwards, in a transaction, and returns it: what it made is lost with
	// its rows. It is refused when none was run, when its file has no part "Down", and as Pending is.
	Undo(ctx context.Context, schema *Schema) (Migration, error)

	// Snapshot makes a consistent copy of the database while readers and writers go on: its size, its hash and the rows of
	// each table are known before the first byte is read. Close it.
	Snapshot(ctx context.Context) (*Snapshot, error)

	// Generation returns a number that is another one than before when anything was committed since, by this process or
	// another. It counts within one opening of the engine only.
	Generation(ctx context.Context) (int64, error)

	// CopyTo makes a consistent copy that this kind of engine can open in the folder dir. It overwrites nothing.
	CopyTo(ctx context.Context, dir string) error

	// Close waits for the running transactions, refuses new ones with [ErrClosed], and gives the lock back.
	Close() error
}

// A Skipper is an engine that gives numbers to new rows and can leave some out.
type Skipper interface {
	// Skip has the next row of every table whose numbers are never given twice (AUTOINCREMENT) get one that is n higher than
	// it would be: after a restore, when numbers of the lost time are known outside.
	Skip(ctx context.Context, n int64) error
}

// A Hasty is an engine that can leave it to the system when what was committed reaches the disk: nothing is lost when the
// process ends, and all of it may be when the machine does. Sites in mode Test, whose data nobody misses, ask for it.
type Hasty interface {
	// Hasten is called before Open.
	Hasten()
}

// A Filed is an engine whose database is a file of the data folder. It is asked before Open, which makes a file that is missing.
type Filed interface {
	// Missing returns the path of the database's file if it is not in the data folder, else "".
	Missing(dir string) (path string, err error)
}

// A Prover is an engine that can look whether its file is whole. It is asked about copies that came from elsewhere.
type Prover interface {
	// Prove reads all of the open database. An error says that it could not; what is wrong is in the Proof.
	Prove(ctx context.Context) (Proof, error)
	// Hold takes the lock of the database in a folder and opens nothing, so that no other process begins to use it. The error
	// wraps [ErrLocked] when one does.
	Hold(dir string) (release func() error, err error)
}

// A Proof is what a look through a whole database found.
type Proof struct {
	Problems    []string         // of its structure, in the engine's words; none: it is whole
	ForeignKeys int              // rows that refer to none
	Tables      map[string]int64 // how many rows each table has
}

// A RowSummer is an engine that can tell which rows have changed, whatever they mean. The site's own attacker asks it about the
// copy that it attacks.
type RowSummer interface {
	// RowSums returns a sum of each row of the open database as it is at one instant. All rows are read. The error wraps
	// [ErrManyRows] when there are more than most.
	RowSums(ctx context.Context, most int) (map[RowKey][sha256.Size]byte, error)
}

// ErrManyRows is a database with more rows than whoever asked for their sums can keep.
var ErrManyRows = errors.New("db: there are more rows than are compared")

// A RowKey names a row. Of a table whose rows have no number Key is made of all that the row holds, so that one that has
// changed is another one.
type RowKey struct{ Table, Key string }

// A Comparer is an engine that can hold the tables of its file against those that the migrations make. It is asked about
// copies that came from elsewhere: what somebody planted there runs with every statement of the site.
type Comparer interface {
	// Strangers returns what the open, migrated database has otherwise than an empty one would have after the same
	// migrations, by name. With drop, what runs and what decides how statements are understood (triggers and views, of a
	// server's also functions, operators, types and the like, in every schema) is made as it should be, or the error names
	// what cannot be, and nothing is changed; tables, indexes and what else goes with rows are named only.
	Strangers(ctx context.Context, drop bool) ([]Stranger, error)
}

// A Stranger is something in the schema of a database that the migrations do not make so.
type Stranger struct {
	Kind    string // "trigger", "view", "table", "index", or another word of the engine
	Name    string
	On      string // the table that it belongs to
	Altered bool   // the migrations make another one of this name
	Missing bool   // the migrations make it, and it is not there
	Dropped bool   // it is as it should be now
}

// String says it in a sentence's middle: `trigger "x" on user, dropped`.
func (s Stranger) String() string {
	text := fmt.Sprintf("%s %q", s.Kind, s.Name)
	if s.On != s.Name {
		text += " on " + s.On
	}
	switch {
	case s.Missing:
		text += ", which was missing"
	case s.Altered:
		text += ", which was altered"
	}
	switch {
	case s.Dropped && (s.Missing || s.Altered):
		text += ", made again"
	case s.Dropped:
		text += ", dropped"
	}
	return text
}

// A Migration is one step of a schema.
type Migration struct {
	Schema  string `json:"schema"` // its schema's name
	Version int64  `json:"version"`
	Name    string `json:"name"` // the file's name
}

// A MigrationState is a migration and what became of it.
type MigrationState struct {
	Migration
	Applied time.Time // when it was run; zero: it is pending
	Edited  bool      // its file is another than the one that was run
}

// MigrationSum is what an engine keeps of the text of a migration that it has run: SHA-256 in hex, line breaks as "\n", so
// that a checkout on Windows is no change.
func MigrationSum(text []byte) string {
	sum := sha256.Sum256(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	return hex.EncodeToString(sum[:])
}

// Info describes a snapshot.
type Info struct {
	Size     int64    // bytes
	Pages    int64    // pages of the database, 0 where the engine has none
	PageSize int      // bytes a page, 0 where the engine has none
	SHA256   [32]byte // of the bytes
}

// A Shape is what an engine knows of a prepared text.
type Shape struct {
	Columns  []Column // of its rows; none if it gives no rows
	Values   int      // how many parameters the engine sees
	ReadOnly bool     // by the engine's own judgement, for a Query under the reader's rules
	AtMost1  bool     // the engine sees that there can be only one row
}

// A Column is one column of a statement's rows.
type Column struct {
	Name string
	Type Type // as declared in the table: TypeUnknown for expressions
	Null bool // the declaration allows NULL, or nothing is known
}

// Type is the type of a value in a row, or that of a column.
type Type uint8

// The types. Engines without booleans or times give these as integers and text.
const (
	TypeUnknown Type = iota
	TypeNull
	TypeInt
	TypeFloat
	TypeText
	TypeBlob
	TypeBool
	TypeTime
)

// String returns the type's name.
func (t Type) String() string {
	return [...]string{"unknown", "NULL", "INTEGER", "REAL", "TEXT", "BLOB", "BOOLEAN", "TIMESTAMP"}[t&7]
}

// A PrepareError says why an engine does not accept a text.
type PrepareError struct {
	Kind  string   // "column", "table", "function" when Name is unknown; "write" when a query would write; else ""
	Name  string   // what is unknown
	Names []string // what is known instead, for "did you mean"
	Err   error    // the engine's own words
}

// Error returns the engine's own words.
func (e *PrepareError) Error() string { return e.Err.Error() }

// Unwrap returns the engine's own error.
func (e *PrepareError) Unwrap() error { return e.Err }

// A Conn is one connection of an engine. It is for writers of engines: a site never meets one. This package never uses a
// Conn from two goroutines at once.
type Conn interface {
	// Prepare prepares a text. It refuses a text of [KindQuery] that the engine cannot prove to read only.
	Prepare(t *Text) (Stmt, error)

	// InTransaction reports whether the transaction is still there. Some errors make an engine roll back by itself; what
	// ran after that would be committed one by one.
	InTransaction() bool
}

// A Stmt is a prepared text. Positions of values are counted from 1, those of columns from 0. An error of Bind is
// returned by the Step that follows.
type Stmt interface {
	Columns() []string
	BindNull(i int)
	BindInt(i int, v int64)
	BindFloat(i int, v float64)
	BindBool(i int, v bool)
	BindText(i int, v string)
	BindBlob(i int, v []byte)
	BindTime(i int, v time.Time)

	// Step goes to the next row and reports whether there is one. A statement that writes has done all of it when the
	// first Step returns.
	Step() (bool, error)

	// Type returns the type of a value of the row; Int, Float, Bytes and Time return the value and are only called when
	// the type is theirs (Int also for booleans, Time also for text). Bytes is valid until the next call.
	Type(col int) Type
	Int(col int) int64
	Float(col int) float64
	Bytes(col int) []byte
	Time(col int) (time.Time, error)

	// Affected returns what the last run did.
	Affected() Affected

	// Reset ends the run and forgets the bound values. It does not fail.
	Reset()

	// Close frees the statement.
	Close()
}
