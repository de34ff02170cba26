package attack

import (
	"regexp/syntax"
	"strings"
)

// made is a text that a control's pattern takes, of a length that it takes; false: none was found.
func (l limit) made() (string, bool) {
	tree, err := syntax.Parse(l.pattern, syntax.Perl)
	if l.pattern == "" || err != nil {
		return "", false
	}
	tree = tree.Simplify()
	for _, times := range []int{0, 1, 2, 4, 8, 16, l.shortest, l.longest} { // of what may be repeated without end
		w := speller{times: times, steps: mostSteps}
		w.spell(tree)
		if s := w.b.String(); l.takes(s) {
			return s, true
		}
	}
	return "", false
}

// What ends nested repeats, which would make a text without end, or nothing without end.
const (
	longestMade = 1 << 12
	mostSteps   = 1 << 14
)

// A speller writes the plainest text that an expression takes.
type speller struct {
	b     strings.Builder
	times int // of what may be repeated without end
	steps int // left
}

func (w *speller) spell(e *syntax.Regexp) {
	if w.steps--; w.steps < 0 || w.b.Len() > longestMade {
		return
	}
	switch e.Op {
	case syntax.OpLiteral:
		w.b.WriteString(string(e.Rune))
	case syntax.OpCharClass:
		w.b.WriteRune(plainest(e.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		w.b.WriteByte('a')
	case syntax.OpConcat, syntax.OpCapture:
		for _, part := range e.Sub {
			w.spell(part)
		}
	case syntax.OpAlternate:
		w.spell(e.Sub[0])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest:
		n := min(w.times, longestMade)
		if e.Op == syntax.OpPlus {
			n = max(n, 1)
		}
		if e.Op == syntax.OpQuest {
			n = min(n, 1)
		}
		for range n {
			if w.steps < 0 {
				return
			}
			w.spell(e.Sub[0])
		}
	}
}

// plainest is a letter or a digit of a class of characters if it has one, else its first.
func plainest(ranges []rune) rune {
	for _, wish := range "a1A" {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= wish && wish <= ranges[i+1] {
				return wish
			}
		}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1] > ' ' {
			return max(ranges[i], '!')
		}
	}
	return 'a'
}
