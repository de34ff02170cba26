package postgres

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// Or returns the engine of the database that the setting db.url names, and otherwise where it names none: one program runs on
// a file, or on a server, as its owner says. A setting that cannot be understood is a finding of merlon.New.
func Or(env merlon.Env, otherwise db.Engine) db.Engine {
	set := env.Settings.Database
	if set.URL == "" {
		return otherwise
	}
	owner, reader, err := set.Addresses()
	if err != nil {
		return &engine{schema: "public", setting: set.URL, unread: err}
	}
	replicas, err := set.ReplicaAddresses()
	if err != nil {
		return &engine{schema: "public", setting: set.URL, unread: err}
	}
	c := Config{URL: owner.Reveal(), Reader: reader.Reveal()}
	for _, one := range replicas {
		c.Replicas = append(c.Replicas, one.Reveal())
	}
	return &engine{config: c, schema: "public", setting: set.URL}
}

// At implements [db.Placed].
func (e *engine) At(url string) bool { return e.setting != "" && e.setting == url }

// Setup implements [db.Placed] by the function [Setup].
func (e *engine) Setup() (string, error) {
	w, err := e.way()
	if err != nil {
		return "", err
	}
	return Setup(w.owner.Database, w.owner.User, w.reader.User), nil
}

// way reads the addresses of the configuration. A scratch of an open engine is made where that one is.
func (e *engine) way() (*way, error) {
	if e.unread != nil {
		return nil, e.unread
	}
	if e.beside != nil {
		w := *e.beside
		w.schema = e.schema
		return &w, nil
	}
	return e.config.way(e.schema)
}
