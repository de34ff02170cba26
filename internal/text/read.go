package text

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Read reads the files LANG.json at the top of fsys, each an object of ids and messages. A message is a text with places
// {0}, {1} …, or an object with a text for each plural form that whole numbers have in the language:
//
//	"form.too-long": {"one": "Use one character at most.", "other": "Use at most {0} characters."}
//
// The first language is the measure: the others must have the same ids, and the same places in each message. The error
// tells all faults at once.
func Read(fsys fs.FS, first string) (*Catalogue, error) {
	names, err := fs.Glob(fsys, "*.json")
	if err != nil {
		return nil, err
	}
	c := &Catalogue{tables: map[string]table{}, labels: map[string]string{}}
	var faults []error
	for _, name := range names {
		lang := strings.TrimSuffix(path.Base(name), ".json")
		tag, err := language.Parse(lang)
		if err != nil || tag.String() != lang {
			faults = append(faults, fmt.Errorf("%s: %q is not how BCP 47 writes a language; name the file en.json, de.json, pt-BR.json", name, lang))
			continue
		}
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		t := table{tag: tag}
		var bad []error
		t.messages, bad = decode(name, b, tag)
		faults = append(faults, bad...)
		c.tables[lang] = t
		c.langs = append(c.langs, lang)
	}
	at := slices.Index(c.langs, first)
	if at < 0 {
		return nil, errors.Join(append(faults, fmt.Errorf("there is no %s.json, the first language; add it", first))...)
	}
	c.langs = append([]string{first}, slices.Delete(c.langs, at, at+1)...)
	c.ids = sortedIDs(c.tables[first].messages)
	for _, lang := range c.langs[1:] {
		faults = append(faults, compare(first, lang, c.tables[first].messages, c.tables[lang].messages)...)
	}
	for _, id := range c.ids {
		if words := c.tables[first].messages[id].words; isLabel(id) {
			if other, twice := c.labels[words]; twice {
				faults = append(faults, fmt.Errorf("%s.json: %s and %s have the same words, so that they cannot be told apart; use one of them", first, other, id))
			}
			c.labels[words] = id
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return c, nil
}

var (
	idShape = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
	places  = regexp.MustCompile(`\{[0-9]\}`)
)

var formNames = map[string]plural.Form{"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other}

// decode reads one file. It goes through the tokens by itself: of an id that stands twice json.Unmarshal keeps the last.
func decode(name string, b []byte, tag language.Tag) (map[string]message, []error) {
	all := map[string]message{}
	var faults []error
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, []error{fmt.Errorf("%s: it is no JSON object; write {\"id\": \"message\"}", name)}
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return all, append(faults, fmt.Errorf("%s: %w", name, err))
		}
		id, _ := key.(string)
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return all, append(faults, fmt.Errorf("%s: %s: %w", name, id, err))
		}
		m, why := parse(raw, tag)
		switch _, twice := all[id]; {
		case twice:
			why = "it stands twice; remove one"
		case !idShape.MatchString(id):
			why = "an id is lower case, with a dot: account.sign-in.title"
		}
		if why != "" {
			faults = append(faults, fmt.Errorf("%s: %s: %s", name, id, why))
			continue
		}
		all[id] = m
	}
	if _, err := d.Token(); err != nil {
		faults = append(faults, fmt.Errorf("%s: %w", name, err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		faults = append(faults, fmt.Errorf("%s: something stands behind the object; remove it", name))
	}
	return all, faults
}

// parse reads one message and says what is wrong with it.
func parse(raw json.RawMessage, tag language.Tag) (message, string) {
	var words string
	if json.Unmarshal(raw, &words) == nil {
		return message{tag: tag, words: words}, cmp.Or(badWords(words), gap(words))
	}
	var byName map[string]string
	if json.Unmarshal(raw, &byName) != nil {
		return message{}, `it is neither a text nor {"one": "…", "other": "…"}`
	}
	m := message{tag: tag, words: byName["other"], forms: map[plural.Form]string{}}
	for _, name := range sortedIDs(byName) {
		f, known := formNames[name]
		if !known {
			return m, fmt.Sprintf("there is no plural form %q; the forms are zero, one, two, few, many, other", name)
		}
		if why := badWords(byName[name]); why != "" {
			return m, name + ": " + why
		}
		for _, p := range placesOf(byName[name]) {
			if !strings.Contains(m.words, p) {
				return m, fmt.Sprintf("%s: it has a place %s, and the form other has none", name, p)
			}
		}
		m.forms[f] = byName[name]
	}
	if want := formsOf(tag); !slices.Equal(sortedIDs(byName), want) {
		return m, fmt.Sprintf("it has not the plural forms of whole numbers in %s; give %s", tag, strings.Join(want, ", "))
	}
	return m, gap(m.words)
}

// formsOf returns the names of the plural forms that whole numbers have in a language, sorted. The form other is always
// one: it is for what is no whole number.
func formsOf(tag language.Tag) []string {
	used := map[plural.Form]bool{plural.Other: true}
	for n := range 200 {
		used[form(tag, n)] = true
	}
	return slices.DeleteFunc(sortedIDs(formNames), func(name string) bool { return !used[formNames[name]] })
}

// badWords says what is wrong with a text.
func badWords(words string) string {
	switch {
	case words == "":
		return "it is empty"
	case strings.Trim(words, " ") != words:
		return "it begins or ends with a space"
	case strings.ContainsFunc(words, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }):
		return "it has a control character; only line breaks are taken"
	case strings.ContainsAny(places.ReplaceAllString(words, ""), "{}"):
		return "it has a brace that is no place; places are {0} to {9}"
	}
	return ""
}

// gap says which place is left out: an argument that is given in vain is a mistake.
func gap(words string) string {
	for i, p := range placesOf(words) {
		if p != fmt.Sprintf("{%d}", i) {
			return fmt.Sprintf("it has a place %s and none {%d}; count them from {0}", p, i)
		}
	}
	return ""
}

// placesOf returns the places of a text, sorted, each once.
func placesOf(words string) []string {
	all := places.FindAllString(words, -1)
	slices.Sort(all)
	return slices.Compact(all)
}

// compare holds one language against the first.
func compare(first, lang string, want, got map[string]message) (faults []error) {
	for _, id := range sortedIDs(want) {
		m, has := got[id]
		switch {
		case !has:
			faults = append(faults, fmt.Errorf("%s.json: %s is missing; translate it from %s.json", lang, id, first))
		case !slices.Equal(placesOf(m.words), placesOf(want[id].words)):
			faults = append(faults, fmt.Errorf("%s.json: %s: it has the places %q, and in %s.json %q; use the same", lang, id, placesOf(m.words), first, placesOf(want[id].words)))
		case (m.forms == nil) != (want[id].forms == nil):
			faults = append(faults, fmt.Errorf("%s.json: %s: it has plural forms in one language only; give them in each", lang, id))
		}
	}
	for _, id := range sortedIDs(got) {
		if _, has := want[id]; !has {
			faults = append(faults, fmt.Errorf("%s.json: %s is not in %s.json; remove it, or add it there", lang, id, first))
		}
	}
	return faults
}

func sortedIDs[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for id := range m {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}
