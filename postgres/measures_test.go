package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

// TestMeasures takes out one measure at a time: what it holds then happens.
func TestMeasures(t *testing.T) {
	for _, one := range []struct {
		name string
		does func(t *testing.T, server *pgpeer.Server, database string, e db.Engine) bool
	}{
		{"query first", func(t *testing.T, _ *pgpeer.Server, _ string, e db.Engine) bool {
			failed, err := postgres.RawRead(t.Context(), e, "SET TRANSACTION READ WRITE")
			return err == nil && failed[0] == nil
		}},
		{"rollback", func(t *testing.T, _ *pgpeer.Server, _ string, e db.Engine) bool {
			before, _ := postgres.ReaderState(t.Context(), e)
			if _, err := postgres.RawRead(t.Context(), e, "SET TIME ZONE 'Asia/Tokyo'"); err != nil {
				t.Fatal(err)
			}
			after, _ := postgres.ReaderState(t.Context(), e)
			return before != after
		}},
		{"judge", func(t *testing.T, _ *pgpeer.Server, _ string, e db.Engine) bool {
			erase := laundered(db.Query[int64], "DELETE FROM note RETURNING id")
			var got []int64
			_ = e.Write(t.Context(), func(_ context.Context, w *db.Writer) (err error) {
				got, err = erase.All(w)
				return err
			})
			return len(got) > 0
		}},
	} {
		t.Run(one.name, func(t *testing.T) {
			server, name, e := site(t)
			if one.does(t, server, name, e) {
				t.Error("with all measures it happens")
			}
			bare := postgres.Engine(server.Config(name))
			postgres.Loosen(bare, one.name)
			open(t, bare)
			if !one.does(t, server, name, bare) {
				t.Error("without the measure it does not happen: nothing is proven")
			}
		})
	}
	t.Run("role", func(t *testing.T) {
		server, name, e := site(t)
		large := func(e db.Engine) int {
			if _, err := postgres.RawRead(t.Context(), e, "SELECT lo_create(0)", "COMMIT"); err != nil {
				t.Fatal(err)
			}
			return len(server.Query(t, name, "SELECT oid FROM pg_largeobject_metadata"))
		}
		if large(e) > 0 {
			t.Error("with all measures a large object is stored")
		}
		c := server.Config(name)
		c.Reader = server.URL("root_of_all", name)
		mighty := postgres.Engine(c)
		err := mighty.Open(t.Context(), "", schema)
		var f check.Finding
		if !errors.As(err, &f) || f.ID != db.RuleReaderRole.ID {
			t.Errorf("a superuser as reader: %v", err)
		}
		postgres.Loosen(mighty, "role")
		open(t, mighty)
		if large(mighty) == 0 {
			t.Error("with another role none is stored: nothing is proven")
		}
	})
}

// TestChecks has a server that each check finds something in, and one that all pass.
func TestChecks(t *testing.T) {
	server, name, e := site(t)
	run := func(e db.Engine) map[string]string {
		found := map[string]string{}
		for _, c := range e.(db.Checker).Checks() {
			for _, f := range c.Run(t.Context()) {
				found[c.Rule.ID] += f.What + "\n"
			}
		}
		return found
	}
	if found := run(e); len(found) > 0 {
		t.Errorf("a sound server: %v", found)
	}
	server.Exec(t, name, "GRANT UPDATE ON note TO "+pgpeer.Reader)
	if found := run(e); len(found) != 1 || !strings.Contains(found[db.RuleReaderRole.ID], "public.note") {
		t.Errorf("a reader with a right to write: %v", found)
	}
	server.Exec(t, name, "REVOKE UPDATE ON note FROM "+pgpeer.Reader+"; GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint), wipe() TO "+pgpeer.Reader)
	if found := run(e); len(found) != 1 || !strings.Contains(found[db.RuleReaderReach.ID], "pg_advisory_lock, wipe") {
		t.Errorf("a reader with functions that act: %v", found)
	}
	bare := server.Database(t)
	c := server.Config(bare)
	c.URL = server.URL("root_of_all", bare)
	root := postgres.Engine(c)
	open(t, root)
	if found := run(root); len(found) != 1 || found[db.RuleOwnerRole.ID] == "" {
		t.Errorf("a superuser as owner: %v", found)
	}
	for _, url := range []string{"postgres://site@db.example.org/site", "postgres://site@db.example.org/site?sslmode=disable", "postgres://site@db.example.org/site?sslmode=prefer",
		"postgres://site@db.example.org/site?sslmode=require", "postgres://site@db.example.org/site?sslmode=verify-ca", "postgres://site@127.0.0.1,10.0.0.7/site?sslmode=allow", "postgres://site@192.0.2.7/site?sslmode=require"} {
		err := postgres.Engine(postgres.Config{URL: url, Reader: strings.Replace(url, "site@", "reader@", 1)}).Open(t.Context(), "")
		var f check.Finding
		if !errors.As(err, &f) || f.ID != db.RuleServerTLS.ID {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, c := range []postgres.Config{{}, {URL: "file:///x"}, {URL: "postgres://site:hidden@127.0.0.1:1/a", Reader: "postgres://site:hidden@127.0.0.1:1/a"}, {URL: "postgres://u:hidden@127.0.0.1:x/a"},
		{URL: "postgres://a:hidden@127.0.0.1/a", Reader: "postgres://b:hidden@127.0.0.1/b"}, {URL: "postgres://a:hidden@127.0.0.1:1/a", Reader: "postgres://b:hidden@127.0.0.1:1/a"}} {
		if err := postgres.Engine(c).Open(t.Context(), ""); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// TestTwoProcesses has two engines on one database, as two processes have: migrations run once, writers of both wait for
// one another, and what one commits the other sees.
func TestTwoProcesses(t *testing.T) {
	server := pgpeer.Shared(t)
	name := server.Database(t)
	var engines [4]db.Engine
	var wg sync.WaitGroup
	var mu sync.Mutex
	ran := 0
	for i := range engines {
		engines[i] = postgres.Engine(server.Config(name))
		if err := engines[i].Open(t.Context(), "", schema); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { engines[i].Close() })
	}
	for _, e := range engines {
		wg.Go(func() {
			done, err := e.Migrate(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			ran += len(done)
		})
	}
	wg.Wait()
	if ran != 1 {
		t.Errorf("migrations ran %d times, want 1", ran)
	}
	before, err := engines[0].Generation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Each writes one more than there are, having counted: two at once would count the same.
	for _, e := range engines {
		for range 5 {
			wg.Go(func() {
				if err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
					n, err := howMany.One(w)
					if err != nil {
						return err
					}
					_, err = insert.Run(w, strings.Repeat("x", int(n)), "text")
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if n := server.Query(t, name, "SELECT count(DISTINCT author) FROM note")[0]; n != "20" {
		t.Errorf("%s different counts, want 20", n)
	}
	if after, err := engines[1].Generation(t.Context()); err != nil || after == before {
		t.Errorf("generation %d before and %d after, error %v", before, after, err)
	}
}

// TestServerLost ends every connection between two requests: the next ones find the server again, and a transaction that
// was open keeps nothing.
func TestServerLost(t *testing.T) {
	server, name, e := site(t)
	end := func() {
		server.Exec(t, name, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	}
	end()
	r := e.Read(t.Context())
	defer r.Close()
	if n, err := howMany.One(r); err != nil || n != 3 {
		t.Errorf("after the connections were ended: %d, %v", n, err)
	}
	r.Close()
	add(t, e, "d")
	err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		if _, err := insert.Run(w, "lost", "text"); err != nil {
			return err
		}
		end()
		_, err := insert.Run(w, "lost", "text")
		return err
	})
	if !errors.Is(err, db.ErrBusy) {
		t.Errorf("a transaction whose connection was ended: %v, want ErrBusy", err)
	}
	add(t, e, "e")
	if n := server.Query(t, name, "SELECT count(*) FROM note")[0]; n != "5" {
		t.Errorf("%s rows, want 5", n)
	}
}

// TestScratchIsGone looks for what proving statements leaves: nothing, and what a killed process left is swept.
func TestScratchIsGone(t *testing.T) {
	server, name, e := site(t)
	server.Exec(t, name, "CREATE SCHEMA merlon_scratch_left AUTHORIZATION "+pgpeer.Owner)
	s, err := e.Scratch(t.Context(), schema)
	if err != nil {
		t.Fatal(err)
	}
	const schemas = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'merlon%'"
	if got := server.Query(t, name, schemas); len(got) != 1 || got[0] == "merlon_scratch_left" {
		t.Errorf("while one is open: %v", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := server.Query(t, name, schemas); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	nobody := postgres.Engine(postgres.Config{URL: "postgres://a@127.0.0.1:1/x", Reader: "postgres://b@127.0.0.1:1/x"})
	if _, err := nobody.Scratch(t.Context(), schema); !errors.Is(err, db.ErrBusy) {
		t.Errorf("without a server: %v, want ErrBusy", err)
	}
}

// TestBareUser has statements whose column user is not quoted: to PostgreSQL it is the role that asks, so they prepare.
func TestBareUser(t *testing.T) {
	_, _, e := site(t)
	scratch, err := e.Scratch(t.Context(), bareUser)
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Close()
	faults := db.Verify(t.Context(), scratch, bareUser)
	if len(faults) != 2 || faults[0].ID != db.RulePrepare.ID || !strings.Contains(faults[1].What, `a column is "user"`) {
		t.Errorf("got %v, want two findings", faults)
	}
}

var (
	bareUser = db.From(files, "testdata/migrations").Named("bare")
	_        = db.Query[int64](bareUser, "SELECT id FROM note WHERE user = $1 LIMIT 1")
	_        = db.Query[string](bareUser, "SELECT user FROM note LIMIT 1")
	_        = db.Query[string](bareUser, "SELECT author FROM note WHERE author = $1 LIMIT 1")
)

// TestStream reads more rows than a reader takes at once, with another statement between.
func TestStream(t *testing.T) {
	server, name, e := site(t)
	server.Exec(t, name, "INSERT INTO note (author, text) SELECT 'x', i::text FROM generate_series(1, 5000) i")
	r := e.Read(t.Context())
	defer r.Close()
	all := laundered(db.Query[int64], "SELECT id FROM note ORDER BY id")
	n := int64(0)
	for id, err := range all.Each(r) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%1000 == 0 {
			if got, err := howMany.One(r); err != nil || got != 5003 {
				t.Fatal(got, err)
			}
		}
		if id <= 0 {
			t.Fatal(id)
		}
	}
	if n != 5003 {
		t.Errorf("%d rows, want 5003", n)
	}
	took := time.Now()
	for range all.Each(r) {
		break
	}
	if d := time.Since(took); d > time.Minute {
		t.Error(d)
	}
}
