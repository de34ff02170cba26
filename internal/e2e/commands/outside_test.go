package commands_test

import (
	"bufio"
	"context"
	"flag"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestOutside builds the guest book as a module of its own, as who uses Merlon does: what its go.sum names is what a site has
// to trust, and no room that it does not use is in it. Then it is served, and its files are saved while it runs.
func TestOutside(t *testing.T) {
	need.Time(t, "builds a module outside of this one")
	dir := t.TempDir()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "examples", "guestbook"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "main_test.go")); err != nil {
		t.Fatal(err)
	}
	save := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	save("go.mod", "module example.org/guestbook\n\ngo 1.26\n\nrequire github.com/merlon-web/merlon v0.0.0\n\nreplace github.com/merlon-web/merlon => "+root+"\n")
	save("static/site.css", "h1 { color: black }\n")
	main := strings.NewReplacer("go:embed pages migrations", "go:embed pages migrations static", "Schema: schema,", "Schema: schema, Static: assets,",
		"notesPage  = page", "assets     = static.From(files, \"static\")\n\tnotesPage  = page", `"github.com/merlon-web/merlon/sqlite"`, `"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/static"`).Replace(read("main.go"))
	save("main.go", main)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", "guestbook", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	wantModules(t, read("go.sum"))
	reload(t, dir, save, read)
}

// wantModules compares the modules of a go.sum with the golden list.
func wantModules(t *testing.T, sum string) {
	var modules []string
	for line := range strings.Lines(sum) {
		name, _, _ := strings.Cut(line, " ")
		if !slices.Contains(modules, name) {
			modules = append(modules, name)
		}
	}
	got := strings.Join(modules, "\n") + "\n"
	golden := filepath.Join("testdata", "outside.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("go.sum of a small site names\n%s\nwant\n%s\na room that the site does not use is in it, or a dependency is new (-update after looking)", got, want)
	}
}

// reload serves the program that was built in dir. A page that is saved with a fault is answered by its place, a page that
// is saved right by itself; a style sheet that is saved is served.
func reload(t *testing.T, dir string, save func(name, text string), read func(name string) string) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	serve := exec.CommandContext(ctx, filepath.Join(dir, "guestbook"), "serve", "--demo", "--listen", "127.0.0.1:0")
	serve.Dir = dir
	serve.Cancel = func() error { return serve.Process.Signal(syscall.SIGTERM) }
	serve.WaitDelay = time.Minute
	out, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	serve.Stderr = &log
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	port := ""
	for lines := bufio.NewScanner(out); port == "" && lines.Scan(); {
		if _, after, ok := strings.Cut(lines.Text(), "http://guestbook.localhost:"); ok {
			port = strings.TrimSpace(after)
		}
	}
	if port == "" {
		t.Fatalf("it does not say its address: %v\n%s", serve.Wait(), log.String())
	}
	get := func(path string) (status int, body string) {
		t.Helper()
		client := http.Client{Timeout: time.Minute}
		r, err := client.Get("http://127.0.0.1:" + port + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(b)
	}
	want := func(path string, status int, texts ...string) {
		t.Helper()
		got, body := get(path)
		for _, text := range texts {
			if got != status || !strings.Contains(body, text) {
				t.Errorf("%s: status %d, want %d and %q:\n%s", path, got, status, text, body)
			}
		}
	}
	fine := read("pages/notes.html")
	want("/", http.StatusOK, "Nobody has written yet.")
	save("pages/notes.html", strings.Replace(fine, "{{.Text}}", "{{.Txet}}", 1))
	want("/", http.StatusInternalServerError, "pages/notes.html:7:", "Txet", "did you mean Text?", "explain MRL-PAGE-003")
	want("/", http.StatusInternalServerError, "Txet") // as long as it is so
	save("pages/notes.html", strings.Replace(fine, `action="/notes"`, `action="/nots"`, 1))
	want("/", http.StatusInternalServerError, "pages/notes.html:6:", "did you mean &#34;/notes&#34;?")
	save("pages/notes.html", strings.Replace(fine, "Nobody has written yet.", "Still empty.", 1))
	want("/", http.StatusOK, "Still empty.")

	want("/static/site.css", http.StatusOK, "color: black")
	save("static/site.css", "h1 { color: darkred }\n")
	want("/static/site.css", http.StatusOK, "color: darkred")

	stop()
	if err := serve.Wait(); err != nil && !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("after the signal: %v\n%s", err, log.String())
	}
	if !strings.Contains(log.String(), "--demo: this site has no data to try it with") {
		t.Errorf("--demo without any says nothing:\n%s", log.String())
	}
}
