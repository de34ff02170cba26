package db

import (
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// didYouMean returns `; did you mean "x"?` for the candidate nearest to name, "" when none is near. Names of SQL are the same
// in any case.
func didYouMean(name string, candidates []string) string {
	for _, c := range candidates {
		if strings.EqualFold(c, name) {
			return "; did you mean " + quote(c) + "?"
		}
	}
	if near, ok := check.Nearest(strings.ToLower(name), candidates); ok {
		return "; did you mean " + quote(near) + "?"
	}
	return ""
}

// Nearby picks from the names that an engine knows those that an unknown one of the text may have meant, for [PrepareError]: of
// columns, which stand as TABLE.COLUMN, only those of the tables that the text names, if there are any.
func (t *Text) Nearby(known []string) (names []string) {
	words := strings.FieldsFunc(strings.ToLower(t.SQL('$')), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r < 0x80
	})
	var others []string
	for _, name := range known {
		table, column, found := strings.Cut(name, ".")
		switch {
		case !found:
			names = append(names, name)
		case slices.Contains(words, strings.ToLower(table)):
			names = append(names, column)
		default:
			others = append(others, column)
		}
	}
	if names == nil {
		return others
	}
	return names
}
