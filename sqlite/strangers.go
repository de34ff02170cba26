package sqlite

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/db"
)

// object is a line of sqlite_schema.
type object struct{ kind, name, on, sql string }

// runs reports whether the object does something by itself when others are used.
func (o object) runs() bool { return o.kind == "trigger" || o.kind == "view" }

// kept reports whether SQLite makes the object by itself. Only tables and indexes of certain names are: a trigger or a view with
// such a name was written into the file by hand, and runs (SQLite looks at a type without regard to case, and at no name, when
// it reads a schema).
func (o object) kept() bool {
	switch o.kind {
	case "table":
		return o.name == "sqlite_sequence" || strings.HasPrefix(o.name, "sqlite_stat")
	case "index":
		return strings.HasPrefix(o.name, "sqlite_autoindex_")
	}
	return false
}

func (o object) quoted() string { return `"` + strings.ReplaceAll(o.name, `"`, `""`) + `"` }

// Strangers implements [db.Comparer]: what the file's schema has beside what the migrations make of an empty one.
func (e *engine) Strangers(ctx context.Context, drop bool) (found []db.Stranger, err error) {
	on := e.on.Load()
	if on == nil {
		return nil, db.ErrClosed
	}
	fresh, err := openMemory(on.schemas)
	if err != nil {
		return nil, err
	}
	defer fresh.close()
	if _, faults := migrateAll(ctx, fresh, on.schemas); faults != nil {
		return nil, faults
	}
	fresh.mode = modeOwn
	want, err := fresh.objects()
	if err != nil {
		return nil, err
	}
	err = e.migrating(ctx, func(c *conn, _ []*db.Schema) error {
		c.mode = modeOwn
		have, err := c.objects()
		if err != nil {
			return err
		}
		all := map[string]object{}
		maps.Copy(all, want)
		maps.Copy(all, have)
		var does []string
		for _, id := range slices.Sorted(maps.Keys(all)) {
			o, own := have[id], want[id]
			if o == own {
				continue
			}
			as := all[id]
			s := db.Stranger{Kind: as.kind, Name: as.name, On: as.on, Altered: o.name != "" && own.name != "", Missing: o.name == "", Dropped: drop && as.runs()}
			if s.Dropped && o.name != "" {
				does = append(does, "DROP "+o.kind+" IF EXISTS "+o.quoted()) // a view takes its triggers along
			}
			found = append(found, s)
		}
		if !slices.ContainsFunc(found, func(s db.Stranger) bool { return s.Dropped }) {
			return nil
		}
		err = c.c.Exec("BEGIN IMMEDIATE; " + strings.Join(does, ";\n"))
		if err == nil {
			err = c.remake(want, have)
		}
		if err == nil {
			err = c.c.Exec("COMMIT")
		}
		if err != nil {
			_ = c.c.Exec("ROLLBACK")
		}
		return c.explain(err)
	})
	return found, err
}

// remake makes the views and then the triggers that are missing, and looks whether all is as it should be.
func (c *conn) remake(want, have map[string]object) error {
	for _, kind := range []string{"view", "trigger"} {
		now, err := c.objects()
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(want)) {
			if o := want[id]; o.kind == kind && now[id].name == "" {
				if err := c.c.Exec(o.sql); err != nil {
					return err
				}
			}
		}
	}
	left, err := c.objects()
	if err != nil {
		return err
	}
	all := map[string]object{}
	for _, from := range []map[string]object{want, have, left} {
		maps.Copy(all, from)
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		switch o := all[id]; {
		case o.runs() && left[id] != want[id]:
			return fmt.Errorf("sqlite: the %s %q is not as the migrations make it, and cannot be made so: take an older point", o.kind, o.name)
		case !o.runs() && left[id] != have[id]:
			return fmt.Errorf("sqlite: the %s %q became another one with what was taken out: take an older point", o.kind, o.name)
		}
	}
	return nil
}

// objects returns the lines of the schema, by kind and name.
func (c *conn) objects() (map[string]object, error) {
	stmt, _, err := c.c.Prepare("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema")
	if err != nil {
		return nil, c.explain(err)
	}
	defer stmt.Close()
	all := map[string]object{}
	for stmt.Step() {
		o := object{strings.ToLower(stmt.ColumnText(0)), stmt.ColumnText(1), stmt.ColumnText(2), stmt.ColumnText(3)}
		if o.kept() {
			continue
		}
		all[o.kind+" "+o.name] = o
	}
	return all, c.explain(stmt.Err())
}
