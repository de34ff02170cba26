// Package text is the catalogue of what Merlon itself says to visitors: for each language a file of messages, each under an
// id such as "account.sign-in.title".
//
// A message is text, not markup: whoever prints it escapes it. It does not find out which language a visitor reads, and it
// writes numbers and times as they are given to it.
package text

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed *.json
var files embed.FS

var own = sync.OnceValue(func() *Catalogue {
	c, err := Read(files, "en")
	if err != nil {
		panic(fmt.Sprintf("text: Merlon's own catalogue cannot be used: %v; correct the files in internal/text", err))
	}
	return c
})

// Own returns Merlon's own catalogue. It is read at the first call.
func Own() *Catalogue { return own() }

// A Catalogue holds the messages of some languages. Every language has all of them. It never changes, and is safe for
// concurrent use.
type Catalogue struct {
	langs  []string
	ids    []string
	tables map[string]table
	labels map[string]string // words of the first language → id, of the ids that [Catalogue.Translate] looks at

	once    sync.Once // of the matcher
	matcher language.Matcher
	matched sync.Map // header → language, at most maxMatched
	known   atomic.Int32
}

// table is one language.
type table struct {
	tag      language.Tag
	messages map[string]message
}

// message is one message: its words, and if it depends on a number its words by plural form.
type message struct {
	tag   language.Tag // of the words: not always the table's, see [Catalogue.Over]
	words string       // of the form other
	forms map[plural.Form]string
}

// Langs returns the languages as BCP 47 tags; the first one is for visitors of others.
func (c *Catalogue) Langs() []string { return slices.Clone(c.langs) }

// IDs returns the ids of all messages, sorted.
func (c *Catalogue) IDs() []string { return slices.Clone(c.ids) }

// Message returns a message in a language with its places {0}, {1} … as they stand. It has none for an unknown id or
// language, and none for a message with plural forms: which one, only [Catalogue.Format] can tell.
func (c *Catalogue) Message(lang, id string) (string, bool) {
	m, ok := c.tables[lang].messages[id]
	return m.words, ok && m.forms == nil
}

// Format returns a message in a language, with the arguments in its places: the first in {0}. Of a message with plural
// forms the first argument, an int or int64, chooses one by the rules of CLDR. A language that the catalogue lacks is the
// first one; an id that it lacks is returned as it is, which tests find and no visitor suffers from.
func (c *Catalogue) Format(lang, id string, args ...any) string {
	t, ok := c.tables[lang]
	if !ok {
		t = c.tables[c.langs[0]]
	}
	m, ok := t.messages[id]
	if !ok {
		return id
	}
	words := m.words
	if m.forms != nil && len(args) > 0 {
		if n, ok := whole(args[0]); ok {
			words = cmp.Or(m.forms[form(m.tag, n)], words)
		}
	}
	return fill(words, args)
}

// Translate returns in a language what is written in the first language in a program's source: the labels and helps of the
// struct of a form, what its Validate says, the notices of its handlers. It looks among the messages whose ids end in .label,
// .help, .problem and .notice alone, and returns other words as they are, with false.
func (c *Catalogue) Translate(lang, words string) (string, bool) {
	id, ok := c.labels[words]
	if !ok {
		return words, false
	}
	return c.Format(lang, id), true
}

func isLabel(id string) bool {
	return strings.HasSuffix(id, ".label") || strings.HasSuffix(id, ".help") || strings.HasSuffix(id, ".problem") || strings.HasSuffix(id, ".notice")
}

// form finds the plural form of a whole number.
func form(tag language.Tag, n int) plural.Form {
	return plural.Cardinal.MatchPlural(tag, max(n, -n), 0, 0, 0, 0)
}

func whole(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	}
	return 0, false
}

// fill puts the arguments into the places. What an argument holds is never read as a place.
func fill(words string, args []any) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(words, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		place, after, _ := strings.Cut(rest, "}") // Read has seen to both
		if n, err := strconv.Atoi(place); err == nil && n < len(args) {
			b.WriteString(fmt.Sprint(args[n]))
		}
		words = after
	}
}
