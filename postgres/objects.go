package postgres

import (
	"context"
	"strings"
)

// object is something of a database: what it is like, the statement that takes it out, and the one that makes it. Without a drop it
// holds data; without a make it cannot be made again.
type object struct{ kind, name, on, is, drop, make string }

// holds reports whether there may be rows in it, or it goes with them. A schema goes with its tables.
func (o object) holds() bool {
	switch o.kind {
	case "table", "index", "sequence", "schema":
		return true
	}
	return false
}

// objectsQuery lists what decides how the statements of a site are understood and what runs with them: of the schema $1, and with
// $2 = 'all' of every other one and of the whole database too. It is asked with pg_catalog alone in the search path, so that no
// operator and no function which somebody planted answers in the place of the server's, and so that each name has its schema. What
// an extension has brought is its own.
const objectsQuery = `WITH n AS (
	SELECT oid, nspname, CASE WHEN nspname = $1 THEN '' ELSE nspname || '.' END AS pre FROM pg_namespace
	WHERE nspname = $1 OR $2 = 'all' AND nspname <> 'information_schema' AND nspname !~ '^(pg|merlon_scratch)_'
), o AS (
	SELECT CASE WHEN c.relkind IN ('v', 'm') THEN 'view' WHEN c.relkind = 'S' THEN 'sequence' ELSE 'table' END AS kind, n.pre || c.relname AS name, n.pre || c.relname AS "of",
		json_build_array(c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, pg_get_partkeydef(c.oid),
			CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
			(SELECT json_build_array(format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcycle) FROM pg_sequence s WHERE s.seqrelid = c.oid),
			(SELECT json_build_array(s.srvname, f.ftoptions) FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid),
			(SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attcollation::regcollation::text, pg_get_expr(d.adbin, d.adrelid)) ORDER BY a.attnum)
				FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE c.relkind <> 'S' AND a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
			(SELECT json_agg(pg_get_constraintdef(k.oid) ORDER BY pg_get_constraintdef(k.oid)) FROM pg_constraint k WHERE k.conrelid = c.oid),
			(SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgisinternal AND t.tgenabled <> 'O'))::text AS "is",
		CASE c.relkind WHEN 'v' THEN format('DROP VIEW IF EXISTS %I.%I', n.nspname, c.relname) WHEN 'm' THEN format('DROP MATERIALIZED VIEW IF EXISTS %I.%I', n.nspname, c.relname) ELSE '' END AS "drop",
		CASE WHEN c.relkind IN ('v', 'm') THEN format('CREATE %s %I.%I%s AS %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END, n.nspname, c.relname,
			' WITH (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid)) ELSE '' END AS "make",
		c.oid, 'pg_class'::regclass AS class
	FROM pg_class c JOIN n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
	UNION ALL SELECT 'index', n.pre || x.relname, n.pre || c.relname, json_build_array(pg_get_indexdef(x.oid))::text, '', CASE c.relkind WHEN 'm' THEN pg_get_indexdef(x.oid) ELSE '' END, x.oid, 'pg_class'::regclass
	FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN n ON n.oid = x.relnamespace
	UNION ALL SELECT 'inheritance', n.pre || c.relname, m.pre || p.relname, json_build_array(i.inhseqno, pg_get_expr(c.relpartbound, c.oid))::text,
		CASE WHEN c.relispartition THEN format('ALTER TABLE IF EXISTS %I.%I DETACH PARTITION %I.%I', m.nspname, p.relname, n.nspname, c.relname)
			ELSE format('ALTER TABLE IF EXISTS %I.%I NO INHERIT %I.%I', n.nspname, c.relname, m.nspname, p.relname) END,
		CASE WHEN c.relispartition THEN format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I %s', m.nspname, p.relname, n.nspname, c.relname, pg_get_expr(c.relpartbound, c.oid))
			ELSE format('ALTER TABLE %I.%I INHERIT %I.%I', n.nspname, c.relname, m.nspname, p.relname) END, 0, 'pg_inherits'::regclass
	FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN n ON n.oid = c.relnamespace JOIN pg_class p ON p.oid = i.inhparent JOIN n m ON m.oid = p.relnamespace WHERE p.relkind IN ('r', 'p', 'f')
	UNION ALL SELECT 'trigger', t.tgname, n.pre || c.relname, json_build_array(t.tgenabled, pg_get_triggerdef(t.oid))::text, format('DROP TRIGGER IF EXISTS %I ON %I.%I', t.tgname, n.nspname, c.relname),
		pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'O' THEN '' ELSE format('; ALTER TABLE %I.%I %s TRIGGER %I', n.nspname, c.relname, CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, t.tgname) END, t.oid, 'pg_trigger'::regclass
	FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND t.tgparentid = 0
	UNION ALL SELECT 'rule', r.rulename, n.pre || c.relname, json_build_array(r.ev_enabled, pg_get_ruledef(r.oid))::text, format('DROP RULE IF EXISTS %I ON %I.%I', r.rulename, n.nspname, c.relname), pg_get_ruledef(r.oid), r.oid, 'pg_rewrite'::regclass
	FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN'
	UNION ALL SELECT 'function', format('%s%s(%s)', n.pre, p.proname, pg_get_function_identity_arguments(p.oid)), '',
		json_build_array(p.prokind, p.prosecdef, p.provolatile, p.proleakproof, p.proisstrict, p.prolang, p.proconfig, p.prosupport::regproc::text, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.prosrc, p.probin, pg_get_function_sqlbody(p.oid),
			(SELECT to_jsonb(a) - 'aggfnoid' - 'aggsortop' - 'aggtranstype' - 'aggmtranstype' FROM pg_aggregate a WHERE a.aggfnoid = p.oid))::text,
		format('DROP ROUTINE IF EXISTS %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE '' END, p.oid, 'pg_proc'::regclass
	FROM pg_proc p JOIN n ON n.oid = p.pronamespace
	UNION ALL SELECT 'policy', l.polname, n.pre || c.relname, json_build_array(l.polcmd, l.polpermissive, r.names, pg_get_expr(l.polqual, l.polrelid), pg_get_expr(l.polwithcheck, l.polrelid))::text, format('DROP POLICY IF EXISTS %I ON %I.%I', l.polname, n.nspname, c.relname),
		format('CREATE POLICY %I ON %I.%I AS %s FOR %s TO %s%s%s', l.polname, n.nspname, c.relname, CASE WHEN l.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
			CASE l.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END, r.names,
			' USING (' || pg_get_expr(l.polqual, l.polrelid) || ')', ' WITH CHECK (' || pg_get_expr(l.polwithcheck, l.polrelid) || ')'), l.oid, 'pg_policy'::regclass
	FROM pg_policy l JOIN pg_class c ON c.oid = l.polrelid JOIN n ON n.oid = c.relnamespace,
		LATERAL (SELECT string_agg(CASE u WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(u)) END, ', ' ORDER BY u) AS names FROM unnest(l.polroles) u) r
	UNION ALL SELECT 'type', n.pre || t.typname, '', json_build_array(t.typtype, t.typisdefined, t.typnotnull, format_type(t.typbasetype, t.typtypmod), t.typdefault, t.typcollation::regcollation::text, t.typinput::text, t.typoutput::text,
			(SELECT json_agg(pg_get_constraintdef(k.oid) ORDER BY pg_get_constraintdef(k.oid)) FROM pg_constraint k WHERE k.contypid = t.oid),
			(SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
			(SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation::text) ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped),
			(SELECT json_build_array(format_type(r.rngsubtype, NULL), r.rngcollation::regcollation::text, r.rngcanonical::text, r.rngsubdiff::text) FROM pg_range r WHERE r.rngtypid = t.oid))::text,
		format('DROP TYPE IF EXISTS %I.%I', n.nspname, t.typname), '', t.oid, 'pg_type'::regclass
	FROM pg_type t JOIN n ON n.oid = t.typnamespace WHERE t.typtype <> 'm' AND (t.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')) AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
	UNION ALL SELECT 'operator', format('%s%s(%s, %s)', n.pre, p.oprname, format_type(p.oprleft, NULL), format_type(p.oprright, NULL)), '',
		json_build_array(p.oprkind, format_type(p.oprresult, NULL), p.oprcode::regprocedure::text, p.oprcom::regoperator::text, p.oprnegate::regoperator::text, p.oprrest::text, p.oprjoin::text, p.oprcanmerge, p.oprcanhash)::text,
		format('DROP OPERATOR IF EXISTS %I.%s (%s, %s)', n.nspname, p.oprname, CASE p.oprleft WHEN 0 THEN 'NONE' ELSE format_type(p.oprleft, NULL) END, format_type(p.oprright, NULL)), '', p.oid, 'pg_operator'::regclass
	FROM pg_operator p JOIN n ON n.oid = p.oprnamespace
	UNION ALL SELECT 'operator class', format('%s%s using %s', n.pre, k.opcname, m.amname), '', json_build_array(format_type(k.opcintype, NULL), format_type(k.opckeytype, NULL), k.opcdefault, f.opfname)::text,
		format('DROP OPERATOR CLASS IF EXISTS %I.%I USING %I', n.nspname, k.opcname, m.amname), '', k.oid, 'pg_opclass'::regclass
	FROM pg_opclass k JOIN n ON n.oid = k.opcnamespace JOIN pg_am m ON m.oid = k.opcmethod JOIN pg_opfamily f ON f.oid = k.opcfamily
	UNION ALL SELECT 'operator family', format('%s%s using %s', n.pre, f.opfname, m.amname), '', json_build_array(
			(SELECT json_agg(json_build_array(a.amopstrategy, a.amopopr::regoperator::text) ORDER BY a.amopstrategy, a.amopopr::regoperator::text) FROM pg_amop a WHERE a.amopfamily = f.oid),
			(SELECT json_agg(json_build_array(a.amprocnum, a.amproc::regprocedure::text) ORDER BY a.amprocnum, a.amproc::regprocedure::text) FROM pg_amproc a WHERE a.amprocfamily = f.oid))::text,
		format('DROP OPERATOR FAMILY IF EXISTS %I.%I USING %I', n.nspname, f.opfname, m.amname), '', f.oid, 'pg_opfamily'::regclass
	FROM pg_opfamily f JOIN n ON n.oid = f.opfnamespace JOIN pg_am m ON m.oid = f.opfmethod
	UNION ALL SELECT 'collation', n.pre || k.collname, '', (to_jsonb(k) - 'oid' - 'collnamespace' - 'collowner' - 'collversion')::text, format('DROP COLLATION IF EXISTS %I.%I', n.nspname, k.collname), '', k.oid, 'pg_collation'::regclass
	FROM pg_collation k JOIN n ON n.oid = k.collnamespace
	UNION ALL SELECT 'conversion', n.pre || k.conname, '', json_build_array(k.conforencoding, k.contoencoding, k.conproc::text, k.condefault)::text, format('DROP CONVERSION IF EXISTS %I.%I', n.nspname, k.conname), '', k.oid, 'pg_conversion'::regclass
	FROM pg_conversion k JOIN n ON n.oid = k.connamespace
	UNION ALL SELECT 'text search configuration', n.pre || k.cfgname, '', json_build_array(k.cfgparser, (SELECT json_agg(json_build_array(m.maptokentype, m.mapseqno, m.mapdict::regdictionary::text) ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = k.oid))::text,
		format('DROP TEXT SEARCH CONFIGURATION IF EXISTS %I.%I', n.nspname, k.cfgname), '', k.oid, 'pg_ts_config'::regclass
	FROM pg_ts_config k JOIN n ON n.oid = k.cfgnamespace
	UNION ALL SELECT 'text search dictionary', n.pre || k.dictname, '', json_build_array(k.dicttemplate, k.dictinitoption)::text, format('DROP TEXT SEARCH DICTIONARY IF EXISTS %I.%I', n.nspname, k.dictname), '', k.oid, 'pg_ts_dict'::regclass
	FROM pg_ts_dict k JOIN n ON n.oid = k.dictnamespace
	UNION ALL SELECT 'cast', format('%s AS %s', format_type(k.castsource, NULL), format_type(k.casttarget, NULL)), '', json_build_array(k.castfunc::regprocedure::text, k.castcontext, k.castmethod)::text,
		format('DROP CAST IF EXISTS (%s AS %s)', format_type(k.castsource, NULL), format_type(k.casttarget, NULL)), '', k.oid, 'pg_cast'::regclass
	FROM pg_cast k WHERE k.oid >= 16384 -- what the server itself has is below
		AND (EXISTS (SELECT FROM pg_type t JOIN n ON n.oid = t.typnamespace WHERE t.oid IN (k.castsource, k.casttarget))
			OR $2 = 'all' AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid IN (k.castsource, k.casttarget) AND t.typnamespace <> 'pg_catalog'::regnamespace))
	UNION ALL SELECT 'event trigger', evtname, '', json_build_array(evtevent, evtenabled, evttags, evtfoid::regprocedure::text)::text, format('DROP EVENT TRIGGER IF EXISTS %I', evtname), '', oid, 'pg_event_trigger'::regclass
	FROM pg_event_trigger WHERE $2 = 'all'
	UNION ALL SELECT 'schema', nspname, '', nspname::text, format('DROP SCHEMA IF EXISTS %I', nspname), '', oid, 'pg_namespace'::regclass FROM n WHERE nspname <> $1)
SELECT kind, name, "of", "is", "drop", "make" FROM o WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')`

// catalogOnly has the connection look names up among the server's own only.
const catalogOnly = "SET search_path = pg_catalog, pg_temp"

// objects returns what the connection's schema has, or all of the database, by kind, name and table, under [catalogOnly]. The texts
// of a scratch name the schema as: what stands in them is made there.
func (c *conn) objects(ctx context.Context, of, as string) (map[string]object, error) {
	rows, err := c.rows(ctx, objectsQuery, c.schema, of)
	if err != nil {
		return nil, err
	}
	all := map[string]object{}
	for _, row := range rows {
		if as != c.schema { // a scratch has a name that nothing else holds
			for i := range row {
				row[i] = strings.ReplaceAll(row[i], c.schema+".", as+".")
			}
		}
		o := object{row[0], row[1], row[2], row[3], row[4], row[5]}
		if o.on == "" {
			o.on = o.name
		}
		all[strings.Join([]string{o.kind, o.name, o.on}, "\x00")] = o
	}
	return all, nil
}
