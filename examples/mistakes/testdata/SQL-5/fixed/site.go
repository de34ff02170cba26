// What writes is declared as a statement and runs in a POST.
package fixed

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed migrations
var files embed.FS

type (
	note struct{ Author string }
	one  struct {
		ID int64 `path:"id"`
	}
)

var (
	schema = db.From(files, "migrations")
	remove = db.Returning[note](schema, "DELETE FROM note WHERE id = $1 RETURNING author")
)

func drop(w *merlon.Write[merlon.Visitor], f form.Form[one]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := remove.Run(w.DB, in.ID)
	return merlon.Text("gone"), err
}

func home(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	return merlon.Text("welcome"), nil
}

// Open is the site.
func Open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Engine: sqlite.Engine("site.db"), Schema: schema,
		Routes: []merlon.Route{merlon.Get("/", merlon.Public(), home), merlon.Post("/notes/{id}/delete", merlon.Public(), drop)},
	})
}
