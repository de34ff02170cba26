package sqlite_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

var changeNumbered = db.Exec(numbered, "UPDATE numbered SET text = $1 WHERE id = $2")

// TestRowSums: a row keeps its sum until it changes, and no other one changes with it.
func TestRowSums(t *testing.T) {
	e := sqlite.Engine("numbered.db")
	if err := e.Open(t.Context(), t.TempDir(), numbered); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	write := func(do func(w *db.Writer) error) map[db.RowKey][sha256.Size]byte {
		t.Helper()
		if err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error { return do(w) }); err != nil {
			t.Fatal(err)
		}
		all, err := e.(db.RowSummer).RowSums(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(all, func(k db.RowKey, _ [sha256.Size]byte) bool { return k.Table != "numbered" })
		return all
	}
	first := write(func(w *db.Writer) (err error) {
		for range 3 {
			if _, err = insertNumbered.Run(w, "a"); err != nil {
				return err
			}
		}
		return nil
	})
	second := write(func(w *db.Writer) error { _, err := changeNumbered.Run(w, "b", 2); return err })
	if len(first) != 3 || len(second) != 3 {
		t.Fatalf("%d and %d rows, want 3 of each", len(first), len(second))
	}
	for key, sum := range first {
		if changed := second[key] != sum; changed != (key.Key == "2") {
			t.Errorf("row %s has changed: %v", key.Key, changed)
		}
	}
	if all, err := e.(db.RowSummer).RowSums(t.Context(), 2); all != nil || !errors.Is(err, db.ErrManyRows) {
		t.Errorf("of more rows than asked for: %d rows, %v", len(all), err)
	}
}
