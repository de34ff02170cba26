package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../../.."

// TestPagesAreWritten: the pages are those that go generate would write now, and no others.
func TestPagesAreWritten(t *testing.T) {
	dir := filepath.Join(root, "docs", "findings")
	made := pages(all())
	for name, want := range made {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("%s is not what go generate ./internal/e2e/findings writes (%v)", name, err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if made[f.Name()] == "" {
			t.Errorf("%s is of no room", f.Name())
		}
	}
}

// TestEveryIDHasItsPage looks for ids in the sources: a room whose rules this program does not ask cannot be forgotten.
func TestEveryIDHasItsPage(t *testing.T) {
	declared := regexp.MustCompile(`"(MRL-[A-Z0-9]+-[0-9]{3})"`)
	made := pages(all())
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == ".git" || name == "testdata" || name == "node_modules" || name == "examples" || name == "peer" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			seen++
			if !strings.Contains(made[room(m[1])+".md"], "\n## "+m[1]+"\n") {
				t.Errorf("%s declares %s, which has no page: add the room's Rules to all", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 300 {
		t.Errorf("%d ids are declared: the test looks in the wrong place", seen)
	}
}
