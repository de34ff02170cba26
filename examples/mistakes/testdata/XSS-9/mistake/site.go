// A value inside a script, a style, an event handler, srcdoc, a tag or attribute name, an attribute without quotes, or an unknown attribute.
//
// start: hello.html:6:
// start: hello.html:7:
// start: hello.html:8:
// start: hello.html:9:
// start: hello.html:10:
// start: tag.html:6:
// start: attribute.html:6:
// start: unquoted.html:6:
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

var (
	hello = page.New[greeting](pages, "hello.html")
	_     = page.New[greeting](pages, "tag.html")
	_     = page.New[greeting](pages, "attribute.html")
	_     = page.New[greeting](pages, "unquoted.html")
)

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
