// Command large runs the example site of a members' club on PostgreSQL, where the setting db.url names a database, and else on
// SQLite as examples/club does: MERLON_DB_URL=postgres://site@localhost/site go run ./examples/club/large serve
package main

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/postgres"
	"github.com/merlon-web/merlon/sqlite"
)

func main() { cli.Main(open) }

func open(env merlon.Env) (*merlon.Site, error) {
	return site.OpenOn(env, postgres.Or(env, sqlite.Engine("club.db")))
}
