// Package enginetest is the suite that every engine of db passes: it tests an implementation of [db.Engine].
//
// It tests what an engine promises to a site. What only one engine has (files, roles, replicas) is tested beside it.
package enginetest

import (
	"context"
	"embed"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
)

//go:embed migrations older broken edited
var files embed.FS

// Run runs the suite as subtests. Make returns an engine that is not open; two engines that it returned for the same test
// and that are opened on different folders share nothing, and one opened on the folder that the other was copied to has
// the copy. For engines other than SQLite a folder of migrations with the engine's name belongs into this package.
func Run(t *testing.T, make func(t *testing.T) db.Engine) {
	for _, one := range []struct {
		name string
		test func(t *testing.T, s *suite)
	}{
		{"a write is kept when do returns nil", kept},
		{"a write is rolled back on an error, a panic, a Goexit", rolledBack},
		{"a statement's error leaves the others", statementError},
		{"a reader begins at its first use and sees one instant", isolation},
		{"a writer reads its own rows", ownRows},
		{"readers and writers are dead after their time", dead},
		{"a write within a write is refused", nested},
		{"OnCommit runs after a commit only", onCommit},
		{"what goes with a transaction is kept before it, or undone", companions},
		{"All, One, Each and no row", rows},
		{"a loop over Each ends early, and other statements run within", each},
		{"lists of every length", lists},
		{"choices take keys from visitors", choices},
		{"values come back as they went", values},
		{"NULL", null},
		{"values that do not fit are refused", misfits},
		{"arguments of other types and numbers are refused", arguments},
		{"patterns find what they hold, literally", patterns},
		{"constraints are told apart", constraints},
		{"a statement of another schema is refused", foreign},
		{"a reader refuses what writes", readOnly},
		{"statements are counted for who asks", counted},
		{"a context that is done stops a query and a wait", cancelled},
		{"no writer starves", starvation},
		{"readers beside a writer see whole transactions", beside},
		{"what was acknowledged or read is seen by all who begin later", order},
		{"migrations are pending, then run once", migrations},
		{"a migration that fails keeps nothing", brokenMigration},
		{"a database ahead of the program", ahead},
		{"a migration that was changed after it was run", editedMigration},
		{"the newest migration is undone", undo},
		{"Verify finds nothing in what is right", verifyRight},
		{"Verify finds what is wrong", verifyWrong},
		{"queries without a limit", unlimited},
		{"a snapshot and a copy beside a writer", snapshot},
		{"the generation is another one after a commit", generation},
		{"a closed engine", closed},
	} {
		t.Run(one.name, func(t *testing.T) { one.test(t, &suite{make: make}) })
	}
}

// suite is what a test of the suite is given.
type suite struct{ make func(t *testing.T) db.Engine }

// open returns an engine that is open and migrated.
func (s *suite) open(t *testing.T) db.Engine {
	t.Helper()
	e := s.raw(t, schema)
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
	return e
}

// raw returns an engine that is open, with no migration run.
func (s *suite) raw(t *testing.T, schemas ...*db.Schema) db.Engine {
	t.Helper()
	e := s.make(t)
	if err := e.Open(t.Context(), t.TempDir(), schemas...); err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return e
}

// write runs do in a transaction that must be kept.
func write(t *testing.T, e db.Engine, do func(w *db.Writer)) {
	t.Helper()
	err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		do(w)
		return nil
	})
	if err != nil {
		t.Fatalf("Write: %v", err)
	}
}

// read runs do with a reader.
func read(t *testing.T, e db.Engine, do func(r *db.Reader)) {
	t.Helper()
	r := e.Read(t.Context())
	defer r.Close()
	do(r)
}

// must returns v of a call that may not fail. It panics, which fails the test and names the line.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// count returns how many items a new reader sees.
func count(t *testing.T, e db.Engine) (n int64) {
	t.Helper()
	read(t, e, func(r *db.Reader) {
		var err error
		n, err = countItems.One(r)
		if err != nil {
			t.Fatal(err)
		}
	})
	return n
}

// soon is long enough for what must happen, short enough for what must not.
const soon = 20 * time.Second
