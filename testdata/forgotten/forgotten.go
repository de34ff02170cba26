// Package forgotten is a site that declares pages, statements and static files, and names in its configuration what a test
// tells it to.
package forgotten

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/static"
)

//go:embed pages static migrations
var files embed.FS

var (
	pages    = page.From(files, "pages")
	schema   = db.From(files, "migrations")
	assets   = static.From(files, "static")
	homePage = page.New[data](pages, "home.html")
	count    = db.Query[int](schema, "SELECT count(*) FROM note")
)

type data struct{ Notes int }

func home(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	n, err := count.One(r.DB)
	return merlon.Show(homePage, data{n}), err
}

// Open opens the site with the named fields of its configuration.
func Open(env merlon.Env, withPages, withSchema, withStatic bool) (*merlon.Site, error) {
	cfg := merlon.Config{Name: "forgotten", Engine: sqlite.Engine("x.db"), Routes: []merlon.Route{merlon.Get("/", merlon.Public(), home)}}
	if withPages {
		cfg.Pages = pages
	}
	if withSchema {
		cfg.Schema = schema
	}
	if withStatic {
		cfg.Static = assets
	}
	return merlon.New(env, cfg)
}
