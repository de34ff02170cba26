package sqlite

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/db"
)

// object is a line of sqlite_schema.
type object struct{ kind, name, on, sql string }

// runs reports whether the object does something by itself when others are used.
func (o object) runs() bool { return o.kind == "trigger" || o.kind == "view" }

func (o object) quoted() string { return `"` + strings.ReplaceAll(o.name, `"`, `""`) + `"` }

// Strangers implements [db.Comparer]: what the file's schema has beside what the migrations make of an empty one. Names that
// SQLite keeps for its own tables and indexes are passed over.
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
		o := object{stmt.ColumnText(0), stmt.ColumnText(1), stmt.ColumnText(2), stmt.ColumnText(3)}
		if strings.HasPrefix(o.name, "sqlite_") { // no statement makes such a name, and a file that has one all the same does not open
			continue
		}
		all[o.kind+" "+o.name] = o
	}
	return all, c.explain(stmt.Err())
}
