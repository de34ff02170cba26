package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/internal/steps"
)

// migrated is the connection on which migrations run. The library's own driver is not used: it registers the name "sqlite3", as
// mattn's does, and a program that has both would panic before main.
type migrated struct{ c *conn }

var _ steps.Conn = migrated{}

func (m migrated) Begin(context.Context) error { return m.c.own(m.c.beginWriting) }
func (m migrated) Commit() error               { return m.c.own(m.c.keep) }
func (m migrated) Rollback() error             { return m.c.own(m.c.back) }

// Exec implements [steps.Conn].
func (m migrated) Exec(ctx context.Context, query string, args []driver.NamedValue) (err error) {
	defer m.c.rescue(&err)
	old := m.c.c.SetInterrupt(ctx)
	defer m.c.c.SetInterrupt(old)
	for query != "" {
		stmt, tail, err := m.c.c.Prepare(query)
		if err != nil {
			return err
		}
		if query = tail; stmt == nil {
			continue
		}
		if err := bindAll(stmt, args); err != nil {
			stmt.Close()
			return err
		}
		for stmt.Step() {
		}
		if err := errors.Join(stmt.Err(), stmt.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Query implements [steps.Conn].
func (m migrated) Query(_ context.Context, query string, args []driver.NamedValue) (_ driver.Rows, err error) {
	defer m.c.rescue(&err)
	stmt, _, err := m.c.c.Prepare(query)
	if err != nil {
		return nil, err
	}
	if err := bindAll(stmt, args); err != nil {
		stmt.Close()
		return nil, err
	}
	return &driverRows{stmt}, nil
}

func bindAll(stmt *sqlite3.Stmt, args []driver.NamedValue) error {
	for _, arg := range args {
		var err error
		switch v := arg.Value.(type) {
		case int64:
			err = stmt.BindInt64(arg.Ordinal, v)
		case string:
			err = stmt.BindText(arg.Ordinal, v)
		default:
			err = fmt.Errorf("sqlite: goose binds a %T", v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// driverRows implements [driver.Rows].
type driverRows struct{ s *sqlite3.Stmt }

func (r *driverRows) Columns() []string {
	names := make([]string, r.s.ColumnCount())
	for i := range names {
		names[i] = r.s.ColumnName(i)
	}
	return names
}

func (r *driverRows) Close() error { return r.s.Close() }

func (r *driverRows) Next(to []driver.Value) error {
	if !r.s.Step() {
		if err := r.s.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	for i := range to {
		switch r.s.ColumnType(i) {
		case sqlite3.INTEGER:
			to[i] = r.s.ColumnInt64(i)
		case sqlite3.NULL:
			to[i] = nil
		default:
			to[i] = r.s.ColumnText(i)
		}
	}
	return nil
}

// referring refuses a row that refers to nothing: foreign keys are off while a migration runs.
func referring(ctx context.Context, on steps.Tx) error {
	var table, parent string
	var row, constraint sql.NullInt64
	err := on.QueryRowContext(ctx, "PRAGMA foreign_key_check").Scan(&table, &row, &parent, &constraint)
	switch {
	case err == nil:
		return fmt.Errorf("after it, the row %d of %q refers to a row of %q that is not there", row.Int64, table, parent)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	return nil
}
