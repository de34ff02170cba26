package sqlite_test

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/sqlite"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A folder is what can be seen of a folder: the SHA-256 of each of its files. The index of the log is shared memory,
// which readers write their locks into by design: only its name counts.
type folder map[string]string

func look(t *testing.T, dir string) folder {
	t.Helper()
	seen := folder{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return err
		}
		seen[path] = fmt.Sprintf("%x", sha256.Sum256(b))
		if strings.HasSuffix(path, "-shm") {
			seen[path] = ""
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// changes lists what is different in another look, "" for nothing.
func (f folder) changes(other folder) string {
	var all []string
	for name, sum := range other {
		switch was, there := f[name]; {
		case !there:
			all = append(all, "made "+name)
		case was != sum:
			all = append(all, "changed "+name)
		}
	}
	for name := range f {
		if _, there := other[name]; !there {
			all = append(all, "removed "+name)
		}
	}
	sort.Strings(all)
	return strings.Join(all, ", ")
}

// template makes a database with rows in the file and one commit in the log, as a kill would leave it.
func template(t *testing.T) string {
	t.Helper()
	from, dir := t.TempDir(), t.TempDir()
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), from, schema); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
			_, err := insert.Run(w, fmt.Sprint(i), "text")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"x.db", "x.db-wal"} {
		copyFile(t, filepath.Join(from, name), filepath.Join(dir, name))
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// attempt runs a hostile text through a raw reader of a copy of the template, then tries to write through the same
// connection, and says what came of it.
func attempt(t *testing.T, template, dir, text string, m sqlite.Measures) string {
	t.Helper()
	for _, name := range []string{"x.db", "x.db-wal"} {
		copyFile(t, filepath.Join(template, name), filepath.Join(dir, name))
	}
	r, err := sqlite.OpenRawReader(filepath.Join(dir, "x.db"), m)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Run("SELECT count(*) FROM note"); err != nil {
		t.Fatal(err)
	}
	before := look(t, dir)
	text, outside := strings.CutPrefix(text, "outside: ")
	if outside {
		r.End()
	}
	_, err = r.Run(strings.ReplaceAll(text, "DIR", dir))
	outcome := sqlite.Code(err)
	if made := before.changes(look(t, dir)); made != "" {
		outcome += ", " + made
	}
	if outcome == "PANIC" {
		return outcome // the connection is thrown away
	}
	now := look(t, dir)
	if _, err := r.Run("INSERT INTO note (author, text) VALUES ('after', 'it')"); err == nil {
		outcome += ", then writes"
	}
	r.End()
	if _, err := r.Run("INSERT INTO note (author, text) VALUES ('after', 'it')"); err == nil && !strings.Contains(outcome, "then writes") {
		outcome += ", then writes outside of the transaction"
	}
	r.End()
	if n, _ := r.Run("SELECT 1 FROM temp.sqlite_schema"); n > 0 {
		outcome += ", left something in the connection"
	}
	if made := now.changes(look(t, dir)); made != "" && !strings.Contains(outcome, "writes") {
		outcome += ", then " + made
	}
	return outcome
}

// TestReaderCannotWrite runs every hostile statement through a reader's connection, below everything that db checks: the
// file and its folder are the same afterwards, and so is the connection.
func TestReaderCannotWrite(t *testing.T) {
	if len(hostile) < 200 {
		t.Fatalf("%d statements", len(hostile))
	}
	from := template(t)
	for _, text := range hostile {
		t.Run(text, func(t *testing.T) {
			m := sqlite.Measures{}
			for _, name := range sqlite.MeasureNames {
				m[name] = true
			}
			got := attempt(t, from, t.TempDir(), text, m)
			if strings.Contains(got, ", ") || got == "PANIC" {
				t.Errorf("got %s", got)
			}
			if got == "ran" && text != "SELECT sql FROM sqlite_schema" {
				t.Errorf("it ran")
			}
		})
	}
}

// TestMeasures says what each measure holds by itself, and what the others let through without it, in a golden file: so a
// measure that no longer does anything is seen, and so is a statement that only one measure stops.
func TestMeasures(t *testing.T) {
	need.Time(t, "tries all hostile statements without one measure after the other")
	from := template(t)
	type config struct {
		name string
		m    sqlite.Measures
	}
	all := sqlite.Measures{}
	for _, name := range sqlite.MeasureNames {
		all[name] = true
	}
	configs := []config{{"with none", sqlite.Measures{}}}
	for _, name := range sqlite.MeasureNames {
		configs = append(configs, config{"with only " + name, sqlite.Measures{name: true}})
	}
	for _, name := range sqlite.MeasureNames {
		without := sqlite.Measures{}
		for other := range all {
			without[other] = other != name
		}
		configs = append(configs, config{"with all but " + name, without})
	}
	configs = append(configs, config{"with all", all})
	var b strings.Builder
	b.WriteString("What hostile statements do through a reader's connection (hostile_test.go). Rewritten by go test -update.\nStatements that are refused as with all measures are left out.\n")
	refused := map[string]string{}
	for _, text := range hostile {
		refused[text] = attempt(t, from, t.TempDir(), text, all)
	}
	for _, c := range configs {
		fmt.Fprintf(&b, "\n%s\n", c.name)
		open := attempt(t, from, t.TempDir(), "SELECT 1", c.m) == "ran, then writes"
		if open {
			b.WriteString("  An INSERT writes. Beyond that:\n")
		}
		for _, text := range hostile {
			got := attempt(t, from, t.TempDir(), text, c.m)
			if open {
				got = strings.TrimSuffix(got, ", then writes")
			}
			if c.name == "with all" || got == "ran" || strings.Contains(got, ",") || got == "PANIC" {
				if c.name == "with all" || got != refused[text] {
					fmt.Fprintf(&b, "  %-100s %s\n", text, got)
				}
			}
		}
	}
	golden(t, "measures.txt", b.String())
}

// TestSchemaIsNotTrusted: a view that somebody has put into the file reaches nothing that is not for views. SQLite is compiled
// so, and told so once more.
func TestSchemaIsNotTrusted(t *testing.T) {
	path := filepath.Join(template(t), "x.db")
	for _, text := range []string{"CREATE VIEW planted AS SELECT compile_options FROM pragma_compile_options",
		"PRAGMA trusted_schema=1; SELECT compile_options FROM planted"} { // where it is trusted the view is read
		if err := sqlite.Outside(path, text); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []sqlite.Measures{{}, {"trusted_schema": true}} {
		r, err := sqlite.OpenRawReader(path, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Run("SELECT compile_options FROM planted"); sqlite.Code(err) != "ERROR" {
			t.Errorf("with %v: %v, want an error", m, err)
		}
		r.End()
		r.Close()
	}
}

// TestReaderRefusesLaundered declares every hostile statement as a query, as a text laundered into a constant would be
// before the start, and runs it through a Reader: an ordinary error, and the reader's connection is as good as before.
func TestReaderRefusesLaundered(t *testing.T) {
	laundered := db.From(files, "testdata/migrations")
	dir := t.TempDir()
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), dir, laundered, schema2); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	honest := db.Query[int64](laundered, "SELECT count(*) FROM note")
	for _, text := range hostile {
		t.Run(text, func(t *testing.T) {
			query := launder(db.Query[string], laundered, strings.ReplaceAll(strings.TrimPrefix(text, "outside: "), "DIR", dir))
			r := e.Read(t.Context())
			defer r.Close()
			if _, err := honest.One(r); err != nil {
				t.Fatal(err)
			}
			before := look(t, dir)
			rows, err := query.All(r)
			if err == nil && text != "SELECT sql FROM sqlite_schema" {
				t.Errorf("it ran and gave %q", rows)
			}
			if changes := before.changes(look(t, dir)); changes != "" {
				t.Error(changes)
			}
			if _, err := honest.One(r); err != nil {
				t.Errorf("the reader afterwards: %v", err)
			}
		})
	}
	if readers, of, _, _ := sqlite.Idle(e); readers != 1 || of != 1 {
		t.Errorf("%d of %d readers are idle, want the one that served all", readers, of)
	}
}

var schema2 = db.From(files, "testdata/second").Named("second")

// launder turns any text into the unexported type of constants: what the type cannot stop, and the seal does.
func launder[C ~string, Row any](query func(*db.Schema, C, ...db.Choice) *db.Select[Row], schema *db.Schema, text string, choices ...db.Choice) *db.Select[Row] {
	return query(schema, C(text), choices...)
}

func TestSealStopsLaundering(t *testing.T) {
	s := db.From(files, "testdata/migrations").Named("sealed")
	before := launder(db.Query[string], s, "SELECT author FROM note")
	s.Seal()
	defer func() {
		text := fmt.Sprint(recover())
		for _, want := range []string{"after the site started", "SELECT 'from a visitor'", "readonly_test.go:", "package variables", "MRL-SQL-001"} {
			if !strings.Contains(text, want) {
				t.Errorf("the panic %q does not say %q", text, want)
			}
		}
		if len(s.Statements()) != 1 {
			t.Error("the sealed schema has another statement")
		}
		_ = before
	}()
	launder(db.Query[string], s, "SELECT 'from a visitor'")
	t.Error("a text was declared after the seal")
}

// golden compares a text with a file in testdata, or rewrites the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at the difference after go test -update. got:\n%s", path, got)
	}
}
