package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/pool"
)

// RowSums implements [db.RowSummer] over a connection that cannot write, within one read transaction. Virtual tables and what they
// keep their rows in are left out.
func (e *engine) RowSums(ctx context.Context, most int) (_ map[db.RowKey][sha256.Size]byte, err error) {
	path, err := e.onDisk()
	if err != nil {
		return nil, err
	}
	raw, err := openFile(path, sqlite3.OPEN_READONLY|sqlite3.OPEN_NOFOLLOW)
	if err != nil {
		return nil, opening(err)
	}
	c := &conn{c: raw, folder: filepath.Dir(path), mode: modeOwn}
	defer raw.Close()
	defer c.rescue(&err)
	if err := raw.BusyTimeout(busyTimeout); err != nil {
		return nil, err
	}
	raw.SetInterrupt(ctx)
	if err := raw.Exec("BEGIN"); err != nil {
		return nil, c.explain(err)
	}
	all := map[db.RowKey][sha256.Size]byte{}
	for _, keyed := range []bool{true, false} {
		of := "0"
		if !keyed {
			of = "1"
		}
		tables, err := c.texts("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND substr(name, 1, 7) <> 'sqlite_' AND wr = " + of)
		if err != nil {
			return nil, err
		}
		for _, table := range tables {
			if ctx.Err() != nil {
				return nil, pool.Stopped(ctx)
			}
			if err := c.sumRows(table, keyed, most, all); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// sumRows adds the rows of a table: by their rowid, or, of a table without one, by all of them.
func (c *conn) sumRows(table string, keyed bool, most int, all map[db.RowKey][sha256.Size]byte) error {
	columns := "*"
	if keyed {
		columns = "rowid, *"
	}
	stmt, _, err := c.c.Prepare("SELECT " + columns + ` FROM "` + strings.ReplaceAll(table, `"`, `""`) + `"`)
	if err != nil {
		return c.explain(err)
	}
	defer stmt.Close()
	var b []byte
	for stmt.Step() {
		b = b[:0]
		for i := range stmt.ColumnCount() {
			b = append(b, byte(stmt.ColumnType(i))) // before the value is asked for as bytes, which changes it
			value := stmt.ColumnBlob(i, nil)
			b = binary.AppendUvarint(b, uint64(len(value)))
			b = append(b, value...)
		}
		key := db.RowKey{Table: table}
		sum := sha256.Sum256(b)
		if keyed {
			key.Key = strconv.FormatInt(stmt.ColumnInt64(0), 10)
		} else {
			key.Key = string(sum[:])
		}
		if all[key] = sum; len(all) > most {
			return fmt.Errorf("sqlite: sums of rows: %w: %d", db.ErrManyRows, most)
		}
	}
	if err := stmt.Err(); err != nil {
		return c.explain(err)
	}
	return nil
}
