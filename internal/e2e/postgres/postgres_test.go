// Package postgres_test holds the house's own tables, and a whole site, on PostgreSQL.
package postgres_test

import (
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/examples/club/site/sitetest"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/postgres"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/session/sessiontest"
	"github.com/merlon-web/merlon/throttle"
	"github.com/merlon-web/merlon/throttle/throttletest"
)

func TestMain(m *testing.M) { os.Exit(pgpeer.Main(m)) }

// TestClub runs the tests of the club.
func TestClub(t *testing.T) {
	server := pgpeer.Shared(t)
	sitetest.Run(t, func(t *testing.T) func(merlon.Env) (*merlon.Site, error) { return club(server, server.Database(t)) })
}

func club(server *pgpeer.Server, database string) func(merlon.Env) (*merlon.Site, error) {
	return func(env merlon.Env) (*merlon.Site, error) {
		return site.OpenOn(env, postgres.Engine(server.Config(database)))
	}
}

func engine(t *testing.T, server *pgpeer.Server, database string, schema *db.Schema) db.Engine {
	t.Helper()
	e := postgres.Engine(server.Config(database))
	if err := e.Open(t.Context(), "", schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSessionStore(t *testing.T) {
	server := pgpeer.Shared(t)
	sessiontest.Run(t, func(t *testing.T) (session.Store, db.Engine) {
		return session.NewStore(), engine(t, server, server.Database(t), session.Schema())
	})
}

func TestThrottleStore(t *testing.T) {
	server := pgpeer.Shared(t)
	throttletest.Run(t, func(t *testing.T) (throttle.Store, func() throttle.Store) {
		name := server.Database(t)
		e := engine(t, server, name, throttle.Schema())
		return throttle.NewStore(e), func() throttle.Store {
			e.Close()
			return throttle.NewStore(engine(t, server, name, throttle.Schema()))
		}
	})
}

// TestTwoSites has two processes' worth of a site on one database and one folder of keys: who signs out at one is signed
// out at the other at once.
func TestTwoSites(t *testing.T) {
	server := pgpeer.Shared(t)
	name, dir := server.Database(t), t.TempDir()
	one := merlontest.StartIn(t, dir, club(server, name))
	two := merlontest.StartIn(t, dir, club(server, name))
	ann := one.SignedIn("Ann")
	ann.Get("/members").Is(200)
	two.Write(func(w *db.Writer) error {
		_, err := two.Site.House().Sessions.EndAll(w, "a test")
		return err
	})
	ann.Get("/members").At("/sign-in?next=%2Fmembers")
}

// TestTwoSitesReleaseOneThrottle: a bucket that one process has seen full is free there as soon as another releases it.
func TestTwoSitesReleaseOneThrottle(t *testing.T) {
	server := pgpeer.Shared(t)
	name, dir := server.Database(t), t.TempDir()
	one := merlontest.StartIn(t, dir, club(server, name)).Site.House().Limits
	two := merlontest.StartIn(t, dir, club(server, name)).Site.House().Limits
	bucket := throttle.Account("ann@example.org")
	var limited *throttle.Limited
	for i := 0; ; i++ {
		if _, err := two.Reserve(t.Context(), bucket); errors.As(err, &limited) {
			break
		} else if err != nil || i == 1000 {
			t.Fatalf("attempt %d: %v, want a refusal in time", i, err)
		}
	}
	if err := one.Release(t.Context(), "a test", bucket); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Reserve(t.Context(), bucket); err != nil {
		t.Errorf("released by the other process: %v", err)
	}
}

// TestFirstStarts has two processes begin at one moment on an empty database: with one folder they get one ring of keys, with
// a folder each the second is refused, since it would have keys of its own.
func TestFirstStarts(t *testing.T) {
	server := pgpeer.Shared(t)
	for _, shared := range []bool{true, false} {
		name := server.Database(t)
		dirs := []string{t.TempDir(), t.TempDir()}
		if shared {
			dirs[1] = dirs[0]
		}
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				s, err := club(server, name)(merlon.Env{Data: dirs[i], Mode: merlon.Test})
				if err == nil {
					if err = s.Start(t.Context()); err == nil {
						defer s.Close(t.Context())
					}
				}
				errs[i] = err
			})
		}
		wg.Wait()
		var refused []error
		for _, err := range errs {
			var f check.Finding
			if errors.As(err, &f) && f.ID == keyring.RuleChanged.ID {
				refused = append(refused, err)
			} else if err != nil {
				t.Error(err)
			}
		}
		if want := map[bool]int{true: 0, false: 1}[shared]; len(refused) != want {
			t.Errorf("one folder %t: %d are refused for want of keys, want %d: %v", shared, len(refused), want, refused)
		}
	}
}

// TestServerAway has New without a server: it succeeds, check says that nothing was proven, and Start says why not.
func TestServerAway(t *testing.T) {
	s, err := site.OpenOn(merlon.Env{Data: t.TempDir(), Mode: merlon.Test}, postgres.Engine(postgres.Config{URL: "postgres://a@127.0.0.1:1/x", Reader: "postgres://b@127.0.0.1:1/x"}))
	if err != nil {
		t.Fatalf("New needs a server: %v", err)
	}
	found := false
	for _, c := range s.Checks() {
		if c.Rule.ID == db.RulePrepare.ID {
			found = len(c.Run(t.Context())) > 0
		}
	}
	if !found {
		t.Error("check does not say that the statements were not proven")
	}
	if err := s.Start(t.Context()); !errors.Is(err, db.ErrBusy) {
		t.Errorf("Start: %v, want ErrBusy", err)
	}
}

// TestAttackerRefusesAServer: of a folder there is a copy, of rows on a server there is none, so nothing is done to them.
func TestAttackerRefusesAServer(t *testing.T) {
	server := pgpeer.Shared(t)
	name := server.Database(t)
	if _, err := attack.Site(t.Context(), club(server, name), attack.Options{}); !errors.Is(err, attack.ErrShared) {
		t.Errorf("got %v, want attack.ErrShared", err)
	}
	s := merlontest.StartIn(t, t.TempDir(), club(server, name))
	s.Visitor().Get("/news").Has("There is nothing here yet")
}
