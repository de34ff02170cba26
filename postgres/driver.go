package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/pressly/goose/v3/database"
)

// goose speaks database/sql. This file is as much of a driver as goose needs, over one connection that is open already, so
// that neither pgx's own driver nor its pool is linked.

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
	return nil, errors.New("postgres: no prepared statements here")
}

// Close leaves the connection open: it is not database/sql's.
func (d driverConn) Close() error { return nil }

func (d driverConn) Begin() (driver.Tx, error) {
	return d.BeginTx(context.Background(), driver.TxOptions{})
}

func (d driverConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	return driverTx(d), d.c.own(ctx, "BEGIN")
}

type driverTx struct{ c *conn }

func (d driverTx) Commit() error {
	ctx, cancel := ending()
	defer cancel()
	return d.c.own(ctx, "COMMIT")
}

func (d driverTx) Rollback() error {
	ctx, cancel := ending()
	defer cancel()
	return d.c.own(ctx, rollback)
}

// ExecContext runs every statement of a migration's text, or one with arguments.
func (d driverConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		return driver.ResultNoRows, d.c.own(ctx, query)
	}
	_, err := d.QueryContext(ctx, query, args)
	return driver.ResultNoRows, err
}

// QueryContext runs one statement.
func (d driverConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = fmt.Sprint(arg.Value)
	}
	rows, err := d.c.rows(ctx, query, texts...)
	return &driverRows{rows: rows}, err
}

// driverRows implements [driver.Rows]: every value is a text, which database/sql turns into what it is scanned into.
type driverRows struct{ rows [][]string }

func (r *driverRows) Columns() []string {
	if len(r.rows) == 0 {
		return []string{"value"}
	}
	return make([]string, len(r.rows[0]))
}

func (r *driverRows) Close() error { return nil }

func (r *driverRows) Next(to []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	for i, v := range r.rows[0] {
		to[i] = v
	}
	r.rows = r.rows[1:]
	return nil
}

// versions is goose's store of what was run: a table for each schema. It implements [database.StoreExtender].
type versions struct {
	schema, table string
	sums          map[int64]string // by version, of the files as they are now
}

var _ database.StoreExtender = versions{}

func (v versions) Tablename() string { return v.table }

func (v versions) TableExists(ctx context.Context, on database.DBTxConn) (bool, error) {
	var n int64
	err := on.QueryRowContext(ctx, "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2", v.schema, v.table).Scan(&n)
	return n > 0, err
}

func (v versions) CreateVersionTable(ctx context.Context, on database.DBTxConn) error {
	_, err := on.ExecContext(ctx, "CREATE TABLE "+v.table+" (version bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now(), sha256 text NOT NULL DEFAULT '')")
	return err
}

func (v versions) Insert(ctx context.Context, on database.DBTxConn, req database.InsertRequest) error {
	if err := v.locked(ctx, on); err != nil {
		return err
	}
	_, err := on.ExecContext(ctx, "INSERT INTO "+v.table+" (version, sha256) VALUES ($1, $2)", req.Version, v.sums[req.Version])
	return err
}

func (v versions) Delete(ctx context.Context, on database.DBTxConn, version int64) error {
	if err := v.locked(ctx, on); err != nil {
		return err
	}
	_, err := on.ExecContext(ctx, "DELETE FROM "+v.table+" WHERE version = $1", version)
	return err
}

func (v versions) GetMigration(ctx context.Context, on database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	var n int64
	err := on.QueryRowContext(ctx, "SELECT version FROM "+v.table+" WHERE version = $1", version).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, database.ErrVersionNotFound
	}
	return &database.GetMigrationResult{IsApplied: true}, err
}

func (v versions) GetLatestVersion(ctx context.Context, on database.DBTxConn) (int64, error) {
	var max int64
	err := on.QueryRowContext(ctx, "SELECT coalesce(max(version), -1) FROM "+v.table).Scan(&max)
	if err == nil && max < 0 {
		err = database.ErrVersionNotFound
	}
	return max, err
}

func (v versions) ListMigrations(ctx context.Context, on database.DBTxConn) ([]*database.ListMigrationsResult, error) {
	rows, err := on.QueryContext(ctx, "SELECT version FROM "+v.table+" ORDER BY version DESC")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*database.ListMigrationsResult
	for rows.Next() {
		one := &database.ListMigrationsResult{IsApplied: true}
		if err := rows.Scan(&one.Version); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
