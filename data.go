package merlon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/datafolder"
	"github.com/merlon-web/merlon/internal/swap"
	"github.com/merlon-web/merlon/keyring"
)

// ErrPending says that migrations have not run; the message names them.
var ErrPending = errors.New("merlon: pending migrations")

// makeData makes the data folder if need be; first it completes a restore that was cut off between its two renames.
func (s *Site) makeData() error {
	done, err := swap.Finish(s.env.Data)
	if err != nil {
		return fmt.Errorf("merlon: data folder: %w", err)
	}
	if done {
		s.log.Warn("a restore that was cut off is complete now: the old data lies beside it", "data", s.env.Data)
	}
	if err := datafolder.Make(s.env.Data); err != nil {
		return fmt.Errorf("merlon: data folder: %w", err)
	}
	if err := s.notGone(); err != nil {
		return err
	}
	return s.ownData()
}

// openEngine makes the data folder if need be, and opens the database in it.
func (s *Site) openEngine(ctx context.Context) error {
	err := s.makeData()
	if err == nil {
		err = s.cfg.Engine.Open(ctx, s.env.Data, s.schemas...)
	}
	return s.hindered(err)
}

// hindered adds to an error of the data what is wrong with their folder, if that is why: the error itself is of the call that was
// refused ("unable to open database file"). Errors that say what to do are left as they are.
func (s *Site) hindered(err error) error {
	var found check.Finding
	if err == nil || errors.As(err, &found) || errors.Is(err, db.ErrLocked) {
		return err
	}
	if where, what, do := datafolder.Hinder(s.env.Data); what != "" {
		return &folderError{RuleFolder.Finding(where, what, do), err}
	}
	return err
}

// folderError is a finding of the data folder, and the error by which it was seen.
type folderError struct {
	finding check.Finding
	cause   error
}

func (e *folderError) Error() string   { return e.finding.Error() + ": " + e.cause.Error() }
func (e *folderError) Unwrap() []error { return []error{e.finding, e.cause} }

// notGone refuses a folder that has the keys of a site and not its database: opened, it would be a new and empty site, whose first
// visitor with the link becomes its administrator. A first start makes the file before the keys, so one that was cut off goes on.
func (s *Site) notGone() error {
	filed, ok := s.cfg.Engine.(db.Filed)
	if !ok {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(s.env.Data, "keys")); err != nil {
		return nil // a new folder; what else is wrong with the file is told when it is opened
	}
	path, err := filed.Missing(s.env.Data)
	if err != nil || path == "" {
		return err
	}
	return RuleGone.Finding(path, "the keys of a site are here, and its database is not",
		"put the file back, or restore the newest point: restore --help; for a new site name an empty folder: --data DIR")
}

// migrations migrates a database that is new, and refuses one that has data and lacks a migration.
func (s *Site) migrations(ctx context.Context) error {
	pending, err := s.cfg.Engine.Pending(ctx)
	if err != nil {
		return err
	}
	if len(pending) == 0 {
		_, err := s.cfg.Engine.Migrate(ctx) // keeps the sums of what a program from before there were sums has run
		return err
	}
	fresh, err := s.lacks(pending)
	if err != nil {
		return err
	}
	if fresh {
		_, err := s.cfg.Engine.Migrate(ctx)
		return err
	}
	var names []string
	for _, m := range pending {
		names = append(names, m.Schema+"/"+m.Name)
	}
	return &pendingError{RuleMigration.Finding("", fmt.Sprintf("%d pending: %s", len(pending), strings.Join(names, ", ")), "run: migrate up")}
}

// allMigrations counts the migrations that the program knows.
func (s *Site) allMigrations() (n int, err error) {
	for _, sc := range s.schemas {
		dir, err := sc.Migrations(s.cfg.Engine.Name())
		if err != nil {
			return 0, err
		}
		files, err := fs.Glob(dir, "*.sql")
		if err != nil {
			return 0, err
		}
		n += len(files)
	}
	return n, nil
}

type pendingError struct{ finding check.Finding }

func (e *pendingError) Error() string        { return e.finding.Error() }
func (e *pendingError) Unwrap() error        { return e.finding }
func (e *pendingError) Is(target error) bool { return target == ErrPending }

// Migrate runs the pending migrations, with the site not running, and returns their names.
func (s *Site) Migrate(ctx context.Context) ([]db.Migration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.openEngine(ctx); err != nil {
		return nil, err
	}
	fresh, err := s.fresh(ctx)
	if err != nil || !fresh {
		done, err := s.cfg.Engine.Migrate(ctx)
		return done, errors.Join(s.hindered(err), s.cfg.Engine.Close())
	}
	var done []db.Migration
	err = s.alone(ctx, func() (err error) {
		if _, err = s.openKeys(ctx); err == nil {
			done, err = s.cfg.Engine.Migrate(ctx)
		}
		return err
	})
	return done, errors.Join(s.hindered(err), s.cfg.Engine.Close())
}

// Pending returns the migrations that have not run, with the site not running.
func (s *Site) Pending(ctx context.Context) ([]db.Migration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.openEngine(ctx); err != nil {
		return nil, err
	}
	pending, err := s.cfg.Engine.Pending(ctx)
	return pending, errors.Join(err, s.cfg.Engine.Close())
}

// keysAndTables opens the key ring, sees that the migrations have run and that the ring is the data's. Where there is nothing yet both
// are made, while no other process makes its own. Where something is there and not all, another process may be in the middle of
// its first start: what is pending counts when that is over.
func (s *Site) keysAndTables(ctx context.Context) (keys *keyring.Ring, err error) {
	do := func() (err error) {
		if keys, err = s.openKeys(ctx); err != nil {
			return err
		}
		if err = s.migrations(ctx); err == nil {
			err = s.sameRing(ctx, keys)
		}
		return err
	}
	if fresh, err := s.fresh(ctx); err == nil && fresh {
		err = s.alone(ctx, do)
		return keys, err
	}
	if err = do(); errors.Is(err, ErrPending) {
		err = s.alone(ctx, do)
	}
	return keys, err
}

// alone runs do while no other process makes its first start on the same database.
func (s *Site) alone(ctx context.Context, do func() error) error {
	if one, ok := s.cfg.Engine.(db.Starter); ok {
		return one.Starting(ctx, do)
	}
	return do()
}

// openKeys reads the key ring. It is made with the database only, before its tables are: with data and without keys a start
// is refused, since new keys would lock every password out.
func (s *Site) openKeys(ctx context.Context) (*keyring.Ring, error) {
	path := filepath.Join(s.env.Data, "keys")
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return keyring.Open(path)
	}
	fresh, err := s.fresh(ctx)
	if err != nil {
		return nil, err
	}
	if !fresh {
		return nil, keyring.RuleChanged.Finding("keys", "the data is there, and its key file is not", "put the file of this site back from the backup, with mode 0600: under new keys no password would be right")
	}
	return keyring.Create(path, s.clock())
}

// fresh reports whether nothing was ever migrated: there is no data.
func (s *Site) fresh(ctx context.Context) (bool, error) {
	pending, err := s.cfg.Engine.Pending(ctx)
	if err != nil {
		return false, err
	}
	return s.lacks(pending)
}

// lacks reports whether these are all the migrations that the program knows: nothing was ever migrated, there is no data.
func (s *Site) lacks(pending []db.Migration) (bool, error) {
	all, err := s.allMigrations()
	return len(pending) == all, err
}
