package merlon_test

import (
	"os"
	"path/filepath"
	"regexp"
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
	for line := range strings.Lines(string(readme)) { // the folder of the unit that deploy systemd prints
		if command, ok := strings.CutPrefix(line, "club "); ok && !strings.HasPrefix(command, "deploy ") && !strings.Contains(command, "--data /var/lib/club") {
			t.Errorf("README shows a command of a server without --data /var/lib/club: %s", line)
		}
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

// TestGuideQuotesTheCompiler: what the guide says that the compiler says is what it says of the mistakes that are compiled in
// examples/mistakes.
func TestGuideQuotesTheCompiler(t *testing.T) {
	guide, err := os.ReadFile("docs/guide.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("examples/mistakes/testdata/*/mistake/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if _, message, ok := strings.Cut(line, "// compile: "); ok {
				said.WriteString(message + "\n")
			}
		}
	}
	_, section, _ := strings.Cut(string(guide), "\n## What the compiler says\n")
	section, _, _ = strings.Cut(section, "\n## ")
	quotes := regexp.MustCompile("(?m)^\\| `([^`]+)` ").FindAllStringSubmatch(section, -1)
	if len(quotes) < 4 {
		t.Errorf("%d messages", len(quotes))
	}
	for _, quote := range quotes {
		if !strings.Contains(said.String(), quote[1]) {
			t.Errorf("no mistake of examples/mistakes is told %q", quote[1])
		}
	}
}

// TestGuideShowsTheClub: each piece of code in the guide is a part of the file that is named above it: the club's, or an example
// of the root folder.
func TestGuideShowsTheClub(t *testing.T) {
	guide, err := os.ReadFile("docs/guide.md")
	if err != nil {
		t.Fatal(err)
	}
	pieces := regexp.MustCompile("(?s)\n`([\\w/.]+)`\n\n```\\w+\n(.*?)```\n").FindAllStringSubmatch(string(guide), -1)
	if fences := strings.Count(string(guide), "\n```"); len(pieces) != fences/2-1 { // the first lists files
		t.Errorf("%d pieces name their file, of %d", len(pieces), fences/2-1)
	}
	for _, piece := range pieces {
		folder := "examples/club/site/"
		if strings.HasPrefix(piece[1], "example_") {
			folder = ""
		}
		file, err := os.ReadFile(folder + piece[1])
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.Contains(string(file), strings.TrimSuffix(piece[2], "\n")) {
			t.Errorf("%s%s does not have what docs/guide.md shows:\n%s", folder, piece[1], piece[2])
		}
	}
}
