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
	list   = db.Query[note](schema, "SELECT id, author, text FROM note ORDER BY id LIMIT $1")
	some   = db.Query[note](schema, "SELECT id, author, text FROM note WHERE id IN ($1...) ORDER BY {0}", db.Choice{"": "id", "new": "id DESC"})
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	e := sqlite.Engine("x.db")
	scratch, err := e.Scratch(ctx, schema)
	if err != nil {
		t.Fatal(err)
	}
	if faults := db.Verify(ctx, scratch, schema); faults != nil {
		t.Fatal(faults)
	}
	if err := scratch.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Open(ctx, t.TempDir(), schema); err != nil {
		t.Fatal(err)
	}
	p, err := e.Migrate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(p)
	err = e.Write(ctx, func(ctx context.Context, w *db.Writer) error {
		a, err := insert.Run(w, "a", "b")
		t.Log(a)
		insert.Run(w, "a", "b2")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r := e.Read(ctx)
	rows, err := list.All(r, 50)
	t.Log(rows, err)
	rows, err = some.Choose("new").All(r, []int{1, 2, 3, 4, 5})
	t.Log(rows, err)
	r.Close()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
