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

// hostile are statements that try to write, to leave the file, or to take a guard off, and a few that only eat memory.
// DIR stands for the folder of the database; what begins with "outside: " is run after the reader's transaction.
var hostile = append([]string{
	"DELETE FROM note",
	"DELETE FROM note RETURNING id",
	"INSERT INTO note (author, text) VALUES ('a', 'b')",
	"INSERT INTO note (author, text) VALUES ('a', 'b') RETURNING id",
	"UPDATE note SET text = 'x'",
	"UPDATE note SET text = 'x' RETURNING id",
	"REPLACE INTO note (id, author, text) VALUES (1, 'a', 'b')",
	"INSERT INTO note (id, author, text) VALUES (1, 'a', 'b') ON CONFLICT DO UPDATE SET text = 'x' RETURNING id",
	"WITH d AS (DELETE FROM note RETURNING id) SELECT id FROM d",
	"WITH d AS (SELECT 1) DELETE FROM note RETURNING id",
	"WITH d AS (SELECT 1) INSERT INTO note (author, text) SELECT 'a', 'b' FROM d RETURNING id",
	"DROP TABLE note",
	"ALTER TABLE note RENAME TO other",
	"ALTER TABLE note ADD COLUMN more TEXT",
	"CREATE TABLE other (id INTEGER)",
	"CREATE INDEX by_author ON note (author)",
	"CREATE VIEW other AS SELECT 1",
	"CREATE TRIGGER t AFTER INSERT ON note BEGIN DELETE FROM note; END",
	"CREATE TEMP TABLE other (id INTEGER)",
	"CREATE TEMP VIEW note AS SELECT 7 AS id, 'false' AS author, 'false' AS text",
	"CREATE TEMP TRIGGER t AFTER INSERT ON note BEGIN DELETE FROM note; END",
	"CREATE VIRTUAL TABLE other USING rtree(id, a, b)",
	"ANALYZE",
	"REINDEX",
	"VACUUM",
	"VACUUM INTO 'DIR/copy.db'",
	"outside: VACUUM INTO 'DIR/copy.db'",
	"ATTACH ':memory:' AS other",
	"outside: ATTACH ':memory:' AS other",
	"outside: ATTACH 'DIR/new.db' AS other",
	"outside: ATTACH 'DIR/new.db' AS other; CREATE TABLE other.t (id INTEGER); INSERT INTO other.t VALUES (1)",
	"outside: ATTACH 'DIR/x.db' AS again; DELETE FROM again.note",
	"outside: ATTACH 'file:DIR/x.db?mode=rw' AS again; DELETE FROM again.note",
	"DETACH main",
	"outside: BEGIN IMMEDIATE",
	"outside: BEGIN EXCLUSIVE",
	"COMMIT",
	"ROLLBACK",
	"SAVEPOINT s",
	"RELEASE s",
	"PRAGMA query_only=0",
	"PRAGMA query_only=0; DELETE FROM note",
	"PRAGMA user_version=9",
	"PRAGMA query_only=0; PRAGMA user_version=9",
	"PRAGMA application_id=7",
	"PRAGMA schema_version=99",
	"outside: PRAGMA journal_mode=DELETE",
	"outside: PRAGMA wal_checkpoint(TRUNCATE)",
	"outside: PRAGMA locking_mode=EXCLUSIVE; SELECT count(*) FROM note",
	"PRAGMA temp_store_directory='DIR'",
	"PRAGMA writable_schema=1",
	"PRAGMA writable_schema=1; UPDATE sqlite_schema SET sql = 'x'",
	"PRAGMA writable_schema=1; PRAGMA query_only=0; DELETE FROM sqlite_schema",
	"outside: PRAGMA synchronous=0",
	"PRAGMA trusted_schema=1",
	"outside: PRAGMA auto_vacuum=1",
	"PRAGMA incremental_vacuum",
	"PRAGMA optimize=0x10002",
	"PRAGMA secure_delete=1",
	"PRAGMA wal_autocheckpoint=1",
	"PRAGMA hard_heap_limit=1000000",
	"PRAGMA cell_size_check=0",
	"UPDATE sqlite_schema SET sql = 'x'",
	"INSERT INTO sqlite_schema (type) VALUES ('table')",
	"SELECT load_extension('DIR/x.so')",
	"SELECT readfile('DIR/x.db')",
	"SELECT writefile('DIR/copy.db', 'x')",
	"SELECT edit('x', 'touch DIR/copy.db')",
	"SELECT fts3_tokenizer('simple', x'00')",
	"SELECT data FROM sqlite_dbpage",
	"UPDATE sqlite_dbpage SET data = zeroblob(4096) WHERE pgno = 2",
	"SELECT name FROM pragma_table_info('note')",
	"SELECT * FROM pragma_query_only",
	"SELECT zeroblob(1000000000)",
	"SELECT length(randomblob(1000000000))",
	"SELECT length(replace(hex(zeroblob(1000000)), '0', '0123456789'))",
	"SELECT id FROM note; DELETE FROM note",
	"EXPLAIN DELETE FROM note",
	"SELECT sql FROM sqlite_schema",
	"REPLACE INTO note (id, author, text) VALUES (1, 'a', 'b') RETURNING id",
	"INSERT OR REPLACE INTO note (id, author, text) SELECT id, 'a', text FROM note",
	"INSERT INTO note DEFAULT VALUES",
	"UPDATE OR IGNORE note SET id = 2 WHERE id = 1",
	"UPDATE note SET (author, text) = (SELECT 'a', 'b') RETURNING id",
	"UPDATE note SET text = n.author FROM note n WHERE n.id = note.id",
	"DELETE FROM note WHERE id IN (SELECT id FROM note)",
	"DELETE FROM main.note INDEXED BY by_author",
	"SELECT id FROM (DELETE FROM note RETURNING id)",
	"SELECT (DELETE FROM note)",
	"VALUES (1); DELETE FROM note",
	"SELECT 1; ROLLBACK; DELETE FROM note",
	"SELECT 1; COMMIT; DELETE FROM note",
	"/* a comment */ DELETE FROM note",
	";DELETE FROM note",
	"DELETE FROM note; SELECT 1",
	"DROP TABLE note; SELECT 1",
	"DROP TABLE IF EXISTS note",
	"DROP TABLE main.note",
	"ALTER TABLE note RENAME COLUMN text TO other",
	"ALTER TABLE note DROP COLUMN text",
	"CREATE TABLE other AS SELECT * FROM note",
	"CREATE TABLE IF NOT EXISTS other (id INTEGER) STRICT, WITHOUT ROWID",
	"CREATE TABLE temp.other (id INTEGER)",
	"CREATE TEMP TABLE other AS SELECT * FROM note",
	"CREATE TEMP TABLE note AS SELECT 7 AS id, 'false' AS author, 'false' AS text",
	"CREATE UNIQUE INDEX by_author ON note (author)",
	"CREATE INDEX by_upper ON note (upper(author)) WHERE id > 1",
	"CREATE TEMP TRIGGER t BEFORE DELETE ON main.note BEGIN SELECT RAISE(IGNORE); END",
	"CREATE TRIGGER t INSTEAD OF DELETE ON note BEGIN SELECT 1; END",
	"CREATE VIRTUAL TABLE other USING fts5(text)",
	"CREATE VIRTUAL TABLE temp.other USING dbstat(main)",
	"CREATE VIRTUAL TABLE temp.other USING csv(filename='DIR/x.db')",
	"CREATE VIRTUAL TABLE temp.other USING fileio",
	"ANALYZE main.note",
	"ANALYZE sqlite_schema",
	"REINDEX note",
	"REINDEX main.note",
	"VACUUM main",
	"outside: VACUUM main INTO 'DIR/copy.db'",
	"outside: VACUUM INTO 'file:DIR/copy.db?mode=rwc'",
	"outside: ATTACH '' AS other",
	"outside: ATTACH DATABASE 'file:DIR/new.db?mode=rwc&vfs=memdb' AS other",
	"outside: ATTACH 'DIR/x.db-wal' AS other",
	"outside: ATTACH '/etc/passwd' AS other; SELECT * FROM other.sqlite_schema",
	"outside: DETACH temp",
	"outside: BEGIN DEFERRED; DELETE FROM note",
	"outside: BEGIN; DELETE FROM note; COMMIT",
	"END TRANSACTION",
	"ROLLBACK TO SAVEPOINT merlon",
	"outside: SAVEPOINT s; DELETE FROM note; RELEASE s",
	"PRAGMA query_only=OFF",
	"PRAGMA query_only('no')",
	"PRAGMA main.user_version=9",
	"PRAGMA defer_foreign_keys=1",
	"PRAGMA foreign_keys=0",
	"PRAGMA ignore_check_constraints=1",
	"PRAGMA recursive_triggers=1",
	"PRAGMA reverse_unordered_selects=1",
	"PRAGMA case_sensitive_like=1",
	"PRAGMA legacy_alter_table=1",
	"PRAGMA read_uncommitted=1",
	"PRAGMA cell_size_check=1; PRAGMA integrity_check",
	"PRAGMA journal_size_limit=0",
	"PRAGMA max_page_count=1",
	"PRAGMA mmap_size=268435456",
	"PRAGMA temp_store=2",
	"PRAGMA threads=8",
	"PRAGMA busy_timeout=0",
	"PRAGMA cache_size=-1000000",
	"PRAGMA cache_spill=0",
	"PRAGMA soft_heap_limit=1",
	"PRAGMA analysis_limit=1",
	"PRAGMA data_store_directory='DIR'",
	"PRAGMA automatic_index=0",
	"PRAGMA full_column_names=1",
	"PRAGMA writable_schema=RESET",
	"PRAGMA wal_checkpoint",
	"outside: PRAGMA wal_checkpoint(RESTART)",
	"outside: PRAGMA journal_mode=OFF",
	"outside: PRAGMA journal_mode=MEMORY; DELETE FROM note",
	"outside: PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE",
	"outside: PRAGMA page_size=512; VACUUM",
	"outside: PRAGMA encoding='UTF-16'",
	"outside: PRAGMA main.synchronous=OFF",
	"PRAGMA shrink_memory",
	"PRAGMA table_list",
	"PRAGMA database_list",
	"PRAGMA foreign_key_check",
	"PRAGMA integrity_check",
	"SELECT * FROM pragma_user_version",
	"SELECT * FROM pragma_database_list",
	"SELECT * FROM pragma_function_list",
	"SELECT * FROM pragma_journal_mode('DELETE')",
	"SELECT * FROM pragma_wal_checkpoint('TRUNCATE')",
	"DELETE FROM sqlite_schema",
	"DELETE FROM sqlite_sequence",
	"UPDATE sqlite_sequence SET seq = 0",
	"DELETE FROM sqlite_stat1",
	"INSERT INTO sqlite_dbpage (pgno, data) VALUES (1, zeroblob(4096))",
	"SELECT load_extension('DIR/x.so', 'init')",
	"SELECT writefile('DIR/' || id, text) FROM note",
	"SELECT lsdir('/etc')",
	"SELECT fts5(1)",
	"SELECT sqlite3_fts5_modify('x')",
	"SELECT sqlar_compress(text) FROM note",
	"SELECT name FROM dbstat",
	"SELECT * FROM sqlite_memstat",
	"SELECT * FROM bytecode('DELETE FROM note')",
	"EXPLAIN QUERY PLAN DELETE FROM note",
	"EXPLAIN UPDATE note SET text = 'x'",
}, writes()...)

// writes are the statements that change rows, by themselves and within others.
func writes() (all []string) {
	for _, change := range []string{"DELETE FROM note WHERE id = 1", "UPDATE note SET author = text", "INSERT INTO note (author, text) SELECT author, text FROM note"} {
		for _, within := range []string{"? RETURNING *", "WITH d AS (? RETURNING id) SELECT id FROM d", "WITH a AS MATERIALIZED (SELECT 1) ?",
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) ? RETURNING id", "SELECT id FROM note; ?", "EXPLAIN ?"} {
			all = append(all, strings.ReplaceAll(within, "?", change))
		}
	}
	return all
}

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
	b.WriteString("What hostile statements do through a reader's connection (readonly_test.go). Rewritten by go test -update.\nStatements that are refused as with all measures are left out.\n")
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
