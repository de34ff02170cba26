// Command scriptcookie is a site of a program that lets scripts read a cookie. What a program declares holds for each of its
// sites, so this one is a program of its own.
package main

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/sqlite"
)

var theme = header.InsecureScriptCookie("__Host-theme", "the colours are set before the page is painted")

func hello(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Text("hello " + theme.Name()), nil
}

func open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "theme", Engine: sqlite.Engine("theme.db"), Routes: []merlon.Route{merlon.Get("/", merlon.Public(), hello)}})
}

func main() { cli.Main(open) }
