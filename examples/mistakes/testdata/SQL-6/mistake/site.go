// A misspelt column, a row type that lacks a selected column, a wrong number of arguments.
//
// start: did you mean "author"?
// start: MRL-SQL-004
// start: MRL-SQL-005
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
	schema   = db.From(files, "migrations")
	misspelt = db.Query[note](schema, "SELECT auhtor FROM note LIMIT 50")
	lacking  = db.Query[note](schema, "SELECT author, text FROM note LIMIT 50")
	gap      = db.Query[note](schema, "SELECT author FROM note WHERE id > $1 AND id < $3 LIMIT 50")
)

func notes(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	list, err := misspelt.All(r.DB)
	return merlon.JSON(list), err
}

// Open is the site.
func Open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Engine: sqlite.Engine("site.db"), Schema: schema,
		Routes: []merlon.Route{merlon.Get("/", merlon.Public(), notes)},
	})
}
