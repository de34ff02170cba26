package postgres_test

import (
	"context"
	"embed"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

//go:embed testdata/guarded
var guardedFiles embed.FS

var (
	guarded   = db.From(guardedFiles, "testdata/guarded").Named("guarded")
	byMail    = db.Query[struct{ ID int64 }](guarded, "SELECT id FROM member WHERE email = $1 LIMIT 9")
	addMember = db.Exec(guarded, "INSERT INTO member (email) VALUES ($1)")
	delMember = db.Exec(guarded, "DELETE FROM member WHERE email = $1")
)

// planting is a site's database, open on a folder, into which a thief who was the owner has written.
type planting struct {
	*testing.T
	server    *pgpeer.Server
	name, dir string
	e         db.Engine
}

func plants(t *testing.T) *planting {
	t.Helper()
	server := pgpeer.Shared(t)
	p := &planting{T: t, server: server, name: server.Database(t), dir: t.TempDir()}
	p.open(p.dir)
	if _, err := p.e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"ann@example.org", "bob@example.org"} {
		if err := p.run(addMember, email); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// open opens the database of a folder, with nothing known of the one before.
func (p *planting) open(dir string) {
	p.Helper()
	if p.e != nil {
		if err := p.e.Close(); err != nil {
			p.Fatal(err)
		}
	}
	p.e = postgres.Engine(p.server.Config(p.name))
	if err := p.e.Open(p.Context(), dir, guarded); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = p.e.Close() })
}

func (p *planting) run(s *db.Statement[db.Affected], email string) error {
	return p.e.Write(p.Context(), func(_ context.Context, w *db.Writer) error {
		_, err := s.Run(w, email)
		return err
	})
}

func (p *planting) plant(sql string) {
	p.Helper()
	p.server.Exec(p, p.name, "SET ROLE site; "+sql)
}

func (p *planting) strangers(drop bool) ([]string, error) {
	found, err := p.e.(db.Comparer).Strangers(p.Context(), drop)
	var all []string
	for _, s := range found {
		all = append(all, s.String())
	}
	return all, err
}

const evil = `CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;
	CREATE FUNCTION evil.eq(varchar, varchar) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT true $$; GRANT EXECUTE ON FUNCTION evil.eq TO PUBLIC;
	CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = evil.eq);`

// TestPlantedOperator: an operator of the schema stands before the server's own, so it says which rows a statement means. It comes
// along into a restored database, and is gone before anything is voided there.
func TestPlantedOperator(t *testing.T) {
	p := plants(t)
	p.plant(evil)
	s, err := p.e.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	to, carrier := t.TempDir(), p.e.(db.Carrier)
	if err := carrier.Load(t.Context(), to, s.Reader()); err != nil {
		t.Fatal(err)
	}
	defer carrier.Unload(context.Background(), to)
	for _, dir := range []string{p.dir, to} {
		p.open(dir)
		found := func() int {
			r := p.e.Read(t.Context())
			defer r.Close()
			all, err := byMail.All(r, "nobody@example.org")
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		if dir == p.dir && found() != 2 {
			t.Error("the planted operator does nothing: this test shows nothing")
		}
		all, err := p.strangers(true)
		want := []string{`function "evil.eq(character varying, character varying)", dropped`, `operator "=(character varying, character varying)", dropped`, `schema "evil", dropped`}
		if err != nil || !slices.Equal(all, want) {
			t.Errorf("%q, %v, want %q", all, err, want)
		}
		if n := found(); n != 0 {
			t.Errorf("nobody has %d rows", n)
		}
		if err := p.run(delMember, "nobody@example.org"); err != nil {
			t.Error(err)
		}
		if all, err := p.strangers(false); err != nil || len(all) > 0 {
			t.Errorf("afterwards %q, %v", all, err)
		}
	}
	if n := p.server.Query(t, p.name, "SELECT count(*) FROM member")[0]; n != "2" {
		t.Errorf("%s rows are left", n)
	}
}

// TestPlanted plants one thing after the other: each is found, and made as it should be or named as what refuses the database.
func TestPlanted(t *testing.T) {
	p := plants(t)
	for _, one := range []struct{ name, plant, found, refused, after string }{
		{"view with its trigger, rule and what is made of it", `DROP VIEW emails CASCADE; CREATE VIEW emails AS SELECT id, ('x' || email)::varchar(200) AS email FROM member; CREATE VIEW addresses AS SELECT email FROM emails`,
			`rule "emails_keep" on emails, which was missing, made again; trigger "emails_put" on emails, which was missing, made again; view "emails", which was altered, made again`, "", ""},
		{"view that keeps its trigger", `CREATE OR REPLACE VIEW emails AS SELECT id, ('x' || email)::varchar(200) AS email FROM member`, `view "emails", which was altered, made again`, "", ""},
		{"view and its trigger", `CREATE OR REPLACE VIEW emails WITH (security_barrier = true) AS SELECT id, 'x'::varchar(200) AS email FROM member; DROP TRIGGER emails_put ON emails; CREATE TRIGGER emails_put INSTEAD OF INSERT OR DELETE ON emails FOR EACH ROW EXECUTE FUNCTION put()`,
			`trigger "emails_put" on emails, which was altered, made again; view "emails", which was altered, made again`, "", ""},
		{"view without its barrier", `ALTER VIEW emails RESET (security_barrier)`, `view "emails", which was altered, made again`, "", ""},
		{"materialized view with its index", `DROP MATERIALIZED VIEW ranks; CREATE MATERIALIZED VIEW ranks AS SELECT 'boss'::rank AS rank, 1::bigint AS n`,
			`index "ranks_rank" on ranks, which was missing, made again; view "ranks", which was altered, made again`, "", ""},
		{"trigger that is off", `ALTER TABLE member DISABLE TRIGGER member_refuse`, `trigger "member_refuse" on member, which was altered, made again`, "", ""},
		{"function that a rule of a table needs", `CREATE OR REPLACE FUNCTION half(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 0'`, `function "half(n bigint)", which was altered, made again`, "", ""},
		{"function that is called in the server's place", `CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql AS $$ SELECT 'ann@example.org' $$; CREATE FUNCTION lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'ann@example.org' $$`,
			`function "lower(character varying)", dropped; function "lower(text)", dropped`, "", ""},
		{"functions that the comparison itself would call", `CREATE FUNCTION format(text, name, name) RETURNS text LANGUAGE sql AS $$ SELECT '' $$;
			CREATE FUNCTION no(oid, regclass) RETURNS boolean LANGUAGE sql AS $$ SELECT false $$; CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = no)`,
			`function "format(text, name, name)", dropped; function "no(oid, regclass)", dropped; operator "=(oid, regclass)", dropped`, "", ""},
		{"rows of another table", `CREATE SCHEMA evil; CREATE TABLE evil.more () INHERITS (public.member); INSERT INTO evil.more (id, email) VALUES (77, 'eve@example.org')`,
			`inheritance "evil.more" on member, dropped; schema "evil"; table "evil.more"`, "", "DROP SCHEMA evil CASCADE"},
		{"a table that is cut off", `ALTER TABLE score_more NO INHERIT score; ALTER TABLE part DETACH PARTITION part_low`,
			`inheritance "part_low" on part, which was missing, made again; inheritance "score_more" on score, which was missing, made again`, "", ""},
		{"policies", `DROP POLICY mine ON score; CREATE POLICY mine ON score FOR SELECT USING (true); CREATE POLICY all_of_them ON member USING (true)`,
			`policy "all_of_them" on member, dropped; policy "mine" on score, which was altered, made again`, "", ""},
		{"default that runs a function", `CREATE FUNCTION spy() RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE TABLE hoard (n boolean DEFAULT spy()); ALTER TABLE score ADD seen boolean DEFAULT spy()`,
			`function "spy()"; table "hoard"; table "score", which was altered`, `the function "spy()"`, `ALTER TABLE score DROP seen; DROP TABLE hoard; DROP FUNCTION spy()`},
		{"collation that takes all for one", `DROP VIEW emails CASCADE; CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level1', deterministic = false); ALTER TABLE member ALTER email TYPE varchar(200) COLLATE ci`,
			`collation "ci"; rule "emails_keep" on emails, which was missing; table "member", which was altered; trigger "emails_put" on emails, which was missing; view "addresses", which was missing; view "emails", which was missing`,
			`the collation "ci" is not as the migrations make it, and cannot be made so: what holds rows would go with it`, `ALTER TABLE member ALTER email TYPE varchar(200) COLLATE "default"; DROP COLLATION ci`},
		{"missing views", `DROP VIEW IF EXISTS emails CASCADE`, `rule "emails_keep" on emails, which was missing, made again; trigger "emails_put" on emails, which was missing, made again; view "addresses", which was missing, made again; view "emails", which was missing, made again`, "", ""},
		{"domain without its check", `ALTER DOMAIN mail DROP CONSTRAINT mail_check`, `type "mail", which was altered`, `the type "mail"`, `ALTER DOMAIN mail ADD CHECK (VALUE LIKE '%@%')`},
		{"type and cast", `CREATE TYPE other AS ENUM ('x'); CREATE FUNCTION as_text(rank) RETURNS text LANGUAGE sql AS $$ SELECT 'boss' $$; CREATE CAST (rank AS text) WITH FUNCTION as_text(rank) AS IMPLICIT`,
			`cast "public.rank AS text", dropped; function "as_text(public.rank)", dropped; type "other", dropped`, "", ""},
		{"range", `CREATE TYPE span AS RANGE (subtype = text)`, `type "span", dropped`, "", ""},
		{"conversion and text search", `CREATE DEFAULT CONVERSION c FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8; CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple); CREATE TEXT SEARCH CONFIGURATION s (COPY = simple)`,
			`conversion "c", dropped; text search configuration "s", dropped; text search dictionary "d", dropped`, "", ""},
		{"sequence", `ALTER TABLE member ALTER id SET INCREMENT -1 SET MINVALUE -100`, `sequence "member_id_seq"`, "", `ALTER TABLE member ALTER id SET INCREMENT 1 SET MINVALUE 1`},
	} {
		t.Run(one.name, func(t *testing.T) {
			p.T = t
			p.plant(one.plant)
			all, err := p.strangers(one.refused == "")
			if found := strings.Join(all, "; "); err != nil || !strings.Contains(found, one.found) {
				t.Errorf("found %s, %v\nwant %s", found, err, one.found)
			}
			if one.refused != "" {
				if _, err := p.strangers(true); err == nil || !strings.Contains(err.Error(), one.refused) || !strings.HasSuffix(err.Error(), ": take an older point") {
					t.Errorf("refused by %v, want %s", err, one.refused)
				}
			}
			if one.after != "" {
				p.plant(one.after)
				return
			}
			if all, err := p.strangers(false); err != nil || len(all) > 0 {
				t.Errorf("afterwards %q, %v", all, err)
			}
		})
		p.T = t
	}
	if all, err := p.strangers(false); err != nil || len(all) > 0 {
		t.Errorf("at the end %q, %v", all, err)
	}
	if n := p.server.Query(t, p.name, "SELECT count(*) FROM member")[0]; n != "2" {
		t.Errorf("%s rows are left", n)
	}
	// What only a superuser makes, the site's role cannot take out.
	p.server.Exec(t, p.name, `CREATE SCHEMA root; CREATE FUNCTION root.nothing() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER always ON ddl_command_end WHEN TAG IN ('CREATE TEXT SEARCH PARSER') EXECUTE FUNCTION root.nothing()`)
	defer p.server.Exec(t, p.name, "DROP SCHEMA root CASCADE")
	if all, err := p.strangers(true); err == nil || !strings.Contains(err.Error(), `event trigger "always"`) {
		t.Errorf("%q, %v", all, err)
	}
}

// TestRaised: a function's words hold what a visitor typed, and reach no error, whatever its code.
func TestRaised(t *testing.T) {
	p := plants(t)
	for email, code := range map[string]string{"refused@visitor": "P0001", "other@visitor": "MY001"} {
		if err := p.run(addMember, email); err == nil || strings.Contains(err.Error(), "visitor") || !strings.Contains(err.Error(), "SQLSTATE "+code) {
			t.Errorf("says %v", err)
		}
	}
}
