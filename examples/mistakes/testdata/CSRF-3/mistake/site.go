// State changed by GET: a "delete" link.
package mistake

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

var route = merlon.Get("/notes/{id}/delete", merlon.Public(), remove) // compile: does not match inferred type func(*merlon.Read

func removeThroughTheHouse(r *merlon.Read[merlon.Visitor], in one) (*merlon.Response, error) {
	err := r.House().Engine.Write(r.Context(), nil) // compile: r.House undefined
	return merlon.Redirect("/notes"), err
}
