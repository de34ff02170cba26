package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/merlon-web/merlon/postgres"
)

// A backend is a server that stands behind those that are measured: PostgreSQL, or Valkey or Redis. It runs on the other cores.
type backend struct {
	dir  string
	port int
	cmd  *exec.Cmd
	gone chan struct{}
}

// cpu is the time that the server has had of the cores, with its processes that live.
func (s *backend) cpu() time.Duration { return cpuOfProcess(s.cmd.Process.Pid) }

// stop ends the server and takes away what it had on the disk.
func (s *backend) stop() {
	if s.cmd != nil && s.gone != nil {
		_ = s.cmd.Process.Signal(os.Interrupt)
		select {
		case <-s.gone:
		case <-time.After(10 * time.Second):
			_ = s.cmd.Process.Kill()
			<-s.gone
		}
	}
	_ = os.RemoveAll(s.dir)
}

// freePort returns a port that nobody listens at, from below those that the system gives to connections: the server comes seconds later.
func freePort() (port int, err error) {
	for range 100 {
		port = 10240 + rand.IntN(32768-10240)
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}

// begin starts the server and waits until it answers.
func (s *backend) begin(ctx context.Context, answers func() error) (err error) {
	if err := onOtherCores(s.cmd.Start); err != nil {
		return err
	}
	s.gone = make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(s.gone) }()
	for range 6000 {
		if err = answers(); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.gone:
			return fmt.Errorf("%s ended at once", s.cmd.Path)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not answer: %w", s.cmd.Path, err)
}

// newPostgres returns the newest PostgreSQL that Debian has installed, in a folder without data, with the settings that it has by
// itself, and the folder of its programs. It refuses to run as root, so its folder is not in that of the run, which others may not enter.
func newPostgres() (s *backend, bin string, err error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return nil, "", skipped("PostgreSQL is not installed (Debian: postgresql)")
	}
	bin = filepath.Dir(found[len(found)-1]) // in the order of their names, which has been theirs since version 10
	s = &backend{}
	if s.dir, err = os.MkdirTemp("", "merlon-bench-pg-"); err != nil {
		return nil, "", err
	}
	if s.port, err = freePort(); err == nil {
		s.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", filepath.Join(s.dir, "data"), "-p", strconv.Itoa(s.port), "-k", s.dir, "-c", "listen_addresses=127.0.0.1")
		err = s.asPostgres(s.cmd)
	}
	if err != nil {
		_ = os.RemoveAll(s.dir)
		return nil, "", err
	}
	return s, bin, nil
}

// asPostgres has a program run in the server's folder, as its user.
func (s *backend) asPostgres(cmd *exec.Cmd) error {
	cmd.Dir, cmd.Env = s.dir, []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}
	return asPostgres(cmd, s.dir)
}

// say runs statements as the superuser.
func (s *backend) say(ctx context.Context, database, text string) error {
	c, err := pgx.Connect(ctx, s.url("root_of_all", database))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.PgConn().Exec(ctx, text).ReadAll()
	return err
}

// startPostgres starts a server with a database for each side.
func startPostgres(ctx context.Context) (s *backend, err error) {
	s, bin, err := newPostgres()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(s.dir, "data"), "-U", "root_of_all", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions")
	if err := s.asPostgres(initdb); err != nil {
		return nil, err
	}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if err := s.begin(ctx, func() error { return s.say(ctx, "postgres", "SELECT 1") }); err != nil {
		return nil, err
	}
	for _, one := range [][2]string{{"postgres", "CREATE ROLE site LOGIN; CREATE ROLE site_reader LOGIN"}, {"postgres", "CREATE DATABASE site OWNER site"}, {"postgres", "CREATE DATABASE peer OWNER site"},
		{"site", postgres.Setup("site", "site", "site_reader")}} {
		if err := s.say(ctx, one[0], one[1]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *backend) url(role, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", role, s.port, database)
}

// startValkey starts a Valkey or Redis server that writes nothing to the disk.
func startValkey(ctx context.Context) (s *backend, err error) {
	program := ""
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
		}
	}
	if program == "" {
		return nil, skipped("neither valkey-server nor redis-server is installed")
	}
	s = &backend{}
	if s.dir, err = os.MkdirTemp("", "merlon-bench-valkey-"); err != nil {
		return nil, err
	}
	if s.port, err = freePort(); err == nil {
		s.cmd = exec.Command(program, "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction")
		err = s.begin(ctx, func() error {
			c, err := net.Dial("tcp", s.address())
			if err == nil {
				err = c.Close()
			}
			return err
		})
	}
	if err != nil {
		s.stop()
		return nil, errors.Join(errors.New("valkey"), err)
	}
	return s, nil
}

func (s *backend) address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }
