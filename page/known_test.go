package page_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/merlon-web/merlon/page"
)

// TestKnown: pages are compiled once for the same catalogue, files and languages, and anew where one of them differs.
func TestKnown(t *testing.T) {
	files := page.FilesOf(map[string]string{"a.html": `<p>{{text "hi"}}</p>`})
	p := page.NewFragmentNamed[Data](files, "a.html")
	words := func(hi string) func(lang, id string) (string, bool) {
		return func(lang, _ string) (string, bool) { return hi + lang, true }
	}
	one, two := new(int), new(int)
	options := page.Options{Text: words("one"), Langs: []string{"en"}, Same: one}
	first := mustCompile(t, options, files)
	facts := first.Facts(p)
	contains(t, show(t, first, p, Data{}, &page.Render{}), "oneen")
	if mustCompile(t, options, files).Facts(p) != facts {
		t.Error("the same is compiled twice")
	}
	for name, o := range map[string]page.Options{
		"another catalogue":    {Text: words("two"), Langs: []string{"en"}, Same: two},
		"another language":     {Text: words("two"), Langs: []string{"de"}, Same: one},
		"in development":       {Text: words("two"), Langs: []string{"en"}, Same: one, Development: true},
		"nobody knows of what": {Text: words("two"), Langs: []string{"en"}},
	} {
		set := mustCompile(t, o, files)
		if set.Facts(p) == facts {
			t.Errorf("%s is taken for the same", name)
		}
		contains(t, show(t, set, p, Data{}, &page.Render{}), "two"+o.Langs[0])
	}
	page.NewFragmentNamed[struct{ Other string }](files, "a.html")
	if more := mustCompile(t, options, files); more.Facts(p) == facts || len(more.Pages()) != 2 {
		t.Errorf("%d pages are compiled where one more was declared", len(more.Pages()))
	}
	over := page.FilesOf(map[string]string{"a.html": `<p>over</p>`})
	contains(t, show(t, mustCompile(t, options, over.Over(files)), p, Data{}, &page.Render{}), "over")

	broken := page.FilesOf(map[string]string{"a.html": `{{.Nowhere}}`})
	page.NewFragmentNamed[Data](broken, "a.html")
	for range 2 {
		if _, faults := page.Compile(options, broken); len(faults) == 0 {
			t.Error("a fault is told once and then forgotten")
		}
	}
}

// TestKnownInDevelopment: a file that was saved makes another compilation.
func TestKnownInDevelopment(t *testing.T) {
	dir := t.TempDir()
	files := page.FilesOf(map[string]string{"a.html": "<p>embedded</p>"})
	page.OnDisk(files, dir)
	p := page.NewFragmentNamed[Data](files, "a.html")
	options := page.Options{Development: true, Same: new(int)}
	for _, text := range []string{"<p>one</p>", "<p>other</p>"} {
		if err := os.WriteFile(filepath.Join(dir, "a.html"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		contains(t, show(t, mustCompile(t, options, files), p, Data{}, &page.Render{}), text)
	}
}
