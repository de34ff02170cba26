package postgres_test

import (
	"context"
	"embed"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

//go:embed testdata/migrations
var files embed.FS

var (
	schema  = db.From(files, "testdata/migrations").Named("hostile")
	insert  = db.Exec(schema, "INSERT INTO note (author, text) VALUES ($1, $2)")
	howMany = db.Query[int64](schema, "SELECT count(*) FROM note")
)

// laundered declares a text that is no constant, as a generic helper can: it was verified by nobody.
func laundered[Row any, C ~string](declare func(*db.Schema, C, ...db.Choice) *db.Select[Row], text string) *db.Select[Row] {
	return declare(schema, C(text))
}

// site is an engine on a database with three notes.
func site(t *testing.T) (*pgpeer.Server, string, db.Engine) {
	t.Helper()
	server := pgpeer.Shared(t)
	name := server.Database(t)
	e := postgres.Engine(server.Config(name))
	open(t, e)
	for _, author := range []string{"a", "b", "c"} {
		add(t, e, author)
	}
	return server, name, e
}

func open(t *testing.T, e db.Engine) {
	t.Helper()
	if err := e.Open(t.Context(), "", schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, e db.Engine, author string) {
	t.Helper()
	if err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		_, err := insert.Run(w, author, "text")
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// everything is what a database and its server hold that a statement could change: rows, numbers, tables, functions, rights,
// roles and their settings, large objects, held locks, prepared transactions, slots.
const everything = `SELECT md5(string_agg(x, E'\n' ORDER BY x)) FROM (
	SELECT 'note ' || n::text AS x FROM note n UNION ALL SELECT 'tally ' || t::text FROM tally t
	UNION ALL SELECT 'sequence ' || last_value || is_called FROM note_id_seq UNION ALL SELECT 'commits ' || last_value FROM merlon_generation
	UNION ALL SELECT 'class ' || relname || relnamespace || relowner || coalesce(relacl::text, '') || relrowsecurity || relkind::text FROM pg_class
	UNION ALL SELECT 'function ' || oid || proname || prosecdef || proowner || coalesce(proacl::text, '') FROM pg_proc
	UNION ALL SELECT 'schema ' || nspname || nspowner || coalesce(nspacl::text, '') FROM pg_namespace
	UNION ALL SELECT 'type ' || oid || typname FROM pg_type UNION ALL SELECT 'column ' || attrelid || attname FROM pg_attribute
	UNION ALL SELECT 'cast ' || oid FROM pg_cast UNION ALL SELECT 'operator ' || oid FROM pg_operator UNION ALL SELECT 'extension ' || extname FROM pg_extension
	UNION ALL SELECT 'trigger ' || tgname || tgenabled::text FROM pg_trigger UNION ALL SELECT 'rule ' || rulename FROM pg_rewrite UNION ALL SELECT 'policy ' || polname FROM pg_policy
	UNION ALL SELECT 'role ' || a::text FROM pg_authid a UNION ALL SELECT 'member ' || m::text FROM pg_auth_members m UNION ALL SELECT 'setting ' || s::text FROM pg_db_role_setting s
	UNION ALL SELECT 'database ' || datname || datdba || coalesce(datacl::text, '') FROM pg_database UNION ALL SELECT 'space ' || spcname FROM pg_tablespace
	UNION ALL SELECT 'large ' || oid FROM pg_largeobject_metadata UNION ALL SELECT 'comment ' || description FROM pg_description UNION ALL SELECT 'comment ' || description FROM pg_shdescription
	UNION ALL SELECT 'default ' || d::text FROM pg_default_acl d UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots UNION ALL SELECT 'publication ' || pubname FROM pg_publication
	UNION ALL SELECT 'origin ' || roname FROM pg_replication_origin UNION ALL SELECT 'prepared ' || gid FROM pg_prepared_xacts
	UNION ALL SELECT 'lock ' || objid FROM pg_locks WHERE locktype = 'advisory' UNION ALL SELECT 'file ' || name || setting FROM pg_file_settings
) all_of_it`

// TestReaderCannotWrite runs every hostile statement through a reader: declared, as a laundered one would be, and then below
// everything that db checks. Nothing is changed, no file appears, nobody is notified or ended, and the connection is as it was.
func TestReaderCannotWrite(t *testing.T) {
	if len(hostile) < 200 {
		t.Fatalf("%d statements", len(hostile))
	}
	server, name, e := site(t)
	ctx := t.Context()
	notified := make(chan string, 10)
	cfg, err := pgconn.ParseConfig(server.URL(pgpeer.Owner, name))
	if err != nil {
		t.Fatal(err)
	}
	cfg.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { notified <- n.Channel }
	listener, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close(context.Background())
	if _, err := listener.Exec(ctx, "LISTEN evil").ReadAll(); err != nil {
		t.Fatal(err)
	}
	other := e.Read(ctx) // a second reader, whose connection lives through all of it
	defer other.Close()
	if n, err := howMany.One(other); err != nil || n != 3 {
		t.Fatal(n, err)
	}
	before := server.Query(t, name, everything)[0]
	state, err := postgres.ReaderState(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	around := list(t, server.Dir)
	for _, text := range hostile {
		text = strings.ReplaceAll(text, "DIR", server.Dir)
		text, mayRun := strings.CutPrefix(text, "runs: ")
		t.Run(text, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
			defer cancel()
			r := e.Read(ctx)
			_, err := laundered(db.Query[string], text).All(r)
			r.Close()
			if err == nil && !mayRun {
				t.Error("a reader ran it")
			}
			if _, err := postgres.RawRead(ctx, e, text, "INSERT INTO note (author, text) VALUES ('after', 'it')", "DELETE FROM note"); err != nil {
				t.Error(err)
			}
			if now := server.Query(t, name, everything)[0]; now != before {
				t.Error("the database is another")
				before = now
			}
			if now, err := postgres.ReaderState(ctx, e); err != nil || now != state {
				t.Errorf("the connection is another: %v", err)
			}
			if now := list(t, server.Dir); !slices.Equal(now, around) {
				t.Errorf("files: %v, before %v", now, around)
				around = now
			}
			if n, err := howMany.One(other); err != nil || n != 3 {
				t.Errorf("another reader sees %d rows, error %v", n, err)
			}
		})
	}
	waiting, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_ = listener.WaitForNotification(waiting)
	if len(notified) > 0 {
		t.Errorf("somebody was notified: %s", <-notified)
	}
}

// list names the files of a server's folder, and of its data but for those that it makes and removes by itself.
func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	for _, of := range []string{dir, filepath.Join(dir, "data")} {
		entries, err := os.ReadDir(of)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	return names
}
