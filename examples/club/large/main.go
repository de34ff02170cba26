// Command large runs the example site of a members' club on PostgreSQL, where the setting db.url names a database, and else on
// SQLite as examples/club does, with its sessions and counted attempts on Valkey or Redis, where valkey.url names a server:
//
//	MERLON_DB_URL=postgres://site@localhost/site MERLON_VALKEY_URL=valkey://localhost go run ./examples/club/large serve
package main

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/postgres"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/valkey"
)

func main() { cli.Main(open) }

func open(env merlon.Env) (*merlon.Site, error) {
	return site.OpenBeside(env, postgres.Or(env, sqlite.Engine("club.db")), valkey.Or(env))
}
