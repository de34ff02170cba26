// Package account is the part of a site with which visitors become users: sign-up, sign-in, sign-out, roles, and the link
// that makes the first administrator. A site lists [New] among its parts and says on each route who may come in: [SignedIn],
// [Anyone], [HasRole].
//
// It does not yet send mail, verify addresses, reset passwords or ask for a second factor; mails wait in room mailbox.
package account

import (
	"context"
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
)

type constant string

// Config is what an owner may choose. Its zero value is a site on which everybody may sign up.
type Config struct {
	// Closed takes the sign-up away: accounts are made by the first-administrator link and by [Create] only.
	Closed bool
	// Home is where a visitor goes after signing in or out without another way; empty: "/".
	Home constant
	// Hashing changes the cost of a password's hash. Its zero value is calibrated at start and never below OWASP's floor;
	// tests set it to the floor.
	Hashing password.Params
}

// part is the part at work. Its methods are the handlers of its routes.
type part struct {
	house  *merlon.House
	cfg    Config
	hasher *password.Hasher
	policy password.Policy
}

//go:embed migrations pages
var files embed.FS

var (
	schema = db.From(files, "migrations").Named("account")
	pages  = page.From(files, "pages")
)

// New returns the part. One site has one.
func New(cfg Config) merlon.Part {
	if cfg.Home == "" {
		cfg.Home = "/"
	}
	a := &part{cfg: cfg}
	routes := []merlon.Route{
		merlon.Get("/sign-in", Anyone(), a.showSignIn),
		merlon.PostAfter("/sign-in", Anyone(), a.tryPassword, a.signIn),
		merlon.Post("/sign-out", Anyone(), a.signOut),
		merlon.Get("/_merlon/setup/{code}", thisMachine, a.openSetup),
		merlon.Get("/_merlon/setup", thisMachine, a.showSetup),
		merlon.PostAfter("/_merlon/setup", thisMachine, a.hashSetup, a.setup),
	}
	if !cfg.Closed {
		routes = append(routes,
			merlon.Get("/sign-up", Anyone(), a.showSignUp),
			merlon.Get("/sign-up/sent", Anyone(), a.showSent),
			merlon.PostAfter("/sign-up", Anyone(), a.hashSignUp, a.signUp))
	}
	return merlon.Part{
		Name: "account", Routes: routes, Schema: schema, Pages: pages, Rules: Rules(), SignIn: "/sign-in",
		Checks: []check.Check{{Rule: RuleWeak, Run: a.checkWeak}},
		Start:  a.start, Ready: a.ready,
	}
}

// start makes the hasher, calibrated on this machine.
func (a *part) start(_ context.Context, h *merlon.House) error {
	hasher, err := newHasher(h, a.cfg.Hashing)
	if err != nil {
		return err
	}
	a.hasher, a.house = hasher, h
	return nil
}
