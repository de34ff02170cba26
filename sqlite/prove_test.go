package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

// A database that is whole is proven with its rows; one with a page that somebody overwrote is not.
func TestProve(t *testing.T) {
	dir := t.TempDir()
	e := sqlite.Engine("numbered.db")
	open := func() db.Prover {
		t.Helper()
		if err := e.Open(t.Context(), dir, numbered); err != nil {
			t.Fatal(err)
		}
		return e.(db.Prover)
	}
	p := open()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		for range 2000 {
			if _, err := insertNumbered.Run(w, "a text that fills pages, so that there is something to break"); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	got, err := p.Prove(t.Context())
	if err != nil || len(got.Problems) != 0 || got.ForeignKeys != 0 || got.Tables["numbered"] != 2000 {
		t.Fatalf("whole: %+v, %v", got, err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "numbered.db"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 4096), 10*4096); err != nil {
		t.Fatal(err)
	}
	f.Close()
	p = open()
	defer e.Close()
	if got, err := p.Prove(t.Context()); err != nil || len(got.Problems) == 0 {
		t.Errorf("with a page of zeros: %+v, %v", got, err)
	}
}

// Who holds a database keeps others out of it, and is kept out by one that has it open.
func TestHold(t *testing.T) {
	dir := t.TempDir()
	one, other := sqlite.Engine("numbered.db"), sqlite.Engine("numbered.db")
	release, err := one.(db.Prover).Hold(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Open(t.Context(), dir, numbered); !errors.Is(err, db.ErrLocked) {
		t.Errorf("a held database is opened: %v", err)
	}
	if err := errors.Join(release(), other.Open(t.Context(), dir, numbered)); err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := one.(db.Prover).Hold(dir); !errors.Is(err, db.ErrLocked) {
		t.Errorf("an open database is held: %v", err)
	}
	if release, err := one.(db.Prover).Hold(filepath.Join(dir, "none")); err != nil || release() != nil {
		t.Errorf("a folder that is not there: %v", err)
	}
}
