package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/db"
)

var _ db.Comparer = (*engine)(nil)

// object is something of a schema: what it is like, and the statements that take it out and make it, "" for what holds data.
type object struct{ kind, name, on, is, drop, make string }

// objectsQuery lists what a schema has. The server leaves a schema's name out of these texts where it stands in the search path, as it does on a
// connection for that schema: so those of two schemas can be compared. What an extension has brought is its own.
const objectsQuery = `WITH o AS (
	SELECT CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind, c.relname AS name, c.relname AS "of",
		concat_ws(', ', c.relkind, c.relrowsecurity, CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid, true) ELSE
			(SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY a.attnum)
				FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) END,
			(SELECT string_agg(pg_get_constraintdef(k.oid, true), ', ' ORDER BY k.conname) FROM pg_constraint k WHERE k.conrelid = c.oid)) AS "is",
		CASE c.relkind WHEN 'v' THEN format('DROP VIEW %I', c.relname) WHEN 'm' THEN format('DROP MATERIALIZED VIEW %I', c.relname) ELSE '' END AS "drop",
		CASE c.relkind WHEN 'v' THEN format('CREATE VIEW %I AS %s', c.relname, pg_get_viewdef(c.oid, true)) WHEN 'm' THEN format('CREATE MATERIALIZED VIEW %I AS %s', c.relname, pg_get_viewdef(c.oid, true)) ELSE '' END AS "make",
		c.oid, 'pg_class'::regclass AS class
	FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
	UNION ALL SELECT 'index', x.relname, c.relname, pg_get_indexdef(i.indexrelid, 0, true), '', '', x.oid, 'pg_class'::regclass
	FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid WHERE x.relnamespace = $1::regnamespace
	UNION ALL SELECT 'trigger', t.tgname, c.relname, t.tgenabled::text || pg_get_triggerdef(t.oid, true), format('DROP TRIGGER %I ON %I', t.tgname, c.relname), pg_get_triggerdef(t.oid, true), t.oid, 'pg_trigger'::regclass
	FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = $1::regnamespace AND NOT t.tgisinternal
	UNION ALL SELECT 'rule', r.rulename, c.relname, r.ev_enabled::text || pg_get_ruledef(r.oid, true), format('DROP RULE %I ON %I', r.rulename, c.relname), pg_get_ruledef(r.oid, true), r.oid, 'pg_rewrite'::regclass
	FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = $1::regnamespace AND r.rulename <> '_RETURN'
	UNION ALL SELECT 'function', format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)), p.proname,
		concat_ws(', ', p.prokind, p.prosecdef, p.provolatile, p.proleakproof, p.proisstrict, p.prolang, array_to_string(p.proconfig, ' '), pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.prosrc, pg_get_function_sqlbody(p.oid)),
		format('DROP ROUTINE %I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
		CASE WHEN p.prokind <> 'a' THEN replace(pg_get_functiondef(p.oid), format(' %I.%I(', $1, p.proname), format(' %I(', p.proname)) ELSE '' END, p.oid, 'pg_proc'::regclass
	FROM pg_proc p WHERE p.pronamespace = $1::regnamespace
	UNION ALL SELECT 'policy', l.polname, c.relname, concat_ws(', ', l.polcmd, l.polpermissive, pg_get_expr(l.polqual, l.polrelid), pg_get_expr(l.polwithcheck, l.polrelid)), '', '', l.oid, 'pg_policy'::regclass
	FROM pg_policy l JOIN pg_class c ON c.oid = l.polrelid WHERE c.relnamespace = $1::regnamespace)
SELECT kind, name, "of", "is", "drop", "make" FROM o WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')`

// objects returns what the connection's schema has, by kind, name and table.
func (c *conn) objects(ctx context.Context) (map[string]object, error) {
	rows, err := c.rows(ctx, objectsQuery, c.schema)
	if err != nil {
		return nil, err
	}
	all := map[string]object{}
	for _, row := range rows {
		o := object{row[0], row[1], row[2], row[3], row[4], row[5]}
		all[strings.Join([]string{o.kind, o.name, o.on}, "\x00")] = o
	}
	return all, nil
}

// late is the order in which things are taken out: what runs others before what it runs. They are made in the opposite one.
var late = []string{"trigger", "rule", "view", "function"}

// Strangers implements [db.Comparer]: what the schema has beside what the migrations make of an empty one. Functions and rules run, as
// triggers and views do, and go with them.
func (e *engine) Strangers(ctx context.Context, drop bool) (found []db.Stranger, err error) {
	on := e.on.Load()
	if on == nil {
		return nil, db.ErrClosed
	}
	fresh, err := e.Scratch(ctx, on.schemas...)
	if err != nil {
		return nil, err
	}
	defer fresh.Close()
	var want map[string]object
	if err := fresh.(*engine).asOwner(ctx, func(c *conn, _ *opened) error {
		want, err = c.objects(ctx)
		return err
	}); err != nil {
		return nil, err
	}
	err = e.migrating(ctx, func(c *conn, _ *opened) error {
		have, err := c.objects(ctx)
		if err != nil {
			return err
		}
		drops, makes := map[string][]string{}, map[string][]string{}
		ids := map[string]object{}
		maps.Copy(ids, want)
		maps.Copy(ids, have)
		var dropped []string
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			o, own := have[id], want[id]
			if o.is == own.is && o.name == own.name {
				continue
			}
			as := ids[id]
			s := db.Stranger{Kind: as.kind, Name: as.name, On: as.on, Altered: o.name != "" && own.name != "", Missing: o.name == "", Dropped: drop && as.drop != ""}
			if as.kind == "function" {
				s.On = s.Name
			}
			if s.Dropped {
				dropped = append(dropped, id)
				if o.drop != "" {
					drops[as.kind] = append(drops[as.kind], o.drop)
				}
				if own.make != "" {
					makes[as.kind] = append(makes[as.kind], own.make)
				}
			}
			found = append(found, s)
		}
		if len(dropped) == 0 {
			return nil
		}
		var does []string
		for _, kind := range late {
			does = append(does, drops[kind]...)
		}
		for _, kind := range slices.Backward(late) {
			does = append(does, makes[kind]...)
		}
		if err := c.own(ctx, "BEGIN; "+strings.Join(does, ";\n")+"; COMMIT"); err != nil {
			c.end()
			return fmt.Errorf("postgres: what the migrations do not make cannot be taken out: %w: take an older point", err)
		}
		left, err := c.objects(ctx)
		if err != nil {
			return err
		}
		for _, id := range dropped {
			if left[id].is != want[id].is {
				return fmt.Errorf("postgres: the %s %q is still another than the migrations make: take an older point", ids[id].kind, ids[id].name)
			}
		}
		return nil
	})
	return found, err
}
