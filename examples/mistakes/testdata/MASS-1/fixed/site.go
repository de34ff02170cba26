// A form has a struct of its own, with only the fields that a visitor may set.
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

type row struct{ Author, Text string }

type profile struct {
	Text string `form:"max=500"`
}

var (
	schema = db.From(files, "migrations")
	find   = db.Query[row](schema, "SELECT author, text FROM note WHERE id = $1")
)

func save(w *merlon.Write[merlon.Visitor], f form.Form[profile]) (*merlon.Response, error) {
	in, _ := f.Value()
	return merlon.JSON(in), nil
}

func home(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	return merlon.Text("welcome"), nil
}

// Open is the site.
func Open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Engine: sqlite.Engine("site.db"), Schema: schema,
		Routes: []merlon.Route{merlon.Get("/", merlon.Public(), home), merlon.Post("/profile", merlon.Public(), save)},
	})
}
