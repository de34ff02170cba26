package pgpeer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/postgres"
)

// Standby starts a server that follows this one, as pg_basebackup makes it, and ends it with the test.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	two := &Server{Dir: dir, bin: s.bin}
	t.Cleanup(func() {
		if two.command != nil {
			two.Halt(syscall.SIGQUIT)
		}
		_ = os.RemoveAll(dir)
	})
	if _, err := two.own(); err != nil {
		t.Fatal(err)
	}
	if two.Port, err = need.FreePort(); err != nil {
		t.Fatal(err)
	}
	copying := exec.CommandContext(t.Context(), filepath.Join(s.bin, "pg_basebackup"), "-D", two.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(s.Port), "-U", "root_of_all", "-R", "-X", "stream", "-c", "fast", "--no-sync")
	copying.SysProcAttr, copying.Env, copying.Dir = two.as, two.env, dir
	if out, err := copying.CombinedOutput(); err != nil {
		t.Fatalf("pgpeer: pg_basebackup: %v\n%s", err, out)
	}
	if err := two.run(); err != nil {
		t.Fatalf("pgpeer: %v", err)
	}
	return two
}

// Beside is Config with standbys.
func (s *Server) Beside(database string, standbys ...*Server) postgres.Config {
	c := s.Config(database)
	for _, one := range standbys {
		c.Replicas = append(c.Replicas, one.URL(Reader, database))
	}
	return c
}

// Pause has a standby replay nothing more until Resume.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.Exec(t, "postgres", "SELECT pg_wal_replay_pause()")
	s.until(t, "SELECT pg_get_wal_replay_pause_state() = 'paused'")
}

// Resume ends Pause.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.Exec(t, "postgres", "SELECT pg_wal_replay_resume()")
}

// Follow waits until a standby has replayed all that the server has written.
func (s *Server) Follow(t testing.TB, standbys ...*Server) {
	t.Helper()
	at := s.Query(t, "postgres", "SELECT pg_current_wal_insert_lsn()")[0]
	s.Query(t, "postgres", "SELECT pg_logical_emit_message(true, 'merlon', '')") // its commit sends on what was written before it
	for _, one := range standbys {
		one.until(t, fmt.Sprintf("SELECT pg_last_wal_replay_lsn() >= '%s'::pg_lsn", at))
	}
}

func (s *Server) until(t testing.TB, query string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if s.Query(t, "postgres", query)[0] == "t" {
			return
		}
	}
	t.Fatalf("pgpeer: %q is still not so", query)
}

// Another starts a server that has nothing to do with the shared one, and ends it with the test.
func Another(t testing.TB) *Server {
	t.Helper()
	s, missing, err := start()
	if missing {
		need.Missing(t, "initdb of PostgreSQL", "apt-get install postgresql")
	}
	if err != nil {
		t.Fatalf("pgpeer: %v", err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Processes returns the numbers of a server's processes, the first one's first.
func (s *Server) Processes(t testing.TB) []int {
	t.Helper()
	all := []int{s.command.Process.Pid}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", all[0]))
	if err != nil {
		t.Skipf("pgpeer: %v: which processes a server has is asked of Linux", err)
	}
	for _, text := range strings.Fields(string(children)) {
		pid, _ := strconv.Atoi(text)
		all = append(all, pid)
	}
	return all
}
