// A list is one argument: IN ($1...) takes as many values as it has.
package fixed

import (
	"embed"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
)

var files embed.FS

var (
	schema = db.From(files, "migrations")
	delete = db.Exec(schema, "DELETE FROM note WHERE author IN ($1...)")
)

type picked struct {
	Authors string `form:"required,max=500"`
}

func remove(w *merlon.Write[merlon.Visitor], f form.Form[picked]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := delete.Run(w.DB, strings.Fields(in.Authors))
	return merlon.Redirect("/notes"), err
}
