package postgres_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

// follows opens an engine whose readers may go to two standbys.
func follows(t *testing.T) (server *pgpeer.Server, name string, e db.Engine, standbys []*pgpeer.Server) {
	t.Helper()
	need.Time(t, "ten seconds of two standbys")
	server = pgpeer.Shared(t)
	name = server.Database(t)
	standbys = []*pgpeer.Server{server.Standby(t), server.Standby(t)}
	bare := postgres.Engine(server.Config(name))
	open(t, bare)
	add(t, bare, "first")
	server.Follow(t, standbys...)
	e = postgres.Engine(server.Beside(name, standbys...))
	open(t, e)
	return server, name, e, standbys
}

func replicas(e db.Engine) []db.Replica { return e.(db.Replicated).Replicas() }

// served counts the readers that replicas have had.
func served(e db.Engine) (n int64) {
	for _, r := range replicas(e) {
		n += r.Readers
	}
	return n
}

// countAfter counts the rows by a reader of a replica that has seen a transaction, and says whether it was a replica's.
func countAfter(t *testing.T, e db.Engine, after int64) (rows int, there bool) {
	t.Helper()
	before := served(e)
	r := e.(db.Replicated).ReadAfter(t.Context(), after)
	if r == nil {
		r = e.Read(t.Context())
	}
	defer r.Close()
	n, err := howMany.One(r)
	if err != nil {
		t.Error(err)
	}
	return int(n), served(e) > before
}

// until waits for what the next looks at the replicas find.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 3000 { // not a time: a machine may stand still for a while
		if is() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s: still not so", what)
}

// numbered writes a row and returns the number of the transaction; within runs before the commit.
func numbered(t *testing.T, e db.Engine, author string, within func(number int64)) (number int64) {
	t.Helper()
	if err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		number = w.Number()
		_, err := insert.Run(w, author, "text")
		if within != nil {
			within(number)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return number
}

func TestReplicas(t *testing.T) {
	server, name, e, standbys := follows(t)

	t.Run("readers are spread", func(t *testing.T) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 50 {
					if n, _ := countAfter(t, e, 0); n != 1 {
						t.Errorf("%d rows, want 1", n)
					}
				}
			})
		}
		all.Wait()
		for i, r := range replicas(e) {
			if r.Readers < 50 || r.Fault != "" || r.Lag < 0 || r.Lag > db.MaxLag {
				t.Errorf("replica %d: %+v: want a share of 400 readers", i, r)
			}
			until(t, "the standby counts them too", func() bool { // each reader's transaction is rolled back; it is told a second later, by the next
				countAfter(t, e, 0)
				return standbys[i].Query(t, "postgres", "SELECT xact_rollback >= 50 FROM pg_stat_database WHERE datname = '"+name+"'")[0] == "t"
			})
		}
	})

	// The number of a transaction that is open is lower than that of one that is committed: the standby knows it, and it has not ended.
	t.Run("an open transaction is not seen", func(t *testing.T) {
		numbered(t, e, "open", func(number int64) {
			server.Exec(t, name, "CREATE TABLE later ()") // a higher number, committed
			server.Follow(t, standbys...)
			if n, there := countAfter(t, e, number); there || n != 1 {
				t.Errorf("%d rows, from a replica %t: want 1 from the server itself", n, there)
			}
		})
		server.Exec(t, name, "DROP TABLE later")
	})

	t.Run("one that came there is", func(t *testing.T) {
		number := numbered(t, e, "seen", nil)
		server.Follow(t, standbys...)
		if n, there := countAfter(t, e, number); !there || n != 3 {
			t.Errorf("%d rows, from a replica %t: want 3 from one", n, there)
		}
		until(t, "it is known without being asked for", func() bool {
			_, there := countAfter(t, e, number)
			return there
		})
	})

	t.Run("what was written is read by its writer, and nothing old by anybody", func(t *testing.T) {
		for _, s := range standbys {
			s.Pause(t)
		}
		number := numbered(t, e, "paused", nil)
		if n, there := countAfter(t, e, number); there || n != 4 {
			t.Errorf("the writer: %d rows, from a replica %t: want 4 from the server itself", n, there)
		}
		if n, there := countAfter(t, e, 0); !there || n != 3 {
			t.Errorf("another: %d rows, from a replica %t: want 3 from one", n, there)
		}
		until(t, "nobody reads what is old", func() bool {
			lag := replicas(e)
			if e.(db.Replicated).ReadAfter(t.Context(), 0) == nil {
				return true
			}
			if min(lag[0].Lag, lag[1].Lag) > db.MaxLag {
				t.Errorf("a replica that is %v and one that is %v behind: one was read", lag[0].Lag, lag[1].Lag)
			}
			return false
		})
		for _, r := range replicas(e) {
			if r.Fault == "" || r.Foreign {
				t.Errorf("%+v: want a fault", r)
			}
		}
		found := map[string]int{}
		for _, c := range e.(db.Checker).Checks() {
			found[c.Rule.ID] += len(c.Run(t.Context()))
		}
		if found[db.RuleReplicaAway.ID] != 2 || found[db.RuleReplica.ID] != 0 || found[db.RuleServerTLS.ID] != 0 {
			t.Errorf("check: %v", found)
		}
		for _, s := range standbys {
			s.Resume(t)
		}
		until(t, "they are read again", func() bool { n, there := countAfter(t, e, number); return there && n == 4 })
		for _, c := range e.(db.Checker).Checks() {
			if f := c.Run(t.Context()); len(f) > 0 {
				t.Errorf("check of what is sound: %v", f)
			}
		}
	})

	t.Run("one that hangs makes nobody wait for long", func(t *testing.T) {
		resume := freeze(t, standbys[0])
		var longest time.Duration
		until(t, "it is left", func() bool {
			began := time.Now()
			r := e.(db.Replicated).ReadAfter(t.Context(), 0)
			if _, err := howMany.One(r); err != nil {
				t.Error(err)
			}
			r.Close()
			longest = max(longest, time.Since(began))
			return replicas(e)[0].Fault != ""
		})
		if longest > 20*time.Second {
			t.Errorf("a reader waited for %v", longest)
		}
		resume()
		until(t, "it is read again", func() bool { return replicas(e)[0].Fault == "" })
	})

	t.Run("one that is killed", func(t *testing.T) {
		standbys[0].Halt(syscall.SIGQUIT)
		for range 50 {
			countAfter(t, e, 0) // fails the test on an error
		}
		until(t, "it is noticed", func() bool { countAfter(t, e, 0); return replicas(e)[0].Fault != "" })
		standbys[0].Again(t)
		until(t, "it is read again", func() bool { return replicas(e)[0].Fault == "" })
	})

	t.Run("one that is promoted is read no more", func(t *testing.T) {
		standbys[1].Exec(t, "postgres", "SELECT pg_promote()")
		until(t, "it is noticed", func() bool { return strings.Contains(replicas(e)[1].Fault, "promoted") })
		again := postgres.Engine(server.Beside(name, standbys...))
		if err := again.Open(t.Context(), "", schema); err != nil {
			t.Fatalf("a promoted replica keeps a site from starting: %v", err)
		}
		defer again.Close()
		if all := replicas(again); all[0].Fault != "" || !strings.Contains(all[1].Fault, "promoted") {
			t.Errorf("%+v", all)
		}
	})

	// The other one still follows the server that was there before, and is further in its log than the promoted one.
	t.Run("one that was left behind by a failover", func(t *testing.T) {
		server.Exec(t, name, "CREATE TABLE lost AS SELECT generate_series(1, 10000) AS n")
		server.Follow(t, standbys[0])
		after := postgres.Engine(standbys[1].Beside(name, standbys[0]))
		if err := after.Open(t.Context(), "", schema); err != nil {
			t.Fatal(err)
		}
		defer after.Close()
		if all := replicas(after); !strings.Contains(all[0].Fault, "failover") {
			t.Errorf("%+v", all)
		}
		if _, there := countAfter(t, after, 0); there {
			t.Error("it is read")
		}
	})
}

// freeze stops all processes of a server where they are.
func freeze(t *testing.T, s *pgpeer.Server) (resume func()) {
	t.Helper()
	signal := func(how syscall.Signal) {
		for _, pid := range s.Processes(t) {
			if err := syscall.Kill(pid, how); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Logf("%d: %v", pid, err)
			}
		}
	}
	signal(syscall.SIGSTOP)
	return func() { signal(syscall.SIGCONT) }
}

// TestNoReplica names what is none.
func TestNoReplica(t *testing.T) {
	server := pgpeer.Shared(t)
	name := server.Database(t)
	refuse := func(what, id, says string, c postgres.Config) {
		t.Helper()
		err := postgres.Engine(c).Open(t.Context(), "", schema)
		var f check.Finding
		if !errors.As(err, &f) || f.ID != id || !strings.Contains(f.What, says) {
			t.Errorf("%s: %v, want %s with %q", what, err, id, says)
		}
	}
	with := func(replicas ...string) postgres.Config {
		c := server.Config(name)
		c.Replicas = replicas
		return c
	}
	far := "postgres://" + pgpeer.Reader + "@192.0.2.7/" + name
	refuse("the server itself", db.RuleReplica.ID, "itself", with(server.URL(pgpeer.Reader, name)))
	refuse("one twice", db.RuleReplica.ID, "twice", with(far+"?sslmode=verify-full", far+"?sslmode=verify-full"))
	refuse("the owner's role", db.RuleReaderRole.ID, "asked as", with(strings.Replace(far, pgpeer.Reader, pgpeer.Owner, 1)+"?sslmode=verify-full"))
	refuse("another database", db.RuleReplica.ID, "database", with(far+"x?sslmode=verify-full"))
	refuse("in the clear", db.RuleServerTLS.ID, "192.0.2.7", with(far+"?sslmode=require"))

	// Not the address, but what answers there: the server itself under another name, and one that is not there.
	other := strings.Replace(server.URL(pgpeer.Reader, name), "127.0.0.1", "localhost", 1)
	e := postgres.Engine(with(other, "postgres://"+pgpeer.Reader+"@127.0.0.1:1/"+name))
	open(t, e)
	add(t, e, "a")
	if n, there := countAfter(t, e, 0); there || n != 1 {
		t.Errorf("%d rows, from a replica %t", n, there)
	}
	if all := replicas(e); !strings.Contains(all[0].Fault, "follows no server") || !strings.Contains(all[1].Fault, "does not answer") || all[0].Foreign || all[1].Foreign {
		t.Errorf("%+v", all)
	}
}

// TestForeignReplica has other servers answer: they keep a site from starting, and one that comes later is read by nobody and found.
func TestForeignReplica(t *testing.T) {
	need.Time(t, "ten seconds of two further servers")
	server := pgpeer.Shared(t)
	name := server.Database(t)
	stranger := pgpeer.Another(t)
	stranger.Make(t, name)
	follower := stranger.Standby(t)
	for _, other := range []*pgpeer.Server{stranger, follower} {
		err := postgres.Engine(server.Beside(name, other)).Open(t.Context(), "", schema)
		var f check.Finding
		if !errors.As(err, &f) || f.ID != db.RuleReplica.ID || !strings.Contains(f.What, "another server") {
			t.Errorf("another server: %v", err)
		}
	}
	follower.Halt(syscall.SIGINT)
	e := postgres.Engine(server.Beside(name, follower))
	open(t, e)
	add(t, e, "a")
	follower.Again(t)
	until(t, "it is known", func() bool { return replicas(e)[0].Foreign })
	if n, there := countAfter(t, e, 0); there || n != 1 {
		t.Errorf("%d rows, from a replica %t", n, there)
	}
	for _, c := range e.(db.Checker).Checks() {
		if found := c.Run(t.Context()); len(found) > 0 != (c.Rule.ID == db.RuleReplica.ID) {
			t.Errorf("%s: %v", c.Rule.ID, found)
		}
	}
}
