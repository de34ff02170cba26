// A text field without a length limit, an upload without size and type.
//
// start: Name
// start: MRL-FORM-002
// start: Picture
package mistake

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/sqlite"
)

type profile struct {
	Name    string    `form:"required"`
	Picture form.File `form:"required"`
}

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
		Engine: sqlite.Engine("site.db"),
		Routes: []merlon.Route{merlon.Get("/", merlon.Public(), home), merlon.Post("/profile", merlon.Public(), save)},
	})
}
