// A list query without a LIMIT on a page.
//
// check: MRL-SQL-013
package mistake

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed migrations
var files embed.FS

type note struct{ Author, Text string }

var (
	schema = db.From(files, "migrations")
	all    = db.Query[note](schema, "SELECT author, text FROM note ORDER BY id")
)

func notes(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	list, err := all.All(r.DB)
	return merlon.JSON(list), err
}

// Open is the site.
func Open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Engine: sqlite.Engine("site.db"), Schema: schema,
		Routes: []merlon.Route{merlon.Get("/", merlon.Public(), notes)},
	})
}
