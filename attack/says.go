package attack

import (
	"slices"
	"strings"
)

// Two answers are compared by what they say, and by that alone which does not differ from one load to the next: a nonce, a time,
// the number of a request, who else is there. So each of the two is loaded twice, one after the other in turns, and what counts is
// a word that one says each time more often than the other ever does.

// counted are the words of a text and how often it has them.
type counted map[string]int

// countOf counts the words of what an answer says, without markup and attributes.
func countOf(text string) counted {
	all := counted{}
	for w := range strings.FieldsSeq(tag.ReplaceAllString(text, " ")) {
		all[w]++
	}
	return all
}

// all is how many words there are.
func (c counted) all() (n int) {
	for _, times := range c {
		n += times
	}
	return n
}

// saysMore reports whether there is a word that all of these have more often than any of the others.
func saysMore(these, others []counted) bool {
	for w := range these[0] {
		least, most := these[0][w], 0
		for _, c := range these {
			least = min(least, c[w])
		}
		for _, c := range others {
			most = max(most, c[w])
		}
		if least > most {
			return true
		}
	}
	return false
}

// apartSaid reports whether there is a word that one of both says more often each time.
func apartSaid(these, others []counted) bool {
	return saysMore(these, others) || saysMore(others, these)
}

// sayOther reports whether two things say something else, each time that they are asked. Each is asked once where that shows no
// difference, else twice.
func sayOther(one, other func() string) bool {
	these, others := []counted{countOf(one())}, []counted{countOf(other())}
	for range 2 {
		if !apartSaid(these, others) {
			return false
		}
		if len(these) == 1 {
			these, others = append(these, countOf(one())), append(others, countOf(other()))
		}
	}
	return true
}

// A face is what an answer says, and where it leads.
type face struct {
	status int
	leads  string
	words  counted
}

// facesDiffer reports whether answers of two kinds differ as kinds: those of each are alike in what they differ in from the others.
func facesDiffer(these, others []face) bool {
	same := func(all []face) bool {
		return !slices.ContainsFunc(all, func(f face) bool { return f.status != all[0].status || f.leads != all[0].leads })
	}
	if same(these) && same(others) && (these[0].status != others[0].status || these[0].leads != others[0].leads) {
		return true
	}
	words := func(all []face) (some []counted) {
		for _, f := range all {
			some = append(some, f.words)
		}
		return some
	}
	return apartSaid(words(these), words(others))
}
