package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

var (
	rebuild  = db.From(files, "testdata/rebuild")
	children = db.Query[int64](rebuild, "SELECT count(*) FROM child JOIN parent ON parent.id = child.parent WHERE parent.more = ''")

	loose  = db.From(files, "testdata/loose")
	number = db.Query[int64](loose, "SELECT n FROM loose ORDER BY rowid LIMIT 1")
	text   = db.Query[string](loose, "SELECT t FROM loose ORDER BY rowid LIMIT 1")
)

func TestMigrationsThatFail(t *testing.T) {
	for _, one := range []struct {
		name   string
		schema *db.Schema
		say    []string
	}{
		{"a file without a number", db.From(files, "testdata/number"), []string{"note.sql", "has no number", "00001_what_it_does.sql"}},
		{"two of one number", db.From(files, "testdata/twice"), []string{"1_a.sql", "00001_b.sql", "same number"}},
		{"a folder that is not embedded", db.From(files, "testdata/none"), []string{"testdata/none", "go:embed"}},
		{"no line of goose's", db.From(files, "testdata/noup"), []string{"00001_note.sql", "no line -- +goose Up", "begin the file with"}},
		{"a typo", db.From(files, "testdata/syntax"), []string{"00002_typo.sql", `near "TALBE"`, "nothing of it was kept"}},
		{"another file", db.From(files, "testdata/attach"), []string{"00001_attach.sql", "not authorized"}},
	} {
		t.Run(one.name, func(t *testing.T) {
			e, dir := sqlite.Engine("x.db"), t.TempDir()
			if err := e.Open(t.Context(), dir, one.schema); err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			_, err := e.Migrate(t.Context())
			_, scratchErr := e.Scratch(t.Context(), one.schema)
			for _, err := range []error{err, scratchErr} {
				var faults check.Faults
				var f check.Finding
				if errors.As(err, &faults) && len(faults) == 1 {
					f = faults[0]
				} else if !errors.As(err, &f) {
					t.Fatalf("got %v, want a finding", err)
				}
				if f.ID != db.RuleMigration.ID || !strings.HasPrefix(f.Where, "migrate_test.go:") {
					t.Errorf("got %v", f)
				}
				for _, want := range one.say {
					if !strings.Contains(f.Error(), want) {
						t.Errorf("%q does not say %q", f.Error(), want)
					}
				}
			}
			if _, there := look(t, dir)["elsewhere.db"]; there {
				t.Error("another file was made")
			}
		})
	}
	// What is whole before the typo is kept, what is in its file is not.
	s := db.From(files, "testdata/syntax")
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), t.TempDir(), s); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if ran, err := e.Migrate(t.Context()); err == nil || len(ran) != 1 {
		t.Errorf("ran %v, %v", ran, err)
	}
	fine, half := db.Query[int64](s, "SELECT count(*) FROM fine"), db.Query[int64](s, "SELECT count(*) FROM half")
	r := e.Read(t.Context())
	defer r.Close()
	if _, err := fine.One(r); err != nil {
		t.Error(err)
	}
	if _, err := half.One(r); err == nil {
		t.Error("half a migration was kept")
	}
}

// TestRebuiltTableKeepsItsChildren makes a table anew, as SQLite's documentation says: with foreign keys on, DROP TABLE
// would delete its rows first, and by cascade the rows that refer to them.
func TestRebuiltTableKeepsItsChildren(t *testing.T) {
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), t.TempDir(), rebuild); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := e.Read(t.Context())
	defer r.Close()
	if n, err := children.One(r); err != nil || n != 2 {
		t.Errorf("%d children have their parent, %v; want 2", n, err)
	}
}

// TestSumsAreAdopted opens a database of a program that kept no sums: it is migrated, and takes those of the files as they are.
func TestSumsAreAdopted(t *testing.T) {
	s, dir := db.From(files, "testdata/migrations"), t.TempDir()
	open := func() db.Engine {
		e := sqlite.Engine("x.db")
		if err := e.Open(t.Context(), dir, s); err != nil {
			t.Fatal(err)
		}
		return e
	}
	raw := func(query string) (text string) {
		c, err := sqlite3.Open(filepath.Join(dir, "x.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		stmt, _, err := c.Prepare(query)
		if err != nil {
			t.Fatal(err)
		}
		defer stmt.Close()
		if stmt.Step() && stmt.ColumnCount() > 0 {
			text = stmt.ColumnText(0)
		}
		if err := stmt.Err(); err != nil {
			t.Fatal(err)
		}
		return text
	}
	e := open()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.Close()
	const sum = "SELECT sha256 FROM merlon_version_site WHERE version = 1"
	want := raw(sum)
	if len(want) != 64 {
		t.Fatalf("the sum is %q", want)
	}
	raw("ALTER TABLE merlon_version_site DROP COLUMN sha256")
	e = open()
	if pending, err := e.Pending(t.Context()); pending != nil || err != nil {
		t.Errorf("without sums: pending %v, %v", pending, err)
	}
	if ran, err := e.Migrate(t.Context()); ran != nil || err != nil {
		t.Errorf("adopting ran %v, %v", ran, err)
	}
	e.Close()
	if got := raw(sum); got != want {
		t.Errorf("adopted %q, want %q", got, want)
	}
}

func TestNoMigrations(t *testing.T) {
	s := db.From(files, "testdata/empty")
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), t.TempDir(), s); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if ran, err := e.Migrate(t.Context()); ran != nil || err != nil {
		t.Errorf("ran %v, %v", ran, err)
	}
	if pending, err := e.Pending(t.Context()); pending != nil || err != nil {
		t.Errorf("pending %v, %v", pending, err)
	}
}

// TestLooseColumns reads what a column without STRICT holds: SQLite would turn the text 'free' into the number 0.
func TestLooseColumns(t *testing.T) {
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), t.TempDir(), loose); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := e.Read(t.Context())
	defer r.Close()
	if n, err := number.One(r); err == nil || !strings.Contains(err.Error(), db.RuleValue.ID) {
		t.Errorf("'free' was read as the number %d, %v", n, err)
	}
	if s, err := text.One(r); err == nil || !strings.Contains(err.Error(), db.RuleValue.ID) {
		t.Errorf("a number was read as the text %q, %v", s, err)
	}
}

// TestLibraryPanic has the library panic for want of memory: an ordinary error, and that connection is not used again.
func TestLibraryPanic(t *testing.T) {
	s := db.From(files, "testdata/migrations")
	huge := db.Query[int64](s, "SELECT length(randomblob(1000000000))")
	fine := db.Query[int64](s, "SELECT count(*) FROM note")
	e := sqlite.Without(sqlite.Engine("x.db"), "length")
	if err := e.Open(t.Context(), t.TempDir(), s); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := descriptors(t)
	for range 3 {
		r := e.Read(t.Context())
		if _, err := huge.One(r); err == nil || !strings.Contains(err.Error(), "the database library failed") {
			t.Errorf("got %v", err)
		}
		r.Close()
		if _, all, _, _ := sqlite.Idle(e); all != 0 {
			t.Errorf("%d readers are kept, want none", all)
		}
		r = e.Read(t.Context())
		if _, err := fine.One(r); err != nil {
			t.Error(err)
		}
		r.Close()
		if idle, all, _, _ := sqlite.Idle(e); idle != 1 || all != 1 {
			t.Errorf("%d of %d readers are idle, want one", idle, all)
		}
		sqlite.RenewReaders(e)
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d files were open before, %d after: a broken connection keeps its files and their locks", before, after)
	}
}

// descriptors returns how many files the process has open, 0 where that cannot be told.
func descriptors(t *testing.T) int {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(open)
}

// TestMigrationThatPanics: what it had locked is free again.
func TestMigrationThatPanics(t *testing.T) {
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), t.TempDir(), rebuild); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if got := sqlite.PanicWhileMigrating(e); got != "in a migration" {
		t.Fatalf("recovered %v", got)
	}
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Error(err)
	}
}
