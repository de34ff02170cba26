package place

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var here = where()

//go:noinline
func where() Place { return Caller(1) }

func TestCaller(t *testing.T) {
	if here.At != "place_test.go:10" || !here.Once || !strings.HasSuffix(here.Package, "/internal/place") {
		t.Errorf("a package variable is at %+v", here)
	}
	if p := where(); p.Once || p.At != "place_test.go:19" {
		t.Errorf("a local variable is at %+v", p)
	}
}

func TestOf(t *testing.T) {
	for file, want := range map[string]string{
		filepath.Join(started, "main.go"):                  "main.go",
		filepath.Join(started, "site", "main.go"):          "site/main.go",
		filepath.Join(filepath.Dir(started), "main.go"):    "internal/main.go",
		"example.org/shop/main.go":                         "shop/main.go",
		filepath.FromSlash("/elsewhere/of/all/x/other.go"): "x/other.go",
	} {
		if got := Of(file); got != want {
			t.Errorf("Of(%q) = %q, want %q", file, got, want)
		}
	}
	if got := In("", "pages/a.html"); got != "pages/a.html" {
		t.Errorf("without a folder: %q", got)
	}
}

func TestPackage(t *testing.T) {
	for name, want := range map[string]string{
		"main.home":                         "main",
		"example.org/shop.init":             "example.org/shop",
		"example.org/shop/notes.(*T).show":  "example.org/shop/notes",
		"example.org/a.f[example.org/b.T]":  "example.org/a",
		"example.org/yaml%2ev3.Marshal":     "example.org/yaml%2ev3",
		"example.org/shop_test.(*T).run-fm": "example.org/shop_test",
	} {
		if got := Package(name); got != want {
			t.Errorf("Package(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestRegistry(t *testing.T) {
	var r Registry[string]
	r.Add(Place{Package: "example.org/shop", Once: true}, "site")
	r.Add(Place{Package: "example.org/shop/notes", Once: true}, "notes")
	r.Add(Place{Package: "example.org/shop/notes"}, "made while it runs")
	r.Add(Place{Package: "example.org/shopping", Once: true}, "other")
	if got := r.For("example.org/shop/notes"); !slices.Equal(got, []string{"notes", "site"}) {
		t.Errorf("For a package below: %q", got)
	}
	if got := r.For("example.org/shop"); !slices.Equal(got, []string{"site"}) {
		t.Errorf("For the package: %q", got)
	}
}
