package postgres_test

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/db"
)

// TestSkip: numbers of the lost time are not given again.
func TestSkip(t *testing.T) {
	c := copies(t, "")
	if err := c.e.(db.Skipper).Skip(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	c.add(1)
	if max := c.server.Query(t, c.name, "SELECT max(id) FROM note")[0]; max != "1003" {
		t.Errorf("the next number is %s, want 1003", max)
	}
}

// TestStrangers finds what somebody planted, and takes out what runs.
func TestStrangers(t *testing.T) {
	c := copies(t, "")
	compare := func(drop bool) []string {
		t.Helper()
		found, err := c.e.(db.Comparer).Strangers(t.Context(), drop)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, s := range found {
			all = append(all, s.String())
		}
		return all
	}
	if found := compare(false); len(found) > 0 {
		t.Fatalf("in a sound database: %v", found)
	}
	c.server.Exec(t, c.name, `SET ROLE site;
		CREATE FUNCTION thief() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		CREATE TRIGGER again BEFORE DELETE ON note FOR EACH ROW EXECUTE FUNCTION thief();
		CREATE OR REPLACE VIEW notes AS SELECT id, author, 'another'::text AS text FROM note;
		CREATE RULE keep AS ON UPDATE TO note DO INSTEAD NOTHING;
		CREATE TABLE extra (n int); CREATE INDEX more ON note (text)`)
	found := strings.Join(compare(false), "\n")
	for _, want := range []string{`trigger "again" on note`, `view "notes", which was altered`, `rule "keep" on note`, `function "thief()"`, `table "extra"`, `index "more" on note`} {
		if !strings.Contains(found, want) {
			t.Errorf("%q is not in\n%s", want, found)
		}
	}
	if dropped := strings.Join(compare(true), "\n"); strings.Count(dropped, "dropped") != 3 || !strings.Contains(dropped, `view "notes", which was altered, made again`) {
		t.Errorf("dropped:\n%s", dropped)
	}
	if left := compare(false); len(left) != 2 {
		t.Errorf("left: %v, want the table and the index", left)
	}
}
