package check

import "strings"

// Nearest returns the name that a misspelt one most likely means: the one with the fewest edits (Levenshtein; two
// neighbours changed about are one edit, letters of another case half), if that is at most a third of its length. It is
// what every "did you mean" of Merlon uses.
func Nearest(name string, names []string) (string, bool) {
	best, least := "", 1<<30
	for _, n := range names {
		if n == name {
			continue
		}
		if d := distance(name, n); d < least {
			best, least = n, d
		}
	}
	limit := max(2, 2*max(len(name), len(best))/3)
	return best, best != "" && least <= limit
}

// distance counts twice the number of edits, two neighbours changed about as one, and one for a letter that differs only in
// case.
func distance(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	before, prev, cur := make([]int, len(rb)+1), make([]int, len(rb)+1), make([]int, len(rb)+1)
	for j := range prev {
		prev[j] = 2 * j
	}
	for i, x := range ra {
		cur[0] = 2 * (i + 1)
		for j, y := range rb {
			cost := 2
			if x == y {
				cost = 0
			} else if strings.EqualFold(string(x), string(y)) {
				cost = 1
			}
			cur[j+1] = min(prev[j+1]+2, cur[j]+2, prev[j]+cost)
			if i > 0 && j > 0 && x == rb[j-1] && ra[i-1] == y {
				cur[j+1] = min(cur[j+1], before[j-1]+2)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(rb)]
}
