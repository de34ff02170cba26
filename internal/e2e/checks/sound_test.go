// Package checks_test holds each check of a site against a site that it finds something in and one that it passes.
package checks_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/check/build"
	"github.com/merlon-web/merlon/check/host"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/passkey"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/static"
	"github.com/merlon-web/merlon/trust/cert"
)

// The sound site: a page, a form, a statement, a file, accounts, passkeys, and settings for the world.

type note struct{ Text string }

type newNote struct {
	Text string `form:"required,max=200" label:"Text"`
}

type notesData struct {
	Notes []note
	Form  form.Form[newNote]
}

var (
	soundPages  = page.From(files, "testdata/sound")
	soundStatic = static.From(files, "testdata/static")
	soundSchema = db.From(files, "testdata/migrations")
	notesPage   = page.New[notesData](soundPages, "notes.html")
	allNotes    = db.Query[note](soundSchema, "SELECT text FROM note ORDER BY id LIMIT $1")
	insertNote  = db.Exec(soundSchema, "INSERT INTO note (author, text) VALUES ('', $1)")
)

func showNotes(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	list, err := allNotes.All(r.DB, 50)
	return merlon.Show(notesPage, notesData{Notes: list}), err
}

func showGuests(r *merlon.Read[account.Guest], _ merlon.None) (*merlon.Response, error) {
	list, err := allNotes.All(r.DB, 50)
	return merlon.Show(notesPage, notesData{Notes: list}), err
}

func addNote(w *merlon.Write[merlon.Visitor], f form.Form[newNote]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, notesPage, notesData{Form: f}), nil
	}
	_, err := insertNote.Run(w.DB, in.Text)
	return merlon.Redirect("/"), err
}

func addNoteOf(w *merlon.Write[account.Guest], f form.Form[newNote]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, notesPage, notesData{Form: f}), nil
	}
	_, err := insertNote.Run(w.DB, in.Text)
	return merlon.Redirect("/"), err
}

// hooks say that no note is a user's.
var hooks = account.Hooks{
	Deleted: func(context.Context, *db.Writer, account.User, time.Time) error { return nil },
	Export:  func(context.Context, *db.Reader, account.User) (map[string]any, error) { return nil, nil },
}

func config() merlon.Config {
	return merlon.Config{Name: "sound", Engine: sqlite.Engine("sound.db"), Pages: soundPages, Static: soundStatic, Schema: soundSchema,
		Parts:  []merlon.Part{account.New(account.Config{SecurityContact: "mailto:security@example.org", Hashing: password.Params{Memory: 19 << 10, Time: 2}, Hooks: hooks}), passkey.New(passkey.Config{})},
		Routes: []merlon.Route{merlon.Get("/", account.Anyone(), showGuests), merlon.Post("/", account.Anyone(), addNoteOf)}}
}

func settings() merlon.Settings {
	return merlon.Settings{Origin: "https://shop.merlon-web.org", Hosts: []string{"shop.merlon-web.org"}, Proxies: []string{"192.0.2.1"}, ClientHeader: "X-Forwarded-For",
		Mail: merlon.MailSettings{Address: "smtp+plain://127.0.0.1:1", From: "Shop <shop@merlon-web.org>"}}
}

// soundFacts are those of a machine that nothing is to be said of.
func soundFacts() host.Facts {
	return host.Facts{UID: 1000, Umask: 0o077, Caps: 1 << 10, NoNew: 1, Core: 0, Files: 65536, Limit: 450 << 20, Memory: 512 << 20, Ptrace: 1, Program: "/usr/local/bin/shop", Mode: 0o755, Folder: 0o755,
		Env: []string{"PATH=/usr/bin", "MERLON_MAIL_PASSWORD_FILE=/run/mail"}, Synced: 1, Now: build.Known().Add(24 * time.Hour), Built: build.Known(),
		Data: host.Data{Path: "/var/lib/shop", Kind: "ext4", Free: 50 << 30, Size: 100 << 30, Inodes: 1 << 20}}
}

// soundBuild is a program that was built as it should be, by a Go that nothing is known of.
func soundBuild() build.Info {
	return build.Info{Go: "go1.999.0", Now: build.Known().Add(24 * time.Hour), Build: &debug.BuildInfo{Deps: []*debug.Module{{Path: "golang.org/x/net", Version: "v9.0.0"}},
		Settings: []debug.BuildSetting{{Key: "-trimpath", Value: "true"}, {Key: "CGO_ENABLED", Value: "0"}, {Key: "vcs.modified", Value: "false"}}}}
}

// A try is a site that is opened, perhaps started and spoilt, and checked.
type try struct {
	cfg   merlon.Config
	set   merlon.Settings
	facts host.Facts
	build build.Info
	// refused says that a part refuses to start.
	refused bool
	clock   func() time.Time
	left    time.Duration // of the certificate's ninety days
	asks    bool          // an authority for its certificate, and has none yet
	// before is called with the data folder before the site is started, spoil when it is up.
	before func(t *testing.T, data string)
	spoil  func(t *testing.T, s *merlon.Site, data string)
	tested bool // opened as tests open it: beside its Go files
}

// shown is a source of one certificate of ninety days.
type shown struct{ end time.Time }

func (shown) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("none") }
func (shown) Protocols() []string                                { return nil }
func (s shown) Leaves(context.Context) []*x509.Certificate {
	return []*x509.Certificate{{DNSNames: []string{"shop.merlon-web.org"}, NotBefore: s.end.Add(-90 * 24 * time.Hour), NotAfter: s.end}}
}

func sound() try {
	return try{cfg: config(), set: settings(), facts: soundFacts(), build: soundBuild(), left: 80 * 24 * time.Hour, spoil: addAdmin}
}

// report opens the site, starts it if it is sound, and runs all of its checks.
func (c try) report(t *testing.T) check.Report {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	env := merlon.Env{Data: data, Mode: merlon.Production, Settings: c.set, Clock: c.clock, Certificates: shown{time.Now().Add(c.left)}, NoJobs: true, Log: slog.New(slog.DiscardHandler)}
	if c.asks {
		a, err := cert.NewACME(cert.ACMEConfig{Hosts: []string{"shop.merlon-web.org"}, Dir: filepath.Join(t.TempDir(), "certificates")})
		if err != nil {
			t.Fatal(err)
		}
		env.Certificates = a
	}
	if c.tested {
		env.Mode = merlon.Test
	}
	if c.before != nil {
		c.before(t, data)
	}
	s, err := merlon.New(env, c.cfg)
	var faults check.Faults
	if err != nil && !errors.As(err, &faults) {
		t.Fatal(err)
	}
	ctx := build.With(host.With(context.Background(), c.facts), c.build)
	if err != nil {
		return s.CheckDeploy(ctx)
	}
	if err := s.Start(ctx); (err != nil) != c.refused {
		t.Fatalf("Start: %v", err)
	} else if c.refused {
		return s.CheckDeploy(ctx)
	}
	defer func() { _ = s.Close(context.Background()) }() // what was spoilt need not close well
	if c.spoil != nil {
		c.spoil(t, s, data)
	}
	// What was spoilt from outside is seen a quarter of a second later, or behind the site's next commit.
	_ = s.House().Engine.Write(ctx, func(context.Context, *db.Writer) error { return nil })
	return s.CheckDeploy(ctx)
}

// raw runs SQL on the site's file as a tool of the owner does.
func raw(t *testing.T, data, sql string) {
	t.Helper()
	rawFile(t, filepath.Join(data, "sound.db"), sql)
}

func rawFile(t *testing.T, file, sql string) {
	t.Helper()
	c, err := sqlite3.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := errors.Join(c.BusyTimeout(5*time.Second), c.Exec(sql)); err != nil {
		t.Fatal(err)
	}
}

// addAdmin gives the site an administrator with an authenticator app.
func addAdmin(t *testing.T, _ *merlon.Site, data string) {
	raw(t, data, `INSERT INTO merlon_user (id, email, name, password, roles, created, verified, chosen) VALUES (1, 'ann@example.org', 'Ann', '', 'admin', 1, 1, 1);
		INSERT INTO merlon_totp (user, secret, created) VALUES (1, x'00', 1)`)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
