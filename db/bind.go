package db

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// JSON returns an argument that stores v as JSON text. A field tagged `db:"name,json"` reads it again.
func JSON(v any) JSONValue {
	text, err := json.Marshal(v)
	return JSONValue{string(text), err}
}

// A JSONValue is an argument made by [JSON].
type JSONValue struct {
	text string
	err  error
}

// A Pattern is an argument for LIKE, made by [Contains] or [HasPrefix].
type Pattern struct{ text string }

// Contains returns the pattern of texts that contain s. Use it with LIKE $1 ESCAPE '\': what is a wildcard in s is
// escaped, so that a visitor cannot make one row's look-up a walk through the table. A NUL byte in s is refused when the
// statement runs.
func Contains(s string) Pattern { return Pattern{"%" + escapeLike(s) + "%"} }

// HasPrefix returns the pattern of texts that begin with s. Use it with LIKE $1 ESCAPE '\'. A NUL byte in
// s is refused when the statement runs.
func HasPrefix(s string) Pattern { return Pattern{escapeLike(s) + "%"} }

func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

var (
	errArgType    = errors.New("unsupported type")
	errPatternNUL = errors.New("NUL in a pattern") // SQLite's LIKE reads no further: the pattern of "\x00" would be %, which finds every row
)

// bind binds one value. It calls nothing that would make the arguments escape to the heap.
func bind(stmt Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case nil:
		stmt.BindNull(i)
	case string:
		stmt.BindText(i, v)
	case int64:
		stmt.BindInt(i, v)
	case int:
		stmt.BindInt(i, int64(v))
	case bool:
		stmt.BindBool(i, v)
	case []byte:
		if v == nil {
			stmt.BindNull(i)
		} else {
			stmt.BindBlob(i, v)
		}
	case time.Time:
		return bindTime(stmt, i, v)
	case float64:
		stmt.BindFloat(i, v)
	case Pattern:
		if strings.IndexByte(v.text, 0) >= 0 {
			return errPatternNUL
		}
		stmt.BindText(i, v.text)
	case JSONValue:
		if v.err != nil {
			return v.err
		}
		stmt.BindText(i, v.text)
	default:
		return bindReflect(stmt, i, reflect.ValueOf(arg))
	}
	return nil
}

// bindReflect binds the less usual types: sized integers, named types, pointers, arrays of bytes.
func bindReflect(stmt Stmt, i int, v reflect.Value) error {
	t := v.Type()
	if owned(t) {
		return errArgType
	}
	if t.Kind() == reflect.Pointer {
		if owned(t.Elem()) || t.Elem().Kind() == reflect.Pointer {
			return errArgType
		}
		if kind, _, _ := kindOf(t.Elem()); kind == fieldBad {
			return errArgType
		}
		if v.IsNil() {
			stmt.BindNull(i)
			return nil
		}
		return bindReflect(stmt, i, v.Elem())
	}
	if t == timeType {
		return bindTime(stmt, i, v.Interface().(time.Time))
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		stmt.BindInt(i, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt64 {
			return fmt.Errorf("%d does not fit into a column: the greatest integer is %d", v.Uint(), int64(math.MaxInt64))
		}
		stmt.BindInt(i, int64(v.Uint()))
	case reflect.Float32, reflect.Float64:
		stmt.BindFloat(i, v.Float())
	case reflect.String:
		stmt.BindText(i, v.String())
	case reflect.Bool:
		stmt.BindBool(i, v.Bool())
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return errArgType
		}
		if v.IsNil() {
			stmt.BindNull(i)
		} else {
			stmt.BindBlob(i, v.Bytes())
		}
	case reflect.Array:
		if t.Elem().Kind() != reflect.Uint8 {
			return errArgType
		}
		b := make([]byte, v.Len())
		for n := range b { // reflect.Copy takes no other type of bytes
			b[n] = byte(v.Index(n).Uint())
		}
		stmt.BindBlob(i, b)
	default:
		return errArgType
	}
	return nil
}

func bindTime(stmt Stmt, i int, t time.Time) error {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return errors.New("the year of the time is outside of 0 to 9999")
	}
	stmt.BindTime(i, t)
	return nil
}

// owned reports whether a type belongs to a database driver. Drivers give such arguments a meaning of their own: with
// pgx one of them makes two statements run where one was written.
func owned(t reflect.Type) bool {
	path := t.PkgPath()
	if path == "" {
		return false
	}
	for _, of := range [...]string{"database/sql", "github.com/jackc/", "github.com/ncruces/go-sqlite3", "github.com/mattn/go-sqlite3", "modernc.org/sqlite", "github.com/lib/pq"} {
		if strings.HasPrefix(path, of) {
			return true
		}
	}
	return false
}

// listKey returns the part of the text's key that the lengths of the list arguments decide.
func (d *declared) listKey(args []any) (key uint64, err error) {
	for i, at := range d.lists {
		n, ok := listLen(args[at])
		switch {
		case !ok:
			return 0, RuleArgument.Finding("", fmt.Sprintf("the argument of $%d... is of type %s", at+1, typeName(args[at])), "give a slice: []int64, []string …")
		case n > MaxList:
			return 0, RuleArgument.Finding("", fmt.Sprintf("the list $%d... has %d values", at+1, n), fmt.Sprintf("give at most %d, or put them into a table and join it", MaxList))
		}
		key |= bucket(n) << (listShift + listBits*i)
	}
	return key, nil
}

func listLen(arg any) (int, bool) {
	switch v := arg.(type) {
	case []int64:
		return len(v), true
	case []string:
		return len(v), true
	case []byte, nil:
		return 0, false
	}
	v := reflect.ValueOf(arg)
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() == reflect.Uint8 {
		return 0, false
	}
	return v.Len(), true
}

// bindLists binds the arguments of a statement with lists. A list is filled up to the text's length with its last value:
// a value twice in IN changes nothing.
func bindLists(p *prepared, args []any) error {
	d, at := p.text.from, 1
	for i, arg := range args {
		size := p.text.sizes[i]
		if !slices.Contains(d.lists, i) {
			if err := bind(p.stmt, at, arg); err != nil {
				return argError(i, arg, err)
			}
			at++
			continue
		}
		for j := range size {
			var err error
			switch v := arg.(type) {
			case []int64:
				p.stmt.BindInt(at, v[min(j, len(v)-1)])
			case []string:
				p.stmt.BindText(at, v[min(j, len(v)-1)])
			default:
				list := reflect.ValueOf(arg)
				err = bind(p.stmt, at, list.Index(min(j, list.Len()-1)).Interface())
			}
			if err != nil {
				return argError(i, arg, err)
			}
			at++
		}
	}
	return nil
}

// needsEscape refuses a pattern in a text without ESCAPE: the backslashes before what is no wildcard would be looked for.
func (d *declared) needsEscape(args []any) error {
	if d.escapes {
		return nil
	}
	for i, arg := range args {
		if _, ok := arg.(Pattern); ok {
			return RuleArgument.Finding(d.where, fmt.Sprintf("the argument of $%d is a pattern of db.Contains or db.HasPrefix, and the text names no ESCAPE", i+1),
				fmt.Sprintf(`write LIKE $%d ESCAPE '\'`, i+1))
		}
	}
	return nil
}

func (d *declared) wrongCount(got int) error {
	return RuleArgument.Finding("", fmt.Sprintf("%d arguments for %d parameters", got, d.params), fmt.Sprintf("give exactly %d, for $1 to $%d", d.params, d.params))
}

// typeName does not let its argument escape, as fmt's %T would.
func typeName(arg any) string {
	if arg == nil {
		return "nil"
	}
	return reflect.TypeOf(arg).String()
}

func argError(i int, arg any, err error) error {
	if err == errArgType {
		return RuleArgument.Finding("", fmt.Sprintf("the argument of $%d is of type %s, which no column takes", i+1, typeName(arg)),
			"give an integer, float, string, []byte, [n]byte, bool, time.Time, a type made of these or a pointer to one, db.JSON(v), db.Contains(s), or a slice where the text has $n...")
	}
	if err == errPatternNUL {
		return RuleArgument.Finding("", fmt.Sprintf("the pattern for $%d holds a NUL byte, at which engines stop reading it", i+1), "take it out before db.Contains or db.HasPrefix")
	}
	return fmt.Errorf("the argument of $%d: %w", i+1, err)
}
