// Columns, fields and arguments agree.
package fixed

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
	some   = db.Query[note](schema, "SELECT author, text FROM note WHERE id > $1 AND id < $2 ORDER BY id LIMIT 50")
)

func notes(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	list, err := some.All(r.DB, 10, 20)
	return merlon.JSON(list), err
}

// Open is the site.
func Open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Engine: sqlite.Engine("site.db"), Schema: schema,
		Routes: []merlon.Route{merlon.Get("/", merlon.Public(), notes)},
	})
}
