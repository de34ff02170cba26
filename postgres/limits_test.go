package postgres_test

import (
	"embed"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

//go:embed testdata/slow
var slowFiles embed.FS

var slow = db.From(slowFiles, "testdata/slow").Named("slow")

// TestLimitsOfTheDatabase: limits of time that an administrator gave the database stop no migration and no dump.
func TestLimitsOfTheDatabase(t *testing.T) {
	server := pgpeer.Shared(t)
	name := server.Database(t)
	limits := []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"}
	if server.Query(t, name, "SELECT count(*) FROM pg_settings WHERE name = 'transaction_timeout'")[0] == "1" {
		limits = append(limits, "transaction_timeout")
	}
	for _, limit := range limits {
		server.Exec(t, "postgres", "ALTER DATABASE "+name+" SET "+limit+" = '200ms'")
	}
	e := postgres.Engine(server.Config(name))
	dir := t.TempDir()
	if err := e.Open(t.Context(), dir, slow); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	hold := func() chan struct{} {
		held := make(chan struct{})
		go func() {
			defer close(held)
			server.Exec(t, name, "SET statement_timeout = 0; BEGIN; LOCK TABLE slow; SELECT pg_sleep(1); COMMIT")
		}()
		return held
	}
	held := hold()
	for server.Query(t, name, "SET statement_timeout = 0; SELECT count(*) FROM pg_locks WHERE relation = 'slow'::regclass AND mode = 'AccessExclusiveLock' AND granted")[0] == "0" {
		select {
		case <-held: // on a busy machine nobody has looked meanwhile
			held = hold()
		case <-time.After(10 * time.Millisecond):
		}
	}
	s, err := e.Snapshot(t.Context())
	<-held
	if err != nil {
		t.Fatalf("a table that is locked for a second: %v", err)
	}
	defer s.Close()
	// What the programs of PostgreSQL meet at the other end of the relay.
	if err := e.(db.Carrier).Load(t.Context(), dir, s.Reader()); err != nil {
		t.Fatal(err)
	}
	defer e.(db.Carrier).Unload(t.Context(), dir)
	lent := server.Query(t, "postgres", "SELECT datname FROM pg_database WHERE datname LIKE '"+name+`\_restore\_%'`)[0]
	sockets := shortFolder(t)
	stop, err := e.(db.Carrier).Lend(t.Context(), dir, sockets)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, limit := range limits {
		server.Exec(t, "postgres", "ALTER DATABASE "+lent+" SET "+limit+" = '20s'")
	}
	cmd := exec.CommandContext(t.Context(), realTool(t, "psql"), "-w", "-At", "-h", sockets, "-p", "5432", "-U", "site", "-c", "SELECT name, setting FROM pg_settings WHERE name IN ('"+strings.Join(limits, "', '")+"') AND setting <> '0'", lent)
	cmd.Env = []string{"LC_ALL=C"}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("through the relay: %s %v", out, err)
	}
}

// TestStoppedMigration: a migration that the server stops is not one to mend.
func TestStoppedMigration(t *testing.T) {
	server := pgpeer.Shared(t)
	name := server.Database(t)
	e := postgres.Engine(server.Config(name))
	if err := e.Open(t.Context(), t.TempDir(), slow); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	stopped := make(chan bool)
	done := make(chan struct{})
	go func() {
		const stop = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(0.5)%' AND pid <> pg_backend_pid() AND state = 'active'"
		for {
			select {
			case <-done:
				stopped <- false
				return
			default:
			}
			if server.Query(t, name, stop)[0] != "0" {
				<-done
				stopped <- true
				return
			}
		}
	}()
	_, err := e.Migrate(t.Context())
	close(done)
	if <-stopped && err != nil && !strings.Contains(err.Error(), "try again") { // nil: the stop came too late
		t.Errorf("says %v", err)
	}
}
