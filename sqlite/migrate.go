package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/pressly/goose/v3"

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
	if err := db.Edited(on.schemas, e.Name(), all); err != nil {
		return nil, false, err
	}
	for _, m := range all {
		if m.Applied.IsZero() {
			pending = append(pending, m.Migration)
		}
	}
	return pending, unsummed, nil
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
	for _, schema := range on.schemas {
		known, _, err := steps.Of("sqlite", schema)
		if err != nil {
			return nil, false, err
		}
		done, err := applied(c, schema)
		if err != nil {
			return nil, false, err
		}
		for v := range done {
			if !slices.ContainsFunc(known, func(m steps.Step) bool { return m.Version == v }) {
				return nil, false, fmt.Errorf("sqlite: schema %q: %w: it has migration %d, which this program does not know; start the newer program, or restore a backup from before it", schema.Name(), db.ErrAhead, v)
			}
		}
		for _, m := range known {
			state := db.MigrationState{Migration: m.Migration}
			if was, ok := done[m.Version]; ok {
				state.Applied, state.Edited = was.at, was.sum != "" && was.sum != m.Sum
				unsummed = unsummed || was.sum == ""
			}
			all = append(all, state)
		}
	}
	return all, unsummed, nil
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
	raw, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE|sqlite3.OPEN_NOFOLLOW)
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

// migrateAll runs the pending migrations of the schemas. A schema that fails does not keep the others from being tried,
// so that a start shows all faults at once.
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
	for _, schema := range schemas {
		done, err := migrateOne(ctx, c, schema)
		ran = append(ran, done...)
		var finding check.Finding
		switch {
		case errors.As(err, &finding):
			faults = append(faults, finding)
		case err != nil:
			faults = append(faults, db.RuleMigration.Finding(schema.Where(), fmt.Sprintf("sqlite: schema %q: %v", schema.Name(), err), "mend the migration"))
		}
	}
	return ran, faults
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
	provider, done, err := c.provider(ctx, schema, known, folder)
	if err != nil {
		return nil, err
	}
	defer done()
	results, err := provider.Up(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		results = partial.Applied
		err = failedMigration(schema, path.Base(partial.Failed.Source.Path), partial.Err)
	}
	var ran []db.Migration
	for _, r := range results {
		i := slices.IndexFunc(known, func(m steps.Step) bool { return m.Version == r.Source.Version })
		ran = append(ran, known[i].Migration)
	}
	return ran, err
}

func failedMigration(schema *db.Schema, file string, err error) error {
	return db.RuleMigration.Finding(schema.Where(), fmt.Sprintf("sqlite: schema %q: %s: %s", schema.Name(), file, reason(err)), "mend "+file+"; nothing of it was kept, unless it says NO TRANSACTION")
}

// provider makes goose work on the connection, with the table of versions as it is now; done ends that.
func (c *conn) provider(ctx context.Context, schema *db.Schema, known []steps.Step, folder fs.FS) (*goose.Provider, func(), error) {
	if err := c.keepSums(schema, known); err != nil {
		return nil, nil, err
	}
	mode := c.mode
	c.mode, c.ctx = modeMigrate, ctx
	over := sql.OpenDB(connector{c})
	over.SetMaxOpenConns(1) // there is one connection
	done := func() {
		_ = over.Close()
		c.mode, c.ctx = mode, nil
	}
	sums := map[int64]string{}
	for _, m := range known {
		sums[m.Version] = m.Sum
	}
	provider, err := goose.NewProvider(goose.DialectCustom, over, folder,
		goose.WithStore(versions{steps.Table(schema), sums}), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		done()
		return nil, nil, err
	}
	return provider, done, nil
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
