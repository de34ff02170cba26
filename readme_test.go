package merlon_test

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeShowsTheGuestbook: the README's first site is the file that is compiled and tested, in at most 60 lines.
func TestReadmeShowsTheGuestbook(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"main.go", "pages/notes.html", "migrations/0001_note.sql"} {
		file, err := os.ReadFile("examples/guestbook/" + name)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSpace(string(file))
		if i := strings.Index(text, "package main"); i > 0 {
			text = text[i:]
			if n := strings.Count(text, "\n") + 1; n > 60 {
				t.Errorf("the first site has %d lines, want at most 60", n)
			}
		}
		if !strings.Contains(string(readme), text) {
			t.Errorf("README.md does not show examples/guestbook/%s as it is", name)
		}
	}
}
