package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3/database"
)

// versions is goose's store of what was run: a table for each schema. It implements [database.StoreExtender].
type versions struct {
	table string
	sums  map[int64]string // by version, of the files as they are now
}

var _ database.StoreExtender = versions{}

func (v versions) Tablename() string { return v.table }

func (v versions) TableExists(ctx context.Context, on database.DBTxConn) (bool, error) {
	var n int64
	err := on.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?", v.table).Scan(&n)
	return n > 0, err
}

func (v versions) CreateVersionTable(ctx context.Context, on database.DBTxConn) error {
	_, err := on.ExecContext(ctx, "CREATE TABLE "+v.table+" (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')), sha256 TEXT NOT NULL DEFAULT '') STRICT")
	return err
}

// Insert runs in the migration's transaction, after its statements: the place to see that no row refers to nothing.
func (v versions) Insert(ctx context.Context, on database.DBTxConn, req database.InsertRequest) error {
	if err := referring(ctx, on); err != nil {
		return err
	}
	_, err := on.ExecContext(ctx, "INSERT INTO "+v.table+" (version, sha256) VALUES (?, ?)", req.Version, v.sums[req.Version])
	return err
}

// referring refuses a row that refers to nothing: foreign keys are off while a migration runs.
func referring(ctx context.Context, on database.DBTxConn) error {
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

func (v versions) Delete(ctx context.Context, on database.DBTxConn, version int64) error {
	if err := referring(ctx, on); err != nil {
		return err
	}
	_, err := on.ExecContext(ctx, "DELETE FROM "+v.table+" WHERE version = ?", version)
	return err
}

func (v versions) GetMigration(ctx context.Context, on database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	var at string
	err := on.QueryRowContext(ctx, "SELECT applied_at FROM "+v.table+" WHERE version = ?", version).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, database.ErrVersionNotFound
	}
	if err != nil {
		return nil, err
	}
	t, err := time.Parse(time.RFC3339Nano, at)
	return &database.GetMigrationResult{Timestamp: t, IsApplied: true}, err
}

func (v versions) GetLatestVersion(ctx context.Context, on database.DBTxConn) (int64, error) {
	var max sql.NullInt64
	err := on.QueryRowContext(ctx, "SELECT max(version) FROM "+v.table).Scan(&max)
	if err == nil && !max.Valid {
		err = database.ErrVersionNotFound
	}
	return max.Int64, err
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
