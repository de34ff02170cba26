package source

import (
	"os"
	"path/filepath"
	"testing"
)

const program = `package shop

var put = db.Exec(schema, "INSERT INTO note (author, text) " +
	"VALUES ($1, $2)")

var (
	one   = db.Query[note](schema, ` + "`SELECT 1`" + `)
	two   = wrap("SELECT 2")
	three = []any{db.Exec(schema, "DELETE FROM a")}
)

func f(w *db.Writer) {
	put.Run(w, 1, 2)
	put.Run(w, pair())
	put.Run(pair())
	put.Run(w, args...)
	{
		put := other{}
		put.Run(w)
	}
	one.Choose("a").All(w, 1)
	go one.Each(w)
}
`

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"shop.go": program, "more.go": "package shop\n\nfunc g() { put.Run(w) }\n", "shop_test.go": "package shop_test\n\nfunc h() { put.Run() }\n",
		"broken.go": "package shop\nfunc {", "one_linux.go": "package shop\nvar here = db.Exec(schema, \"DELETE\")\n", "one_windows.go": "package shop\nvar here = db.Exec(schema, \"DELETE\")\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v, ok := Find(dir, "shop.go", 4, "INSERT INTO note (author, text) VALUES ($1, $2)")
	var got []int
	for _, c := range v.Calls {
		got = append(got, c.Args)
	}
	// files in the order of their names: one call in more.go, then those of f; a call with one call in it and one with ... say nothing
	if want := []int{1, 3, 2}; !ok || v.Name != "put" || len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("put: %v %q %v, want %v", ok, v.Name, got, want)
	}
	if v, ok := Find(dir, "shop.go", 7, "SELECT 1"); !ok || len(v.Calls) != 3 || v.Calls[0].Args != 2 || v.Calls[2].Method != "Each" {
		t.Errorf("one: %v %+v", ok, v)
	}
	for _, not := range []struct {
		file string
		line int
		text string
	}{
		{"shop.go", 7, "SELECT 3"}, // the file is another than the program's
		{"shop.go", 30, "SELECT 1"},
		{"shop.go", 9, "DELETE FROM a"}, // in a list: it has no name
		{"gone.go", 7, "SELECT 1"},
		{"one_linux.go", 2, "DELETE"}, // which one is meant the build decides
	} {
		if v, ok := Find(dir, not.file, not.line, not.text); ok {
			t.Errorf("%+v was found as %+v", not, v)
		}
	}
	if _, ok := Find(filepath.Join(dir, "none"), "shop.go", 7, "SELECT 1"); ok {
		t.Error("found in no folder")
	}
}
