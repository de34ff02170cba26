package db

import (
	"errors"

	"github.com/merlon-web/merlon/check"
)

// The states that callers tell apart with [errors.Is].
var (
	// ErrNoRow is returned by [Select.One] and by [Statement.Run] of a [Returning] that gave no row.
	ErrNoRow = errors.New("no row")

	// ErrClosed is returned by a reader or writer after its time: the request is over, or it was never begun.
	ErrClosed = errors.New("the reader or writer is closed: it lives only as long as its request; do not keep it or hand it to a goroutine that outlives the handler")

	// ErrLocked is returned by Open when another process has the database.
	ErrLocked = errors.New("another process has this database open")

	// ErrBusy is returned when no connection or no lock came free in time.
	ErrBusy = errors.New("the database is busy")

	// ErrAway is returned when the server that has the rows cannot be reached, or has left: nothing more of the transaction is known.
	// It is an [ErrBusy]. What only reads may be done again; a commit that ends so may have been kept.
	ErrAway error = away{}

	// ErrDiskFull is returned when there is no room to write. Nothing of the transaction was kept.
	ErrDiskFull = errors.New("the disk is full")

	// ErrDiskReadOnly is returned when the file system of the database has become one for reading only. Nothing of the transaction
	// was kept.
	ErrDiskReadOnly = errors.New("the disk takes no writes: its file system is mounted for reading only: mount it for writing (mount -o remount,rw); the kernel mounts one so whose writes fail: see dmesg")

	// ErrAhead is returned when the database has a migration that the program does not know: an older program on a newer
	// database.
	ErrAhead = errors.New("the database is ahead of the program")
)

type away struct{}

func (away) Error() string { return "the server that has the rows is away" }

func (away) Is(target error) bool { return target == ErrBusy }

// An EditedError says that files of migrations that were run are others now: the database is not what they make.
type EditedError struct{ Findings check.Faults }

// Error returns the findings.
func (e *EditedError) Error() string { return e.Findings.Error() }

// Unwrap returns the findings, for [errors.As].
func (e *EditedError) Unwrap() error { return e.Findings.Err() }

// Edited returns the error of migrations that were run and whose files are others now, nil when there are none. It is for
// writers of engines.
func Edited(schemas []*Schema, engine string, states []MigrationState) error {
	e := &EditedError{}
	for _, m := range states {
		if !m.Edited {
			continue
		}
		where := m.Name
		for _, s := range schemas {
			if s.Name() == m.Schema {
				where = s.place(engine, m.Name)
			}
		}
		e.Findings = append(e.Findings, RuleEdited.Finding(where, "the migration was run, and its file was changed since",
			"put the file back as it was, and write what is new into a migration of its own: migrate new NAME; if the data are only there to try, begin afresh instead: another folder, --data DIR"))
	}
	if e.Findings == nil {
		return nil
	}
	return e
}

// A ConstraintKind says which sort of constraint refused a row.
type ConstraintKind uint8

// The sorts of constraints.
const (
	ConstraintOther ConstraintKind = iota
	ConstraintUnique
	ConstraintForeignKey
	ConstraintNotNull
	ConstraintCheck
	ConstraintType // the value is of another type than its column (a STRICT table)
)

// String returns the constraint as SQL names it.
func (k ConstraintKind) String() string {
	switch k {
	case ConstraintUnique:
		return "UNIQUE"
	case ConstraintForeignKey:
		return "FOREIGN KEY"
	case ConstraintNotNull:
		return "NOT NULL"
	case ConstraintCheck:
		return "CHECK"
	case ConstraintType:
		return "STRICT"
	}
	return "other"
}

// A ConstraintError is returned when the database refused a row: a unique column taken, a reference to nothing.
type ConstraintError struct {
	Kind ConstraintKind
	Name string // "table.column" or the constraint's name, as far as the engine tells; never a value
	Err  error  // the engine's own error
}

// Error returns the constraint and the engine's words.
func (e *ConstraintError) Error() string {
	if e.Kind == ConstraintType { // the engine's words name both types and the column
		return "the value is of another type than its column: " + e.Err.Error()
	}
	text := "constraint failed"
	if e.Kind != ConstraintOther {
		text = e.Kind.String() + " " + text
	}
	if e.Name != "" {
		text += ": " + e.Name
	}
	return text
}

// Unwrap returns the engine's own error.
func (e *ConstraintError) Unwrap() error { return e.Err }

// IsUnique reports whether err says that a unique value (or primary key) is taken: the usual answer to a visitor is that
// the name is in use, not that something broke.
func IsUnique(err error) bool {
	var c *ConstraintError
	return errors.As(err, &c) && c.Kind == ConstraintUnique
}
