package postgres_test

import (
	"embed"
	"errors"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

//go:embed testdata/mistakes
var mistakeFiles embed.FS

// TestMistakes: the lines SQL-5, SQL-6 and SQL-7 of examples/mistakes are stopped at their stage on this engine too. What SQLite alone
// has (PRAGMA, ATTACH, VACUUM INTO) has COPY, a function of the server and a large object in its place.
func TestMistakes(t *testing.T) {
	server := pgpeer.Shared(t)
	type author struct{ Author string }
	for name, one := range map[string]struct {
		declare      func(*db.Schema)
		start, check []string // what each finding holds
	}{
		"SQL-5": {func(s *db.Schema) {
			db.Query[author](s, "DELETE FROM note WHERE id = $1 RETURNING author")
			db.Query[author](s, "WITH d AS (DELETE FROM note RETURNING author) SELECT author FROM d LIMIT 1")
			db.Query[author](s, "COPY note TO '/tmp/merlon-mistake'")
			db.Query[author](s, "SELECT pg_notify('a', 'b')::text AS author LIMIT 1")
			db.Query[author](s, "SELECT lo_create(0)::text AS author LIMIT 1")
		}, []string{"DELETE FROM note WHERE id = $1 RETURNING author", "WITH d AS", "COPY note", "pg_notify", "lo_create"}, nil},
		"SQL-6": {func(s *db.Schema) {
			db.Query[author](s, "SELECT auhtor FROM note LIMIT 50")
			db.Query[author](s, "SELECT author, text FROM note LIMIT 50")
			db.Query[author](s, "SELECT author FROM note WHERE id > $1 AND id < $3 LIMIT 50")
		}, []string{`did you mean "author"?`, "MRL-SQL-004", "MRL-SQL-005"}, nil},
		"SQL-7":             {func(s *db.Schema) { db.Query[author](s, "SELECT author FROM note ORDER BY id") }, nil, []string{"MRL-SQL-013"}},
		"the nearest right": {func(s *db.Schema) { db.Query[author](s, "SELECT author FROM note WHERE id > $1 ORDER BY id LIMIT 50") }, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			schema := db.From(mistakeFiles, "testdata/mistakes").Named("mistakes")
			one.declare(schema)
			site, err := merlon.New(merlon.Env{Data: t.TempDir(), Mode: merlon.Test}, merlon.Config{Name: "mistakes", Engine: postgres.Engine(server.Config(server.Database(t))), Schema: schema})
			var found check.Faults
			if err != nil && !errors.As(err, &found) {
				t.Fatal(err)
			}
			holds(t, "start", found, one.start)
			if err != nil {
				return
			}
			if err := site.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = site.Close(t.Context()) })
			found = nil
			for _, f := range site.Check(t.Context()).Findings(check.Medium) {
				if strings.HasPrefix(f.ID, "MRL-SQL-01") {
					found = append(found, f)
				}
			}
			holds(t, "check", found, one.check)
		})
	}
}

// holds compares findings with what each must hold.
func holds(t *testing.T, stage string, found check.Faults, want []string) {
	t.Helper()
	said := ""
	for _, f := range found {
		said += f.Error() + "\n"
	}
	for _, part := range want {
		if !strings.Contains(said, part) {
			t.Errorf("%s: no finding with %q", stage, part)
		}
	}
	if len(found) != len(want) {
		t.Errorf("%s: %d findings, want %d:\n%s", stage, len(found), len(want), said)
	}
}
