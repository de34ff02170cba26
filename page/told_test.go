package page_test

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/page"
)

const toldLayout = `<!doctype html><html lang="en"><head><title>{{block "title" .}}t{{end}}</title></head><body>
{{.Title}}{{block "main" .}}{{end}}</body></html>`

type (
	toldWith  struct{ Title string }
	toldA     struct{ Titel string }
	toldB     struct{ Name string }
	toldC     struct{ Other int }
	shownNone struct{ Title string }
)

// What is wrong with a layout is told once, with the first page and how many others have it.
func TestLayoutIsToldOnce(t *testing.T) {
	const body = `{{template "layout.html" .}}{{define "main"}}x{{end}}`
	files := page.FilesOf(map[string]string{"layout.html": toldLayout, "w.html": body, "a.html": body, "b.html": body, "c.html": body})
	page.NewNamed[toldWith](files, "w.html")
	page.NewNamed[toldA](files, "a.html")
	page.NewNamed[toldB](files, "b.html")
	page.NewNamed[toldC](files, "c.html")
	_, faults := page.Compile(page.Options{}, files)
	if len(faults) != 1 || faults[0].Where != "pages/layout.html:2:3" || faults[0].ID != page.RuleField.ID ||
		!strings.Contains(faults[0].What, "toldA") || !strings.Contains(faults[0].What, "2 other pages") || faults[0].Do != "did you mean Title?" && !strings.Contains(faults[0].Do, "Titel") {
		t.Errorf("faults: %v", faults)
	}
}

// A layout that cannot be parsed is told, and not that each page lacks it.
func TestTornLayoutIsToldOnce(t *testing.T) {
	const body = `{{template "layout.html" .}}{{define "main"}}x{{end}}`
	files := page.FilesOf(map[string]string{"layout.html": toldLayout + "{{if .Title}}", "a.html": body, "b.html": body})
	page.NewNamed[toldA](files, "a.html")
	page.NewNamed[toldB](files, "b.html")
	_, faults := page.Compile(page.Options{}, files)
	if len(faults) != 1 || !strings.HasPrefix(faults[0].Where, "pages/layout.html:2") || !strings.Contains(faults[0].What, "unexpected EOF") {
		t.Errorf("faults: %v", faults)
	}
}

// An action without its end is told by its words and its line, and so is what the last end ended.
func TestOpenActionsAreNamed(t *testing.T) {
	for text, want := range map[string][2]string{
		"<p>\n{{range .Notes}}\n<b>{{.}}</b>\n":                      {"pages/a.html:2:1", "{{range .Notes}} of line 2 is open at the end of the file"},
		"{{define \"main\"}}\n {{if .A}}x{{else if .B}}y\n{{end}}\n": {"pages/a.html:1:1", "{{define \"main\"}} of line 1 is open at the end of the file; the last {{end}}, of line 3, ended {{if .A}} of line 2"},
		"{{- with  .A -}}{{/* {{end}} */}}{{\"{{end}}\"}}{{.end}}":   {"pages/a.html:1:1", "{{- with .A -}} of line 1 is open"},
		"{{if .A}}{{end}}\n{{range .B}}{{block \"x\" .}}{{end}}":     {"pages/a.html:2:1", "{{range .B}} of line 2 is open at the end of the file; the last {{end}}, of line 2, ended {{block \"x\" .}} of line 2"},
	} {
		files := page.FilesOf(map[string]string{"a.html": text})
		page.NewNamed[toldA](files, "a.html")
		_, faults := page.Compile(page.Options{}, files)
		if len(faults) != 1 || faults[0].Where != want[0] || !strings.Contains(faults[0].What, "unexpected EOF: "+want[1]) {
			t.Errorf("%q: %v", text, faults)
		}
	}
}

// What all pages lack for want of it in the layout is the layout's, and told once, where it should stand.
func TestLayoutWithoutLangIsToldOnce(t *testing.T) {
	const body = `{{template "layout.html" .}}{{define "main"}}x{{end}}`
	files := page.FilesOf(map[string]string{"layout.html": "<!doctype html>\n<html><head><title>t</title></head><body>{{block \"main\" .}}{{end}}</body></html>", "a.html": body, "b.html": body, "c.html": "<!doctype html><html><head><title>t</title></head><body>x</body></html>"})
	page.NewNamed[toldA](files, "a.html")
	page.NewNamed[toldB](files, "b.html")
	page.NewNamed[toldC](files, "c.html")
	set, faults := page.Compile(page.Options{}, files)
	if len(faults) != 2 || faults[0].Where != "pages/layout.html:2:1" || faults[0].ID != page.RuleLang.ID || faults[1].Where != "pages/c.html:1:1" {
		t.Errorf("faults: %v", faults)
	}
	if where := set.Silent(); len(where) != 1 || where[0] != "pages/layout.html:1:1" {
		t.Errorf("the layout shows no notices, and is told at %v", where)
	}
}

// A page of which only the title is shown is no page: its template has a name that nothing calls, or it has none.
func TestPageThatShowsNothing(t *testing.T) {
	for source, want := range map[string]string{
		`{{template "layout.html" .}}{{define "title"}}x{{end}}{{define "mian"}}<p>x</p>{{end}}`:           `nothing calls its template "mian"`,
		`{{template "layout.html" .}}{{define "title"}}x{{end}}`:                                           "but its title is called",
		"{{template \"layout.html\" .}}\n":                                                                 "but its title is called",
		`{{template "layout.html" .}}{{define "main"}}<p>x</p>{{end}}{{define "other"}}{{end}}`:            "",
		`{{template "layout.html" .}}{{define "main"}}{{template "row" .}}{{end}}{{define "row"}}r{{end}}`: "",
	} {
		files := page.FilesOf(map[string]string{"layout.html": toldLayout, "p.html": source})
		page.NewNamed[shownNone](files, "p.html")
		_, faults := page.Compile(page.Options{}, files)
		if want == "" && len(faults) > 0 || want != "" && (len(faults) != 1 || faults[0].ID != page.RuleUnshown.ID || !strings.Contains(faults[0].What, want)) {
			t.Errorf("%s: %v, want %q", source, faults, want)
		}
		if strings.Contains(source, "mian") && len(faults) == 1 && faults[0].Do != "did you mean main?" {
			t.Errorf("the way out is %q", faults[0].Do)
		}
	}
}

// What browsers or the page's own policy block is no page either; what its author opens is in the policy.
func TestLoadsFromOtherHosts(t *testing.T) {
	for source, fine := range map[string]bool{
		`<link rel="manifest" href="https://cdn.example/m.json">`:             false,
		`<svg><use href="https://cdn.example/icons.svg#a"/></svg>`:            false,
		`<video src="/v.mp4"><track src="https://cdn.example/t.vtt"></video>`: false,
		`<script src="https://cdn.example/x.js"></script>`:                    false,
		`<img src="http://cdn.example/x.png" alt="">`:                         false,
		`<img src="//cdn.example/x.png" alt="">`:                              false,
		`<link rel="stylesheet" href="https://cdn.example/x.css">`:            false,
		`<img src="https://cdn.example/x.png" alt="">`:                        true,
		`<svg><use href="#a"/></svg>`:                                         true,
		`<video src="/v.mp4"><track src="/t.vtt"></video>`:                    true,
	} {
		files := page.FilesOf(map[string]string{"t.html": source})
		page.NewFragmentNamed[struct{}](files, "t.html")
		if _, faults := page.Compile(page.Options{}, files); (len(faults) == 0) != fine {
			t.Errorf("%s: %v", source, faults)
		}
	}
}
