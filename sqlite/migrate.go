package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/steps"
)

// Migrations lists all migrations with what became of them, through a reader.
func (e *engine) Migrations(ctx context.Context) ([]db.MigrationState, error) {
	all, _, err := e.states(ctx)
	return all, err
}

// Pending lists the migrations that were not run yet, through a reader.
func (e *engine) Pending(ctx context.Context) ([]db.Migration, error) {
	pending, _, err := e.pending(ctx)
	return pending, err
}

// pending also reports whether migrations have run without their sums being kept.
func (e *engine) pending(ctx context.Context) (pending []db.Migration, unsummed bool, err error) {
	on := e.on.Load()
	if on == nil {
		return nil, false, db.ErrClosed
	}
	all, unsummed, err := e.states(ctx)
	if err != nil {
		return nil, false, err
	}
	pending, err = steps.Pending("sqlite", on.schemas, all)
	return pending, unsummed, err
}

func (e *engine) states(ctx context.Context) (all []db.MigrationState, unsummed bool, err error) {
	on := e.on.Load()
	if on == nil {
		return nil, false, db.ErrClosed
	}
	c, err := on.readers.Get(ctx)
	if err != nil {
		return nil, false, err
	}
	defer on.readers.Put(c)
	c.end() // what is parked may be older than the last migration
	c.mode = modeRead
	return steps.States("sqlite", on.schemas, func(schema *db.Schema) (map[int64]steps.Applied, error) { return applied(c, schema) })
}

// Migrate runs the pending migrations in the writer's place, over a connection of its own.
func (e *engine) Migrate(ctx context.Context) (ran []db.Migration, err error) {
	if err := db.RefuseNested(ctx); err != nil {
		return nil, err
	}
	if pending, unsummed, err := e.pending(ctx); err != nil || pending == nil && !unsummed {
		return nil, err
	}
	err = e.migrating(ctx, func(c *conn, schemas []*db.Schema) error {
		var faults check.Faults
		ran, faults = migrateAll(ctx, c, schemas)
		return faults.Err()
	})
	return ran, err
}

// migrating gives do the connection on which tables may change, in the writer's place.
func (e *engine) migrating(ctx context.Context, do func(c *conn, schemas []*db.Schema) error) error {
	on := e.on.Load()
	if on == nil {
		return db.ErrClosed
	}
	turn, err := on.writer.Get(ctx)
	if err != nil {
		return err
	}
	defer on.writer.Put(turn)
	if turn.memory { // there is only this connection
		err := do(turn, on.schemas)
		turn.reading.Forget()
		turn.writing.Forget()
		return err
	}
	c, err := openMigrator(on.path, on.hasty)
	if err != nil {
		return err
	}
	defer on.readers.change()()
	defer func() { // also after a panic: a connection that is left open keeps its lock
		c.close()
		on.readers.Renew() // what they have prepared was for the old tables
		on.writer.Renew()
	}()
	return do(c, on.schemas)
}

// openMigrator opens a connection for migrations.
func openMigrator(path string, hasty bool) (_ *conn, err error) {
	raw, err := openFile(path, sqlite3.OPEN_READWRITE|sqlite3.OPEN_NOFOLLOW)
	if err != nil {
		return nil, opening(err)
	}
	c := &conn{c: raw, folder: filepath.Dir(path), mode: modeOwn}
	defer c.closeIf(&err)
	if err := raw.BusyTimeout(busyTimeout); err != nil {
		return nil, err
	}
	if err := raw.Exec("PRAGMA " + synchronous(hasty)); err != nil {
		return nil, err
	}
	return c, c.harden()
}

// authorizeMigration allows what changes tables, and the pragmas that do so too. It refuses other files and what takes
// guards off.
func authorizeMigration(action sqlite3.AuthorizerActionCode, name string) sqlite3.AuthorizerReturnCode {
	switch action {
	case sqlite3.AUTH_ATTACH, sqlite3.AUTH_DETACH:
		return sqlite3.AUTH_DENY
	case sqlite3.AUTH_PRAGMA:
		switch strings.ToLower(name) {
		case "foreign_keys", "defer_foreign_keys", "foreign_key_check", "legacy_alter_table", "table_info", "table_xinfo", "table_list",
			"index_list", "index_info", "index_xinfo", "foreign_key_list", "integrity_check", "quick_check", "data_version", "optimize":
			return sqlite3.AUTH_OK
		}
		return sqlite3.AUTH_DENY
	}
	return sqlite3.AUTH_OK
}

// integers runs a constant query of this package.
func (c *conn) integers(query string) (all []int64, err error) {
	stmt, _, err := c.c.Prepare(query)
	if err != nil {
		return nil, c.explain(err)
	}
	defer stmt.Close()
	for stmt.Step() {
		all = append(all, stmt.ColumnInt64(0))
	}
	if err := stmt.Err(); err != nil {
		return nil, c.explain(err)
	}
	return all, nil
}

// migrateAll runs the pending migrations of the schemas.
//
// Foreign keys are off meanwhile, as SQLite asks for when tables are made anew (dropping a table deletes its rows first,
// and with them, by cascade, those that refer to it); they are checked within each migration's transaction instead.
func migrateAll(ctx context.Context, c *conn, schemas []*db.Schema) (ran []db.Migration, faults check.Faults) {
	if err := c.foreignKeys(false); err != nil {
		return nil, check.Faults{db.RuleMigration.Finding("", fmt.Sprintf("sqlite: %v", err), "try again")}
	}
	defer func() {
		if err := c.foreignKeys(true); err != nil {
			c.broken = true
		}
	}()
	return steps.All("sqlite", schemas, func(schema *db.Schema) ([]db.Migration, error) { return migrateOne(ctx, c, schema) })
}

func (c *conn) foreignKeys(on bool) error {
	mode := c.mode
	defer func() { c.mode = mode }()
	c.mode = modeOwn
	return c.c.Exec(fmt.Sprintf("PRAGMA foreign_keys=%t", on))
}

func migrateOne(ctx context.Context, c *conn, schema *db.Schema) ([]db.Migration, error) {
	known, folder, err := steps.Of("sqlite", schema)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	run, done, err := c.run(ctx, schema, known, folder)
	if err != nil {
		return nil, err
	}
	defer done()
	return run.Up(ctx)
}

func failedMigration(schema *db.Schema, file string, err error) error {
	return db.RuleMigration.Finding(schema.Where(), fmt.Sprintf("sqlite: schema %q: %s: %s", schema.Name(), file, reason(err)), "mend "+file+"; nothing of it was kept, unless it says NO TRANSACTION")
}

// run is how the migrations of a schema are run on the connection, with the table of versions as it is now; done ends that.
func (c *conn) run(ctx context.Context, schema *db.Schema, known []steps.Step, folder fs.FS) (*steps.Run, func(), error) {
	if err := c.keepSums(schema, known); err != nil {
		return nil, nil, err
	}
	mode := c.mode
	c.mode, c.ctx = modeMigrate, ctx
	return &steps.Run{Schema: schema, Known: known, Folder: folder, Conn: migrated{c},
		Dialect: steps.Dialect{
			Exists:  "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1",
			Columns: "(version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')), sha256 TEXT NOT NULL DEFAULT '') STRICT",
			Look:    referring,
		},
		Failed: func(file string, err error) error { return failedMigration(schema, file, err) }}, func() { c.mode, c.ctx = mode, nil }, nil
}

// reason takes goose's own words off an error.
func reason(err error) string {
	var e *sqlite3.Error
	if errors.As(err, &e) {
		text := plain(e)
		if near := strings.Join(strings.Fields(e.SQL()), " "); near != "" {
			text += fmt.Sprintf(" (at %q)", clip([]byte(near)))
		}
		return text
	}
	return err.Error()
}
