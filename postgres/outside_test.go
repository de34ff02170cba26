package postgres_test

import (
	"context"
	"embed"
	"errors"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

// TestReaches has texts of migrations with what they say of other schemas, "" for nothing.
func TestReaches(t *testing.T) {
	for text, want := range map[string]string{
		"ALTER TABLE public.note ADD COLUMN x text":                               "public.note",
		`ALTER TABLE "public"."note" ADD COLUMN x text`:                           "public.note",
		"DELETE FROM /* a /* b */ */ Public -- x\n . note":                        "public.note",
		"CREATE SCHEMA more":                                                      "create schema",
		"ALTER TABLE note SET SCHEMA other":                                       "set schema",
		"GRANT USAGE ON SCHEMA public TO x":                                       "on schema",
		"SET search_path = public":                                                "search_path",
		"DO $$ BEGIN DELETE FROM public.note; END $$":                             "public.note",
		"DO $x$ BEGIN EXECUTE 'DELETE FROM public.note'; END $x$":                 "public.note",
		`DO $x$ BEGIN EXECUTE E'DELETE \'FROM\' public.note'; END $x$`:            "public.note",
		"ALTER ROLE site SET statement_timeout = 0":                               "alter role",
		"SELECT 1; DROP DATABASE site":                                            "drop database",
		"CREATE TABLE note (id bigint, public text, role text, schema text)":      "",
		"INSERT INTO note VALUES ('see public.note; DROP DATABASE x', 'it''s')":   "",
		"ALTER TABLE note DROP role":                                              "",
		"SELECT note.public FROM note -- public.note":                             "",
		"SELECT note.text FROM note /* public.note */":                            "",
		"CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS $$ SELECT $1 $$":      "",
		"SELECT pg_catalog.now(), information_schema.x, current_schema, $1, 'a$'": "",
	} {
		if got := postgres.Reaches(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

//go:embed testdata/qualified testdata/gathered
var reaching embed.FS

var (
	qualified = db.From(reaching, "testdata/qualified").Named("hostile")
	gathered  = db.From(reaching, "testdata/gathered").Named("hostile")
)

// TestMigrationIsTriedInside has pending migrations that name the live table: tried in the scratch they are refused, and the
// live table is as it was. One puts the name together while it runs, where no text shows it.
func TestMigrationIsTriedInside(t *testing.T) {
	server, name, e := site(t)
	for what, s := range map[string]*db.Schema{"qualified": qualified, "gathered": gathered} {
		_, err := e.Scratch(t.Context(), s)
		var f check.Faults
		if !errors.As(err, &f) || len(f) != 1 || f[0].ID != db.RuleOutside.ID || !strings.Contains(f[0].What, "public.note") {
			t.Errorf("%s: %v, want a finding of %s", what, err, db.RuleOutside.ID)
		}
	}
	if n := server.Query(t, name, "SELECT count(*) FROM note")[0]; n != "3" {
		t.Errorf("%s rows are left of 3", n)
	}
}

// TestRightsAtEachStart has a reader's role that lost its rights, or came anew, as after a dump was restored: the next start
// gives them, and one that finds nothing lacking changes nothing.
func TestRightsAtEachStart(t *testing.T) {
	server, name, e := site(t)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, name, "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "+pgpeer.Reader+"; REVOKE USAGE ON SCHEMA public FROM "+pgpeer.Reader+
		"; REVOKE ALL ON SEQUENCE merlon_generation FROM "+pgpeer.Reader+"; GRANT EXECUTE ON FUNCTION wipe() TO PUBLIC; CREATE VIEW others AS SELECT 1 AS n")
	again := postgres.Engine(server.Config(name))
	if err := again.Open(t.Context(), "", schema); err != nil {
		t.Fatal(err)
	}
	r := again.Read(t.Context())
	if n, err := howMany.One(r); err != nil || n != 3 {
		t.Errorf("%d, %v", n, err)
	}
	r.Close()
	if _, err := again.Generation(t.Context()); err != nil {
		t.Error(err)
	}
	for _, c := range again.(db.Checker).Checks() {
		for _, f := range c.Run(t.Context()) {
			t.Errorf("%s: %s", f.ID, f.What)
		}
	}
	before := server.Query(t, name, everything)[0]
	if err := errors.Join(again.Close(), again.Open(t.Context(), "", schema)); err != nil {
		t.Fatal(err)
	}
	if server.Query(t, name, everything)[0] != before {
		t.Error("a start that lacked nothing has changed the database")
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestGenerationOfTheFirst has the first commit of all counted.
func TestGenerationOfTheFirst(t *testing.T) {
	server := pgpeer.Shared(t)
	e := postgres.Engine(server.Config(server.Database(t)))
	open(t, e)
	before, err := e.Generation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	add(t, e, "a")
	if after, err := e.Generation(t.Context()); err != nil || after == before {
		t.Errorf("%d before the first commit and %d after, error %v", before, after, err)
	}
}

// TestLongRows writes the longest row that is taken and reads it; a longer one is not taken, and one that others have written
// is named as what it is.
func TestLongRows(t *testing.T) {
	server, name, e := site(t)
	long := strings.Repeat("x", postgres.MaxBound-1)
	add2 := func(text string) error {
		return e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
			_, err := insert.Run(w, "l", text)
			return err
		})
	}
	if err := add2(long); err != nil {
		t.Fatal(err)
	}
	texts := laundered(db.Query[string], "SELECT text FROM note WHERE author = 'l' OR author = 'huge' LIMIT 1")
	r := e.Read(t.Context())
	defer r.Close()
	if got, err := texts.One(r); err != nil || got != long {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	r.Close()
	if err := add2(long + "x"); err == nil || !strings.Contains(err.Error(), "keep what is long in a file") {
		t.Errorf("a longer one: %v", err)
	}
	server.Exec(t, name, "DELETE FROM note; INSERT INTO note (author, text) VALUES ('huge', repeat('x', 20 << 20))")
	r = e.Read(t.Context())
	defer r.Close()
	if _, err := texts.One(r); err == nil || errors.Is(err, db.ErrBusy) || !strings.Contains(err.Error(), "a row has 20 MB") {
		t.Errorf("one that is longer than what is read: %v", err)
	}
}
