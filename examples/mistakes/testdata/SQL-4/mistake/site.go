// A GET handler that executes a DELETE.
package mistake

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

var files embed.FS

var (
	schema     = db.From(files, "migrations")
	deleteNote = db.Exec(schema, "DELETE FROM note WHERE id = $1")
)

type one struct {
	ID int64 `path:"id"`
}

func remove(r *merlon.Read[merlon.Visitor], in one) (*merlon.Response, error) {
	_, err := deleteNote.Run(r.DB, in.ID) // compile: cannot use r.DB (variable of type *db.Reader) as *db.Writer value
	return merlon.Redirect("/notes"), err
}
