// An inline event handler or style attribute.
//
// start: hello.html:6:
// start: hello.html:7:
package mistake

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed pages
var files embed.FS

var pages = page.From(files, "pages")

type greeting struct{ Name string }

var hello = page.New[greeting](pages, "hello.html")

func show(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	return merlon.Show(hello, greeting{Name: "Ann"}), nil
}

// Open is the site.
func Open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Engine: sqlite.Engine("site.db"), Pages: pages,
		Routes: []merlon.Route{merlon.Get("/", merlon.Public(), show)},
	})
}
