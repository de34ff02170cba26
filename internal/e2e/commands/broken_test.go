package commands_test

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/sqlite"
)

func nothing(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Text("nothing"), nil
}

func openBroken(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "broken", Engine: sqlite.Engine("broken.db"), Routes: []merlon.Route{
		merlon.Get("/", merlon.Public(), nothing),
		merlon.Get("/", merlon.Public(), nothing),
		merlon.Get("/members", merlon.Access[merlon.Visitor]{}, nothing),
	}})
}
