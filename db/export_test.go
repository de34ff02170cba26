package db

import (
	"fmt"
	"reflect"
	"strings"
)

// Rejoin scans a text and writes its pieces again: what comes out is the text, up to its semicolon.
func Rejoin(sql string) (text string, problems []string) {
	s := scan(sql)
	var b strings.Builder
	for _, p := range s.pieces {
		switch p.kind {
		case pieceText:
			b.WriteString(p.text)
		case pieceParam:
			fmt.Fprintf(&b, "$%d", p.n)
		case pieceList:
			fmt.Fprintf(&b, "$%d...", p.n)
		case pieceChoice:
			fmt.Fprintf(&b, "{%d}", p.n)
		}
	}
	for _, p := range s.problems {
		problems = append(problems, p.rule.ID)
	}
	return b.String(), problems
}

// SQLOf returns the text of a statement with choices and lists of certain lengths, for an engine that marks by '?'.
func SQLOf[Row any](s *Select[Row], lengths ...int) string {
	key := s.key
	for i, n := range lengths {
		key |= bucket(n) << (listShift + listBits*i)
	}
	return s.d.text(key).SQL('?')
}

// Texts returns how many texts a statement keeps.
func Texts[Row any](s *Select[Row]) int { return len(s.d.texts) }

// Problems returns what is wrong with a statement without asking an engine.
func Problems(s *Schema) (all []string) {
	for _, d := range s.list() {
		for _, p := range append(d.problems, d.plan.problems...) {
			all = append(all, p.rule.ID+" "+p.what)
		}
	}
	return all
}

// ListSize returns the number of values that a list of a length is filled up to.
func ListSize(length int) int { return size(bucket(length)) }

// ColumnOf returns the column that a field's name stands for.
func ColumnOf(name string) string { return snake(name) }

// ColumnsOf returns the columns of a row type.
func ColumnsOf(t reflect.Type) (all []string) {
	for _, f := range planOf(t).fields {
		all = append(all, f.column)
	}
	return all
}

// DidYouMean returns the hint for a misspelt name.
func DidYouMean(name string, candidates ...string) string { return didYouMean(name, candidates) }

// TextOf returns the text of a statement as engines get it.
func TextOf[Row any](s *Select[Row]) *Text { return s.d.text(s.key) }
