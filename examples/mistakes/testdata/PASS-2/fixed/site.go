// A password that prints as [redacted], wherever its struct is printed.
package fixed

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed pages
var files embed.FS

var pages = page.From(files, "pages")

type greeting struct{ Name string }

type signIn struct {
	Password secret.String `form:"required,password,max=128"`
}

var hello = page.New[greeting](pages, "hello.html")

func show(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	return merlon.Show(hello, greeting{Name: "Ann"}), nil
}

func enter(w *merlon.Write[merlon.Visitor], f form.Form[signIn]) (*merlon.Response, error) {
	return merlon.Redirect("/"), nil
}

// Open is the site.
func Open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Engine: sqlite.Engine("site.db"), Pages: pages,
		Routes: []merlon.Route{merlon.Get("/", merlon.Public(), show), merlon.Post("/in", merlon.Public(), enter)},
	})
}
