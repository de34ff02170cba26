package steps

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3/database"
)

// Tx is a connection, or its transaction, as goose has it.
type Tx = database.DBTxConn

// A Dialect is what an engine's table of versions is made by.
type Dialect struct {
	Exists  string // a query that counts tables of the name $1
	Columns string // of the table: version, applied_at, and sha256 with the default ''
	// Look is asked in each step's transaction, after its statements; its error takes the step back.
	Look func(ctx context.Context, on Tx) error
}

// versions is goose's store of what was run: a table for each schema. It implements [database.StoreExtender].
type versions struct {
	Dialect
	table string
	sums  map[int64]string // by version, of the files as they are now
}

var _ database.StoreExtender = versions{}

func (v versions) Tablename() string { return v.table }

func (v versions) TableExists(ctx context.Context, on Tx) (bool, error) {
	var n int64
	err := on.QueryRowContext(ctx, v.Exists, v.table).Scan(&n)
	return n > 0, err
}

func (v versions) CreateVersionTable(ctx context.Context, on Tx) error {
	_, err := on.ExecContext(ctx, "CREATE TABLE "+v.table+" "+v.Columns)
	return err
}

func (v versions) Insert(ctx context.Context, on Tx, req database.InsertRequest) error {
	if err := v.Look(ctx, on); err != nil {
		return err
	}
	_, err := on.ExecContext(ctx, "INSERT INTO "+v.table+" (version, sha256) VALUES ($1, $2)", req.Version, v.sums[req.Version])
	return err
}

func (v versions) Delete(ctx context.Context, on Tx, version int64) error {
	if err := v.Look(ctx, on); err != nil {
		return err
	}
	_, err := on.ExecContext(ctx, "DELETE FROM "+v.table+" WHERE version = $1", version)
	return err
}

func (v versions) GetMigration(ctx context.Context, on Tx, version int64) (*database.GetMigrationResult, error) {
	var n int64
	err := on.QueryRowContext(ctx, "SELECT version FROM "+v.table+" WHERE version = $1", version).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, database.ErrVersionNotFound
	}
	return &database.GetMigrationResult{IsApplied: true}, err
}

func (v versions) GetLatestVersion(ctx context.Context, on Tx) (int64, error) {
	var max int64
	err := on.QueryRowContext(ctx, "SELECT coalesce(max(version), -1) FROM "+v.table).Scan(&max)
	if err == nil && max < 0 {
		err = database.ErrVersionNotFound
	}
	return max, err
}

func (v versions) ListMigrations(ctx context.Context, on Tx) ([]*database.ListMigrationsResult, error) {
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

// Applied is what a table of versions knows of a step that was run.
type Applied struct {
	At    time.Time
	Sum   string
	NoSum bool // it is from before sums were kept
}

// ReadApplied reads rows of a table of versions: version, time in RFC 3339, sum.
func ReadApplied(engine, table string, rows [][]string) (map[int64]Applied, error) {
	done := map[int64]Applied{}
	for _, row := range rows {
		var version int64
		if _, err := fmt.Sscan(row[0], &version); err != nil {
			return nil, fmt.Errorf("%s: the table %s: version %q: %w", engine, table, row[0], err)
		}
		at, err := time.Parse(time.RFC3339Nano, row[1])
		if err != nil {
			return nil, fmt.Errorf("%s: the table %s: version %d: %w", engine, table, version, err)
		}
		done[version] = Applied{At: at, Sum: row[2]}
	}
	return done, nil
}
