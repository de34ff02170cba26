package sqlite

import (
	"context"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/steps"
)

// Undo runs the newest migration of a schema backwards.
func (e *engine) Undo(ctx context.Context, schema *db.Schema) (db.Migration, error) {
	if err := db.RefuseNested(ctx); err != nil {
		return db.Migration{}, err
	}
	if _, _, err := e.pending(ctx); err != nil {
		return db.Migration{}, err
	}
	var undone db.Migration
	err := e.migrating(ctx, func(c *conn, _ []*db.Schema) error {
		newest, err := c.undo(ctx, schema)
		if err == nil {
			undone = newest.Migration
		}
		return err
	})
	return undone, err
}

func (c *conn) undo(ctx context.Context, schema *db.Schema) (newest steps.Step, err error) {
	known, folder, err := steps.Of("sqlite", schema)
	if err != nil {
		return newest, err
	}
	was, err := applied(c, schema)
	if err != nil {
		return newest, err
	}
	newest, err = steps.Newest("sqlite", schema, known, func(version int64) bool {
		_, ok := was[version]
		return ok
	})
	if err != nil {
		return newest, err
	}
	if err := c.foreignKeys(false); err != nil {
		return newest, err
	}
	defer func() {
		if err := c.foreignKeys(true); err != nil {
			c.broken = true
		}
	}()
	run, done, err := c.run(ctx, schema, known, folder)
	if err != nil {
		return newest, err
	}
	defer done()
	return newest, run.Down(ctx, newest)
}
