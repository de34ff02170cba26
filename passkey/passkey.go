// Package passkey is the part of a site with which users sign in by a passkey: by the finger, face or code that opens their
// device, without a password. A site lists [New] beside account.New; users add and remove their passkeys in the account area,
// and the sign-in page offers the button.
//
// What it protects from: a password that is guessed, reused, leaked or typed into a false site. A passkey signs for this
// site's name only, each signature is for one challenge of this site, a challenge belongs to one browser, lives five minutes
// and is accepted once, and the authenticator must have asked its user (user verification), so that a passkey alone counts
// as two factors. What rests in the database are public keys: a copy of it signs nobody in.
//
// What it does not protect from: a program that runs on the user's device; somebody who can open that device, or the account
// that copies passkeys between devices; a mailbox that was taken over, for as long as a password can be reset by mail. Who
// made an authenticator is not asked (attestation "none"), so that it need not be known or trusted.
//
// Who has a passkey cannot add or remove one with the password alone (account.NeedRecentAll). With the first one come recovery
// codes: who lost the only passkey shows the password and a code. Who lost the codes too is helped by the site's
// administrator: user reset-2fa.
//
// A passkey belongs to a host name, the one in the site's settings (Settings.Origin), which must not change afterwards. In
// development that is NAME.localhost: a passkey made there works neither on localhost nor on 127.0.0.1, and the pages say so.
//
// Passkeys need JavaScript, one file of this site's of less than 3 KB. Without it pages say so and offer the password. A site
// that does not list this part loads no script.
package passkey

import (
	"context"
	"embed"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/static"
)

// Config is what an owner may choose: nothing yet.
type Config struct{}

// part is the part at work. Its methods are the handlers of its routes.
type part struct {
	house *merlon.House
	key   []byte // of challenges
	rpID  string // the host name that passkeys belong to
}

//go:embed pages over static migrations
var files embed.FS

var (
	schema = db.From(files, "migrations").Named("passkey")
	pages  = page.From(files, "pages")
	over   = page.From(files, "over")
	assets = static.From(files, "static").Under("_merlon/passkey").Opens("publickey-credentials-create", "publickey-credentials-get")
)

// New returns the part. A site that has it needs account.New too.
func New(Config) merlon.Part {
	p := &part{}
	fresh := account.SignedIn().With(account.NeedRecentAll())
	return merlon.Part{
		Name: "passkey", Schema: schema, Pages: pages, Over: over, Static: assets, Rules: Rules(), Needs: "account",
		Routes: []merlon.Route{
			merlon.Get("/passkey/sign-in", account.Anyone(), p.showSignIn),
			merlon.PostAfter("/passkey/sign-in", account.Anyone(), p.verify, p.signIn),
			merlon.Get("/account/passkeys", account.SignedIn(), p.list),
			merlon.Get("/account/passkeys/add", fresh, p.showAdd),
			merlon.PostAfter("/account/passkeys/add", fresh, p.read, p.add),
			merlon.Get("/account/passkeys/{id}", fresh, p.show),
			merlon.Post("/account/passkeys/{id}/name", fresh, p.rename),
			merlon.Post("/account/passkeys/{id}/remove", fresh, p.remove),
		},
		Offers: account.Way{Name: "passkey", Count: countOf, Manage: "/account/passkeys", Title: "passkey.title", Button: "passkey.manage", Empty: "passkey.empty",
			SignIn: "/passkey/sign-in", Confirm: "passkey.confirm", Ask: p.ask, Delete: deleteOf, DeleteAdded: deleteAdded, Export: exportOf},
		Restored: restored, Powers: powers,
		Tasks: []merlon.Task{{Name: "passkey/sweep", Every: 10 * time.Minute, Run: sweep}},
		Start: p.start, Approaches: p.approaches(),
	}
}

// start fixes the host name that passkeys belong to.
func (p *part) start(_ context.Context, h *merlon.House) error {
	u, err := url.Parse(h.URL(""))
	if err != nil || protocol.ValidateRPID(u.Hostname()) != nil {
		return RuleName.Finding(setting.Host.String(), "passkeys cannot belong to the host of "+h.URL("")+": it is no name",
			`use the name that visitors type, "example.org"; in development leave it out`)
	}
	p.house, p.rpID, p.key = h, u.Hostname(), append([]byte(nil), h.Keys.Key("merlon/passkey/v1").Reveal()...)
	return nil
}

// relying is what answers are verified against: this site's name and its origin, the only one.
func (p *part) relying() (*webauthn.WebAuthn, error) {
	return webauthn.New(&webauthn.Config{RPID: p.rpID, RPDisplayName: p.house.Title, RPOrigins: []string{p.house.URL("")},
		// Password managers add outputs that nobody asked for; none is read.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore})
}

// sweep forgets challenges that are too old to be accepted.
func sweep(ctx context.Context, h *merlon.House) error {
	return h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		_, err := sweepUsed.Run(w, h.Clock().UnixMicro())
		return err
	})
}
