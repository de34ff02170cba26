package text_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/merlon-web/merlon/internal/text"
)

// read reads a catalogue of files given as name and content in turn.
func read(files ...string) (*text.Catalogue, error) {
	fsys := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		fsys[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return text.Read(fsys, "en")
}

func TestReadTellsFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  string // "" is none
	}{
		{"whole", []string{"en.json", `{"a.b": "{1} of {0}"}`, "de.json", `{"a.b": "von {0} {1}"}`}, ""},
		{"without the first language", []string{"de.json", `{"a.b": "x"}`}, "there is no en.json"},
		{"a name that is no language", []string{"en.json", `{}`, "deutsch-1.json", `{}`}, "deutsch-1.json: "},
		{"a language written otherwise", []string{"en.json", `{}`, "pt-br.json", `{}`}, "name the file en.json, de.json, pt-BR.json"},
		{"no object", []string{"en.json", `["a"]`}, "en.json: it is no JSON object"},
		{"no JSON", []string{"en.json", `{"a.b": x}`}, "en.json: a.b: invalid character"},
		{"cut off", []string{"en.json", `{"a.b": "x"`}, "en.json: "},
		{"something behind", []string{"en.json", `{"a.b": "x"} {}`}, "something stands behind"},
		{"an id twice", []string{"en.json", `{"a.b": "x", "a.b": "y"}`}, "a.b: it stands twice"},
		{"an id without a dot", []string{"en.json", `{"hello": "x"}`}, "hello: an id is lower case, with a dot"},
		{"a number", []string{"en.json", `{"a.b": 7}`}, "neither a text nor"},
		{"empty", []string{"en.json", `{"a.b": ""}`}, "a.b: it is empty"},
		{"a space in front", []string{"en.json", `{"a.b": " x"}`}, "begins or ends with a space"},
		{"a control character", []string{"en.json", `{"a.b": "x\u0007"}`}, "control character"},
		{"a brace", []string{"en.json", `{"a.b": "{name}"}`}, "a brace that is no place"},
		{"a place left out", []string{"en.json", `{"a.b": "{1}"}`}, "it has a place {1} and none {0}"},
		{"a missing message", []string{"en.json", `{"a.b": "x", "a.c": "y"}`, "de.json", `{"a.b": "x"}`}, "de.json: a.c is missing"},
		{"a message too many", []string{"en.json", `{"a.b": "x"}`, "de.json", `{"a.b": "x", "a.c": "y"}`}, "de.json: a.c is not in en.json"},
		{"other places", []string{"en.json", `{"a.b": "{0} {1}"}`, "de.json", `{"a.b": "{0}"}`}, `a.b: it has the places ["{0}"], and in en.json ["{0}" "{1}"]`},
		{"a plural in one language", []string{"en.json", `{"a.b": {"one": "x", "other": "{0} xs"}}`, "de.json", `{"a.b": "{0} x"}`}, "plural forms in one language only"},
		{"a plural form that the language lacks", []string{"en.json", `{"a.b": {"one": "x", "few": "y", "other": "{0} xs"}}`}, "give one, other"},
		{"a plural form left out", []string{"en.json", `{"a.b": {"one": "x", "other": "{0} xs"}}`, "pl.json", `{"a.b": {"one": "x", "other": "{0} xs"}}`}, "pl.json: a.b: it has not the plural forms of whole numbers in pl; give few, many, one, other"},
		{"a plural form that there is not", []string{"en.json", `{"a.b": {"several": "x", "other": "{0} xs"}}`}, `no plural form "several"`},
		{"a place of one form alone", []string{"en.json", `{"a.b": {"one": "{1}", "other": "{0} xs"}}`}, "one: it has a place {1}, and the form other has none"},
		{"labels with the same words", []string{"en.json", `{"a.label": "x", "b.label": "x"}`}, "cannot be told apart"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.files...)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestFormat(t *testing.T) {
	c, err := read(
		"en.json", `{"a.plain": "Hello", "a.two": "{1} of {0}", "a.files": {"one": "one file", "other": "{0} files"}}`,
		"de.json", `{"a.plain": "Hallo", "a.two": "von {0} {1}", "a.files": {"one": "eine Datei", "other": "{0} Dateien"}}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name, lang, id string
		args           []any
		want           string
	}{
		{"plain", "en", "a.plain", nil, "Hello"},
		{"in another language", "de", "a.plain", nil, "Hallo"},
		{"in a language that is not there", "fr", "a.plain", nil, "Hello"},
		{"an id that is not there", "en", "a.missing", []any{1}, "a.missing"},
		{"places in the order of the language", "de", "a.two", []any{"A", 2}, "von A 2"},
		{"an argument that looks like a place", "en", "a.two", []any{"{1}{0}", "{0}"}, "{0} of {1}{0}"},
		{"an argument too few", "en", "a.two", []any{"A"}, " of A"},
		{"one", "en", "a.files", []any{1}, "one file"},
		{"none", "en", "a.files", []any{0}, "0 files"},
		{"many", "de", "a.files", []any{int64(1001)}, "1001 Dateien"},
		{"a plural without a number", "de", "a.files", []any{"x"}, "x Dateien"},
	} {
		t.Run(f.name, func(t *testing.T) {
			if got := c.Format(f.lang, f.id, f.args...); got != f.want {
				t.Errorf("got %q, want %q", got, f.want)
			}
		})
	}
	if m, ok := c.Message("de", "a.two"); m != "von {0} {1}" || !ok {
		t.Errorf("Message = %q, %v; want the places as they stand", m, ok)
	}
	for _, f := range [][2]string{{"fr", "a.plain"}, {"en", "a.missing"}, {"en", "a.files"}} {
		if m, ok := c.Message(f[0], f[1]); ok {
			t.Errorf("Message(%s, %s) = %q, want none", f[0], f[1], m)
		}
	}
}

// TestPluralForms: the rules are those of CLDR, not those of English.
func TestPluralForms(t *testing.T) {
	for lang, want := range map[string]string{
		"pl": "few.many.one.other",
		"fr": "one.other",
		"ja": "other",
		"ar": "few.many.one.other.two.zero",
	} {
		var pairs []string
		for f := range strings.SplitSeq(want, ".") {
			pairs = append(pairs, `"`+f+`": "`+f+`"`)
		}
		c, err := read("en.json", `{"a.b": {"one": "x", "other": "x"}}`, lang+".json", `{"a.b": {`+strings.Join(pairs, ", ")+`}}`)
		if err != nil {
			t.Errorf("%s: %v", lang, err)
			continue
		}
		for n, want := range map[string]map[int]string{"pl": {1: "one", 2: "few", 5: "many", 22: "few"}, "fr": {0: "one", 1: "one", 2: "other"},
			"ja": {1: "other"}, "ar": {0: "zero", 2: "two", 3: "few", 11: "many", 100: "other"}}[lang] {
			if got := c.Format(lang, "a.b", n); got != want {
				t.Errorf("%s: %d is %q, want %q", lang, n, got, want)
			}
		}
	}
}

func TestTranslate(t *testing.T) {
	c, err := read("en.json", `{"a.name.label": "Your name", "a.title": "Sign in"}`, "de.json", `{"a.name.label": "Ihr Name", "a.title": "Anmelden"}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name, lang, words, want string
		known                   bool
	}{
		{"a label", "de", "Your name", "Ihr Name", true},
		{"in the first language", "en", "Your name", "Your name", true},
		{"somebody's own words", "de", "Favourite boat", "Favourite boat", false},
		{"a message that is no label", "de", "Sign in", "Sign in", false},
	} {
		t.Run(f.name, func(t *testing.T) {
			if got, known := c.Translate(f.lang, f.words); got != f.want || known != f.known {
				t.Errorf("got %q, %v, want %q, %v", got, known, f.want, f.known)
			}
		})
	}
}
