package postgres_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/datafolder"
	"github.com/merlon-web/merlon/postgres"
)

// TestSucceed has a loaded database take the place of the site's, with somebody in the way and a kill between each two steps: a
// folder finds its own rows at every moment, and nothing is dropped.
func TestSucceed(t *testing.T) {
	c := copies(t, "")
	fresh := c.load()
	c.add(1) // the old one has three rows, the new one two
	given := os.Lchown(c.dir, 65534, 65534) == nil
	loaded := c.databases(c.name + `\_restore\_%`)[0]
	if err := c.carrier().Succeed(t.Context(), fresh, c.dir); err != nil {
		t.Fatal(err)
	}
	if uid, _, _ := datafolder.Owner(filepath.Join(c.dir, db.FolderNames)); given && uid != 65534 {
		t.Errorf("the user of the old folder cannot read which database is its: that is user %d's", uid)
	}
	want := func(when, dir string, n int64) {
		t.Helper()
		e := c.open(dir)
		if got := c.notes(e); got != n {
			t.Errorf("%s: %d rows, want %d", when, got, n)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.carrier().Settle(t.Context(), fresh); err == nil {
		t.Error("a database was renamed in which somebody is")
	}
	want("noted, the new one", fresh, 2)
	if err := c.e.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(fresh, db.FolderNames))
	if err != nil {
		t.Fatal(err)
	}
	aside, err := c.carrier().Settle(t.Context(), fresh)
	if err != nil || len(c.databases(aside)) != 1 || len(c.databases(loaded)) != 0 {
		t.Fatalf("%q %v, and on the server %v", aside, err, c.databases(c.name+"%"))
	}
	want("renamed, the new one", fresh, 2)
	if err := os.WriteFile(filepath.Join(fresh, db.FolderNames), before, 0o600); err != nil { // killed before it was forgotten
		t.Fatal(err)
	}
	want("killed behind the rename", fresh, 2)
	if _, err := os.Lstat(filepath.Join(fresh, db.FolderNames)); err == nil {
		t.Error("the folder still names a database, which is the one of the settings")
	}
	want("without a word", t.TempDir(), 2)
	want("the old one", c.dir, 3)
	if err := c.carrier().Unload(t.Context(), fresh); err != nil || len(c.databases(c.name)) != 1 {
		t.Errorf("%v: the site's own database was dropped", err)
	}
}

// TestAside: the folder that was put aside finds its rows in the database that was put aside.
func TestAside(t *testing.T) {
	c := copies(t, "")
	fresh := c.load()
	c.add(1)
	if err := errors.Join(c.carrier().Succeed(t.Context(), fresh, c.dir), c.e.Close()); err != nil {
		t.Fatal(err)
	}
	e := c.open(fresh) // gives it its name
	if n := c.notes(e); n != 2 {
		t.Errorf("the new one has %d rows", n)
	}
	if left := c.databases(c.name + `\_restore\_%`); len(left) > 0 {
		t.Errorf("opening the folder did not settle: %v", left)
	}
	if n := c.notes(c.open(c.dir)); n != 3 {
		t.Errorf("the old one has %d rows", n)
	}
	if c.carrier().Unload(t.Context(), c.dir) == nil {
		t.Error("a database that was put aside was dropped")
	}
	c.server.Exec(t, "postgres", "DROP DATABASE "+c.databases(c.name + `\_before\_%`)[0]+" WITH (FORCE)")
	if err := postgres.Engine(c.cfg).Open(t.Context(), c.dir, schema); err == nil || !strings.Contains(err.Error(), "was dropped, or is on another one") {
		t.Errorf("without its database the folder is opened: %v", err)
	}
}

// TestHold: a restore has the database alone, and who serves keeps it out.
func TestHold(t *testing.T) {
	c := copies(t, "")
	if _, err := c.e.(db.Prover).Hold(c.dir); !errors.Is(err, db.ErrLocked) {
		t.Errorf("an open database was held: %v", err)
	}
	second := c.open(t.TempDir()) // another process
	if err := errors.Join(second.Close(), c.e.Close()); err != nil {
		t.Fatal(err)
	}
	release, err := c.e.(db.Prover).Hold(c.dir)
	for end := time.Now().Add(time.Minute); errors.Is(err, db.ErrLocked) && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		release, err = c.e.(db.Prover).Hold(c.dir) // the server ends a session a moment after its client has left
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := c.e.Open(t.Context(), c.dir, schema); !errors.Is(err, db.ErrLocked) {
		t.Errorf("a held database was opened: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if err := c.e.Open(t.Context(), c.dir, schema); err != nil {
		t.Error(err)
	}
}
