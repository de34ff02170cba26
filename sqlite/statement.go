package sqlite

import (
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/db"
)

// statement is a prepared statement. It implements [db.Stmt].
type statement struct {
	c       *conn
	s       *sqlite3.Stmt
	columns []string
	err     error // of a Bind
	heavy   int   // bytes bound
}

// keepBound is how many bound bytes may stay in a statement that waits for its next use.
const keepBound = 16 << 10

func (s *statement) Columns() []string { return s.columns }

func (s *statement) note(err error) {
	if err != nil && s.err == nil {
		s.err = err
	}
}

func (s *statement) BindNull(i int)             { s.note(s.s.BindNull(i)) }
func (s *statement) BindInt(i int, v int64)     { s.note(s.s.BindInt64(i, v)) }
func (s *statement) BindFloat(i int, v float64) { s.note(s.s.BindFloat(i, v)) }
func (s *statement) BindBool(i int, v bool)     { s.note(s.s.BindBool(i, v)) }

func (s *statement) BindText(i int, v string) {
	defer s.c.rescue(&s.err)
	s.heavy += len(v)
	s.note(s.s.BindText(i, v))
}

func (s *statement) BindBlob(i int, v []byte) {
	defer s.c.rescue(&s.err)
	s.heavy += len(v)
	s.note(s.s.BindBlob(i, v))
}

func (s *statement) BindTime(i int, v time.Time) {
	var buf [timeLen]byte
	s.BindText(i, string(appendTime(buf[:0], v)))
}

func (s *statement) Step() (row bool, err error) {
	defer s.c.rescue(&err)
	if s.err != nil {
		return false, s.c.explain(s.err)
	}
	if s.s.Step() {
		return true, nil
	}
	if err := s.s.Err(); err != nil {
		return false, s.c.explain(err)
	}
	return false, nil
}

var types = [...]db.Type{sqlite3.INTEGER: db.TypeInt, sqlite3.FLOAT: db.TypeFloat, sqlite3.TEXT: db.TypeText, sqlite3.BLOB: db.TypeBlob, sqlite3.NULL: db.TypeNull}

func (s *statement) Type(col int) db.Type  { return types[s.s.ColumnType(col)] }
func (s *statement) Int(col int) int64     { return s.s.ColumnInt64(col) }
func (s *statement) Float(col int) float64 { return s.s.ColumnFloat(col) }
func (s *statement) Bytes(col int) []byte  { return s.s.ColumnRawBlob(col) } // of TEXT its bytes too, and no conversion
func (s *statement) Affected() db.Affected {
	return db.Affected{Rows: s.c.c.Changes(), LastID: s.c.c.LastInsertRowID()}
}
func (s *statement) Time(col int) (time.Time, error) { return parseTime(s.Bytes(col)) }

func (s *statement) Reset() {
	s.reset()
	s.err, s.heavy = nil, 0
}

// reset leaves the error of a panic to the rescue: SQLite answers a reset with the error of the run, and the library
// panics again at that of want of memory.
func (s *statement) reset() {
	defer s.c.rescue(&s.err)
	_ = s.s.Reset() // the error of the run again
	if s.heavy > keepBound {
		_ = s.s.ClearBindings()
	}
}

func (s *statement) Close() {
	defer s.c.rescue(&s.err)
	_ = s.s.Close() // the error of the run again
}
