// Package account is the part of a site with which visitors become users: sign-up, sign-in with a second step, ways back in
// by mail, roles, the link that makes the first administrator, and the area in which users look after their accounts. A site lists [New] among its parts and says on each route who may come in: [SignedIn],
// [Anyone], [HasRole].
//
// What it keeps of a user is in merlon_user; a site keeps more in a table of its own that names the user's id, and reacts
// by [Hooks], in the same transaction.
package account

import (
	"context"
	"embed"
	"errors"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
)

// constant is what must be written in the program's source: a role, a path. A string variable does not compile.
type constant string

// Written implements [merlon.Written], for the needs that are named after roles.
func (constant) Written() {}

// Config is what an owner may choose. Its zero value is a site on which everybody may sign up.
type Config struct {
	// Closed takes the sign-up away: accounts are made by the first-administrator link, by invitation and by commands only.
	Closed bool
	// Hooks are what the site does when something happens to an account.
	Hooks Hooks
	// Home is where a visitor goes after signing in or out without another way; empty: "/".
	Home constant
	// Hashing changes the cost of a password's hash. Its zero value is calibrated at the first start and never below OWASP's floor;
	// tests set it to the floor.
	Hashing password.Params
	// Breaches is a list of breached passwords on another site that is asked, without telling it which, whenever somebody
	// chooses a password: password.Pwned(), or a list of the house's own. Nil: none is asked, and the list that is part of the
	// program is looked into alone, as it is while the other site does not answer.
	Breaches *password.Breaches
	// SecurityContact is whom to tell of a hole, for /.well-known/security.txt (RFC 9116): "mailto:security@example.org", an
	// https:// address of a page, or tel:. Without one that address answers 404, and check says so.
	SecurityContact constant
}

// part is the part at work. Its methods are the handlers of its routes.
type part struct {
	house  *merlon.House
	cfg    Config
	hasher *password.Hasher
	policy password.Policy
	ways   []Way // of other parts
	likes  atomic.Pointer[likes]
	made   madePassword
	mute   atomic.Int64 // until when the list of breached passwords is not asked, in Unix microseconds: it did not answer
}

//go:embed migrations pages over
var files embed.FS

var (
	schema = db.From(files, "migrations").Named("account")
	pages  = page.From(files, "pages")
	header = page.From(files, "over") // the way in and out, in the plain layout
)

// New returns the part. One site has one.
func New(cfg Config) merlon.Part {
	if cfg.Home == "" {
		cfg.Home = "/"
	}
	a := &part{cfg: cfg}
	var routes []merlon.Route
	for _, more := range []func() []merlon.Route{a.signInRoutes, a.linkRoutes, a.factorRoutes, a.areaRoutes} {
		routes = append(routes, more()...)
	}
	return merlon.Part{
		Name: "account", Routes: routes, Schema: schema, Pages: pages, Over: header, Rules: Rules(), SignIn: "/sign-in", Offers: a, Role: Admin,
		Checks: a.checks(), CodeChecks: a.codeChecks,
		Tasks: []merlon.Task{{Name: "account/sweep", Every: 10 * time.Minute, Run: a.sweep},
			{Name: "account/guessed", Every: time.Second, Last: true, Run: a.tellGuessed}},
		Start: a.start, Ready: a.ready, Commands: a.commands(), Restored: restored, Powers: powers, Named: named, Probe: a.probe(), Approaches: a.approaches(),
	}
}

// signInRoutes are the way in and out, and the first administrator's.
func (a *part) signInRoutes() []merlon.Route {
	return []merlon.Route{
		merlon.Get("/sign-in", Anyone(), a.showSignIn),
		merlon.PostAfter("/sign-in", Anyone(), a.tryPassword, a.signIn),
		merlon.Post("/sign-out", Anyone(), a.signOut),
		merlon.Get("/_merlon/setup/{code}", merlon.ThisMachine(), a.openSetup),
		merlon.Get("/_merlon/setup", merlon.ThisMachine(), a.showSetup),
		merlon.PostAfter("/_merlon/setup", merlon.ThisMachine(), a.hashSetup, a.setup),
		merlon.Get("/_merlon/setup/from-backup", merlon.ThisMachine(), a.showFromBackup),
		merlon.PostAfter("/_merlon/setup/from-backup", merlon.ThisMachine(), a.tryFromBackup, a.fromBackup),
	}
}

// start makes the hasher, calibrated on this machine, and looks at what kinds of hashes there are.
func (a *part) start(ctx context.Context, h *merlon.House) error {
	hasher, err := newHasher(ctx, h, a.cfg.Hashing)
	if err != nil {
		return err
	}
	a.hasher, a.house, a.ways = hasher, h, merlon.Offers[Way](h)
	return a.countLikes(ctx)
}

// sweep deletes what is over: links, sign-ups that were never proven, devices unseen for long, accounts that their users left.
func (a *part) sweep(ctx context.Context, h *merlon.House) error {
	now := h.Clock()
	err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		if _, err := sweepTickets.Run(w, now.Add(-ticketTrace).UnixMicro()); err != nil {
			return err
		}
		_, err := sweepDevices.Run(w, now.Add(-deviceLife).UnixMicro())
		return err
	})
	return errors.Join(err, a.sweepSignUps(ctx, h), a.sweepLeaving(ctx, h), a.countLikes(ctx))
}
