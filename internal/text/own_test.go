package text_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/internal/text"
)

// These tests hold Merlon's own catalogue against the rooms that show it. Read has proven that every language has the same
// ids and the same places.

var (
	idInGo   = regexp.MustCompile("\"([a-z]+(?:\\.[a-z0-9-]+)+)\"")
	idInPage = regexp.MustCompile(`\{\{-? *text "([^"]*)"|\(text "([^"]*)"`)
	errorID  = regexp.MustCompile(`^error\.([0-9]{3})\.(title|text)$`)
)

// mailID is how code names a mail, whose texts are ID.subject and ID.text.
var mailID = regexp.MustCompile(`^[a-z]+\.mail\.[a-z-]+$`)

// used finds the ids that pages and code of the rooms name, each with a place.
func used(t *testing.T) map[string]string {
	t.Helper()
	root := os.DirFS("../..")
	areas := map[string]bool{}
	for _, id := range text.Own().IDs() {
		area, _, _ := strings.Cut(id, ".")
		areas[area] = true
	}
	all := map[string]string{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		room, _, below := strings.Cut(name, "/")
		if d.IsDir() && name != "." && (!slices.Contains([]string{"pages", "account", "backup", "passkey", "form", "password"}, room) || d.Name() == "testdata") {
			return fs.SkipDir
		}
		html := path.Ext(name) == ".html"
		if d.IsDir() || !html && (path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go")) || !below && html {
			return nil
		}
		b, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		if html {
			for _, m := range idInPage.FindAllSubmatch(b, -1) {
				all[string(m[1])+string(m[2])] = name
			}
			return nil
		}
		for _, m := range idInGo.FindAllSubmatch(b, -1) {
			id := string(m[1])
			if area, _, _ := strings.Cut(id, "."); areas[area] && path.Ext(id) != ".html" {
				if mailID.MatchString(id) { // a mail is named once and has two texts
					all[id+".subject"], all[id+".text"] = name, name
					continue
				}
				all[id] = name
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryIDThatIsUsedIsThere(t *testing.T) {
	all := used(t)
	if len(all) < 50 {
		t.Fatalf("%d ids found in pages and code: the test looks in the wrong place", len(all))
	}
	ids := text.Own().IDs()
	for id, where := range all {
		if !slices.Contains(ids, id) {
			t.Errorf("%s: the catalogue has no message %q", where, id)
		}
	}
}

func TestEveryIDIsUsed(t *testing.T) {
	all := used(t)
	for _, id := range text.Own().IDs() {
		switch {
		case all[id] != "", errorID.MatchString(id): // the next test
		case strings.HasSuffix(id, ".label"), strings.HasSuffix(id, ".help"): // account's TestLabelsAreInTheCatalogue
		case strings.HasSuffix(id, ".notice"): // account's TestNoticesAreInTheCatalogue
		case strings.HasPrefix(id, "event."): // account's TestEventsHaveWords
		default:
			t.Errorf("%s is in the catalogue, and nothing shows it: take it out", id)
		}
	}
}

// TestEveryStatusHasItsTexts: the list failures of fail.go and the catalogue have the same statuses, and the code that
// answers an error page names no other.
func TestEveryStatusHasItsTexts(t *testing.T) {
	b, err := os.ReadFile("../../fail.go")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`var failures = \[\]int\{([0-9, ]+)\}`).FindSubmatch(b)
	if list == nil {
		t.Fatal("fail.go has no list failures")
	}
	want := strings.Split(string(list[1]), ", ")
	for _, kind := range []string{"title", "text"} {
		var got []string
		for _, id := range text.Own().IDs() {
			if m := errorID.FindStringSubmatch(id); m != nil && m[2] == kind {
				got = append(got, m[1])
			}
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("error.NNN.%s is there for %v, and fail.go answers %v", kind, got, want)
		}
	}
}
