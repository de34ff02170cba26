package db

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"sync"
)

// declared is what the three kinds of statements share. It does not change after its declaration, but for the cache.
type declared struct {
	schema   *Schema
	sql      string
	where    string
	kind     Kind
	choices  []options
	pieces   []piece
	scan     *scanned
	params   int   // how many arguments
	lists    []int // which of them are lists
	plan     *plan
	problems []problem
	base     *Text // of the default choices; nil if there are lists

	mu    sync.RWMutex
	texts map[uint64]*Text
}

// options is a Choice, copied.
type options struct {
	keys  []string // sorted: "" first
	texts [][]piece
	raw   []string
}

// maxTexts bounds the texts that one statement keeps. Beyond it they are made anew each time.
const maxTexts = 1024

func newDeclared(schema *Schema, kind Kind, sql string, row reflect.Type, choices []Choice) *declared {
	d := &declared{schema: schema, sql: sql, where: caller(2), kind: kind, plan: planOf(row)}
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

func (d *declared) addChoices(choices []Choice) {
	if len(choices) > maxPlaces {
		d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("%d choices", len(choices)), fmt.Sprintf("use at most %d", maxPlaces)})
		choices = choices[:maxPlaces]
	}
	used := [maxPlaces]bool{}
	for _, p := range d.pieces {
		if p.kind == pieceChoice {
			used[p.n] = true
			if p.n >= len(choices) {
				d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("{%d} has no Choice", p.n), "give it as a further argument: db.Choice{\"\": \"…\"}"})
			}
		}
	}
	for i, choice := range choices {
		var o options
		for key := range choice {
			o.keys = append(o.keys, key)
		}
		slices.Sort(o.keys)
		if !used[i] {
			d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("the text has no {%d} for its Choice", i), fmt.Sprintf("write {%d} where the choice goes, or leave it out", i)})
		}
		if len(o.keys) == 0 || o.keys[0] != "" {
			d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("the Choice of {%d} has no default", i), "give it the key \"\": what an unknown key means"})
			o.keys = append([]string{""}, o.keys...)
		}
		if len(o.keys) > 255 {
			d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("the Choice of {%d} has %d keys", i, len(o.keys)), "use at most 255"})
			o.keys = o.keys[:255]
		}
		for _, key := range o.keys {
			text := string(choice[key])
			s := scan(text)
			for _, p := range s.problems {
				p.what = fmt.Sprintf("in %q of {%d}: %s", key, i, p.what)
				d.problems = append(d.problems, p)
			}
			for _, p := range s.pieces {
				if p.kind == pieceChoice {
					d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("%q of {%d} holds a choice itself", key, i), "write it out"})
				}
			}
			if !closed(text, s) {
				d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("%q of {%d} holds a comment, a semicolon or an open parenthesis", key, i), "a choice is a whole piece of one statement: write it without"})
			}
			o.texts = append(o.texts, s.pieces)
			o.raw = append(o.raw, text)
		}
		d.choices = append(d.choices, o)
	}
}

// closed reports whether a choice's text leaves the statement around it as it was: nothing of it is a comment or a
// semicolon, and its parentheses match.
func closed(text string, s *scanned) bool {
	bare := &scanner{sql: text, out: &scanned{}}
	depth := 0
	for bare.at < len(text) {
		c := text[bare.at]
		switch {
		case c == ';', c == '-' && bare.peek(1) == '-', c == '/' && bare.peek(1) == '*':
			return false
		case c == '\'' || c == '"':
			bare.quoted(c)
			continue
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < 0 {
				return false
			}
		}
		bare.at++
	}
	return depth == 0
}

// resolve returns the pieces with the choices of a key put in.
func (d *declared) resolve(key uint64) []piece {
	if len(d.choices) == 0 {
		return slices.DeleteFunc(slices.Clone(d.pieces), func(p piece) bool { return p.kind == pieceChoice })
	}
	var out []piece
	for _, p := range d.pieces {
		if p.kind != pieceChoice {
			out = append(out, p)
			continue
		}
		if p.n < len(d.choices) {
			for _, q := range d.choices[p.n].texts[key>>(8*p.n)&0xff] {
				if q.kind != pieceChoice {
					out = append(out, q)
				}
			}
		}
	}
	return out
}

// eachKey calls do for every key but the defaults, one choice at a time, the others left at their default.
func (d *declared) eachKey(do func(choice int, key uint64, name string)) {
	for i, o := range d.choices {
		for j, name := range o.keys {
			if j > 0 {
				do(i, uint64(j)<<(8*i), name)
			}
		}
	}
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

// A Select is a declared query whose rows are Rows. It is safe for concurrent use.
type Select[Row any] struct {
	d    *declared
	key  uint64
	hint *sizeHint
}

// A Statement is a declared statement that writes. It is safe for concurrent use.
type Statement[Row any] struct{ d *declared }

// Query declares a statement that reads. Its columns are the fields of Row, by `db:"name"` or by the field's name in snake
// case; a Row that is not a struct takes the one column. Declare it as a package variable: [Verify] prepares it at start,
// under the reader's own rules, and it panics once the schema is sealed.
//
// A list stands as IN ($1...) and takes a slice; an empty slice matches nothing.
//
//go:noinline
func Query[Row any](schema *Schema, sql constant, choices ...Choice) *Select[Row] {
	return &Select[Row]{d: newDeclared(schema, KindQuery, string(sql), reflect.TypeFor[Row](), choices), hint: new(sizeHint)}
}

// Exec declares a statement that writes and gives no rows.
//
//go:noinline
func Exec(schema *Schema, sql constant) *Statement[Affected] {
	return &Statement[Affected]{newDeclared(schema, KindExec, string(sql), affectedType, nil)}
}

// Returning declares a statement that writes and gives rows by RETURNING.
//
//go:noinline
func Returning[Row any](schema *Schema, sql constant) *Statement[Row] {
	return &Statement[Row]{newDeclared(schema, KindReturning, string(sql), reflect.TypeFor[Row](), nil)}
}

// Choose returns the query with the text of the given keys at {0}, {1} …. A key that the [Choice] does not have, and one
// that is not given, means the default: keys may come from a visitor.
func (s *Select[Row]) Choose(keys ...string) *Select[Row] {
	chosen := &Select[Row]{d: s.d, hint: s.hint}
	for i, o := range s.d.choices {
		if i >= len(keys) {
			break
		}
		if j := slices.Index(o.keys, keys[i]); j > 0 {
			chosen.key |= uint64(j) << (8 * i)
		}
	}
	return chosen
}

// All returns every row: nil when there is none. It holds them all in memory, so give the query a LIMIT.
func (s *Select[Row]) All(from Querier, args ...any) ([]Row, error) {
	c := from.core()
	if err := c.enter(); err != nil {
		return nil, s.d.fail(err)
	}
	defer c.leave()
	p, err := c.start(s.d, s.key, args)
	if err != nil {
		return nil, s.d.fail(err)
	}
	defer c.finish(p)
	var rows []Row
	for {
		more, err := p.stmt.Step()
		if err != nil {
			return nil, s.d.fail(c.failed(err))
		}
		if !more {
			s.hint.saw(len(rows))
			return rows, nil
		}
		if rows == nil {
			rows = make([]Row, 0, s.hint.next())
		}
		rows = append(rows, *new(Row))
		if err := scanRow(p, &rows[len(rows)-1]); err != nil {
			return nil, s.d.fail(err)
		}
	}
}

// One returns the first row, [ErrNoRow] when there is none.
func (s *Select[Row]) One(from Querier, args ...any) (Row, error) {
	var row Row
	c := from.core()
	if err := c.enter(); err != nil {
		return row, s.d.fail(err)
	}
	defer c.leave()
	p, err := c.start(s.d, s.key, args)
	if err != nil {
		return row, s.d.fail(err)
	}
	defer c.finish(p)
	more, err := p.stmt.Step()
	switch {
	case err != nil:
		return row, s.d.fail(c.failed(err))
	case !more:
		return row, s.d.fail(ErrNoRow)
	}
	if err := scanRow(p, &row); err != nil {
		var none Row
		return none, s.d.fail(err)
	}
	return row, nil
}

// Each returns an iterator over the rows, for results too large for memory. An error ends it, as its last pair. Other
// statements may run on the same reader or writer within the loop.
func (s *Select[Row]) Each(from Querier, args ...any) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		c := from.core()
		var none Row
		p, err := c.open(s.d, s.key, args)
		if err != nil {
			yield(none, s.d.fail(err))
			return
		}
		defer c.shut(p)
		for {
			var row Row
			more, err := next(c, p, &row)
			if err != nil {
				yield(none, s.d.fail(err))
				return
			}
			if !more || !yield(row, nil) {
				return
			}
		}
	}
}

// Run runs the statement. The row of a [Returning] is its first one, [ErrNoRow] when there is none.
func (s *Statement[Row]) Run(w *Writer, args ...any) (Row, error) {
	var row Row
	c := w.core()
	if err := c.enter(); err != nil {
		return row, s.d.fail(err)
	}
	defer c.leave()
	p, err := c.start(s.d, 0, args)
	if err != nil {
		return row, s.d.fail(err)
	}
	defer c.finish(p)
	more, err := p.stmt.Step()
	if err != nil {
		return row, s.d.fail(c.failed(err))
	}
	if s.d.kind == KindExec {
		*any(&row).(*Affected) = p.stmt.Affected()
		return row, nil
	}
	if !more {
		return row, s.d.fail(ErrNoRow)
	}
	if err := scanRow(p, &row); err != nil {
		var none Row
		return none, s.d.fail(err)
	}
	return row, nil
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
