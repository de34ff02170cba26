package db

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/merlon-web/merlon/internal/place"
)

// declared is what the three kinds of statements share. It does not change after its declaration, but for the cache.
type declared struct {
	schema   *Schema
	sql      string
	where    string
	home     string // the folder of the source file
	kind     Kind
	choices  []options
	pieces   []piece
	scan     *scanned
	params   int   // how many arguments
	escapes  bool  // the text says ESCAPE
	lists    []int // which of them are lists
	plan     *plan
	problems []problem
	base     *Text // of the default choices; nil if there are lists

	mu    sync.RWMutex
	texts map[uint64]*Text
}

// maxTexts bounds the texts that one statement keeps. Beyond it they are made anew each time.
const maxTexts = 1024

func newDeclared(schema *Schema, kind Kind, sql string, row reflect.Type, choices []Choice) *declared {
	at := place.Caller(2)
	d := &declared{schema: schema, sql: sql, where: at.At, home: at.Folder, kind: kind, plan: planOf(row), escapes: strings.Contains(strings.ToUpper(sql), "ESCAPE")}
	d.scan = scan(sql)
	d.pieces = d.scan.pieces
	d.problems = append(d.problems, d.scan.problems...)
	if d.scan.first == "" {
		d.problems = append(d.problems, problem{RuleOneStatement, "the text has no statement", "write one"})
	}
	d.addChoices(choices)
	resolved := d.resolve(0)
	list, problems := params(resolved)
	d.problems = append(d.problems, problems...)
	d.params = len(list)
	for i, as := range list {
		if as == 2 {
			d.lists = append(d.lists, i)
		}
	}
	if len(d.lists) > maxPlaces {
		d.lists = d.lists[:maxPlaces]
	}
	d.eachKey(func(choice int, key uint64, name string) {
		other, _ := params(d.resolve(key))
		if !slices.Equal(other, list) {
			d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("with %q at {%d} the text takes other parameters than with the default", name, choice), "use the same $1 … $n with every key"})
		}
	})
	if len(d.lists) == 0 {
		d.base = d.makeText(0)
	}
	schema.declare(d)
	return d
}

// The key of a text: 8 bits for each choice, then 5 bits for each list.
const listBits, listShift = 5, 8 * maxPlaces

func (d *declared) makeText(key uint64) *Text {
	t := &Text{from: d, pieces: d.resolve(key), sizes: make([]int, d.params)}
	for i := range t.sizes {
		t.sizes[i] = 1
	}
	for i, at := range d.lists {
		t.sizes[at] = size(key >> (listShift + listBits*i) & (1<<listBits - 1))
	}
	for _, n := range t.sizes {
		t.values += n
	}
	return t
}

// text returns the text of a key.
func (d *declared) text(key uint64) *Text {
	if key == 0 && d.base != nil {
		return d.base
	}
	d.mu.RLock()
	t := d.texts[key]
	d.mu.RUnlock()
	if t != nil {
		return t
	}
	t = d.makeText(key)
	d.mu.Lock()
	defer d.mu.Unlock()
	if was := d.texts[key]; was != nil {
		return was
	}
	if len(d.texts) < maxTexts {
		if d.texts == nil {
			d.texts = map[uint64]*Text{}
		}
		d.texts[key] = t
	}
	return t
}

// fail says which statement an error came from.
func (d *declared) fail(err error) error { return &statementError{d, err} }

// statementError puts its text together only when someone reads it: "no row" is an everyday answer.
type statementError struct {
	d   *declared
	err error
}

func (e *statementError) Error() string {
	return fmt.Sprintf("db: %s (%s): %v", e.d.kind, e.d.where, e.err)
}

func (e *statementError) Unwrap() error { return e.err }
