package text_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestOver(t *testing.T) {
	base, err := read(
		"en.json", `{"m.a": "a", "m.n": {"one": "one a", "other": "{0} as"}, "m.name.label": "Your name"}`,
		"de.json", `{"m.a": "a-de", "m.n": {"one": "ein a", "other": "{0} a"}, "m.name.label": "Ihr Name"}`)
	if err != nil {
		t.Fatal(err)
	}
	site, err := read(
		"en.json", `{"s.b": "b", "m.a": "my a", "s.boat.label": "Boat"}`,
		"de-AT.json", `{"s.b": "b-at", "m.a": "mein a", "s.boat.label": "Boot"}`,
		"fr.json", `{"s.b": "b-fr", "m.a": "mon a", "s.boat.label": "Bateau"}`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := site.Over(base)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(all.Langs(), " "); got != "en de-AT fr" {
		t.Errorf("languages %q", got)
	}
	for _, c := range []struct {
		lang, id string
		n        int
		want     string
	}{
		{"fr", "s.b", 0, "b-fr"}, {"fr", "m.a", 0, "mon a"}, {"de-AT", "m.a", 0, "mein a"}, {"en", "m.a", 0, "my a"},
		{"fr", "m.n", 0, "0 as"}, {"fr", "m.n", 1, "one a"}, // English words by English rules
		{"de-AT", "m.n", 1, "ein a"}, {"de", "s.b", 0, "b"}, {"fr", "m.x", 0, "m.x"},
	} {
		if got := all.Format(c.lang, c.id, c.n); got != c.want {
			t.Errorf("%s %s %d: got %q, want %q", c.lang, c.id, c.n, got, c.want)
		}
	}
	for words, want := range map[string]string{"Your name": "Ihr Name", "Boat": "Boot", "else": "else"} {
		if got, _ := all.Translate("de-AT", words); got != want {
			t.Errorf("%s: got %q, want %q", words, got, want)
		}
	}
	if base.Format("en", "m.a") != "a" || site.Format("en", "m.n", 1) != "m.n" {
		t.Error("one of the two catalogues has changed")
	}
	other, err := read("en.json", `{"m.a": "a {0}", "m.n": "{0} as"}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Over(base); err == nil || strings.Count(err.Error(), "it replaces one of Merlon's") != 2 {
		t.Errorf("other places, no plural: got %v", err)
	}
	p, ok := all.Plural("de-AT", "m.n")
	if !ok || p.Words[p.Pick(1)] != "ein a" || p.Words[p.Pick(7)] != "{0} a" {
		t.Errorf("got %v, %v", p, ok)
	}
	if _, ok := all.Plural("en", "m.a"); ok {
		t.Error("a message without plural forms has some")
	}
}

func TestMatch(t *testing.T) {
	c, err := read("en.json", `{}`, "de.json", `{}`, "pt-BR.json", `{}`)
	if err != nil {
		t.Fatal(err)
	}
	for accept, want := range map[string]string{
		"": "en", "de": "de", "de-AT": "de", "DE": "de", "fr, de;q=0.5": "de", "fr": "en", "pt": "pt-BR", "en;q=0.1, de;q=0.9": "de",
		"*": "en", "x;;;": "en", "de;q=0, en": "en", strings.Repeat("de-DE,", 100): "en", "\xff": "en",
	} {
		if got := c.Match(accept); got != want {
			t.Errorf("%.30q: got %s, want %s", accept, got, want)
		}
		if got := c.Match(accept); got != want {
			t.Errorf("%.30q, once more: got %s, want %s", accept, got, want)
		}
	}
	for i := range 1000 { // who fills what is remembered changes nothing
		c.Match(fmt.Sprintf("de;q=0.%d", i+1))
	}
	if got := c.Match("de-DE"); got != "de" {
		t.Errorf("after a flood: got %s", got)
	}
}
