package postgres_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

// TestBackupsWithoutTools: a pg_dump that is killed in the middle makes no point and loses none, one that is not there is a
// finding and an event, and with the right one the chain goes on.
func TestBackupsWithoutTools(t *testing.T) {
	server := pgpeer.Shared(t)
	name, tools, target := server.Database(t), t.TempDir(), t.TempDir()
	t.Chdir(t.TempDir())
	p := person{t, func(env merlon.Env) (*merlon.Site, error) {
		cfg := server.Config(name)
		cfg.Tools = tools
		return site.OpenOn(env, postgres.Engine(cfg))
	}}
	dump := filepath.Join(tools, "pg_dump")
	script := func(path, text string) {
		t.Helper()
		real := strings.Join(glob(t, "/usr/lib/postgresql/*/bin/"+filepath.Base(path)), " ")
		if real == "" {
			real = need.Program(t, filepath.Base(path), "postgresql-client")
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\nreal=$(ls "+real+" | tail -1)\n[ \"$1\" = --version ] && exec $real --version\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script(filepath.Join(tools, "pg_restore"), `exec $real "$@"`)
	script(dump, `exec $real "$@"`)
	p.run(0, "applied  account", "migrate", "up")
	p.run(0, "", "backup", "init", "--to", "file://"+target, "--try", "--kit", filepath.Join(t.TempDir(), "kit.html"))
	p.run(0, "point 1 … read back and verified", "backup", "run")

	script(dump, `$real "$@" | head -c 5000; kill -9 $$`)
	p.run(cli.ExitFailed, "pg_dump failed", "backup", "run", "--label", "never")
	p.run(0, backup.RuleFailed.ID, "events", "--id", backup.RuleFailed.ID)
	if out := p.run(0, "", "backup", "list"); strings.Contains(out, "never") {
		t.Errorf("a point was made: %s", out)
	}
	if left := append(glob(t, "data/backup/spool/*"), glob(t, "data/.dump-spool-*")...); len(left) > 0 {
		t.Errorf("left: %v", left)
	}

	if err := os.Remove(dump); err != nil {
		t.Fatal(err)
	}
	p.run(cli.ExitCannot, "there is no pg_dump on this machine", "backup", "run", "--label", "never")
	p.run(0, "there is no pg_dump", "events", "--id", backup.RuleServer.ID, "--json")
	p.run(cli.ExitFailed, "there is no pg_dump", "check", "--deploy", "--only", backup.RuleServer.ID, "--fail-on", "high")

	script(dump, `exec $real "$@"`)
	p.run(0, "", "check", "--deploy", "--only", backup.RuleServer.ID, "--fail-on", "high")
	p.run(0, "point 2", "backup", "run", "--label", "again")
	p.run(0, "2 points, 2 of them read", "backup", "verify", "--all")
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
