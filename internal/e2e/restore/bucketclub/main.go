// Command bucketclub is the example club whose backups may lie in a bucket: for the tests that kill it.
package main

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/backup/s3"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/sqlite"
)

func main() {
	cli.Main(func(env merlon.Env) (*merlon.Site, error) {
		return site.OpenOn(env, sqlite.Engine("club.db"), s3.Scheme)
	})
}
