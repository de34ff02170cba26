package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/ncruces/go-sqlite3"
)

// goose speaks database/sql. This file is as much of a driver as goose needs, over one connection that is open already.
// The library's own driver is not used: it registers the name "sqlite3", as mattn's does, and a program that has both
// would panic before main.

// connector implements [driver.Connector].
type connector struct{ c *conn }

func (n connector) Connect(context.Context) (driver.Conn, error) { return driverConn(n), nil }
func (n connector) Driver() driver.Driver                        { return nil }

// driverConn implements [driver.Conn] and what database/sql prefers to it.
type driverConn struct{ c *conn }

var (
	_ driver.ExecerContext  = driverConn{}
	_ driver.QueryerContext = driverConn{}
	_ driver.ConnBeginTx    = driverConn{}
)

func (d driverConn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("sqlite: no prepared statements here")
}

// Close leaves the connection open: it is not database/sql's.
func (d driverConn) Close() error { return nil }

func (d driverConn) Begin() (driver.Tx, error) {
	return d.BeginTx(context.Background(), driver.TxOptions{})
}

func (d driverConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return driverTx(d), d.c.own(d.c.beginWriting)
}

type driverTx struct{ c *conn }

func (d driverTx) Commit() error   { return d.c.own(d.c.keep) }
func (d driverTx) Rollback() error { return d.c.own(d.c.back) }

// ExecContext runs every statement of the text.
func (d driverConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Result, err error) {
	defer d.c.rescue(&err)
	old := d.c.c.SetInterrupt(ctx)
	defer d.c.c.SetInterrupt(old)
	for query != "" {
		stmt, tail, err := d.c.c.Prepare(query)
		if err != nil {
			return nil, err
		}
		if query = tail; stmt == nil {
			continue
		}
		if err := bindAll(stmt, args); err != nil {
			stmt.Close()
			return nil, err
		}
		for stmt.Step() {
		}
		err = errors.Join(stmt.Err(), stmt.Close())
		if err != nil {
			return nil, err
		}
	}
	return driver.ResultNoRows, nil
}

// QueryContext runs one statement.
func (d driverConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Rows, err error) {
	defer d.c.rescue(&err)
	stmt, _, err := d.c.c.Prepare(query)
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
