package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// Verify prepares every statement of the schemas in a scratch database, once for the default choices and once for each
// other key, and returns all that is wrong with them: texts that do not prepare, unknown tables and columns, parameters
// that are not exactly $1 to $n, more than one statement, queries that would write, columns without a field and fields
// without a column. It runs none of them. The site calls it when it is made.
func Verify(ctx context.Context, scratch Engine, schemas ...*Schema) check.Faults {
	var faults check.Faults
	for _, schema := range schemas {
		for _, d := range schema.list() {
			faults = append(faults, d.verify(ctx, scratch)...)
		}
	}
	return faults
}

func (s *Schema) list() []*declared {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*declared(nil), s.statements...)
}

// The words that statements begin with.
var (
	reading = []string{"SELECT", "WITH", "VALUES", "TABLE"}
	writing = []string{"INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "WITH"}
)

func (d *declared) verify(ctx context.Context, e Engine) (faults check.Faults) {
	for _, p := range append(d.problems[:len(d.problems):len(d.problems)], d.plan.problems...) {
		faults = append(faults, p.rule.Finding(d.where, p.what, p.do))
	}
	if faults != nil {
		return faults // the text that the engine would see is not the one that was meant
	}
	faults = d.inspect(ctx, e, 0, "")
	if faults != nil {
		return faults // each key would say the same again
	}
	d.eachKey(func(choice int, key uint64, name string) {
		faults = append(faults, d.inspect(ctx, e, key, fmt.Sprintf(" (with %q at {%d})", name, choice))...)
	})
	return faults
}

// inspect looks at one text of the statement as the engine understands it, with one value in each list.
func (d *declared) inspect(ctx context.Context, e Engine, key uint64, with string) (faults check.Faults) {
	fault := func(rule check.Rule, what, do string) {
		faults = append(faults, rule.Finding(d.where, what+with, do))
	}
	for i := range d.lists {
		key |= bucket(1) << (listShift + listBits*i)
	}
	t := d.text(key)
	shape, err := e.Inspect(ctx, t)
	var bad *PrepareError
	switch {
	case errors.As(err, &bad) && bad.Name != "":
		what := fmt.Sprintf("no such %s: %s%s", bad.Kind, bad.Name, didYouMean(lastPart(bad.Name), bad.Names))
		fault(RuleUnknown, what, "name one that the migrations make")
		return faults
	case errors.As(err, &bad) && bad.Kind == "write":
		fault(RuleQueryWrites, fmt.Sprintf("%q is a query that does more than read: %v", clip(d.sql), err), "declare it with db.Exec or db.Returning, and run it where a Writer is: in a POST, a job or a command")
		return faults
	case err != nil:
		fault(RulePrepare, fmt.Sprintf("%q: %v", clip(d.sql), err), "mend the text")
		return faults
	}
	switch first := d.scan.first; {
	case d.kind == KindQuery && !slices.Contains(reading, first):
		fault(RuleQueryWrites, fmt.Sprintf("%q is declared by db.Query and begins with %s", clip(d.sql), first), "begin a query with SELECT, WITH, VALUES or TABLE; declare what writes with db.Exec or db.Returning")
		return faults
	case d.kind == KindQuery && !shape.ReadOnly:
		fault(RuleQueryWrites, fmt.Sprintf("%q is a query that is not read-only to the engine", clip(d.sql)), "declare it with db.Exec or db.Returning")
		return faults
	case d.kind != KindQuery && !slices.Contains(writing, first):
		fault(RulePrepare, fmt.Sprintf("%q is declared by db.%s and begins with %s", clip(d.sql), d.kind, first), "begin it with INSERT, UPDATE, DELETE, REPLACE, MERGE or WITH; declare what only reads with db.Query; change tables by migrations")
		return faults
	}
	if shape.Values != t.Values() {
		fault(RuleParams, fmt.Sprintf("the engine sees %d parameters, the text has %d", shape.Values, t.Values()), "write every parameter as $1 … $n, and put nothing else that the engine takes for one")
	}
	columns := make([]string, len(shape.Columns))
	for i, c := range shape.Columns {
		columns[i] = c.Name
	}
	problems := d.mismatch(columns)
	for _, p := range problems {
		fault(p.rule, p.what, p.do)
	}
	if problems == nil && d.kind != KindExec {
		for i, f := range d.plan.match(columns) {
			if c := shape.Columns[i]; !f.takes(c.Type) {
				fault(RuleColumnType, fmt.Sprintf("the column %q is declared %s, which does not fit into %s", c.Name, c.Type, f.typ), "change the field's type or the column's")
			}
		}
	}
	return faults
}

// takes reports whether a field can hold what a column of a declared type holds. Where nothing is declared, only the rows
// can tell.
func (f *field) takes(t Type) bool {
	switch t {
	case TypeInt:
		return f.kind >= fieldInt && f.kind <= fieldFloat64 || f.kind == fieldBool
	case TypeBool:
		return f.kind == fieldBool
	case TypeText:
		return f.kind == fieldString || f.kind == fieldBytes || f.kind == fieldTime || f.kind == fieldJSON
	case TypeBlob:
		return f.kind == fieldBytes || f.kind == fieldArray || f.kind == fieldJSON
	case TypeTime:
		return f.kind == fieldTime
	}
	return true
}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// clip shortens a text to one line for a message.
func clip(sql string) string {
	sql = strings.Join(strings.Fields(sql), " ")
	if r := []rune(sql); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return sql
}

// Unlimited returns a finding for each query of the schemas that may give any number of rows: no LIMIT of its own, and
// none that the engine sees to be at most one row. Scratch is an engine as [Verify] takes it.
func Unlimited(ctx context.Context, scratch Engine, schemas ...*Schema) []check.Finding {
	var found []check.Finding
	for _, schema := range schemas {
		for _, d := range schema.list() {
			if d.kind != KindQuery || d.scan.limit || len(d.problems) > 0 {
				continue
			}
			var key uint64
			for i := range d.lists {
				key |= bucket(1) << (listShift + listBits*i)
			}
			if shape, err := scratch.Inspect(ctx, d.text(key)); err != nil || shape.AtMost1 {
				continue
			}
			found = append(found, RuleNoLimit.Finding(d.where, fmt.Sprintf("%q has no LIMIT", clip(d.sql)), "add LIMIT $n and pages, or count on the rows being few: LIMIT 1000"))
		}
	}
	return found
}
