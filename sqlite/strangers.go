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
		var does []string
		for _, id := range slices.Sorted(maps.Keys(have)) {
			o, own := have[id], want[id]
			if o == own {
				continue
			}
			s := db.Stranger{Kind: o.kind, Name: o.name, On: o.on, Altered: own.name != "", Dropped: drop && o.runs()}
			if s.Dropped {
				does = append(does, "DROP "+o.kind+" "+o.quoted())
				if s.Altered {
					does = append(does, own.sql)
				}
			}
			found = append(found, s)
		}
		for _, id := range slices.Sorted(maps.Keys(want)) {
			if o := want[id]; have[id].name == "" {
				s := db.Stranger{Kind: o.kind, Name: o.name, On: o.on, Missing: true, Dropped: drop && o.runs()}
				if s.Dropped {
					does = append(does, o.sql)
				}
				found = append(found, s)
			}
		}
		if len(does) == 0 {
			return nil
		}
		if err := c.c.Exec("BEGIN IMMEDIATE; " + strings.Join(does, ";\n") + "; COMMIT"); err != nil {
			_ = c.c.Exec("ROLLBACK")
			return c.explain(err)
		}
		left, err := c.objects()
		if err != nil {
			return err
		}
		for _, s := range found {
			if id := s.Kind + " " + s.Name; s.Dropped && left[id] != want[id] {
				return fmt.Errorf("sqlite: the %s %q was written into the file by hand and cannot be taken out: take an older point", s.Kind, s.Name)
			}
		}
		return nil
	})
	return found, err
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
