package db

import (
	"iter"
	"reflect"
	"slices"
)

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

// All returns every row: an empty slice when there is none, which JSON writes as []. It holds them all in memory, so give the query a LIMIT.
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
			if rows == nil {
				rows = []Row{}
			}
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
