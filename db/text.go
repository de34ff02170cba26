package db

import (
	"slices"
	"strconv"
	"strings"
)

// A Text is the SQL of a declared statement as it is prepared: its choices made, its lists of a certain length. Texts are
// made by this package only; engines use a *Text as the key of what they prepared. It is safe for concurrent use.
type Text struct {
	from   *declared
	pieces []piece // no choices any more
	sizes  []int   // how many values stand for $1, $2 …: 1, or a list's length rounded up
	values int     // how many values are bound
}

// Kind returns what the statement was declared as.
func (t *Text) Kind() Kind { return t.from.kind }

// Where returns file:line of the declaration.
func (t *Text) Where() string { return t.from.where }

// Values returns how many values are bound: parameters 1 to Values.
func (t *Text) Values() int { return t.values }

// SQL returns the text for an engine that writes its n-th parameter as mark followed by n: '?' for SQLite, '$' for
// PostgreSQL. An empty list stands as a query without rows, so that IN matches nothing and NOT IN everything.
func (t *Text) SQL(mark byte) string {
	return t.SQLTyped(mark, func(int) string { return "NULL" })
}

// SQLTyped is SQL for an engine in which each value has a type before the statement runs: none returns what stands in the
// place of the value that an empty list has not, such as CAST(NULL AS bigint). It is given the list's parameter, from 0, by
// its place in [Text.Filled].
func (t *Text) SQLTyped(mark byte, none func(at int) string) string {
	first := make([]int, len(t.sizes)+1)
	first[0] = 1
	for i, size := range t.sizes {
		first[i+1] = first[i] + size
	}
	var b strings.Builder
	number := func(n int) {
		b.WriteByte(mark)
		b.WriteString(strconv.Itoa(n))
	}
	for _, p := range t.pieces {
		switch p.kind {
		case pieceText:
			b.WriteString(p.text)
		case pieceParam:
			number(first[p.n-1])
		case pieceList:
			from, to := first[p.n-1], first[p.n]
			if from == to {
				b.WriteString("SELECT " + none(t.filledAt(p.n-1)) + " WHERE 1 = 0")
			}
			for n := from; n < to; n++ {
				if n > from {
					b.WriteByte(',')
				}
				number(n)
			}
		}
	}
	return b.String()
}

// HasEmpty reports whether a list of the text has no value.
func (t *Text) HasEmpty() bool { return slices.Contains(t.sizes, 0) }

// Filled returns the text with one value in each list that has none, for an engine that asks what type it would have.
func (t *Text) Filled() *Text {
	f := &Text{from: t.from, pieces: t.pieces, sizes: slices.Clone(t.sizes)}
	for i, size := range f.sizes {
		f.sizes[i] = max(1, size)
		f.values += f.sizes[i]
	}
	return f
}

// filledAt returns how many values stand before those of parameter i in Filled.
func (t *Text) filledAt(i int) (at int) {
	for _, size := range t.sizes[:i] {
		at += max(1, size)
	}
	return at
}

// MaxList is the greatest number of values in one list argument.
const MaxList = 1 << 13

// bucket returns the number that stands for lists of this length in a text's key: 0 for none, else 1 + log2 rounded up.
func bucket(length int) uint64 {
	b := uint64(0)
	for size := 1; length > 0; size, b = size<<1, b+1 {
		if length <= size {
			return b + 1
		}
	}
	return b
}

// size is the length that a bucket's lists are filled up to.
func size(bucket uint64) int {
	if bucket == 0 {
		return 0
	}
	return 1 << (bucket - 1)
}
