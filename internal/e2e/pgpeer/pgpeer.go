// Package pgpeer starts a PostgreSQL server of this machine for tests: one a test binary, a database for each test that
// asks, removed when the binary ends.
package pgpeer

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/postgres"
)

// The roles of every test: they are the server's, not a database's.
const (
	Owner  = "site"
	Reader = "site_reader"
)

// A Server is a running one.
type Server struct {
	Dir     string
	Port    int
	bin     string   // the folder of the programs
	env     []string // of them
	as      *syscall.SysProcAttr
	command *exec.Cmd
	out     bytes.Buffer
	exited  chan struct{}
	seen    atomic.Int64
}

var (
	once    sync.Once
	shared  *Server
	failed  error
	missing bool
)

// Main is for TestMain: it runs the tests, and ends the server that they started.
func Main(m *testing.M) int {
	code := m.Run()
	End()
	return code
}

// End ends the server that the tests started, for a TestMain that has more to end.
func End() {
	if shared != nil {
		shared.Stop()
	}
}

// Shared returns the server of this test binary, started at the first call. The package's TestMain calls [Main].
func Shared(t testing.TB) *Server {
	t.Helper()
	once.Do(func() { shared, missing, failed = start() })
	if missing {
		need.Missing(t, "initdb of PostgreSQL", "apt-get install postgresql")
	}
	if failed != nil {
		t.Fatalf("pgpeer: %v", failed)
	}
	return shared
}

// programs returns the folder of the newest server that Debian has installed, "" for none.
func programs() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// start makes a cluster in a folder of its own. PostgreSQL refuses to run as root, and a test's own folder lies under one
// that no other user may enter.
func start() (_ *Server, missing bool, err error) {
	bin := programs()
	if bin == "" {
		return nil, true, nil
	}
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, false, err
	}
	s := &Server{Dir: dir, bin: bin}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	if missing, err := s.own(); missing || err != nil {
		return nil, missing, err
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", s.data(), "-U", "root_of_all", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions")
	initdb.SysProcAttr, initdb.Env, initdb.Dir = s.as, s.env, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, false, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if s.Port, err = need.FreePort(); err != nil {
		return nil, false, err
	}
	if err := s.run(); err != nil {
		return nil, false, err
	}
	if err := s.exec("postgres", "CREATE ROLE "+Owner+" LOGIN; CREATE ROLE "+Reader+" LOGIN"); err != nil {
		s.Stop()
		return nil, false, err
	}
	// A second role that is not set up, and the template of every test's database.
	for _, sql := range []string{"CREATE ROLE bare LOGIN", "CREATE DATABASE site OWNER " + Owner} {
		if err := s.exec("postgres", sql); err != nil {
			s.Stop()
			return nil, false, err
		}
	}
	if err := s.exec("site", postgres.Setup("site", Owner, Reader)); err != nil {
		s.Stop()
		return nil, false, err
	}
	return s, false, nil
}

// own has the server's programs run as the user postgres, where the test is root, and gives it the folder.
func (s *Server) own() (missing bool, err error) {
	s.as = &syscall.SysProcAttr{Setpgid: true}
	s.env = []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH"), "HOME=" + s.Dir}
	if os.Geteuid() != 0 {
		return false, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return true, nil
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	s.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return false, os.Chown(s.Dir, uid, gid)
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// run starts the server and waits until it answers.
func (s *Server) run() error {
	s.exited = make(chan struct{})
	s.command = exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.Port), "-k", s.Dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
		"-c", "full_page_writes=off", "-c", "max_connections=100", "-c", "shared_buffers=32MB", "-c", "autovacuum=off", "-c", "wal_keep_size=256MB")
	s.command.SysProcAttr, s.command.Env, s.command.Dir = s.as, s.env, s.Dir
	s.command.Stdout, s.command.Stderr = &s.out, &s.out
	if err := s.command.Start(); err != nil {
		return err
	}
	go func(c *exec.Cmd, exited chan struct{}) {
		_ = c.Wait()
		close(exited)
	}(s.command, s.exited)
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		select {
		case <-s.exited:
			return fmt.Errorf("postgres ended at once\n%s", s.out.String())
		default:
		}
		if s.exec("postgres", "SELECT 1") == nil {
			return nil
		}
	}
	s.Halt(syscall.SIGINT)
	return fmt.Errorf("postgres does not answer\n%s", s.out.String())
}

// Stop ends the server and removes its folder.
func (s *Server) Stop() {
	s.Halt(syscall.SIGINT)
	_ = os.RemoveAll(s.Dir)
}

// Halt ends the server and keeps its data: by SIGINT as a restart does, which breaks all connections off (fast), by SIGQUIT as a crash.
func (s *Server) Halt(how syscall.Signal) {
	_ = s.command.Process.Signal(how)
	select {
	case <-s.exited:
	case <-time.After(time.Minute):
		_ = s.command.Process.Kill()
		<-s.exited
	}
}

// Again starts a server that was halted, and returns when it answers.
func (s *Server) Again(t testing.TB) {
	t.Helper()
	if err := s.run(); err != nil {
		t.Fatalf("pgpeer: %v", err)
	}
}

// URL returns the address of a database for a role.
func (s *Server) URL(role, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", role, s.Port, database)
}

// Config returns the addresses that a site is given.
func (s *Server) Config(database string) postgres.Config {
	return postgres.Config{URL: s.URL(Owner, database), Reader: s.URL(Reader, database)}
}

// Database makes a database that is set up as Setup says, and drops it when the test is over.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("t%d", s.seen.Add(1))
	s.Make(t, name)
	return name
}

// Make is Database under a given name.
func (s *Server) Make(t testing.TB, name string) {
	t.Helper()
	s.Exec(t, "postgres", "CREATE DATABASE "+name+" TEMPLATE site OWNER "+Owner+" STRATEGY FILE_COPY")
	s.Exec(t, name, postgres.Setup(name, Owner, Reader)) // rights on the database itself are not copied
	t.Cleanup(func() { s.Exec(t, "postgres", "DROP DATABASE "+name+" WITH (FORCE)") })
}

// Exec runs statements as the server's superuser.
func (s *Server) Exec(t testing.TB, database, sql string) {
	t.Helper()
	if err := s.exec(database, sql); err != nil {
		t.Fatalf("pgpeer: %q: %v", sql, err)
	}
}

func (s *Server) exec(database, sql string) error {
	_, err := s.query(database, sql)
	return err
}

// Query runs statements as the server's superuser and returns the first column of the last one's rows.
func (s *Server) Query(t testing.TB, database, sql string) []string {
	t.Helper()
	rows, err := s.query(database, sql)
	if err != nil {
		t.Fatalf("pgpeer: %q: %v", sql, err)
	}
	return rows
}

func (s *Server) query(database, sql string) (rows []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c, err := pgconn.Connect(ctx, s.URL("root_of_all", database))
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	results, err := c.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(results) == 0 {
		return nil, nil
	}
	for _, row := range results[len(results)-1].Rows {
		rows = append(rows, strings.Clone(string(row[0])))
	}
	return rows, nil
}
