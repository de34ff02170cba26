package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/steps"
)

// Scratch returns an engine in memory, with the schemas migrated. It has one connection, so a reader and a writer of it
// wait for each other.
func (e *engine) Scratch(ctx context.Context, schemas ...*db.Schema) (db.Engine, error) {
	if err := steps.Distinct("sqlite", schemas); err != nil {
		return nil, err
	}
	c, err := openMemory(schemas)
	if err != nil {
		return nil, err
	}
	if _, faults := migrateAll(ctx, c, schemas); faults != nil {
		c.close()
		return nil, faults
	}
	one := newPool("connection", 1, func() (*conn, error) {
		return nil, errors.New("sqlite: the connection of the scratch broke, and its data with it")
	})
	c.pool = one
	one.Hold(c)
	scratch := &engine{file: e.file}
	scratch.on.Store(&opened{schemas: schemas, readers: one, writer: one})
	return scratch, nil
}

// openMemory opens a connection with a database of its own in memory.
func openMemory(schemas []*db.Schema) (_ *conn, err error) {
	raw, err := sqlite3.OpenFlags(":memory:", sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE|sqlite3.OPEN_MEMORY)
	if err != nil {
		return nil, opening(err)
	}
	c := &conn{c: raw, mode: modeOwn}
	defer c.closeIf(&err)
	if err := c.harden(); err != nil {
		return nil, err
	}
	c.reading, c.writing = db.NewSession(c, schemas...), db.NewSession(c, schemas...)
	c.memory = true
	return c, nil
}

// Inspect prepares a text under the rules of its kind.
func (e *engine) Inspect(ctx context.Context, t *db.Text) (shape db.Shape, err error) {
	on := e.on.Load()
	if on == nil {
		return shape, db.ErrClosed
	}
	c, err := on.readers.Get(ctx)
	if err != nil {
		return shape, err
	}
	defer on.readers.Put(c)
	defer c.rescue(&err)
	if c.mode = modeWrite; t.Kind() == db.KindQuery {
		c.mode = modeRead
	}
	s, err := c.prepare(t)
	if err != nil {
		return shape, c.unprepared(t, err)
	}
	defer s.Close()
	shape = db.Shape{Values: s.s.BindCount(), ReadOnly: s.s.ReadOnly()}
	for i, name := range s.columns {
		shape.Columns = append(shape.Columns, db.Column{Name: name, Type: declared(s.s.ColumnDeclType(i))})
	}
	if t.Kind() == db.KindQuery {
		shape.AtMost1, err = c.atMost1(t)
	}
	return shape, err
}

// declared returns the type of a column by SQLite's rules of affinity, as far as it is certain.
func declared(name string) db.Type {
	name = strings.ToUpper(name)
	switch {
	case name == "", name == "ANY":
		return db.TypeUnknown
	case strings.Contains(name, "BOOL"):
		return db.TypeBool
	case strings.Contains(name, "INT"):
		return db.TypeInt
	case strings.Contains(name, "CHAR"), strings.Contains(name, "CLOB"), strings.Contains(name, "TEXT"):
		return db.TypeText
	case strings.Contains(name, "BLOB"):
		return db.TypeBlob
	case strings.Contains(name, "REAL"), strings.Contains(name, "FLOA"), strings.Contains(name, "DOUB"):
		return db.TypeFloat
	}
	return db.TypeUnknown
}

// unprepared says what of a text SQLite does not know, and what it knows instead.
func (c *conn) unprepared(t *db.Text, err error) error {
	var finding check.Finding
	if errors.As(err, &finding) {
		return &db.PrepareError{Kind: "write", Err: errors.New(strings.TrimPrefix(finding.What, "sqlite: "))}
	}
	text := plain(err)
	bad := &db.PrepareError{Err: errors.New(text)}
	if isAny(err, sqlite3.AUTH) {
		if bad.Kind = "write"; t.Kind() != db.KindQuery {
			bad.Kind = ""
			bad.Err = fmt.Errorf("%s: %s", text, notForSites)
		}
		return bad
	}
	for _, of := range [...]struct{ words, kind string }{{"no such column: ", "column"}, {"no such table: ", "table"}, {"no such function: ", "function"}, {" has no column named ", "column"}} {
		if _, name, found := strings.Cut(text, of.words); found {
			bad.Kind, bad.Name = of.kind, name
			bad.Names = t.Nearby(c.names(of.kind))
		}
	}
	var e *sqlite3.Error
	if bad.Name == "" && errors.As(err, &e) && e.SQL() != "" {
		bad.Err = fmt.Errorf("%s (at %q)", text, clip([]byte(strings.Join(strings.Fields(e.SQL()), " "))))
	}
	return bad
}

// names lists what there is of a kind, columns as [db.Text.Nearby] takes them.
func (c *conn) names(kind string) (all []string) {
	query := "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite|_%' ESCAPE '|' ORDER BY name"
	switch kind {
	case "function":
		query = "SELECT DISTINCT name FROM pragma_function_list ORDER BY name"
	case "column":
		query = "SELECT m.name || '.' || p.name FROM sqlite_schema m, pragma_table_info(m.name) p WHERE m.type IN ('table', 'view') ORDER BY 1"
	}
	c.mode = modeOwn
	stmt, _, err := c.c.Prepare(query)
	if err != nil {
		return nil
	}
	defer stmt.Close()
	for stmt.Step() {
		all = append(all, stmt.ColumnText(0))
	}
	return all
}

// atMost1 reports whether the program that SQLite made of a query can give at most one row: whether the one instruction
// that gives rows lies in no loop and in nothing that is called. It is so for a look-up by a key and for an aggregate.
// Where this function cannot tell, it says no.
func (c *conn) atMost1(t *db.Text) (bool, error) {
	c.mode = modeOwn
	stmt, _, err := c.c.Prepare("EXPLAIN " + t.SQL('?'))
	if err != nil {
		return false, err
	}
	defer stmt.Close()
	gives := int64(-1)
	var loops [][2]int64 // from, to
	for stmt.Step() {
		at, to := stmt.ColumnInt64(0), stmt.ColumnInt64(3)
		switch stmt.ColumnText(1) {
		case "ResultRow":
			if gives >= 0 {
				return false, nil
			}
			gives = at
		case "Next", "Prev", "SorterNext", "VNext":
			loops = append(loops, [2]int64{to, at})
		case "Goto":
			if to > 1 && to < at { // the jump to 1 leads from the prologue at the end to the beginning
				loops = append(loops, [2]int64{to, at})
			}
		case "Gosub", "Yield", "InitCoroutine", "Program":
			return false, nil
		}
	}
	for _, l := range loops {
		if l[0] <= gives && gives <= l[1] {
			return false, nil
		}
	}
	return gives >= 0, stmt.Err()
}
