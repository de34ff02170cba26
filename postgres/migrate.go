package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/steps"
)

// Migrations lists all migrations with what became of them.
func (e *engine) Migrations(ctx context.Context) (all []db.MigrationState, err error) {
	err = e.asOwner(ctx, func(c *conn, on *opened) error {
		all, err = c.states(ctx, on.schemas)
		return err
	})
	return all, err
}

// Pending lists the migrations that were not run yet.
func (e *engine) Pending(ctx context.Context) (pending []db.Migration, err error) {
	err = e.asOwner(ctx, func(c *conn, on *opened) error {
		pending, err = c.pending(ctx, on.schemas)
		return err
	})
	return pending, err
}

// asOwner gives do a connection of its own, on which tables may change.
func (e *engine) asOwner(ctx context.Context, do func(c *conn, on *opened) error) error {
	on := e.on.Load()
	if on == nil {
		return db.ErrClosed
	}
	c, err := on.way.connect(ctx, migrator, nil)
	if err != nil {
		return err
	}
	defer c.close()
	return do(c, on)
}

// migrating is asOwner under the lock of migrations: of several processes that begin at once one migrates, and the others
// find it done. When it is over, connections are opened anew: what they have prepared was for the old tables.
func (e *engine) migrating(ctx context.Context, do func(c *conn, on *opened) error) error {
	return e.asOwner(ctx, func(c *conn, on *opened) error {
		if _, err := c.rows(ctx, "SELECT pg_advisory_lock($1)", fmt.Sprint(lockKey("migrate", e.schema))); err != nil {
			return err
		}
		err := do(c, on)
		granted := c.grant(ctx, on.way.reader.User)
		on.readers.Renew()
		on.writer.Renew()
		return errors.Join(err, granted)
	})
}

// ready gives the readers' role what it needs, where it lacks it: a role that is new, tables of a dump that was restored.
// It also makes the count of commits. A start that finds all as it should be writes nothing.
func (e *engine) ready(ctx context.Context, w *way) error {
	c, err := w.connect(ctx, migrator, nil)
	if err != nil {
		return err
	}
	defer c.close()
	if texts, err := c.lacking(ctx, w.reader.User); err != nil || len(texts) == 0 {
		return err
	}
	if _, err := c.rows(ctx, "SELECT pg_advisory_lock($1)", fmt.Sprint(lockKey("migrate", e.schema))); err != nil {
		return err
	}
	return c.grant(ctx, w.reader.User) // anew under the lock: another process may have been first
}

// grant lets the readers' role read every table, and run no function of the schema.
func (c *conn) grant(ctx context.Context, to string) error {
	if c.broken {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	texts, err := c.lacking(ctx, to)
	for _, text := range texts {
		if err := c.own(ctx, text); err != nil {
			return fmt.Errorf("postgres: the rights of the role %s: %w; give them by hand: %s", to, err, text)
		}
	}
	return err
}

// lacking returns the statements that give a role the rights to read that it does not have yet. What belongs to others, as
// the views of an extension do, is left to them.
func (c *conn) lacking(ctx context.Context, to string) (texts []string, err error) {
	rows, err := c.rows(ctx, `SELECT format('CREATE SEQUENCE %I.`+generation+`; GRANT SELECT ON %I.`+generation+` TO %I', n.nspname, n.nspname, $2::text) FROM pg_namespace n
			WHERE n.nspname = $1 AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = '`+generation+`')
		UNION ALL SELECT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, $2::text) FROM pg_namespace n
			WHERE n.nspname = $1 AND NOT has_schema_privilege($2::text, n.oid, 'USAGE')
		UNION ALL SELECT format('GRANT SELECT ON %s%I.%I TO %I', CASE WHEN c.relkind = 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END, n.nspname, c.relname, $2::text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = $1 AND (c.relkind IN ('r', 'p', 'v', 'm', 'f') OR c.relname = '`+generation+`') AND pg_has_role(c.relowner, 'USAGE') AND NOT CASE
			WHEN c.relkind = 'S' THEN has_sequence_privilege($2::text, c.oid, 'SELECT') ELSE has_table_privilege($2::text, c.oid, 'SELECT') END
		UNION ALL SELECT format('REVOKE EXECUTE ON %s %s FROM PUBLIC', CASE WHEN p.prokind = 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.oid::regprocedure) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
			WHERE n.nspname = $1 AND pg_has_role(p.proowner, 'USAGE') AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE')`, c.schema, to)
	for _, row := range rows {
		texts = append(texts, row[0])
	}
	return texts, err
}

// applied lists what the database has, by version.
func (c *conn) applied(ctx context.Context, schema *db.Schema) (map[int64]steps.Applied, error) {
	table := steps.Table(schema)
	there, err := c.rows(ctx, "SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2", c.schema, table)
	if err != nil || len(there) == 0 {
		return nil, err
	}
	rows, err := c.rows(ctx, `SELECT version, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), sha256 FROM `+table+" WHERE version > 0")
	if err != nil {
		return nil, err
	}
	return steps.ReadApplied("postgres", table, rows)
}

func (c *conn) states(ctx context.Context, schemas []*db.Schema) (all []db.MigrationState, err error) {
	all, _, err = steps.States("postgres", schemas, func(schema *db.Schema) (map[int64]steps.Applied, error) { return c.applied(ctx, schema) })
	return all, err
}

func (c *conn) pending(ctx context.Context, schemas []*db.Schema) (pending []db.Migration, err error) {
	all, err := c.states(ctx, schemas)
	if err != nil {
		return nil, err
	}
	return steps.Pending("postgres", schemas, all)
}

// Migrate runs the pending migrations, once among all processes.
func (e *engine) Migrate(ctx context.Context) (ran []db.Migration, err error) {
	if err := db.RefuseNested(ctx); err != nil {
		return nil, err
	}
	if pending, err := e.Pending(ctx); err != nil || pending == nil {
		return nil, err
	}
	err = e.migrating(ctx, func(c *conn, on *opened) error {
		if pending, err := c.pending(ctx, on.schemas); err != nil || pending == nil {
			return err // another process was first
		}
		var faults check.Faults
		ran, faults = c.migrateAll(ctx, on.schemas)
		return faults.Err()
	})
	return ran, err
}

// migrateAll runs the pending migrations of the schemas.
func (c *conn) migrateAll(ctx context.Context, schemas []*db.Schema) (ran []db.Migration, faults check.Faults) {
	return steps.All("postgres", schemas, func(schema *db.Schema) ([]db.Migration, error) { return c.migrateOne(ctx, schema) })
}

func (c *conn) migrateOne(ctx context.Context, schema *db.Schema) ([]db.Migration, error) {
	known, folder, err := steps.Of("postgres", schema)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	for _, m := range known {
		text, err := fs.ReadFile(folder, m.Name)
		if err != nil {
			return nil, err
		}
		if err := c.inside(ctx, schema, m.Name, string(text)); err != nil {
			return nil, err
		}
	}
	return c.run(schema, known, folder).Up(ctx)
}

// run is how the migrations of a schema are run on the connection.
func (c *conn) run(schema *db.Schema, known []steps.Step, folder fs.FS) *steps.Run {
	return &steps.Run{Schema: schema, Known: known, Folder: folder, Conn: migrated{c},
		Dialect: steps.Dialect{
			Exists:  "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relname = $1",
			Columns: "(version bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now(), sha256 text NOT NULL DEFAULT '')",
			Look:    c.locked,
		},
		Failed: func(file string, err error) error { return failedMigration(schema, file, err) }}
}

// failedMigration takes goose's own words off an error.
func failedMigration(schema *db.Schema, file string, err error) error {
	why := err.Error()
	var server *serverError
	var broken *db.ConstraintError
	var outside *outsideError
	switch {
	case errors.As(err, &outside):
		return db.RuleOutside.Finding(schema.Where(), fmt.Sprintf("postgres: schema %q: %s: %v", schema.Name(), file, outside), "have "+file+" name the site's own tables only, without their schema")
	case errors.Is(err, db.ErrBusy):
		return db.RuleMigration.Finding(schema.Where(), fmt.Sprintf("postgres: schema %q: %s: %v", schema.Name(), file, err), "try again: the server stopped it or was in use otherwise; nothing of it was kept, unless it says NO TRANSACTION")
	case errors.As(err, &server):
		why = server.Error()
	case errors.As(err, &broken):
		why = broken.Error()
	}
	return db.RuleMigration.Finding(schema.Where(), fmt.Sprintf("postgres: schema %q: %s: %s", schema.Name(), file, why), "mend "+file+"; nothing of it was kept, unless it says NO TRANSACTION")
}

// Undo runs the newest migration of a schema backwards.
func (e *engine) Undo(ctx context.Context, schema *db.Schema) (undone db.Migration, err error) {
	if err := db.RefuseNested(ctx); err != nil {
		return undone, err
	}
	if _, err := e.Pending(ctx); err != nil {
		return undone, err
	}
	err = e.migrating(ctx, func(c *conn, _ *opened) error {
		known, folder, err := steps.Of("postgres", schema)
		if err != nil {
			return err
		}
		done, err := c.applied(ctx, schema)
		if err != nil {
			return err
		}
		newest, err := steps.Newest("postgres", schema, known, func(version int64) bool {
			_, ok := done[version]
			return ok
		})
		if err != nil {
			return err
		}
		if err := c.run(schema, known, folder).Down(ctx, newest); err != nil {
			return err
		}
		undone = newest.Migration
		return nil
	})
	return undone, err
}
