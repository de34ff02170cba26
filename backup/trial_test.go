package backup

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/sqlite"
)

// Copies are tried on a copy of the data, at a place of the attacker's: the site's own chain gets nothing, and its settings are
// put aside. A whole copy comes back with its key; a cut one, or one without the key, does not.
func TestTryCopies(t *testing.T) {
	if !restores {
		t.Skip("nothing is restored on this system")
	}
	s := newTestSite(t, true)
	s.note(3)
	if _, err := s.run(""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.part.tryCopies(t.Context(), s.site.House(), t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "on a copy of the data only") {
		t.Fatalf("on the live data: %v", err)
	}
	if _, err := ReadSetup(s.data); err != nil {
		t.Fatalf("the site's own settings: %v", err)
	}
	if err := s.site.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	objects := func(dir string) (n int) {
		err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				n++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := objects(s.target)
	open := func(data string, mode merlon.Mode) (*merlon.Site, error) {
		_, part := newPart(Config{})
		return merlon.New(merlon.Env{Data: data, Mode: mode, NoJobs: true, Log: slog.New(slog.DiscardHandler)},
			merlon.Config{Name: "notes", Engine: sqlite.Engine("notes.db"), Schema: noteSchema, Parts: []merlon.Part{part}})
	}
	p, part := newPart(Config{})
	site, err := merlon.New(merlon.Env{Data: s.data, Mode: merlon.Drill, NoJobs: true, Log: slog.New(slog.DiscardHandler)},
		merlon.Config{Name: "notes", Engine: sqlite.Engine("notes.db"), Schema: noteSchema, Parts: []merlon.Part{part}})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = site.Close(context.Background()) })
	place := filepath.Join(t.TempDir(), "50%41 of it?") // a name is no address
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	trial, err := p.tryCopies(t.Context(), site.House(), place, open)
	if err != nil {
		t.Fatal(err)
	}
	if err := trial.Make(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := objects(s.target); n != before {
		t.Errorf("%d objects lie at the site's own place, there were %d", n, before)
	}
	into := func() string { return filepath.Join(t.TempDir(), "data") }
	if err := trial.Restore(t.Context(), into(), ""); err == nil {
		t.Error("restored without a key")
	}
	whole := into()
	if err := trial.Restore(t.Context(), whole, trial.Key); err != nil {
		t.Fatal(err)
	}
	if !fileHolds(t, filepath.Join(whole, "notes.db"), canary) {
		t.Error("the rows did not come back")
	}
	data, err := filepath.Glob(filepath.Join(place, "*", "*", "*", "data*"))
	if err != nil || len(data) != 1 {
		t.Fatalf("the data of the point: %v, %v", data, err)
	}
	b, err := os.ReadFile(data[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(data[0], int64(len(b)*2/3)); err != nil {
		t.Fatal(err)
	}
	if err := trial.Restore(t.Context(), into(), trial.Key); err == nil {
		t.Error("a cut copy was restored")
	}
}

func fileHolds(t *testing.T, path, text string) bool {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(b), text)
}
