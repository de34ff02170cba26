package sqlite

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/db"
)

// fewFaults is after how many an inspection stops.
const fewFaults = 5

var (
	_ db.Inspector = (*engine)(nil)
	_ db.Laxer     = (*engine)(nil)
	_ db.Hasty     = (*engine)(nil)
)

// Lax implements [db.Laxer] by the list of tables: those that are not STRICT, but for virtual ones and their shadows.
func (e *engine) Lax(ctx context.Context) (tables []string, err error) {
	on := e.on.Load()
	if on == nil {
		return nil, db.ErrClosed
	}
	c, err := on.readers.Get(ctx)
	if err != nil {
		return nil, err
	}
	defer on.readers.Put(c)
	defer c.rescue(&err)
	c.mode = modeOwn
	return c.texts("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite|_%' ESCAPE '|' ORDER BY name")
}

// Damage implements [db.Inspector] by PRAGMA quick_check.
func (e *engine) Damage(ctx context.Context) (found []string, err error) {
	err = e.inspect(ctx, fmt.Sprintf("PRAGMA quick_check(%d)", fewFaults), func(s *sqlite3.Stmt) {
		if text := s.ColumnText(0); text != "ok" {
			found = append(found, text)
		}
	})
	return found, err
}

// Orphans implements [db.Inspector] by PRAGMA foreign_key_check.
func (e *engine) Orphans(ctx context.Context) (found []string, err error) {
	err = e.inspect(ctx, "PRAGMA foreign_key_check", func(s *sqlite3.Stmt) {
		if len(found) < fewFaults {
			found = append(found, fmt.Sprintf("row %d of %s names a row of %s that is not there", s.ColumnInt64(1), s.ColumnText(0), s.ColumnText(2)))
		}
	})
	return found, err
}

// inspect runs a pragma that only reads on a connection of its own, so that a long look holds up no request.
func (e *engine) inspect(ctx context.Context, pragma string, row func(*sqlite3.Stmt)) (err error) {
	path, err := e.onDisk()
	if err != nil {
		return err
	}
	c, err := openFile(path, sqlite3.OPEN_READONLY|sqlite3.OPEN_NOFOLLOW)
	if err != nil {
		return opening(err)
	}
	defer func() {
		if closed := c.Close(); err == nil {
			err = closed
		}
	}()
	if err := c.BusyTimeout(busyTimeout); err != nil {
		return err
	}
	c.SetInterrupt(ctx)
	stmt, _, err := c.Prepare(pragma)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for stmt.Step() {
		row(stmt)
	}
	return stmt.Err()
}
