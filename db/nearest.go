package db

import (
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
