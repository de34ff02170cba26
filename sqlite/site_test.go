package sqlite_test

import (
	"context"
	"embed"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed testdata
var files embed.FS

type note struct {
	ID           int64
	Author, Text string
}

var (
	schema = db.From(files, "testdata/migrations")
	insert = db.Exec(schema, "INSERT INTO note (author, text) VALUES ($1, $2)")
	point  = db.Query[note](schema, "SELECT id, author, text FROM note WHERE id = $1")
	list   = db.Query[note](schema, "SELECT id, author, text FROM note ORDER BY id DESC LIMIT $1")
	last   = db.Query[int64](schema, "SELECT coalesce(max(CAST(text AS INTEGER)), 0) FROM note")
	count  = db.Query[int64](schema, "SELECT count(*) FROM note")
	pair   = db.Query[int64](schema, "SELECT count(*) FROM note WHERE text = $1")
)

// open returns an engine on a new file, migrated.
func open(t testing.TB) (e db.Engine, dir string) {
	t.Helper()
	e, dir = sqlite.Engine("x.db"), t.TempDir()
	if err := e.Open(t.Context(), dir, schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e, dir
}

// add inserts a row in a transaction of its own.
func add(t testing.TB, e db.Engine, author, text string) {
	t.Helper()
	err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		_, err := insert.Run(w, author, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// rows returns how many rows a new reader sees.
func rows(t testing.TB, e db.Engine) int64 {
	t.Helper()
	r := e.Read(t.Context())
	defer r.Close()
	n, err := count.One(r)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStatements(t *testing.T) {
	e, err := sqlite.Engine("x.db").Scratch(t.Context(), schema)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if faults := db.Verify(t.Context(), e, schema); faults != nil {
		t.Error(faults)
	}
}
