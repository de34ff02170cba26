package db

import (
	"fmt"
	"slices"
)

// options is a Choice, copied.
type options struct {
	keys  []string  // sorted: "" first
	texts [][]piece // of each key
}

func (d *declared) addChoices(choices []Choice) {
	if len(choices) > maxPlaces {
		d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("%d choices", len(choices)), fmt.Sprintf("use at most %d", maxPlaces)})
		choices = choices[:maxPlaces]
	}
	used := [maxPlaces]bool{}
	for _, p := range d.pieces {
		if p.kind == pieceChoice {
			used[p.n] = true
			if p.n >= len(choices) {
				d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("{%d} has no Choice", p.n), "give it as a further argument: db.Choice{\"\": \"…\"}"})
			}
		}
	}
	for i, choice := range choices {
		var o options
		for key := range choice {
			o.keys = append(o.keys, key)
		}
		slices.Sort(o.keys)
		if !used[i] {
			d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("the text has no {%d} for its Choice", i), fmt.Sprintf("write {%d} where the choice goes, or leave it out", i)})
		}
		if len(o.keys) == 0 || o.keys[0] != "" {
			d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("the Choice of {%d} has no default", i), "give it the key \"\": what an unknown key means"})
			o.keys = append([]string{""}, o.keys...)
		}
		if len(o.keys) > 255 {
			d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("the Choice of {%d} has %d keys", i, len(o.keys)), "use at most 255"})
			o.keys = o.keys[:255]
		}
		for _, key := range o.keys {
			s := scan(string(choice[key]))
			for _, p := range s.problems {
				p.what = fmt.Sprintf("in %q of {%d}: %s", key, i, p.what)
				d.problems = append(d.problems, p)
			}
			for _, p := range s.pieces {
				if p.kind == pieceChoice {
					d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("%q of {%d} holds a choice itself", key, i), "write it out"})
				}
			}
			if !s.closed {
				d.problems = append(d.problems, problem{RuleChoice, fmt.Sprintf("%q of {%d} holds a comment, a semicolon or an open parenthesis", key, i), "a choice is a whole piece of one statement: write it without"})
			}
			o.texts = append(o.texts, s.pieces)
		}
		d.choices = append(d.choices, o)
	}
}

// blank stands around a choice, so that no token comes to be of a piece of it and a piece of the text: -{0} with "-1".
var blank = piece{kind: pieceText, text: " "}

// resolve returns the pieces with the choices of a key put in.
func (d *declared) resolve(key uint64) []piece {
	var out []piece
	for _, p := range d.pieces {
		if p.kind != pieceChoice {
			out = append(out, p)
			continue
		}
		if p.n < len(d.choices) {
			out = append(out, blank)
			for _, q := range d.choices[p.n].texts[key>>(8*p.n)&0xff] {
				if q.kind != pieceChoice {
					out = append(out, q)
				}
			}
			out = append(out, blank)
		}
	}
	return out
}

// eachKey calls do for every key but the defaults, one choice at a time, the others left at their default.
func (d *declared) eachKey(do func(choice int, key uint64, name string)) {
	for i, o := range d.choices {
		for j, name := range o.keys {
			if j > 0 {
				do(i, uint64(j)<<(8*i), name)
			}
		}
	}
}
