package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/steps"
)

// scratchPrefix begins the names of the schemas that statements are proven in. Each is dropped when its engine is closed;
// what a killed process has left is dropped by the next one that makes a scratch: nobody holds its lock any more.
const scratchPrefix = "merlon_scratch_"

// Scratch returns an engine on a schema of its own in the same database, migrated. The site's own tables are out of its
// reach: they stand in no search path of it. The error wraps [db.ErrBusy] when no server answers.
func (e *engine) Scratch(ctx context.Context, schemas ...*db.Schema) (_ db.Engine, err error) {
	if err := steps.Distinct("postgres", schemas); err != nil {
		return nil, err
	}
	name := make([]byte, 8)
	_, _ = rand.Read(name) // never fails
	s := &engine{config: e.config, schema: scratchPrefix + hex.EncodeToString(name), loose: e.loose, unread: e.unread}
	if on := e.on.Load(); on != nil {
		s.beside = on.way
	}
	w, err := s.way()
	if err != nil {
		return nil, err
	}
	keeper, err := w.connect(ctx, migrator, nil)
	if err != nil {
		return nil, err
	}
	s.keeper = keeper
	defer func() {
		if err != nil {
			if s.on.Load() == nil {
				_ = keeper.dropScratch(s.schema)
				keeper.close()
				return
			}
			_ = s.Close()
		}
	}()
	if err := keeper.sweep(ctx); err != nil {
		return nil, err
	}
	if _, err := keeper.rows(ctx, "SELECT pg_advisory_lock($1)", fmt.Sprint(lockKey("scratch", s.schema))); err != nil {
		return nil, err
	}
	if err := keeper.own(ctx, "CREATE SCHEMA "+quoteName(s.schema)); err != nil {
		return nil, err
	}
	if err := s.Open(ctx, "", schemas...); err != nil {
		return nil, err
	}
	if _, err := s.Migrate(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// sweep drops the scratch schemas that nobody holds.
func (c *conn) sweep(ctx context.Context) error {
	rows, err := c.rows(ctx, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'merlon|_scratch|_%' ESCAPE '|' AND pg_has_role(nspowner, 'USAGE')")
	if err != nil {
		return err
	}
	for _, row := range rows {
		key := fmt.Sprint(lockKey("scratch", row[0]))
		free, err := c.rows(ctx, "SELECT pg_try_advisory_lock($1)", key)
		if err != nil {
			return err
		}
		if free[0][0] != "t" {
			continue
		}
		err = c.dropScratch(row[0])
		if _, unlocked := c.rows(ctx, "SELECT pg_advisory_unlock($1)", key); err != nil || unlocked != nil {
			return errors.Join(err, unlocked)
		}
	}
	return nil
}

func (c *conn) dropScratch(schema string) error {
	ctx, cancel := ending()
	defer cancel()
	return c.own(ctx, "DROP SCHEMA IF EXISTS "+quoteName(schema)+" CASCADE")
}

// Inspect prepares a text under the rules of its kind.
func (e *engine) Inspect(ctx context.Context, t *db.Text) (shape db.Shape, err error) {
	on := e.on.Load()
	if on == nil {
		return shape, db.ErrClosed
	}
	c, err := on.writer.Get(ctx)
	if err != nil {
		return shape, err
	}
	defer on.writer.Put(c)
	sql, err := c.sql(ctx, t)
	if err != nil {
		return shape, c.unprepared(ctx, t, err)
	}
	s, err := c.prepare(ctx, sql)
	if err != nil {
		return shape, c.unprepared(ctx, t, err)
	}
	defer s.Close()
	if slices.Contains(s.params, oidName) || slices.Contains(s.oids, oidName) {
		return shape, &db.PrepareError{Err: errBareUser}
	}
	shape = db.Shape{Values: len(s.params), ReadOnly: t.Kind() == db.KindQuery}
	for i, name := range s.columns {
		shape.Columns = append(shape.Columns, db.Column{Name: name, Type: typeOf(s.oids[i]), Null: true})
	}
	if t.Kind() != db.KindQuery {
		return shape, nil
	}
	on.judge.mu.Lock()
	plan, err := on.judge.plan(ctx, t, "(FORMAT JSON)")
	on.judge.mu.Unlock()
	if err != nil {
		return shape, c.unprepared(ctx, t, err)
	}
	shape.AtMost1, err = c.atMost1(ctx, plan)
	return shape, err
}

// errBareUser is what is wrong with a value of the type name. The server's own tables have such; in a site's statement it
// comes of a column called user that is not quoted, and WHERE user = $1 would find nothing, without a word.
var errBareUser = errors.New(`a value is of the type name, which the server's own names are of: a bare user is the role that asks, a column is "user", in double quotes`)

// unknown finds the name in the server's words.
var unknown = []struct {
	code, kind string
	name       *regexp.Regexp
}{
	{"42P01", "table", regexp.MustCompile(`relation "([^"]+)"`)},
	{"42P01", "table", regexp.MustCompile(`table "([^"]+)"`)},
	{"42703", "column", regexp.MustCompile(`column "?([^" ]+)"?`)},
	{"42883", "function", regexp.MustCompile(`function ([^( ]+)\(`)},
}

// unprepared says what of a text the server does not know, and what it knows instead.
func (c *conn) unprepared(ctx context.Context, t *db.Text, err error) error {
	var finding check.Finding
	if errors.As(err, &finding) {
		return &db.PrepareError{Kind: "write", Err: errors.New(strings.TrimPrefix(finding.What, "postgres: "))}
	}
	var said *serverError
	if !errors.As(err, &said) {
		return err
	}
	bad := &db.PrepareError{Err: said}
	for _, of := range unknown {
		if m := of.name.FindStringSubmatch(said.message); of.code == said.code && m != nil {
			bad.Kind, bad.Name = of.kind, m[1]
			bad.Names = t.Nearby(c.names(ctx, of.kind))
			return bad
		}
	}
	if t.Kind() != db.KindQuery && said.code == "42601" {
		bad.Err = fmt.Errorf("%w; COMMIT, SET and changes of tables are not for statements of a site: change tables by migrations", said)
	}
	return bad
}

// names lists what there is of a kind, columns as [db.Text.Nearby] takes them.
func (c *conn) names(ctx context.Context, kind string) (all []string) {
	query := "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'v', 'm', 'p') ORDER BY 1"
	switch kind {
	case "function":
		query = "SELECT DISTINCT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ($1, 'pg_catalog') ORDER BY 1"
	case "column":
		query = "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace" +
			" WHERE n.nspname = $1 AND c.relkind IN ('r', 'v', 'm', 'p') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1"
	}
	rows, err := c.rows(ctx, query, c.schema)
	if err != nil {
		return nil
	}
	for _, row := range rows {
		all = append(all, row[0])
	}
	return all
}

// node is a node of a plan.
type node struct {
	Type     string `json:"Node Type"`
	Strategy string `json:"Strategy"`
	Relation string `json:"Parent Relationship"`
	Index    string `json:"Index Name"`
	Alias    string `json:"Alias"`
	Cond     string `json:"Index Cond"`
	Plans    []node `json:"Plans"`
}

// atMost1 reports whether a plan can give at most one row: a look-up by a whole unique key, an aggregate, a query without
// tables. Where this function cannot tell, it says no.
func (c *conn) atMost1(ctx context.Context, plan string) (bool, error) {
	var plans []struct{ Plan node }
	if err := json.Unmarshal([]byte(plan), &plans); err != nil || len(plans) != 1 {
		return false, fmt.Errorf("postgres: the plan of a statement cannot be read: %w", err)
	}
	return c.single(ctx, plans[0].Plan)
}

func (c *conn) single(ctx context.Context, n node) (bool, error) {
	var below []node // those whose rows the node's are made of
	for _, p := range n.Plans {
		if p.Relation != "InitPlan" && p.Relation != "SubPlan" {
			below = append(below, p)
		}
	}
	switch n.Type {
	case "Aggregate":
		if n.Strategy == "Plain" {
			return true, nil
		}
	case "Result", "Nested Loop", "Sort", "Limit", "Unique", "Materialize", "Subquery Scan", "Incremental Sort":
	case "Index Scan", "Index Only Scan":
		if strings.Contains(n.Cond, " ANY ") || strings.Contains(n.Cond, " OR ") {
			return false, nil
		}
		// each key of a unique index is held against one value
		rows, err := c.rows(ctx, "SELECT pg_get_indexdef(i.indexrelid, k, false) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace,"+
			" generate_series(1, i.indnkeyatts) k WHERE n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indpred IS NULL", c.schema, n.Index)
		held := equals(n.Cond, n.Alias)
		for _, row := range rows {
			key := row[0]
			if strings.HasPrefix(key, "(") { // an expression, in parentheses of its own
				key = key[1 : len(key)-1]
			}
			if !held[key] {
				return false, err
			}
		}
		return len(rows) > 0, err
	default:
		return false, nil
	}
	for _, p := range below {
		if ok, err := c.single(ctx, p); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

var (
	literal = regexp.MustCompile(`'(?:[^']|'')*'`)
	cast    = regexp.MustCompile(`^\((.*)\)::[^()]+(?:\([0-9,]+\))?$`)
)

// equals returns what a condition holds against a value, as the server writes it: "((a = $1) AND ((b)::text = $2))" are a and b. In a
// plan of several tables each name has its table's before it.
func equals(cond, alias string) map[string]bool {
	cond = literal.ReplaceAllString(cond, "''")
	cond = regexp.MustCompile(`(^|[( ])(?:`+regexp.QuoteMeta(alias)+`|`+regexp.QuoteMeta(quoteName(alias))+`)\.`).ReplaceAllString(cond, "$1")
	held := map[string]bool{}
	for _, one := range strings.Split(cond, " AND ") {
		left, _, is := strings.Cut(one, " = ")
		if !is {
			continue
		}
		for strings.HasPrefix(left, "(") && strings.Count(left, "(") > strings.Count(left, ")") {
			left = left[1:]
		}
		held[left] = true
		if m := cast.FindStringSubmatch(left); m != nil {
			held[m[1]] = true
		}
	}
	return held
}
