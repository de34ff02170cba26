package sqlite

import (
	"context"
	"fmt"

	"github.com/merlon-web/merlon/db"
)

// Skip implements [db.Skipper] by SQLite's own table of the numbers given out. A table that has given none yet is in it too:
// in the lost time it may have.
func (e *engine) Skip(ctx context.Context, n int64) error {
	on := e.on.Load()
	if on == nil {
		return db.ErrClosed
	}
	c, err := on.writer.Get(ctx)
	if err != nil {
		return err
	}
	defer on.writer.Put(c)
	c.mode = modeOwn
	tables, err := c.integers("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'")
	if c.mode = modeWrite; err != nil || tables[0] == 0 {
		return err
	}
	if err := c.beginWrite(ctx); err != nil {
		c.end()
		return err
	}
	defer c.end() // after a commit there is nothing to roll back
	c.mode = modeOwn
	err = c.c.Exec(fmt.Sprintf(`
		INSERT INTO sqlite_sequence (name, seq) SELECT name, 0 FROM sqlite_schema
		WHERE type = 'table' AND sql LIKE '%%AUTOINCREMENT%%' AND name NOT IN (SELECT name FROM sqlite_sequence);
		UPDATE sqlite_sequence SET seq = seq + %d`, n))
	c.mode = modeWrite
	if err != nil {
		return c.explain(err)
	}
	defer on.readers.change()()
	return c.commit(ctx)
}
