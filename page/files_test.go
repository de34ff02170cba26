package page_test

import (
	"bytes"
	"embed"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/static"
)

//go:embed all:testdata/pages all:testdata/part testdata/static
var embedded embed.FS

type note struct{ Author, Text string }

type newNote struct {
	Text string `form:"required,max=500" label:"Your note"`
}

type notesPage struct {
	Notes []note
	Form  form.Form[newNote]
}

type signInPage struct{ Why string }

var (
	pages     = page.From(embedded, "testdata/pages")
	notes     = page.New[notesPage](pages, "notes.html")
	plain     = page.New[string](pages, "plain.html")
	part      = page.From(embedded, "testdata/part")
	signIn    = page.New[signInPage](part, "sign-in.html")
	statics   = static.From(embedded, "testdata/static")
	withFiles = page.Options{Static: []*static.Files{statics}}
)

func mustCompile(t testing.TB, o page.Options, files ...*page.Files) *page.Set {
	t.Helper()
	set, faults := page.Compile(o, files...)
	if len(faults) > 0 {
		t.Fatal(faults.Error())
	}
	return set
}

func show[D any](t testing.TB, set *page.Set, p *page.Page[D], data D, r *page.Render) string {
	t.Helper()
	if r.Tokens == nil {
		r.Tokens = noTokens{}
	}
	b, err := page.Append(nil, set, p, data, r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func contains(t testing.TB, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("want %q in\n%s", w, got)
		}
	}
}

func TestLayoutBlocksAndSite(t *testing.T) {
	set := mustCompile(t, withFiles, pages)
	got := show(t, set, notes, notesPage{Notes: []note{{"Ann", "<b>hi</b>"}}}, &page.Render{Frame: page.Frame{Site: "shop", User: "Ann & co", Notice: "<saved>"}})
	contains(t, got, "<title>Notes · shop</title>", "<strong>Ann &amp; co</strong>", "&lt;saved&gt;", "<li>Ann: &lt;b&gt;hi&lt;/b&gt;</li>",
		`<form method="post" action="/notes"><input type="hidden" name="merlon_token" value="token-0">`, `name="Text"`, "Your note")
	got = show(t, set, plain, "x<y", &page.Render{Frame: page.Frame{Site: "shop"}})
	contains(t, got, "<title>shop · shop</title>", "<p>x&lt;y</p>", `<a href="/sign-in">`)
}

func TestStaticAddresses(t *testing.T) {
	set := mustCompile(t, withFiles, pages)
	got := show(t, set, plain, "", &page.Render{})
	for _, want := range []string{`<link rel="stylesheet" href="/static/css/site[.-][^"]+\.css" integrity="sha256-[^"]+">`,
		`<script src="/static/app[.-][^"]+\.js" defer integrity="sha256-[^"]+"></script>`, `<img src="/static/logo[.-][^"]+\.svg" alt="">`} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("want %s in\n%s", want, got)
		}
	}
	p := set.Facts(plain).Policy
	if !p.Script.Self || !p.Style.Self || !p.Img.Self || len(p.Script.Hashes) > 0 || p.Connect.Self || p.Media.Self {
		t.Errorf("policy %s", p.String())
	}
	files := page.FilesOf(map[string]string{"m.html": `<img src="/static/lgoo.svg" alt="">`})
	page.NewFragmentNamed[Data](files, "m.html")
	_, faults := page.Compile(withFiles, files)
	if len(faults) != 1 || faults[0].ID != page.RuleStatic.ID || faults[0].Do != "did you mean /static/logo.svg?" || faults[0].Where != "pages/m.html:1:6" {
		t.Errorf("a missing file: %v", faults)
	}
	files = page.FilesOf(map[string]string{"m.html": `<svg><use href="/static/logo.svg#p"/></svg><img alt="" srcset="/static/logo.svg 1x, /other.png 2x"><a href="/static/logo.svg?x">x</a>`})
	p2 := page.NewFragmentNamed[Data](files, "m.html")
	_, faults = page.Compile(withFiles, files)
	if len(faults) != 1 || faults[0].ID != page.RuleStatic.ID { // a query names no file
		t.Fatalf("%v", faults)
	}
	_ = p2
}

func TestOverReplacesByName(t *testing.T) {
	own := page.FilesOf(map[string]string{
		"layout.html": `<!doctype html><html lang="de"><head><title>{{block "title" .}}own{{end}}</title></head><body><nav>own</nav>{{block "main" .}}{{end}}</body></html>`,
		"home.html":   `{{template "layout.html" .}}{{define "main"}}home{{end}}`,
	})
	home := page.NewNamed[struct{}](own, "home.html")
	set := mustCompile(t, page.Options{}, own, own.Over(part))
	contains(t, show(t, set, signIn, signInPage{"why"}, &page.Render{}), `<html lang="de">`, "<nav>own</nav>", "<title>Sign in</title>", "<p>why</p>", "token-0")
	contains(t, show(t, set, home, struct{}{}, &page.Render{}), "home")
	if n := len(set.Pages()); n != 2 {
		t.Errorf("%d pages, want 2", n)
	}

	replaced := page.FilesOf(map[string]string{"sign-in.html": `{{template "layout.html" .}}{{define "main"}}<b>{{.Why}}</b>{{end}}`})
	set = mustCompile(t, page.Options{}, replaced.Over(part))
	contains(t, show(t, set, signIn, signInPage{"why"}, &page.Render{}), "<title>part</title>", "<b>why</b>")

	wrong := page.FilesOf(map[string]string{"sign-in.html": `{{template "layout.html" .}}{{define "main"}}<b>{{.Whi}}</b>{{end}}`})
	if _, faults := page.Compile(page.Options{}, wrong.Over(part)); !hasRule(faults, page.RuleField) || faults[0].Do != "did you mean Why?" {
		t.Errorf("the data type of the part is not kept: %v", faults)
	}
	// The part alone is unchanged, and both sets live side by side.
	alone := mustCompile(t, page.Options{}, part)
	contains(t, show(t, alone, signIn, signInPage{"why"}, &page.Render{}), "<p>why</p>", `<html lang="en">`)
}

// A file that is missing is told once, also where a part's files lie under the site's, and no file of a part's is offered for it.
func TestMissingFileBesideAPart(t *testing.T) {
	own := page.FilesOf(map[string]string{"layout.html": `<!doctype html><html lang="de"><head><title>x</title></head><body>{{block "main" .}}{{end}}</body></html>`})
	page.NewNamed[struct{}](own, "sign-on.html")
	_, faults := page.Compile(page.Options{}, own, own.Over(part))
	if len(faults) != 1 || faults[0].ID != page.RuleFile.ID || strings.Contains(faults[0].Do, "sign-in") {
		t.Errorf("got %v", faults)
	}
}

func TestFilesThatDoNotStart(t *testing.T) {
	doc := func(s string) string {
		return `<!doctype html><html lang="en"><head><title>t</title></head><body>` + s + `</body></html>`
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		rule  string
		what  string
	}{
		{"missing page", map[string]string{"ntoes.html": doc("")}, page.RuleFile.ID, "did you mean ntoes.html?"},
		{"shared template twice", map[string]string{"shared/a.html": `{{define "x"}}1{{end}}`, "shared/b.html": `{{define "x"}}2{{end}}`, "notes.html": doc("")}, page.RuleRedefined.ID, "shared/a.html"},
		{"shared file broken", map[string]string{"shared/a.html": `{{if}}`, "notes.html": doc("")}, page.RuleParse.ID, "missing value for if"},
		{"missing layout", map[string]string{"layout.html": doc(""), "notes.html": `{{template "layuot.html" .}}`}, page.RuleTemplate.ID, "did you mean layout.html?"},
		{"byte order mark", map[string]string{"notes.html": "\ufeff" + doc("")}, page.RuleSource.ID, "byte order mark"},
		{"fault in a shared template is told with its own place", map[string]string{"shared/row.html": "\n{{define \"row\"}}{{.Nope}}{{end}}", "notes.html": doc(`{{template "row" .}}`)}, page.RuleField.ID, "pages/shared/row.html:2:"},
		{"only a fragment", map[string]string{"notes.html": `<p>x</p>`}, page.RuleDoctype.ID, "NewFragment"},
		{"template without data", map[string]string{"notes.html": doc(`{{define "x"}}{{.S}}{{end}}{{template "x"}}`)}, page.RuleArguments.ID, "without data"},
		{"dollar without data", map[string]string{"notes.html": doc(`{{define "x"}}{{$}}{{end}}{{template "x"}}`)}, page.RuleArguments.ID, "without data"},
		{"$site redeclared", map[string]string{"notes.html": doc(`{{$site := .S}}`)}, page.RuleParse.ID, ""},
		{"$site misspelt field", map[string]string{"notes.html": doc(`{{$site.Usr}}`)}, page.RuleField.ID, "did you mean User?"},
		{"a call without end", map[string]string{"notes.html": doc(`{{define "x"}}<b>{{template "x"}}</b>{{end}}{{template "x"}}`)}, page.RuleLarge.ID, "without end"},
		{"calls that explode", map[string]string{"notes.html": doc(explosion())}, page.RuleLarge.ID, "nodes"},
		{"recursion that opens", map[string]string{"notes.html": doc(`{{define "x"}}<b>{{with .P}}{{template "y" .}}{{end}}{{end}}{{define "y"}}<i>{{with .Home}}{{template "y" .}}{{end}}{{end}}{{template "x" .}}`)}, page.RuleBranches.ID, ""},
	} {
		files := page.FilesOf(c.files)
		page.NewNamed[Data](files, "notes.html")
		_, faults := page.Compile(page.Options{}, files)
		if !hasRuleID(faults, c.rule) || !strings.Contains(faults.Error(), c.what) {
			t.Errorf("%s: want %s and %q, got\n%s", c.name, c.rule, c.what, faults.Error())
		}
	}
}

func hasRuleID(faults check.Faults, id string) bool {
	for _, f := range faults {
		if f.ID == id {
			return true
		}
	}
	return false
}

// explosion are templates that call each other a million times.
func explosion() string {
	var b strings.Builder
	for i := range 20 {
		b.WriteString(`{{define "e` + string(rune('a'+i)) + `"}}`)
		for range 2 {
			b.WriteString(`{{template "e` + string(rune('a'+i+1)) + `" .}}`)
		}
		b.WriteString("{{end}}")
	}
	return b.String() + `{{define "eu"}}x{{end}}{{template "ea" .}}`
}

func TestSealedFilesTakeNoPage(t *testing.T) {
	files := page.FilesOf(map[string]string{"a.html": "x"})
	page.NewFragmentNamed[Data](files, "a.html")
	files.Over(part).Seal()
	defer func() {
		if p := recover(); p == nil || !strings.Contains(p.(string), page.RuleSealed.ID) {
			t.Errorf("New after Seal: %v", p)
		}
		// part is used by other tests of this package, which declare nothing
	}()
	page.NewFragmentNamed[Data](files, "b.html")
}

func TestDevelopmentReadsAgain(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Duration(len(text)) * time.Second) // coarse clocks of file systems
		_ = os.Chtimes(filepath.Join(dir, name), later, later)
	}
	write("a.html", "<p>one {{.S}}</p>")
	files := page.FilesOf(map[string]string{"a.html": "<p>embedded</p>"})
	page.OnDisk(files, dir)
	p := page.NewFragmentNamed[Data](files, "a.html")
	set := mustCompile(t, page.Options{Development: true}, files)
	contains(t, show(t, set, p, Data{S: "x"}, &page.Render{}), "<p>one x</p>")
	before := set.Facts(p)

	write("a.html", `<p>two {{.S}}</p><a href="/x">x</a>`)
	contains(t, show(t, set, p, Data{S: "x"}, &page.Render{}), "<p>two x</p>")
	if after := set.Facts(p); after == before || len(after.Links) != 1 {
		t.Errorf("the facts are not those of the new page: %+v", after)
	}

	write("a.html", `<p>three {{.Sx}}</p>`)
	var fault *page.CompileError
	if _, err := page.Append([]byte("kept"), set, p, Data{}, &page.Render{}); !errors.As(err, &fault) || !hasRule(fault.Findings, page.RuleField) {
		t.Errorf("a page with a fault: %v", err)
	}
	write("a.html", `<p>four {{.S}}!</p>`)
	contains(t, show(t, set, p, Data{S: "x"}, &page.Render{}), "<p>four x!</p>")

	production := mustCompile(t, page.Options{}, files)
	contains(t, show(t, production, p, Data{}, &page.Render{}), "<p>embedded</p>")
}

// What go:embed leaves out, files that begin with "_", is left out in development too. Development must not show what production lacks.
func TestDevelopmentShowsWhatProductionHas(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.html": `{{template "row"}}`, "_row.html": `{{define "row"}}<p>row</p>{{end}}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := page.FilesOf(map[string]string{"a.html": `{{template "_row.html"}}`})
	page.OnDisk(files, dir)
	page.NewFragmentNamed[Data](files, "a.html")
	if _, faults := page.Compile(page.Options{Development: true}, files); !hasRule(faults, page.RuleTemplate) {
		t.Errorf("a file that go:embed left out is used in development: %v", faults)
	}
	if _, faults := page.Compile(page.Options{}, files); !strings.Contains(faults.Error(), "name it shared/row.html") {
		t.Errorf("the way out is not told: %v", faults)
	}
}

func TestRolesOfTheFrame(t *testing.T) {
	_, out := fragment[Data](t, page.Options{}, `{{if $site.Has "editor"}}<a href="/edit">edit</a>{{end}}{{range $site.Roles}}{{.}};{{end}}{{with $r := $site.Path}}{{$r}}{{end}}`)
	if got := out(Data{}, &page.Render{Frame: page.Frame{Roles: []string{"editor", "<x>"}, Path: "/p"}}); got != `<a href="/edit">edit</a>editor;&lt;x&gt;;/p` {
		t.Errorf("got %s", got)
	}
	if got := out(Data{}, &page.Render{Frame: page.Frame{Roles: []string{"x"}, Every: true}}); got != `<a href="/edit">edit</a>x;` {
		t.Errorf("who has every role: got %s", got)
	}
	if got := out(Data{}, &page.Render{}); got != "" {
		t.Errorf("got %s", got)
	}
}

// A site whose source is not there, as in production or with -trimpath, uses the embedded files.
func TestDevelopmentWithoutFolder(t *testing.T) {
	files := page.FilesOf(map[string]string{"a.html": "<p>embedded</p>"})
	page.OnDisk(files, filepath.Join(t.TempDir(), "gone"))
	p := page.NewFragmentNamed[Data](files, "a.html")
	set := mustCompile(t, page.Options{Development: true}, files)
	contains(t, show(t, set, p, Data{}, &page.Render{}), "embedded")
}

func TestFromRemembersItsFolder(t *testing.T) {
	set := mustCompile(t, page.Options{Development: true, Static: []*static.Files{statics}}, pages)
	contains(t, show(t, set, plain, "disk", &page.Render{}), "<p>disk</p>")
}

func TestExecuteAlone(t *testing.T) {
	var b bytes.Buffer
	if err := plain.Execute(&b, "alone"); err != nil {
		t.Fatal(err)
	}
	contains(t, b.String(), "<p>alone</p>", `href="/static/css/site.css"`)
	b.Reset()
	err := notes.Execute(&b, notesPage{})
	if err == nil || !strings.Contains(err.Error(), page.RuleTokens.ID) || b.Len() > 0 {
		t.Errorf("a page with a form was executed without tokens: %v %q", err, b.String())
	}
	files := page.FilesOf(map[string]string{"a.html": `{{.Nope}}`})
	var fault *page.CompileError
	if err := page.NewFragmentNamed[Data](files, "a.html").Execute(&b, Data{}); !errors.As(err, &fault) {
		t.Errorf("got %v", err)
	}
}

func TestPageOfAnotherSet(t *testing.T) {
	set := mustCompile(t, page.Options{}, part)
	if _, err := page.Append(nil, set, plain, "", &page.Render{}); err == nil || set.Facts(plain) != nil {
		t.Errorf("got %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	set := mustCompile(t, withFiles, pages)
	data := notesPage{Notes: []note{{"a", "<1>"}, {"b", "2"}}}
	want := show(t, set, notes, data, &page.Render{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 200 {
				b, err := page.Append(nil, set, notes, data, &page.Render{Tokens: noTokens{}})
				if err != nil || string(b) != want {
					t.Errorf("got %v\n%s", err, b)
					return
				}
			}
		}()
	}
	wg.Wait()
}
