package postgres

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/merlon-web/merlon/internal/steps"
)

// migrated is the connection on which migrations run: neither pgx's own driver nor its pool is linked.
type migrated struct{ c *conn }

var _ steps.Conn = migrated{}

func (m migrated) Begin(ctx context.Context) error { return m.c.own(ctx, "BEGIN") }

func (m migrated) Commit() error {
	ctx, cancel := ending()
	defer cancel()
	return m.c.own(ctx, "COMMIT")
}

func (m migrated) Rollback() error {
	ctx, cancel := ending()
	defer cancel()
	return m.c.own(ctx, rollback)
}

// Exec implements [steps.Conn].
func (m migrated) Exec(ctx context.Context, query string, args []driver.NamedValue) error {
	if len(args) == 0 {
		return m.c.own(ctx, query)
	}
	_, err := m.Query(ctx, query, args)
	return err
}

// Query implements [steps.Conn].
func (m migrated) Query(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = fmt.Sprint(arg.Value)
	}
	rows, err := m.c.rows(ctx, query, texts...)
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
