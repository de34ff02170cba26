package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
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

func (c *conn) undo(ctx context.Context, schema *db.Schema) (newest source, err error) {
	known, folder, err := sources(schema)
	if err != nil {
		return newest, err
	}
	done, err := applied(c, schema)
	if err != nil {
		return newest, err
	}
	for _, m := range known {
		if _, ok := done[m.Version]; ok {
			newest = m // they are in order
		}
	}
	switch {
	case newest.Name == "":
		return newest, fmt.Errorf("sqlite: schema %q: no migration was run, so there is none to undo", schema.Name())
	case !newest.down:
		return newest, db.RuleMigration.Finding(schema.Where(), fmt.Sprintf("sqlite: schema %q: %s does not say how it is undone", schema.Name(), newest.Name), `write the statements below "-- +goose Down", in a program of their own: the file was run`)
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

// hasDown reports whether a migration has a statement below its mark "Down".
func hasDown(text string) bool {
	down := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "--"):
			if mark := strings.Fields(strings.TrimPrefix(line, "--")); len(mark) == 2 && mark[0] == "+goose" {
				switch strings.ToLower(mark[1]) {
				case "down":
					down = true
				case "up":
					down = false
				}
			}
		case line != "" && down:
			return true
		}
	}
	return false
}
