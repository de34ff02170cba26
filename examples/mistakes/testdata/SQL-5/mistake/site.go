// A GET handler that queries DELETE … RETURNING, a PRAGMA, ATTACH, VACUUM INTO.
//
// start: DELETE FROM note WHERE id = $1 RETURNING author
// start: PRAGMA query_only = 0
// start: ATTACH 'other.db' AS other
// start: VACUUM INTO 'copy.db'
// start: MRL-SQL-007
package mistake

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed migrations
var files embed.FS

type note struct{ Author string }

var (
	schema = db.From(files, "migrations")
	remove = db.Query[note](schema, "DELETE FROM note WHERE id = $1 RETURNING author")
	pragma = db.Query[note](schema, "PRAGMA query_only = 0")
	attach = db.Query[note](schema, "ATTACH 'other.db' AS other")
	vacuum = db.Query[note](schema, "VACUUM INTO 'copy.db'")
)

func notes(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	list, err := remove.All(r.DB, 7)
	return merlon.JSON(list), err
}

// Open is the site.
func Open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Engine: sqlite.Engine("site.db"), Schema: schema,
		Routes: []merlon.Route{merlon.Get("/", merlon.Public(), notes)},
	})
}
