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
		var b strings.Builder
		spell(&b, tree, times)
		if s := b.String(); l.takes(s) {
			return s, true
		}
	}
	return "", false
}

// longestMade ends what nested repeats would make without end.
const longestMade = 1 << 12

// spell writes the plainest text that an expression takes.
func spell(b *strings.Builder, e *syntax.Regexp, times int) {
	if b.Len() > longestMade {
		return
	}
	switch e.Op {
	case syntax.OpLiteral:
		b.WriteString(string(e.Rune))
	case syntax.OpCharClass:
		b.WriteRune(plainest(e.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('a')
	case syntax.OpConcat, syntax.OpCapture:
		for _, part := range e.Sub {
			spell(b, part, times)
		}
	case syntax.OpAlternate:
		spell(b, e.Sub[0], times)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest:
		n := min(times, longestMade)
		if e.Op == syntax.OpPlus {
			n = max(n, 1)
		}
		if e.Op == syntax.OpQuest {
			n = min(n, 1)
		}
		for range n {
			spell(b, e.Sub[0], times)
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
