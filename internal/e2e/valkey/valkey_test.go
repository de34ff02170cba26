// Package valkey_test holds a whole site whose sessions and counted attempts are on a server: a Redis or Valkey of this machine.
package valkey_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/examples/club/site/sitetest"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/internal/e2e/valkeypeer"
	"github.com/merlon-web/merlon/merlontest"
	outbound "github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/postgres"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/valkey"
)

func TestMain(m *testing.M) { os.Exit(pgpeer.Main(m)) }

type open = func(merlon.Env) (*merlon.Site, error)

// onFile is the club on SQLite, its sessions on a server.
func onFile(s *valkeypeer.Server) open {
	return func(env merlon.Env) (*merlon.Site, error) {
		env.Settings.Valkey.URL = s.Address
		return site.OpenBeside(env, sqlite.Engine("club.db"), valkey.Or(env))
	}
}

// onServers is the club on PostgreSQL, its sessions on a server.
func onServers(pg *pgpeer.Server, database string, s *valkeypeer.Server) open {
	return func(env merlon.Env) (*merlon.Site, error) {
		env.Settings.Valkey.URL = s.Address
		return site.OpenBeside(env, postgres.Engine(pg.Config(database)), valkey.Or(env))
	}
}

// TestClub runs the tests of the club.
func TestClub(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		sitetest.Run(t, func(t *testing.T) func(merlon.Env) (*merlon.Site, error) { return onFile(valkeypeer.Start(t)) })
	})
	t.Run("postgres", func(t *testing.T) {
		pg := pgpeer.Shared(t)
		sitetest.Run(t, func(t *testing.T) func(merlon.Env) (*merlon.Site, error) {
			return onServers(pg, pg.Database(t), valkeypeer.Start(t))
		})
	})
}

// TestTwoSites has two processes' worth of a site on one database and one server: who signs out at one is signed out at the other at
// once, for good, and so are all sessions of a user that one ends.
func TestTwoSites(t *testing.T) {
	pg, peer := pgpeer.Shared(t), valkeypeer.Start(t)
	name, dir := pg.Database(t), t.TempDir()
	one, two := merlontest.StartIn(t, dir, onServers(pg, name, peer)), merlontest.StartIn(t, dir, onServers(pg, name, peer))
	ann := one.SignedIn("Ann")
	at := func(s *merlontest.Server) *merlontest.Visitor { // the same browser, sent to the other process
		v := s.Visitor()
		v.SetCookie("__Host-club-session", ann.Cookie("__Host-club-session"))
		return v
	}
	ann.Get("/members").Is(200)
	at(two).Get("/members").Is(200)
	stolen := at(two)
	ann.Get("/members").Submit("/sign-out", nil)
	stolen.Get("/members").At("/sign-in?next=%2Fmembers")
	at(one).Get("/members").At("/sign-in?next=%2Fmembers")

	bea := one.SignedIn("Bea")
	ann = bea
	at(two).Get("/members").Is(200)
	two.Write(func(w *db.Writer) error {
		_, err := two.Site.House().Sessions.EndAll(w, "a test")
		return err
	})
	bea.Get("/members").At("/sign-in?next=%2Fmembers")

	cid := one.SignedIn("Cid")
	peer.Stop()
	cid.Get("/members").Is(503)
	peer.Again()
	cid.Get("/members").Is(200)
}

// TestServerAway: pages without a session go on, those with one ask to come again, nobody signs in; when the server is back who was
// signed in is, and nothing that was ended is alive.
func TestServerAway(t *testing.T) {
	peer := valkeypeer.Start(t)
	s := merlontest.Start(t, onFile(peer))
	ann, bea := s.SignedIn("Ann"), s.SignedIn("Bea")
	ann.Get("/members").Is(200)
	bea.Get("/members").Submit("/sign-out", nil)
	left := s.Visitor().Get("/sign-in")
	peer.Stop()
	ann.Get("/members").Is(503)
	s.Visitor().Get("/").Is(200)
	s.Visitor().Get("/news").Is(200)
	left.Submit("/sign-in", merlontest.Values{"Email": "ann@example.org", "Password": "no password of anybody"}).Is(503)
	peer.Again()
	ann.Get("/members").Is(200)
	bea.Get("/members").At("/sign-in?next=%2Fmembers")
}

// TestServerFull: a server without memory has visitors who sign in or out come again, and a sign-out is then done.
func TestServerFull(t *testing.T) {
	peer := valkeypeer.Start(t)
	s := merlontest.Start(t, onFile(peer))
	ann := s.SignedIn("Ann")
	members, left := ann.Get("/members"), s.Visitor().Get("/sign-in")
	peer.Say("CONFIG SET maxmemory 1")
	for what, page := range map[string]*merlontest.Visitor{
		"sign-out": members.Submit("/sign-out", nil),
		"sign-in":  left.Submit("/sign-in", merlontest.Values{"Email": "ann@example.org", "Password": "no password of anybody"}),
	} {
		if page.Is(503); page.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", what)
		}
	}
	peer.Say("CONFIG SET maxmemory 0")
	ann.Get("/members").Submit("/sign-out", nil)
	ann.Get("/members").At("/sign-in?next=%2Fmembers")
}

// TestWhatRests: whoever reads the server's files finds no token and nothing of what a session holds.
func TestWhatRests(t *testing.T) {
	peer := valkeypeer.Start(t)
	s := merlontest.Start(t, onFile(peer))
	ann := s.SignedIn("Ann")
	ann.Get("/members").Is(200)
	s.Write(func(w *db.Writer) error {
		r, err := http.NewRequest("GET", "/", nil)
		if err != nil {
			return err
		}
		r.AddCookie(&http.Cookie{Name: "__Host-club-session", Value: ann.Cookie("__Host-club-session")})
		state, err := s.Site.House().Sessions.Load(w, r)
		if err != nil || !state.Live() {
			t.Fatalf("the session: %v", err)
		}
		sw, err := s.Site.House().Sessions.Begin(state, w)
		if err != nil {
			return err
		}
		canary.Set(sw, "canary-in-the-session")
		return sw.Save()
	})
	found := 0
	err := filepath.WalkDir(peer.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		found += len(text)
		for _, secret := range []string{"canary-in-the-session", ann.Cookie("__Host-club-session"), strings.TrimPrefix(ann.Cookie("__Host-club-session"), "s")} {
			if secret == "" || strings.Contains(string(text), secret) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		return err
	})
	if err != nil || found < 1000 {
		t.Errorf("the server's files have %d bytes, %v: the test looks in the wrong place", found, err)
	}
}

var canary = session.NewKey[string]("canary")

// looking is a companion that comes last: it looks at the site, and lets no transaction commit.
type looking struct{ look func() }

var errLast = errors.New("the commit fails")

func (l looking) Keep(context.Context) error { l.look(); return errLast }
func (looking) Undo()                        {}

// TestAFailedCommitLeavesNothing: what a request has written for a session, and somebody has seen before its commit failed, is not
// there afterwards.
func TestAFailedCommitLeavesNothing(t *testing.T) {
	s := merlontest.Start(t, onFile(valkeypeer.Start(t)))
	ann, h := s.SignedIn("Ann"), s.Site.House()
	load := func(from db.Querier) *session.State {
		r, err := http.NewRequest("GET", "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: "__Host-club-session", Value: ann.Cookie("__Host-club-session")})
		state, err := h.Sessions.Load(from, r)
		if err != nil || !state.Live() {
			t.Fatalf("the session: %v", err)
		}
		return state
	}
	err := h.Engine.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		sw, err := h.Sessions.Begin(load(w), w)
		if err != nil {
			return err
		}
		canary.Set(sw, "canary")
		if err := sw.Save(); err != nil {
			return err
		}
		w.Beside("last", func() db.Companion { return looking{func() { ann.Get("/members").Is(200) }} })
		return nil
	})
	if !errors.Is(err, errLast) {
		t.Fatal(err)
	}
	r := h.Engine.Read(t.Context())
	defer r.Close()
	if got, has := canary.Get(load(r).Reader()); has {
		t.Errorf("the session holds %q, which was not committed", got)
	}
}

// begun begins a session of the first user and returns its cookie.
func begun(s *merlontest.Server) (cookie string) {
	s.Write(func(w *db.Writer) error {
		h := s.Site.House()
		sw, err := h.Sessions.Begin(h.Sessions.Nobody(), w)
		if err == nil {
			err = sw.Rotate(session.Level{User: 1, Factors: 1, Recent: s.Now()})
		}
		if err == nil {
			err = sw.Save()
		}
		c, _ := sw.Cookie()
		cookie = c.Value
		return err
	})
	return cookie
}

// TestMoved: sessions that are kept elsewhere from now on begin anew, and those of the old place do not rise when it is used again.
func TestMoved(t *testing.T) {
	peer, dir := valkeypeer.Start(t), t.TempDir()
	run := func(how open, do func(s *merlontest.Server)) {
		t.Helper()
		t.Run("start", func(t *testing.T) { do(merlontest.StartIn(t, dir, how)) })
	}
	var inFile, onServer string
	const name = "__Host-club-session"
	opens := func(s *merlontest.Server, cookie string) bool {
		v := s.Visitor()
		v.SetCookie(name, cookie)
		return !strings.HasPrefix(v.Get("/members").Path, "/sign-in")
	}
	run(site.Open, func(s *merlontest.Server) { inFile = s.SignedIn("Ann").Get("/members").Is(200).Cookie(name) })
	run(site.Open, func(s *merlontest.Server) {
		if !opens(s, inFile) {
			t.Error("a session did not outlive the process")
		}
	})
	run(onFile(peer), func(s *merlontest.Server) {
		if opens(s, inFile) {
			t.Error("a session of the file is alive on the server")
		}
		onServer = begun(s)
	})
	run(onFile(peer), func(s *merlontest.Server) {
		if !opens(s, onServer) {
			t.Error("a session on the server did not outlive the process")
		}
	})
	run(site.Open, func(s *merlontest.Server) {
		if opens(s, inFile) || opens(s, onServer) {
			t.Error("a session of before rose in the file")
		}
	})
	run(onFile(peer), func(s *merlontest.Server) {
		if opens(s, inFile) || opens(s, onServer) {
			t.Error("a session of before rose on the server")
		}
	})
}

// TestTwoPlaces: of two processes on one database the second cannot keep sessions elsewhere, whichever comes first, and though
// nobody has signed in yet.
func TestTwoPlaces(t *testing.T) {
	pg, peer := pgpeer.Shared(t), valkeypeer.Start(t)
	alone := func(database string) open {
		return func(env merlon.Env) (*merlon.Site, error) {
			return site.OpenOn(env, postgres.Engine(pg.Config(database)))
		}
	}
	refused := func(how open, dir string) {
		t.Helper()
		other, err := how(merlon.Env{Data: dir, Mode: merlon.Test})
		if err != nil {
			t.Fatal(err)
		}
		err = other.Start(t.Context())
		if found, ok := errors.AsType[check.Finding](err); !ok || found.ID != merlon.RuleStores.ID {
			t.Errorf("a process with its sessions elsewhere starts: %v", err)
			_ = other.Close(t.Context())
		}
	}
	database, dir := pg.Database(t), t.TempDir()
	s := merlontest.StartIn(t, dir, onServers(pg, database, peer))
	refused(alone(database), dir)
	s.SignedIn("Ann").Get("/members").Is(200)
	refused(alone(database), dir)

	database, dir = pg.Database(t), t.TempDir()
	merlontest.StartIn(t, dir, alone(database))
	refused(onServers(pg, database, peer), dir)
	merlontest.StartIn(t, dir, alone(database)) // one like the first
}

// TestMovedOnPostgres: with all processes stopped and the SQL of the refusal run, sessions move, there and back, and none of before rises.
func TestMovedOnPostgres(t *testing.T) {
	pg, peer := pgpeer.Shared(t), valkeypeer.Start(t)
	database, dir := pg.Database(t), t.TempDir()
	beside := onServers(pg, database, peer)
	alone := func(env merlon.Env) (*merlon.Site, error) {
		return site.OpenOn(env, postgres.Engine(pg.Config(database)))
	}
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	const name = "__Host-club-session"
	var cookies []string
	for i, how := range []open{alone, beside, alone, beside} {
		if i > 0 {
			refused, err := how(merlon.Env{Data: dir, Mode: merlon.Test})
			if err != nil {
				t.Fatal(err)
			}
			found, _ := errors.AsType[check.Finding](refused.Start(t.Context()))
			_, sql, ok := strings.Cut(found.Do, "tables: ")
			if !ok || !strings.Contains(string(readme), sql) {
				t.Fatalf("start %d is not refused with what the README says: %v", i, found)
			}
			pg.Exec(t, database, "SET ROLE "+pgpeer.Owner+"; "+sql)
		}
		t.Run("start", func(t *testing.T) {
			s := merlontest.StartIn(t, dir, how)
			for _, cookie := range cookies {
				v := s.Visitor()
				v.SetCookie(name, cookie)
				v.Get("/members").At("/sign-in?next=%2Fmembers")
			}
			if i == 0 {
				s.SignedIn("Ann")
			}
			cookie := begun(s)
			v := s.Visitor()
			v.SetCookie(name, cookie)
			v.Get("/members").At("/members")
			cookies = append(cookies, cookie)
		})
	}
}

// TestACopyIsApart: what is done to a copy of the data, by a drill or an attack, ends nobody's session of the site itself.
func TestACopyIsApart(t *testing.T) {
	peer, dir := valkeypeer.Start(t), t.TempDir()
	s := merlontest.StartIn(t, dir, onFile(peer))
	ann := s.SignedIn("Ann")
	copied := t.TempDir()
	if err := s.Site.House().Engine.CopyTo(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(copied, "keys"), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	copy, err := onFile(peer)(merlon.Env{Data: copied, Mode: merlon.Drill})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := copy.Restore(t.Context(), merlon.Restore{Point: "x", Instant: s.Now(), Now: s.Now(), Who: "drill"}); err != nil {
		t.Fatal(err)
	}
	if err := copy.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer copy.Close(t.Context())
	h := copy.House()
	if err := h.Engine.Write(t.Context(), func(_ context.Context, w *db.Writer) error { _, err := h.Sessions.EndAll(w, "a test"); return err }); err != nil {
		t.Fatal(err)
	}
	ann.Get("/members").Is(200)
}

// TestSettings: what is wrong with the setting is found when the site is put together, and no password is told.
func TestSettings(t *testing.T) {
	for name, one := range map[string]struct {
		set  merlon.ValkeySettings
		rule check.Rule
	}{
		"no server":     {merlon.ValkeySettings{Prefix: "x"}, merlon.RuleStores},
		"another mode":  {merlon.ValkeySettings{URL: "valkey://127.0.0.1", Mode: "sentinel"}, merlon.RuleStores},
		"no file":       {merlon.ValkeySettings{URL: "valkey://127.0.0.1", PasswordFile: filepath.Join(t.TempDir(), "none")}, merlon.RuleStores},
		"no roots":      {merlon.ValkeySettings{URL: "valkey://127.0.0.1", Roots: filepath.Join(t.TempDir(), "none")}, merlon.RuleStores},
		"a password":    {merlon.ValkeySettings{URL: "valkeys://x:canary@cache.example.org"}, outbound.RuleServer},
		"in the clear":  {merlon.ValkeySettings{URL: "valkey://cache.example.org"}, outbound.RulePlain},
		"no password":   {merlon.ValkeySettings{URL: "valkeys://cache.example.org"}, outbound.RulePassword},
		"two databases": {merlon.ValkeySettings{URL: "valkey://127.0.0.1/1", Mode: "cluster"}, outbound.RuleServer},
	} {
		env := merlon.Env{Data: t.TempDir(), Mode: merlon.Test, Settings: merlon.Settings{Valkey: one.set}}
		_, err := site.OpenBeside(env, sqlite.Engine("club.db"), valkey.Or(env))
		if err == nil || !strings.Contains(err.Error(), one.rule.ID) || !strings.Contains(err.Error(), "valkey.url") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %s at valkey.url", name, err, one.rule.ID)
		}
	}
	env := merlon.Env{Data: t.TempDir(), Mode: merlon.Test, Settings: merlon.Settings{Valkey: merlon.ValkeySettings{URL: "valkey://127.0.0.1"}}}
	if _, err := site.OpenOn(env, sqlite.Engine("club.db")); err == nil || !strings.Contains(err.Error(), merlon.RuleStores.ID) {
		t.Errorf("a program that does not heed the setting: %v", err)
	}
}

// TestChecks: a server that forgets is found by the site's own check.
func TestChecks(t *testing.T) {
	for name, want := range map[string]bool{"noeviction": false, "allkeys-lru": true} {
		s := merlontest.Start(t, onFile(valkeypeer.Start(t, "--maxmemory-policy", name)))
		found := false
		for _, f := range s.Site.Check(t.Context()).Findings(check.Low) {
			found = found || f.ID == outbound.RuleEviction.ID
		}
		if found != want {
			t.Errorf("maxmemory-policy %s: found %v, want %v", name, found, want)
		}
	}
}
