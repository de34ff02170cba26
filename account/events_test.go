package account_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/internal/text"
)

// inLang is a visitor with a language.
type inLang string

func (l inLang) Lang() string { return string(l) }
func (l inLang) Words(id string, args ...any) string {
	return text.Own().Format(string(l), id, args...)
}

var (
	ruleIs = regexp.MustCompile(`(?s)\b(Rule\w+)\s*=\s*(?:check\.Rule\{\s*ID:\s*|rule\()"(MRL-[A-Z]+-\d+)"`)
	// what makes an event of a rule: the recorder's calls, and the refusals that the walk records
	recorded = regexp.MustCompile(`\b(?:Record|New|[rR]efuse[d]?|because|tell|note)\((?:[\w.()]+, )*?(?:(\w+)\.)?(Rule\w+)`)
)

// recordedRules reads the program's own source: the ids of all rules of which somewhere an event is made, with the file.
func recordedRules(t *testing.T) map[string]string {
	t.Helper()
	ids, uses := map[string]string{}, map[string]string{}
	err := fs.WalkDir(os.DirFS(".."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// engines and rooms below outbound refuse at start, or tell their caller: events are made of none of it but a mail that is given up
		if d.IsDir() && (slices.Contains([]string{"examples", "bench", "internal", "testdata", ".git", "command", "export", "fetch", "ldap", "postgres", "sqlite"}, d.Name()) || name == "outbound/mail") {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		b, err := fs.ReadFile(os.DirFS(".."), name)
		if err != nil {
			return err
		}
		room := path.Base(path.Dir(name))
		for _, m := range ruleIs.FindAllSubmatch(b, -1) {
			ids[room+"."+string(m[1])] = string(m[2])
		}
		for _, m := range recorded.FindAllSubmatch(b, -1) {
			in := room
			if len(m[1]) > 0 {
				in = string(m[1])
			}
			uses[in+"."+string(m[2])] = name
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{"MRL-SMTP-010": "mail.go"}
	for rule, where := range uses {
		if id := ids[rule]; id != "" {
			found[id] = where
		}
	}
	return found
}

// TestEventsHaveWords: whatever the journal may hold, a page that shows it says it in the visitor's language.
func TestEventsHaveWords(t *testing.T) {
	rules := recordedRules(t)
	if len(rules) < 90 {
		t.Fatalf("%d rules found: the test looks in the wrong place", len(rules))
	}
	for id, where := range rules {
		english, ok := account.EventWords(inLang("en"), id)
		german, also := account.EventWords(inLang("de"), id)
		if !ok || !also || english == german {
			t.Errorf("%s, recorded in %s, has no words of its own in both languages: %q, %q: give the catalogue event.%s", id, where, english, german, strings.ToLower(id))
		}
	}
	if words, ok := account.EventWords(inLang("de"), "MRL-SHOP-001"); ok {
		t.Errorf("an event of the site's own is said to be %q", words)
	}
	for _, id := range text.Own().IDs() {
		if rest, ok := strings.CutPrefix(id, "event."); ok {
			if words, _ := account.EventWords(inLang("de"), strings.ToUpper(rest)); words == "" || strings.Contains(words, "mrl-") {
				t.Errorf("%s says %q", id, words)
			}
		}
	}
}
