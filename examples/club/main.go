// Command club runs the example site of a members' club on SQLite: go run ./examples/club serve --demo
package main

import (
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
)

func main() { cli.Main(site.Open) }
