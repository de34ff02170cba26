package text

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Over returns a catalogue in the languages of c: with its messages, and those of base that it lacks. What base has not in
// one of the languages stands in the language without its region (de for de-AT), else in the first of base. A message that
// both have is c's; it must have the same places, and plural forms if base's has: who asks for it does not know which it
// gets. The error tells all that differ at once.
func (c *Catalogue) Over(base *Catalogue) (*Catalogue, error) {
	all := &Catalogue{langs: slices.Clone(c.langs), tables: map[string]table{}, labels: map[string]string{}}
	var faults []error
	want := base.tables[base.langs[0]].messages
	for _, id := range c.ids {
		m, shared := want[id]
		if mine := c.tables[c.langs[0]].messages[id]; shared && (!slices.Equal(placesOf(m.words), placesOf(mine.words)) || (m.forms == nil) != (mine.forms == nil)) {
			plural := "no plural forms"
			if m.forms != nil {
				plural = "plural forms"
			}
			faults = append(faults, fmt.Errorf("%s.json: %s: it replaces one of Merlon's, which has the places %q and %s; give it the same", c.langs[0], id, placesOf(m.words), plural))
		}
	}
	for _, lang := range c.langs {
		t := table{tag: c.tables[lang].tag, messages: map[string]message{}}
		for id, m := range base.tables[base.nearest(lang)].messages {
			t.messages[id] = m
		}
		for id, m := range c.tables[lang].messages {
			t.messages[id] = m
		}
		all.tables[lang] = t
	}
	all.ids = sortedIDs(all.tables[all.langs[0]].messages)
	for _, labels := range []map[string]string{base.labels, c.labels} {
		for words, id := range labels {
			all.labels[words] = id
		}
	}
	return all, errors.Join(faults...)
}

// nearest is the language of the catalogue that stands in for one that it may lack.
func (c *Catalogue) nearest(lang string) string {
	for l := lang; l != ""; {
		if _, ok := c.tables[l]; ok {
			return l
		}
		i := max(strings.LastIndexByte(l, '-'), 0)
		l = l[:i]
	}
	return c.langs[0]
}

// A Plural is a message with plural forms, for who puts the values into their places by himself.
type Plural struct {
	Words []string // of the forms
	tag   language.Tag
	at    map[plural.Form]int
	other int
}

// Plural returns a message that has plural forms, false for any other.
func (c *Catalogue) Plural(lang, id string) (Plural, bool) {
	m, ok := c.tables[lang].messages[id]
	if !ok || m.forms == nil {
		return Plural{}, false
	}
	p := Plural{tag: m.tag, at: map[plural.Form]int{}}
	for _, name := range sortedIDs(formNames) {
		f := formNames[name]
		if words, has := m.forms[f]; has {
			p.at[f] = len(p.Words)
			p.Words = append(p.Words, words)
		}
	}
	p.other = p.at[plural.Other]
	return p, true
}

// Pick returns which of the Words is for a number.
func (p Plural) Pick(n int) int {
	if i, ok := p.at[form(p.tag, n)]; ok {
		return i
	}
	return p.other
}

const (
	maxAccept  = 256 // bytes that are read of an Accept-Language header
	maxMatched = 256 // headers whose answer is remembered: browsers send few different ones
)

// Match returns the language of the catalogue that suits an Accept-Language header (RFC 9110 12.5.4) best, the first one if
// none does.
func (c *Catalogue) Match(accept string) string {
	if accept == "" || len(accept) > maxAccept || len(c.langs) == 1 {
		return c.langs[0]
	}
	if lang, ok := c.matched.Load(accept); ok {
		return lang.(string)
	}
	lang := c.match(accept)
	if c.known.Load() < maxMatched {
		c.known.Add(1)
		c.matched.Store(strings.Clone(accept), lang)
	}
	return lang
}

func (c *Catalogue) match(accept string) string {
	c.once.Do(func() {
		tags := make([]language.Tag, len(c.langs))
		for i, lang := range c.langs {
			tags[i] = c.tables[lang].tag
		}
		c.matcher = language.NewMatcher(tags)
	})
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return c.langs[0]
	}
	_, at, sure := c.matcher.Match(tags...)
	if sure == language.No {
		at = 0
	}
	return c.langs[at]
}
