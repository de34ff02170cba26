package sqlite_test

import (
	"context"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

var (
	numbered       = db.From(files, "testdata/numbered").Named("numbered")
	insertNumbered = db.Exec(numbered, "INSERT INTO numbered (text) VALUES ($1)")
)

// After a skip the next row gets a number that nobody has been given, in a table that had none yet too.
func TestSkip(t *testing.T) {
	e := sqlite.Engine("numbered.db")
	if err := e.Open(t.Context(), t.TempDir(), numbered); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	add := func() (id int64) {
		t.Helper()
		if err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
			done, err := insertNumbered.Run(w, "x")
			id = done.LastID
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	s := e.(db.Skipper)
	if err := s.Skip(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	if got := add(); got != 1001 {
		t.Errorf("the first row of an empty table got %d", got)
	}
	add()
	if err := s.Skip(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	if got := add(); got != 2003 {
		t.Errorf("after two rows and a skip of 1,000 the next got %d", got)
	}
}
