// What writes is a POST: its handler has a writer.
package fixed

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
)

var files embed.FS

var (
	schema     = db.From(files, "migrations")
	deleteNote = db.Exec(schema, "DELETE FROM note WHERE id = $1")
)

type one struct {
	ID int64 `path:"id"`
}

func remove(w *merlon.Write[merlon.Visitor], f form.Form[one]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := deleteNote.Run(w.DB, in.ID)
	return merlon.Redirect("/notes"), err
}

var route = merlon.Post("/notes/{id}/delete", merlon.Public(), remove)
