package merlon_test

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeShowsTheExamples: what the README shows are the files that are compiled and tested. The first site has at most 60
// lines, the test of the second at most 12.
func TestReadmeShowsTheExamples(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []struct {
		file, from string // shown from that line on
		most       int
	}{
		{"guestbook/main.go", "package main", 60},
		{"guestbook/pages/notes.html", "", 0},
		{"guestbook/migrations/0001_note.sql", "", 0},
		{"notes/main.go", "package main", 0},
		{"notes/pages/notes.html", "", 0},
		{"notes/main_test.go", "func TestNotes", 12},
	} {
		file, err := os.ReadFile("examples/" + shown.file)
		if err != nil {
			t.Fatal(err)
		}
		_, text, ok := strings.Cut(strings.TrimSpace(string(file)), shown.from)
		if !ok {
			t.Errorf("examples/%s has no %q", shown.file, shown.from)
		}
		text = shown.from + text
		if n := strings.Count(text, "\n") + 1; shown.most > 0 && n > shown.most {
			t.Errorf("examples/%s shows %d lines, want at most %d", shown.file, n, shown.most)
		}
		if !strings.Contains(string(readme), text) {
			t.Errorf("README.md does not show examples/%s as it is", shown.file)
		}
	}
}
