package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// debianPython is the interpreter that Debian's python3-django and gunicorn belong to; another one on the PATH has
// other packages, or none.
const debianPython = "/usr/bin/python3"

// djangoMissing says what of Django is not installed, "" when all is there.
func djangoMissing() string {
	out, err := exec.Command(debianPython, "-c", "import django, gunicorn").CombinedOutput()
	if err == nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return fmt.Sprintf("needs Debian's python3-django and gunicorn: %v %s", err, lines[len(lines)-1])
}

// seedDjango writes the project to dir and lets Django make its own database: the same rows, the same names in as many
// sessions. It returns the session keys in the order of visitor.
func seedDjango(ctx context.Context, dir string) ([]string, error) {
	for name, from := range map[string]string{
		"site_settings.py": "site_settings.py", "site_urls.py": "site_urls.py", "site_wsgi.py": "site_wsgi.py",
		"seed.py": "seed.py", "notes.html": "notes.html", "notes/models.py": "models.py", "notes/views.py": "views.py",
	} {
		text, err := fs.ReadFile(peerFiles, "peer/django/"+from)
		if err != nil {
			return nil, err
		}
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(name)), text); err != nil {
			return nil, err
		}
	}
	rows := make([]map[string]any, 0, rowCount)
	for _, n := range notes(rowCount) {
		rows = append(rows, map[string]any{
			"id": n.ID, "author": n.Author, "title": n.Title, "text": n.Text,
			"votes": n.Votes, "replies": n.Replies, "done": n.Done, "pinned": n.Pinned,
		})
	}
	list, err := json.Marshal(rows)
	if err != nil {
		return nil, err
	}
	names := make([]string, sessionCount)
	for i := range names {
		names[i] = visitor(i)
	}
	for name, text := range map[string][]byte{
		"notes/__init__.py": nil, "notes.json": list, "names.txt": []byte(strings.Join(names, "\n")),
	} {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(name)), text); err != nil {
			return nil, err
		}
	}
	seed := exec.CommandContext(ctx, debianPython, "seed.py")
	seed.Dir = dir
	if out, err := seed.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("django: seed: %w\n%s", err, out)
	}
	keys, err := os.ReadFile(filepath.Join(dir, "keys.txt"))
	if err != nil {
		return nil, err
	}
	return strings.Split(string(keys), "\n"), nil
}

// startDjango runs the project under gunicorn with one worker. It is the threaded worker with one thread: gunicorn's
// default worker closes the connection after each answer.
func startDjango(ctx context.Context, dir string, ready []byte) (*server, error) {
	cmd := exec.Command(debianPython, "-m", "gunicorn", "--workers", "1", "--worker-class", "gthread", "--threads", "1",
		"--keep-alive", "75", "--bind", "fd://3", "--log-level", "warning", "site_wsgi")
	cmd.Dir = dir
	return start(ctx, "django", dir, cmd, ready, onFirstCore)
}

func writeFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o600)
}
