package source

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const handlers = `package shop

import m "example.org/merlon"

func add() {
	if true {
		_ = m.Redirect("/items/{id}", 1)
	}
	_ = m.Redirect(name)
	_ = m.Show("/other")
	helper()
	func() { _ = m.Redirect("/a" + "/b") }()
	{
		m := other{}
		_ = m.Redirect("/no")
	}
}

func helper() { m.Redirect("/of the helper") }

func (t *shop) method() { m.Redirect("/of a method") }
`

func TestTexts(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"shop.go": handlers, "far.go": "package shop\nfunc far() { merlon.Redirect(\"/x\") }\n",
		"here.go": "package shop\nimport \"example.org/merlon\"\nfunc here() { merlon.Redirect(`/here`) }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for function, want := range map[string][]string{"add": {"/items/{id}", "/a/b"}, "here": {"/here"}, "far": nil, "method": nil, "nobody": nil} {
		var got []string
		for _, one := range Texts(dir, function, "example.org/merlon", "Redirect") {
			got = append(got, one.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", function, got, want)
		}
	}
	if got := Texts(dir, "here", "example.org/merlon", "Redirect"); len(got) != 1 || filepath.Base(got[0].At) != "here.go:3" {
		t.Errorf("%+v", got)
	}
}

const shown = `package shop

import "example.org/merlon"

var (
	notePage = page.New[Note](pages, "note.html")
	all, one = page.New[All](pages, "all.html"), page.New[One](pages, "one.html")
	none     = other
)

func show() {
	_ = merlon.Show(notePage, Note{})
	{
		all := page.New[All](pages, "local.html")
		_ = merlon.ShowStatus(422, all, Note{})
	}
	_ = merlon.ShowStatus(422, one, Note{Form: all})
	_ = merlon.Redirect(all)
	_ = merlon.Show(none, nil)
	_ = merlon.Show(elsewhere, nil)
}

func inOther() { merlon.Show(far, 1) }
`

func TestVariables(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"shop.go": shown, "far.go": "package shop\nvar far = page.New[Far](pages, `far.html`)\n", "shop_test.go": "package shop_test\nvar far = page.New[Far](pages, \"test.html\")\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for function, want := range map[string][]string{"show": {"note.html", "one.html"}, "inOther": {"far.html"}, "nobody": nil} {
		if got := Variables(dir, function, "example.org/merlon", "Show"); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", function, got, want)
		}
	}
}
