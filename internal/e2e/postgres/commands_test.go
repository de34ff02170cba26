package postgres_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
	"github.com/merlon-web/merlon/sqlite"
)

// large is examples/club/large.
func large(env merlon.Env) (*merlon.Site, error) {
	return site.OpenOn(env, postgres.Or(env, sqlite.Engine("club.db")))
}

// person types commands in a folder.
type person struct {
	*testing.T
	open func(merlon.Env) (*merlon.Site, error)
}

// run types one command, wants its exit code, and that each part of says is told.
func (p person) run(want int, says string, args ...string) string {
	p.Helper()
	var out, errs bytes.Buffer
	code := cli.Run(p.Context(), p.open, args, &out, &errs)
	text := out.String() + errs.String()
	if code != want {
		p.Errorf("%v exits %d, want %d\n%s", args, code, want, text)
	}
	for _, part := range strings.Split(says, " … ") {
		if !strings.Contains(text, part) {
			p.Errorf("%v says\n%s\nwithout %q", args, text, part)
		}
	}
	if strings.Contains(text, "hidden") {
		p.Errorf("%v prints a password:\n%s", args, text)
	}
	return text
}

// TestSetting has the program of a site on a server by its setting alone, in a folder with merlon.toml: every command works
// on the server's rows, and no database appears in the data folder.
func TestSetting(t *testing.T) {
	server := pgpeer.Shared(t)
	name := server.Database(t)
	t.Chdir(t.TempDir())
	write := func(file, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("password", "hidden\n")
	write("merlon.toml", fmt.Sprintf("[db]\nurl = %q\npassword_file = \"password\"\nreader_password_file = \"password\"\n", server.URL(pgpeer.Owner, name)))
	p := person{t, large}

	p.run(0, "REVOKE ALL ON DATABASE \""+name+"\" … TO \"site\", \"site_reader\"", "migrate", "setup")
	p.run(0, "applied  account", "migrate", "up")
	p.run(0, "applied … nothing pending", "migrate", "status")
	p.run(0, "/account/link/", "user", "add", "ann@example.org")
	p.run(1, "has an account already", "user", "add", "ann@example.org")
	p.run(0, "ann@example.org", "user", "list")
	p.run(0, "MRL-", "events")
	p.run(0, "hold", "events", "verify")
	p.run(0, "", "check", "--only", "MRL-SQL-027")
	p.run(0, "not copied", "attack", "--routes", "/contact", "--class", "forgery")

	p.run(0, "", "check", "--deploy", "--only", backup.RuleServer.ID, "--fail-on", "high")

	if n := server.Query(t, name, `SELECT count(*) FROM merlon_user WHERE email = 'ann@example.org'`)[0]; n != "1" {
		t.Errorf("%s users on the server, want 1", n)
	}
	if files, _ := filepath.Glob("data/*.db*"); len(files) > 0 {
		t.Errorf("files beside the server: %v", files)
	}

	serve := func(args ...string) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		r, w := io.Pipe()
		var log bytes.Buffer
		done := make(chan int, 1)
		go func() {
			code := cli.Run(ctx, large, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), w, &log)
			w.Close()
			done <- code
		}()
		up := false
		for lines := bufio.NewScanner(r); !up && lines.Scan(); {
			up = strings.Contains(lines.Text(), "stop with Ctrl-C")
		}
		if !up {
			t.Errorf("it does not come up: %s", &log)
		}
		go io.Copy(io.Discard, r)
		return func() {
			cancel()
			if code := <-done; code != 0 {
				t.Errorf("serve exits %d: %s", code, &log)
			}
		}
	}
	stop := serve()
	p.run(0, "ann@example.org", "user", "list")
	p.run(0, "", "maintenance", "on") // the process that serves does it, and so heeds it
	p.run(0, "come again later", "maintenance", "status")
	p.run(0, "", "maintenance", "off")
	p.run(0, "nothing pending", "migrate", "status")
	stop()

	// The environment wins over the file, and a program that has no such engine says so.
	t.Setenv("MERLON_DB_URL", server.URL(pgpeer.Owner, name)+"&password=hidden")
	p.run(cli.ExitFailed, "a password stands in the address … db.password_file … "+merlon.RuleDatabase.ID, "serve")
	t.Setenv("MERLON_DB_URL", strings.Replace(server.URL(pgpeer.Owner, name), "site@", "site:hidden@", 1))
	p.run(cli.ExitFailed, "a password stands in the address", "migrate", "status")
	t.Setenv("MERLON_DB_URL", "postgres://site@127.0.0.1:1/site")
	p.run(cli.ExitCannot, "no connection to the database", "serve")
	t.Setenv("MERLON_DB_URLS", "postgres://site@127.0.0.1:1/site")
	p.run(cli.ExitFailed, "did you mean MERLON_DB_URL?", "serve")
	os.Unsetenv("MERLON_DB_URLS")
	person{t, site.Open}.run(cli.ExitFailed, "keeps its rows elsewhere … postgres.Or", "serve")

	// Without the setting the same program keeps its rows in a file.
	os.Unsetenv("MERLON_DB_URL")
	write("merlon.toml", "")
	p.run(0, "", "migrate", "up", "--data", "other")
	if _, err := os.Stat("other/club.db"); err != nil {
		t.Error(err)
	}
	write("merlon.toml", "[db]\nurls = \"x\"\n")
	p.run(cli.ExitFailed, "nothing reads db.urls: … did you mean db.url?", "migrate", "up", "--data", "third")
	write("merlon.toml", "[db]\nreader = \"x\"\n")
	p.run(cli.ExitFailed, "no server", "migrate", "up", "--data", "third")
}
