// A text has a maximum, and an upload says what it takes.
package fixed

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/sqlite"
)

type profile struct {
	Name    string     `form:"required,max=80"`
	Picture form.Image `form:"max_bytes=5000000,types=image/jpeg|image/png,pixels=20000000,fit=400"`
}

func save(w *merlon.Write[merlon.Visitor], f form.Form[profile]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok || !in.Picture.Given() {
		return merlon.Text(f.Problem("Picture")), nil
	}
	name, err := file.Keep(w.DB, in.Picture.File)
	return merlon.Text(name), err
}

type byName struct {
	Name string `path:"name,max=26"`
}

func picture(r *merlon.Read[merlon.Visitor], in byName) (*merlon.Response, error) {
	i, err := file.Find(r.DB, in.Name)
	return merlon.File(i), err
}

func home(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	return merlon.Text("welcome"), nil
}

// Open is the site.
func Open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Engine: sqlite.Engine("site.db"),
		Routes: []merlon.Route{merlon.Get("/", merlon.Public(), home), merlon.Post("/profile", merlon.Public(), save),
			merlon.Get("/pictures/{name}", merlon.Public(), picture)},
	})
}
