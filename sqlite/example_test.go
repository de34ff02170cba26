package sqlite_test

import (
	"context"
	"fmt"
	"os"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

// Statements are package variables: see schema, insert and list in site_test.go.
func ExampleEngine() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	engine := sqlite.Engine("site.db")
	if err := engine.Open(ctx, dir, schema); err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close()
	if _, err := engine.Migrate(ctx); err != nil {
		fmt.Println(err)
		return
	}

	err = engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		_, err := insert.Run(w, "ann", "'; DROP TABLE note; --")
		return err // nil commits
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	r := engine.Read(ctx)
	defer r.Close()
	for note, err := range list.Each(r, 10) {
		fmt.Println(note.Author, note.Text, err)
	}
	// Output: ann '; DROP TABLE note; -- <nil>
}
