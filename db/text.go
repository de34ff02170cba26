package db

import (
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
				b.WriteString("SELECT NULL WHERE 1 = 0")
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
