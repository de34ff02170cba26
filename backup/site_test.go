package backup

import (
	"context"
	"crypto/rand"
	"embed"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/sqlite"
)

// canary is what no object, spool or temporary file may hold in the clear.
const canary = "canary-of-the-backup-that-nobody-may-read"

//go:embed testdata/site
var siteFiles embed.FS

var (
	noteSchema = db.From(siteFiles, "testdata/site/migrations").Named("note")
	insertNote = db.Exec(noteSchema, "INSERT INTO note (text) VALUES ($1)")
	countNotes = db.Query[noteCount](noteSchema, "SELECT count(*) AS n FROM note")
)

type noteCount struct{ N int64 }

// testSite is a site with backups to a folder.
type testSite struct {
	t        testing.TB
	data     string
	target   string
	site     *merlon.Site
	part     *part
	recovery *Recovery
	offset   clockOffset

	address string // of another place than the folder
	options Settings
	schemes []Scheme
	routes  []merlon.Route
}

// clockOffset is how far the site's clock is from the real one. The site's tasks read it while tests move it.
type clockOffset struct{ atomic.Int64 }

func (c *clockOffset) is() time.Duration    { return time.Duration(c.Load()) }
func (c *clockOffset) set(by time.Duration) { c.Store(int64(by)) }
func (c *clockOffset) add(by time.Duration) { c.Add(int64(by)) }

// wrap puts something before the target of runs; nil takes it away.
func (s *testSite) wrap(wrap func(Target) Target) {
	s.part.runner.mu.Lock()
	defer s.part.runner.mu.Unlock()
	s.part.runner.wrap = wrap
}

// at returns the address of the place.
func (s *testSite) at() string {
	if s.address != "" {
		return s.address
	}
	return "file://" + s.target
}

// newTestSite starts a site that was set up for backups; without a target it was not.
func newTestSite(t testing.TB, setUp bool) *testSite {
	t.Helper()
	need.Calm(t, day, time.Minute) // which class a point has depends on the day
	s := &testSite{t: t, data: filepath.Join(t.TempDir(), "data"), target: t.TempDir()}
	s.start()
	if setUp {
		s.setUp()
	}
	return s
}

func (s *testSite) start() {
	s.t.Helper()
	p, part := newPart(Config{Schemes: s.schemes})
	part.Tasks = nil // a test that takes longer than a minute would have a round of the schedule beside its own
	site, err := merlon.New(merlon.Env{Data: s.data, Mode: merlon.Test, Clock: func() time.Time { return time.Now().Add(s.offset.is()) }, Log: slog.New(slog.DiscardHandler)},
		merlon.Config{Name: "notes", Engine: sqlite.Engine("notes.db"), Schema: noteSchema, Parts: []merlon.Part{part}, Routes: s.routes})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := site.Start(context.Background()); err != nil {
		s.t.Fatal(err)
	}
	s.site, s.part = site, p
	s.t.Cleanup(func() { _ = site.Close(context.Background()) })
}

func (s *testSite) open() Target {
	s.t.Helper()
	t, err := OpenTarget(context.Background(), s.at(), s.options, s.schemes)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { t.Close() })
	return t
}

func (s *testSite) setUp() {
	s.t.Helper()
	recovery, err := NewRecovery()
	if err != nil {
		s.t.Fatal(err)
	}
	s.recovery = recovery
	setup := &Setup{Format: setupFormat, Site: newSite(), Created: stamp(time.Now()), Target: s.at(), Options: s.options, Try: true}
	if err := begin(context.Background(), homeOf(s.data), &Store{target: s.open(), site: setup.Site}, setup, recovery, time.Time{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *testSite) store() *Store {
	s.t.Helper()
	setup, err := ReadSetup(s.data)
	if err != nil {
		s.t.Fatal(err)
	}
	return &Store{target: s.open(), site: setup.Site, root: setup.T}
}

// note writes rows.
func (s *testSite) note(n int) {
	s.t.Helper()
	err := s.site.House().Engine.Write(context.Background(), func(_ context.Context, w *db.Writer) error {
		for i := range n {
			if _, err := insertNote.Run(w, fmt.Sprintf("%s %d %s", canary, i, rand.Text())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *testSite) run(label string) (*Made, error) {
	return s.part.attempt(context.Background(), s.site.House(), wish{label: label})
}

// point writes a row and makes a point.
func (s *testSite) point() *Made {
	s.t.Helper()
	s.note(1)
	made, err := s.run("")
	if err != nil {
		s.t.Fatal(err)
	}
	if made.Skipped {
		s.t.Fatal("a point was skipped though something had changed")
	}
	return made
}

// points walks the chain and demands that it is whole.
func (s *testSite) points() []*Point {
	s.t.Helper()
	points, err := s.store().Chain(context.Background(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return points
}

// objects are the files at the target.
func objects(t testing.TB, folder string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// noCanary looks for plain text in every file of the folders.
func noCanary(t testing.TB, folders ...string) {
	t.Helper()
	for _, folder := range folders {
		for _, path := range objects(t, folder) {
			text, err := os.ReadFile(path)
			if err != nil {
				continue // it went meanwhile
			}
			if strings.Contains(string(text), canary[:20]) || strings.Contains(string(text), "SQLite format 3") {
				t.Errorf("%s holds plain text", path)
			}
		}
	}
}
