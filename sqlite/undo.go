package sqlite

import (
	"context"
	"errors"

	"github.com/pressly/goose/v3"

	"github.com/merlon-web/merlon/check"
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
	done, err := applied(c, schema)
	if err != nil {
		return newest, err
	}
	newest, err = steps.Newest("sqlite", schema, known, func(version int64) bool {
		_, ok := done[version]
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
	provider, end, err := c.provider(ctx, schema, known, folder)
	if err != nil {
		return newest, err
	}
	defer end()
	_, err = provider.Down(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		return newest, failedMigration(schema, newest.Name, partial.Err)
	}
	var finding check.Finding
	if err != nil && !errors.As(err, &finding) {
		err = failedMigration(schema, newest.Name, err)
	}
	return newest, err
}
