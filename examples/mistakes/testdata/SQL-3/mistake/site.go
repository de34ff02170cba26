// An IN (…) list joined from values.
package mistake

import (
	"embed"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
)

var files embed.FS

var schema = db.From(files, "migrations")

type picked struct {
	Authors string `form:"required,max=500"`
}

func remove(w *merlon.Write[merlon.Visitor], f form.Form[picked]) (*merlon.Response, error) {
	in, _ := f.Value()
	list := strings.Join(strings.Fields(in.Authors), "','")
	_, err := db.Exec(schema, "DELETE FROM note WHERE author IN ('"+list+"')").Run(w.DB) // compile: as db.constant value in argument to db.Exec
	return merlon.Redirect("/notes"), err
}
