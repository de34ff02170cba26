package sqlite_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

// What somebody planted in a file is found, whatever its name; what runs by itself is dropped or made again, what holds data
// is named.
func TestStrangers(t *testing.T) {
	dir := t.TempDir()
	e := sqlite.Engine("numbered.db")
	open := func() db.Comparer {
		t.Helper()
		if err := e.Open(t.Context(), dir, numbered); err != nil {
			t.Fatal(err)
		}
		return e.(db.Comparer)
	}
	c := open()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, err := c.Strangers(t.Context(), true); err != nil || len(found) != 0 {
		t.Fatalf("of its own migrations: %v, %v", found, err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := sqlite3.Open(filepath.Join(dir, "numbered.db"))
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Exec(`CREATE TRIGGER "a ""planted"" one" AFTER DELETE ON numbered BEGIN INSERT INTO numbered (text) VALUES ('back again'); END;
		CREATE VIEW seen AS SELECT * FROM numbered; CREATE TABLE hoard (a); CREATE UNIQUE INDEX narrow ON numbered (text)`)
	if err != nil {
		t.Fatal(err)
	}
	raw.Close()
	const want = `index "narrow" on numbered; table "hoard"; trigger "a \"planted\" one" on numbered; view "seen"`
	c = open()
	defer e.Close()
	for _, drop := range []bool{false, true} {
		found, err := c.Strangers(t.Context(), drop)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, s := range found {
			texts = append(texts, strings.TrimSuffix(s.String(), ", dropped"))
			if s.Dropped != (drop && (s.Kind == "trigger" || s.Kind == "view")) {
				t.Errorf("drop %v: %+v", drop, s)
			}
		}
		if got := strings.Join(texts, "; "); got != want {
			t.Errorf("drop %v: %s\nwant %s", drop, got, want)
		}
	}
	if found, err := c.Strangers(t.Context(), true); err != nil || len(found) != 2 {
		t.Errorf("afterwards: %v, %v", found, err)
	}
}

// A trigger that is written into the schema by hand, with a name that no statement makes or a type in other letters, runs all
// the same: the one goes, the other refuses the file.
func TestStrangersWrittenByHand(t *testing.T) {
	for kind, goes := range map[string]bool{"trigger": true, "TRIGGER": false} {
		dir := t.TempDir()
		e := sqlite.Engine("numbered.db")
		if err := e.Open(t.Context(), dir, numbered); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		raw, err := sqlite3.Open(filepath.Join(dir, "numbered.db"))
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Exec(`PRAGMA writable_schema = ON; INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql)
			VALUES ('` + kind + `', 'sqlite_x', 'numbered', 0, 'CREATE TRIGGER sqlite_x AFTER INSERT ON numbered BEGIN DELETE FROM numbered; END')`); err != nil {
			t.Fatal(err)
		}
		raw.Close()
		if err := e.Open(t.Context(), dir, numbered); err != nil {
			t.Fatal(err)
		}
		found, err := e.(db.Comparer).Strangers(t.Context(), false)
		if err != nil || len(found) != 1 || found[0].Kind != "trigger" || found[0].Name != "sqlite_x" {
			t.Errorf("%s: found %v, %v", kind, found, err)
		}
		if _, err := e.(db.Comparer).Strangers(t.Context(), true); (err == nil) != goes {
			t.Errorf("%s: dropped: %v", kind, err)
		}
		if found, err := e.(db.Comparer).Strangers(t.Context(), false); goes && (err != nil || len(found) != 0) {
			t.Errorf("%s: afterwards %v, %v", kind, found, err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

var guarded = db.From(files, "testdata/guarded").Named("guarded")

// A trigger or a view of the migrations that somebody altered or took away is made again.
func TestStrangersAreMadeAgain(t *testing.T) {
	dir := t.TempDir()
	e := sqlite.Engine("guarded.db")
	if err := e.Open(t.Context(), dir, guarded); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	raw, err := sqlite3.Open(filepath.Join(dir, "guarded.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Exec(`DROP TRIGGER guarded_final; DROP VIEW guarded_open; CREATE VIEW guarded_open AS SELECT id, secret AS name FROM guarded`); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	found, err := e.(db.Comparer).Strangers(t.Context(), true)
	if err != nil || len(found) != 2 || found[0].String() != `trigger "guarded_final" on guarded, which was missing, made again` || found[1].String() != `view "guarded_open", which was altered, made again` {
		t.Errorf("%v, %v", found, err)
	}
	if found, err := e.(db.Comparer).Strangers(t.Context(), true); err != nil || len(found) != 0 {
		t.Errorf("afterwards: %v, %v", found, err)
	}
}

var viewed = db.From(files, "testdata/viewed").Named("viewed")

// A view that is made again has the site's triggers on it, also one that was altered too.
func TestStrangersAViewKeepsItsTriggers(t *testing.T) {
	for alter, want := range map[string]string{
		`CREATE TRIGGER viewed_add INSTEAD OF INSERT ON viewed_open
BEGIN INSERT INTO viewed (text) VALUES (new.text); END`: `view "viewed_open", which was altered, made again`,
		`CREATE TRIGGER viewed_add INSTEAD OF INSERT ON viewed_open BEGIN INSERT INTO viewed (text) VALUES ('evil'); END`: `trigger "viewed_add" on viewed_open, which was altered, made again; view "viewed_open", which was altered, made again`,
		`CREATE TRIGGER seen INSTEAD OF UPDATE ON viewed_open BEGIN SELECT 1; END`:                                        `trigger "seen" on viewed_open, dropped; trigger "viewed_add" on viewed_open, which was missing, made again; view "viewed_open", which was altered, made again`,
	} {
		dir := t.TempDir()
		e := sqlite.Engine("viewed.db")
		if err := e.Open(t.Context(), dir, viewed); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		raw, err := sqlite3.Open(filepath.Join(dir, "viewed.db"))
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Exec(`DROP VIEW viewed_open; CREATE VIEW viewed_open AS SELECT id, 'x' AS text FROM viewed; ` + alter); err != nil {
			t.Fatal(err)
		}
		raw.Close()
		if err := e.Open(t.Context(), dir, viewed); err != nil {
			t.Fatal(err)
		}
		found, err := e.(db.Comparer).Strangers(t.Context(), true)
		var texts []string
		for _, s := range found {
			texts = append(texts, s.String())
		}
		if got := strings.Join(texts, "; "); err != nil || got != want {
			t.Errorf("%s, %v\nwant %s", got, err, want)
		}
		if found, err := e.(db.Comparer).Strangers(t.Context(), true); err != nil || len(found) != 0 {
			t.Errorf("afterwards: %v, %v", found, err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
