package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

// secretText stands in every row of these tests, and may lie in no file.
const secretText = "canary-that-no-disk-may-hold"

// copied is a site's engine with rows, open on a folder of its own.
type copied struct {
	*testing.T
	server *pgpeer.Server
	name   string
	cfg    postgres.Config
	dir    string
	e      db.Engine
}

func copies(t *testing.T, tools string) *copied {
	t.Helper()
	server := pgpeer.Shared(t)
	c := &copied{T: t, server: server, name: server.Database(t), dir: t.TempDir()}
	c.cfg = server.Config(c.name)
	c.cfg.Tools = tools
	c.e = c.open(c.dir)
	t.Cleanup(func() {
		for _, name := range server.Query(t, "postgres", "SELECT datname FROM pg_database WHERE datname LIKE '"+c.name+`\_restore\_%' OR datname LIKE '`+c.name+`\_before\_%'`) {
			server.Exec(t, "postgres", "DROP DATABASE "+name+" WITH (FORCE)")
		}
	})
	c.add(2)
	return c
}

// open opens an engine on a folder, migrated.
func (c *copied) open(dir string) db.Engine {
	c.Helper()
	e := postgres.Engine(c.cfg)
	if err := e.Open(c.Context(), dir, schema); err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = e.Close() })
	if _, err := e.Migrate(c.Context()); err != nil {
		c.Fatal(err)
	}
	return e
}

// add adds rows in one transaction.
func (c *copied) add(n int) {
	err := c.e.Write(context.Background(), func(_ context.Context, w *db.Writer) error {
		for i := range n {
			if _, err := insert.Run(w, "ann", fmt.Sprintf("%s %d", secretText, i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.Error(err)
	}
}

func (c *copied) notes(e db.Engine) int64 {
	c.Helper()
	r := e.Read(c.Context())
	defer r.Close()
	n, err := howMany.One(r)
	if err != nil {
		c.Fatal(err)
	}
	return n
}

func (c *copied) carrier() db.Carrier { return c.e.(db.Carrier) }

// load loads a snapshot into a database for a new folder.
func (c *copied) load() (dir string) {
	c.Helper()
	dir = c.TempDir()
	s, err := c.e.Snapshot(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	defer s.Close()
	if err := c.carrier().Load(c.Context(), dir, s.Reader()); err != nil {
		c.Fatal(err)
	}
	return dir
}

func (c *copied) databases(like string) []string {
	c.Helper()
	return c.server.Query(c, "postgres", "SELECT datname FROM pg_database WHERE datname LIKE '"+like+"' ORDER BY 1")
}

// TestCopyBesideWriters copies while transactions add two rows each: what is loaded is of the instant at which the rows were
// counted, and of no half transaction. Meanwhile no file of this machine has a row in the clear.
func TestCopyBesideWriters(t *testing.T) {
	c := copies(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			c.add(2)
		}
	}()
	for range 3 {
		s, err := c.e.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if left, _ := os.ReadDir(c.dir); len(left) > 0 && runtime.GOOS != "windows" {
			t.Errorf("a kill would leave %v", left)
		}
		nowhere(t, c.dir, "/proc/self/fd")
		var dump bytes.Buffer
		if _, err := s.WriteTo(&dump); err != nil || !bytes.Contains(dump.Bytes(), []byte(secretText)) || !bytes.HasPrefix(dump.Bytes(), []byte("PGDMP")) {
			t.Errorf("what is read is no archive with the rows: %v", err)
		}
		if n := s.Tables["note"]; n < 2 || n%2 != 0 {
			t.Errorf("%d rows: half a transaction is in it", n)
		}
		if !strings.Contains(s.Server, "PostgreSQL ") || !strings.Contains(s.Server, pgpeer.Reader) {
			t.Errorf("it says it is of %q", s.Server)
		}
		dir := t.TempDir()
		if err := c.carrier().Load(t.Context(), dir, s.Reader()); err != nil {
			t.Fatal(err)
		}
		e := c.open(dir)
		proof, err := e.(db.Prover).Prove(t.Context())
		if err != nil || len(proof.Problems) > 0 {
			t.Errorf("the proof: %v %v", proof, err)
		}
		for name, n := range s.Tables {
			if proof.Tables[name] != n {
				t.Errorf("the table %s has %d rows, and had %d", name, proof.Tables[name], n)
			}
		}
		if n := c.notes(e); n != s.Tables["note"] {
			t.Errorf("%d rows are read, want %d", n, s.Tables["note"])
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if err := errors.Join(s.Close(), c.carrier().Unload(t.Context(), dir)); err != nil {
			t.Error(err)
		}
	}
	cancel()
	<-done
	if left := c.databases(c.name + `\_restore\_%`); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// nowhere looks for a row in the files of folders; of a process's own, open files are among them.
func nowhere(t *testing.T, folders ...string) {
	t.Helper()
	for _, folder := range folders {
		all, _ := os.ReadDir(folder)
		for _, one := range all {
			path := filepath.Join(folder, one.Name())
			if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
				continue
			}
			text, err := os.ReadFile(path)
			if err == nil && bytes.Contains(text, []byte(secretText)) {
				t.Errorf("%s has a row in the clear", path)
			}
		}
	}
}

// realTool is the tool that the engine would take.
func realTool(t *testing.T, name string) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		path, err := exec.LookPath(name)
		if err != nil {
			need.Missing(t, name, "apt-get install postgresql-client")
		}
		return path
	}
	return found[len(found)-1]
}

// tools makes a folder with programs that are scripts around the real ones.
func tools(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		text := "#!/bin/sh\nreal=" + realTool(t, name) + "\n[ \"$1\" = --version ] && exec $real --version\n" + script + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestToolsThatFail: a program that is missing, too old, killed in the middle or ends badly makes no snapshot, loads nothing, and
// is named without a row.
func TestToolsThatFail(t *testing.T) {
	for _, one := range []struct {
		name, dump, restore, says string
		unable                    bool
	}{
		{"killed midway", `$real "$@" | head -c 3000; kill -9 $$`, "exec $real \"$@\"", "pg_dump failed", false},
		{"ends badly", `$real "$@"; echo 'pg_dump: error: the disk is gone' >&2; exit 1`, "exec $real \"$@\"", "the disk is gone", false},
		{"half is restored", "exec $real \"$@\"", `head -c 3000 | $real "$@"`, "pg_restore failed", false},
		{"restore complains of a row", "exec $real \"$@\"", `cat >/dev/null; echo 'pg_restore: error: COPY failed for table "note": ERROR:  invalid input: "` + secretText + `"' >&2; echo 'CONTEXT: ` + secretText + `' >&2; exit 1`, `COPY failed for table "note", whose rows it does not take`, false},
		{"missing", "", "exec $real \"$@\"", "there is no pg_dump", true},
	} {
		t.Run(one.name, func(t *testing.T) {
			scripts := map[string]string{"pg_dump": one.dump, "pg_restore": one.restore}
			if one.dump == "" {
				delete(scripts, "pg_dump")
			}
			c := copies(t, tools(t, scripts))
			err := c.e.CopyTo(t.Context(), c.dir)
			if err == nil || !strings.Contains(err.Error(), one.says) || strings.Contains(err.Error(), secretText) {
				t.Errorf("says %v, want %q", err, one.says)
			}
			if left, _ := os.ReadDir(c.dir); len(left) > 0 {
				t.Errorf("left in the folder: %v", left)
			}
			if left := c.databases(c.name + `\_restore\_%`); len(left) > 0 {
				t.Errorf("left on the server: %v", left)
			}
			if err := c.carrier().Able(t.Context()); (err != nil) != one.unable {
				t.Errorf("Able says %v", err)
			}
		})
	}
	c := copies(t, "")
	old := t.TempDir()
	for _, name := range []string{"pg_dump", "pg_restore"} {
		if err := os.WriteFile(filepath.Join(old, name), []byte("#!/bin/sh\necho \""+name+" (PostgreSQL) 9.6.24\"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c.cfg.Tools = old
	e := postgres.Engine(c.cfg)
	if err := e.(db.Carrier).Able(t.Context()); err == nil || !strings.Contains(err.Error(), "is of version 9, and the server of ") {
		t.Errorf("with old programs: %v", err)
	}
	c.server.Exec(t, "postgres", "ALTER ROLE site NOCREATEDB")
	defer c.server.Exec(t, "postgres", "ALTER ROLE site CREATEDB")
	if err := c.carrier().Able(t.Context()); err == nil || !strings.Contains(err.Error(), "CREATEDB") {
		t.Errorf("without the right to make databases: %v", err)
	}
	if err := c.e.CopyTo(t.Context(), c.dir); err == nil || !strings.Contains(err.Error(), "CREATEDB") {
		t.Errorf("without the right to make databases: %v", err)
	}
}

// TestToolsKnowNothing: what the programs are told, by arguments and environment, holds neither password nor address.
func TestToolsKnowNothing(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "seen")
	note := `{ echo "$@"; env; } >>` + seen + "\nexec $real \"$@\""
	c := copies(t, tools(t, map[string]string{"pg_dump": note, "pg_restore": note}))
	t.Setenv("A_SECRET_OF_THE_SITE", "hidden")
	c.cfg.URL = strings.Replace(c.cfg.URL, "site@", "site:hidden@", 1)
	e := c.open(t.TempDir())
	dir := t.TempDir()
	if err := e.CopyTo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(seen)
	if err != nil || bytes.Count(text, []byte("PGHOST=")) != 2 {
		t.Fatalf("%s %v", text, err)
	}
	for _, no := range []string{"hidden", fmt.Sprint(c.server.Port), "127.0.0.1"} {
		if bytes.Contains(text, []byte(no)) {
			t.Errorf("the programs know %q:\n%s", no, text)
		}
	}
}

// TestLent: an engine that reaches no server opens a folder's database through the socket that was lent, as both roles, and no
// other database or role goes through it.
func TestLent(t *testing.T) {
	c := copies(t, "")
	dir, sockets := c.load(), shortFolder(t)
	stop, err := c.carrier().Lend(t.Context(), dir, sockets)
	if err != nil {
		t.Fatal(err)
	}
	away := *c
	away.cfg.URL = strings.Replace(c.cfg.URL, fmt.Sprint(c.server.Port), "1", 1)
	away.cfg.Reader = strings.Replace(c.cfg.Reader, fmt.Sprint(c.server.Port), "1", 1)
	e := away.open(dir)
	if n := c.notes(e); n != 2 {
		t.Errorf("%d rows", n)
	}
	away.e = e
	away.add(1)
	if n := c.notes(c.e); n != 2 {
		t.Errorf("the site's own database has %d rows", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := e.Read(ctx)
	if _, err := howMany.One(r); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is done: %v", err)
	}
	r.Close()
	for _, args := range [][]string{{c.name, "site"}, {"postgres", "site"}, {c.databases(c.name + `\_restore\_%`)[0], "root_of_all"}, {c.databases(c.name + `\_restore\_%`)[0], "bare"}} {
		cmd := exec.CommandContext(t.Context(), realTool(t, "psql"), "-w", "-h", sockets, "-p", "5432", "-U", args[1], "-c", "SELECT 1", args[0])
		cmd.Env = []string{"LC_ALL=C"}
		if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("is lent")) {
			t.Errorf("%v: %s %v", args, out, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	stop()
	if err := postgres.Engine(away.cfg).Open(t.Context(), dir, schema); err == nil {
		t.Error("it is still lent")
	}
	if err := c.carrier().Unload(t.Context(), dir); err != nil {
		t.Error(err)
	}
}

// shortFolder is one whose sockets have a path that the system takes.
func shortFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestUnread: a source that ends with an error loads nothing, and its error is the one that is told.
func TestUnread(t *testing.T) {
	c := copies(t, "")
	s, err := c.e.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	broken := errors.New("the point is damaged")
	half := io.MultiReader(io.LimitReader(s.Reader(), s.Size/2), readerFunc(func([]byte) (int, error) { return 0, broken }))
	if err := c.carrier().Load(t.Context(), t.TempDir(), half); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if err := c.carrier().Load(t.Context(), t.TempDir(), strings.NewReader("noise")); err == nil {
		t.Error("noise was loaded")
	}
	if left := c.databases(c.name + `\_restore\_%`); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
