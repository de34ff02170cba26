package db

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
)

var (
	affectedType = reflect.TypeFor[Affected]()
	timeType     = reflect.TypeFor[time.Time]()
)

// fieldKind is how a value is put into a field.
type fieldKind uint8

const (
	fieldBad fieldKind = iota
	fieldInt
	fieldInt8
	fieldInt16
	fieldInt32
	fieldInt64
	fieldUint
	fieldUint8
	fieldUint16
	fieldUint32
	fieldUint64
	fieldFloat32
	fieldFloat64
	fieldString
	fieldBytes
	fieldBool
	fieldTime
	fieldArray // [n]byte
	fieldJSON
)

// A field is a place in a row for one column's value.
type field struct {
	column string
	name   string // of the Go field, "" for a row that is no struct
	typ    reflect.Type
	offset uintptr
	kind   fieldKind
	ptr    bool // a pointer: NULL is nil
	size   int  // of an array
}

// A plan is how a row type is filled, worked out once.
type plan struct {
	typ      reflect.Type
	scalar   bool // the row is one value
	fields   []field
	problems []problem
}

// planOf compiles a row type.
func planOf(t reflect.Type) *plan {
	p := &plan{typ: t}
	if t == affectedType {
		return p
	}
	if t.Kind() != reflect.Struct || t == timeType {
		p.scalar = true
		f := field{typ: t}
		f.kind, f.ptr, f.size = kindOf(t)
		if f.kind == fieldBad {
			p.problems = append(p.problems, problem{RuleRowType, fmt.Sprintf("the row type %s", t), "use a struct, or a type that holds one column: " + fieldTypes})
		}
		p.fields = []field{f}
		return p
	}
	p.add(t, 0)
	seen := map[string]string{}
	for _, f := range p.fields {
		if other, twice := seen[f.column]; twice {
			p.problems = append(p.problems, problem{RuleRowType, fmt.Sprintf("%s: the fields %s and %s both take the column %q", t, other, f.name, f.column), "give one of them another name: `db:\"name\"`"})
		}
		seen[f.column] = f.name
	}
	return p
}

const fieldTypes = "integers, floats, string, []byte, [n]byte, bool, time.Time, types made of these, pointers to them where NULL may stand, and anything tagged `db:\"name,json\"`"

func (p *plan) add(t reflect.Type, base uintptr) {
	for f := range t.Fields() {
		tag, tagged := f.Tag.Lookup("db")
		if tag == "-" || !f.IsExported() && !(f.Anonymous && f.Type.Kind() == reflect.Struct) {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		if f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct && f.Type != timeType {
			p.add(f.Type, base+f.Offset)
			continue
		}
		if !f.IsExported() {
			continue
		}
		if name == "" {
			name = snake(f.Name)
		}
		to := field{column: name, name: f.Name, typ: f.Type, offset: base + f.Offset}
		switch option {
		case "json":
			to.kind = fieldJSON
		case "":
			to.kind, to.ptr, to.size = kindOf(f.Type)
			if to.kind == fieldBad {
				p.problems = append(p.problems, problem{RuleRowType, fmt.Sprintf("%s.%s: a column does not fit into %s", t, f.Name, f.Type), "use " + fieldTypes})
			}
		default:
			p.problems = append(p.problems, problem{RuleRowType, fmt.Sprintf("%s.%s: the tag `db:%q` has the unknown option %q", t, f.Name, tag, option), "the only option is json: `db:\"name,json\"`"})
		}
		p.fields = append(p.fields, to)
	}
}

func kindOf(t reflect.Type) (kind fieldKind, ptr bool, size int) {
	if t.Kind() == reflect.Pointer {
		t, ptr = t.Elem(), true
	}
	if t == timeType {
		return fieldTime, ptr, 0
	}
	switch t.Kind() {
	case reflect.Int:
		kind = fieldInt
	case reflect.Int8:
		kind = fieldInt8
	case reflect.Int16:
		kind = fieldInt16
	case reflect.Int32:
		kind = fieldInt32
	case reflect.Int64:
		kind = fieldInt64
	case reflect.Uint:
		kind = fieldUint
	case reflect.Uint8:
		kind = fieldUint8
	case reflect.Uint16:
		kind = fieldUint16
	case reflect.Uint32:
		kind = fieldUint32
	case reflect.Uint64:
		kind = fieldUint64
	case reflect.Float32:
		kind = fieldFloat32
	case reflect.Float64:
		kind = fieldFloat64
	case reflect.String:
		kind = fieldString
	case reflect.Bool:
		kind = fieldBool
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			kind = fieldBytes
		}
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			kind, size = fieldArray, t.Len()
		}
	}
	if ptr && (kind == fieldBytes || kind == fieldArray) {
		return fieldBad, false, 0 // a nil []byte is NULL already
	}
	return kind, ptr, size
}

// snake turns a Go name into a column's name: AuthorID into author_id, HTMLBody into html_body.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 {
			before := runes[i-1]
			if unicode.IsLower(before) || unicode.IsDigit(before) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && before != '_' {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// match returns the field of each column; mismatch has found nothing to say.
func (p *plan) match(columns []string) []*field {
	fields := make([]*field, len(columns))
	for i, column := range columns {
		if p.scalar {
			fields[i] = &p.fields[0]
			continue
		}
		for j := range p.fields {
			if strings.EqualFold(p.fields[j].column, column) {
				fields[i] = &p.fields[j]
			}
		}
	}
	return fields
}

// mismatch says what is wrong between a statement's columns and what it was declared as.
func (d *declared) mismatch(columns []string) (problems []problem) {
	if len(d.plan.problems) > 0 {
		return d.plan.problems
	}
	fault := func(format, do string, args ...any) {
		problems = append(problems, problem{RuleRow, fmt.Sprintf(format, args...), do})
	}
	switch {
	case d.kind == KindExec && len(columns) > 0:
		return []problem{{RuleRows, "the statement gives rows", "declare it with db.Query if it reads, with db.Returning if it writes"}}
	case d.kind == KindExec:
		return nil
	case len(columns) == 0:
		return []problem{{RuleRows, "the statement gives no rows", "declare it with db.Exec"}}
	case d.plan.scalar && len(columns) != 1:
		fault("the statement gives %d columns, %s takes one", "select the one column, or use a struct with a field for each", len(columns), d.plan.typ)
		return problems
	case d.plan.scalar:
		return nil
	}
	taken := make([]string, len(d.plan.fields))
	var names, free []string
	for i := range d.plan.fields {
		names = append(names, d.plan.fields[i].column)
	}
	for _, column := range columns {
		found := -1
		for i := range d.plan.fields {
			if strings.EqualFold(names[i], column) {
				found = i
			}
		}
		switch {
		case found < 0:
			free = append(free, column)
		case taken[found] != "":
			fault("two columns are called %q", "rename one in the text: AS other_name", column)
		default:
			taken[found] = column
		}
	}
	for _, column := range free {
		fault("the column %q has no field in %s%s", "add a field tagged `db:\""+column+"\"`, or leave the column out", column, d.plan.typ, didYouMean(column, names))
	}
	for i, f := range d.plan.fields {
		if taken[i] == "" {
			fault("%s.%s has no column: %q is not selected%s", "select it, or tag the field `db:\"-\"`", d.plan.typ, f.name, f.column, didYouMean(f.column, free))
		}
	}
	return problems
}
