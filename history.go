package merlon

import (
	"context"
	"errors"
	"fmt"

	"github.com/merlon-web/merlon/db"
)

// Migrations returns all migrations that the program knows with what became of them, with the site not running. A database
// that is not there yet is made, empty.
func (s *Site) Migrations(ctx context.Context) (all []db.MigrationState, err error) {
	err = s.withDatabase(ctx, func() error {
		all, err = s.cfg.Engine.Migrations(ctx)
		return err
	})
	return all, err
}

// UndoMigration undoes the newest migration of the site's own schema, with the site not running. What the migration made is
// lost with its rows.
func (s *Site) UndoMigration(ctx context.Context) (undone db.Migration, err error) {
	if s.cfg.Schema == nil {
		return undone, fmt.Errorf("merlon: the site has no migrations of its own: Config.Schema is empty; those of parts are undone by their own version")
	}
	err = s.withDatabase(ctx, func() error {
		undone, err = s.cfg.Engine.Undo(ctx, s.cfg.Schema)
		return err
	})
	return undone, err
}

// withDatabase does something with the database open and the site not running.
func (s *Site) withDatabase(ctx context.Context, do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.openEngine(ctx); err != nil {
		return err
	}
	err := do()
	return errors.Join(err, s.cfg.Engine.Close())
}
