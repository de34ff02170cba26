package sqlite

import (
	"fmt"
	"strings"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/steps"
)

// The table of versions of a schema: what was run, when, and the sum of the file that was run. Tables from before there were
// sums lack that column.

// hasTable reports whether the table of versions is there, and whether it keeps sums.
func (c *conn) hasTable(table string) (there, sums bool, err error) {
	found, err := c.rows("SELECT instr(sql, 'sha256') FROM sqlite_schema WHERE type = 'table' AND name = '" + table + "'")
	if err != nil || len(found) == 0 {
		return false, false, err
	}
	return true, found[0][0] != "0", nil
}

// applied lists what the database has, by version.
func applied(c *conn, schema *db.Schema) (done map[int64]steps.Applied, err error) {
	defer c.rescue(&err)
	table := steps.Table(schema)
	there, sums, err := c.hasTable(table)
	if err != nil || !there {
		return nil, err
	}
	column := "''"
	if sums {
		column = "sha256"
	}
	rows, err := c.rows("SELECT version, applied_at, " + column + " FROM " + table + " WHERE version > 0")
	if err != nil {
		return nil, err
	}
	done, err = steps.ReadApplied("sqlite", table, rows)
	for version, was := range done {
		was.NoSum = was.Sum == ""
		done[version] = was
	}
	return done, err
}

// rows runs a constant query of this package and returns its values as text.
func (c *conn) rows(query string) (all [][]string, err error) {
	stmt, _, err := c.c.Prepare(query)
	if err != nil {
		return nil, c.explain(err)
	}
	defer stmt.Close()
	for stmt.Step() {
		row := make([]string, stmt.ColumnCount())
		for i := range row {
			row[i] = stmt.ColumnText(i)
		}
		all = append(all, row)
	}
	if err := stmt.Err(); err != nil {
		return nil, c.explain(err)
	}
	return all, nil
}

// keepSums gives migrations that were run before sums were kept that of their file as it is now.
func (c *conn) keepSums(schema *db.Schema, known []steps.Step) (err error) {
	mode := c.mode
	defer func() { c.mode = mode }()
	c.mode = modeOwn
	done, err := applied(c, schema)
	if err != nil {
		return err
	}
	table := steps.Table(schema)
	there, sums, err := c.hasTable(table)
	if err != nil || !there {
		return err
	}
	var b strings.Builder
	if !sums {
		b.WriteString("ALTER TABLE " + table + " ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';")
	}
	for _, m := range known {
		if was, ok := done[m.Version]; ok && was.NoSum {
			fmt.Fprintf(&b, "UPDATE %s SET sha256 = '%s' WHERE version = %d;", table, m.Sum, m.Version)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	if err := c.c.Exec("BEGIN IMMEDIATE;" + b.String() + "COMMIT"); err != nil {
		_ = c.c.Exec("ROLLBACK")
		return fmt.Errorf("sqlite: schema %q: the sums of its migrations: %w", schema.Name(), c.explain(err))
	}
	return nil
}
