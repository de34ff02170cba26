package steps

import (
	"context"
	"database/sql/driver"
	"errors"
)

// goose speaks database/sql. This file is as much of a driver as goose needs, over one connection of an engine that is open
// already: drivers of the databases would register names, bring pools, and reach other databases.

// A Conn is an engine's connection, on which tables may change.
type Conn interface {
	Begin(ctx context.Context) error
	Commit() error
	Rollback() error
	// Exec runs every statement of a text, or one with arguments: texts and int64s, for $1, $2 and so on.
	Exec(ctx context.Context, query string, args []driver.NamedValue) error
	// Query runs one statement.
	Query(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error)
}

// connector implements [driver.Connector].
type connector struct{ c Conn }

func (n connector) Connect(context.Context) (driver.Conn, error) { return driverConn(n), nil }
func (n connector) Driver() driver.Driver                        { return nil }

// driverConn implements [driver.Conn] and what database/sql prefers to it.
type driverConn struct{ c Conn }

var (
	_ driver.ExecerContext  = driverConn{}
	_ driver.QueryerContext = driverConn{}
	_ driver.ConnBeginTx    = driverConn{}
)

func (d driverConn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("steps: no prepared statements here")
}

// Close leaves the connection open: it is not database/sql's.
func (d driverConn) Close() error { return nil }

func (d driverConn) Begin() (driver.Tx, error) {
	return d.BeginTx(context.Background(), driver.TxOptions{})
}

func (d driverConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	return d.c, d.c.Begin(ctx)
}

func (d driverConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return driver.ResultNoRows, d.c.Exec(ctx, query, args)
}

func (d driverConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return d.c.Query(ctx, query, args)
}
