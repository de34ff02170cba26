package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

// FuzzStatement gives any text to db.Query and to SQLite. What db sees of a text (parameters, lists, choices, one statement)
// is what SQLite sees; what is verified as a query runs for a reader and changes nothing.
func FuzzStatement(f *testing.F) {
	for _, seed := range []string{
		"SELECT author FROM note WHERE id = $1", "SELECT author FROM note WHERE id IN ($1...) AND author = $2 LIMIT $3", "SELECT '$1', \"author\", /* $2 */ $1 -- $3\nFROM note",
		"SELECT author FROM note ORDER BY {0}", "SELECT '{0}' ORDER BY {1}, {0}", "SELECT $2, $1", "SELECT $1x, $1::int, ?, ?1, :a, @a, #a, $a, $$a$$, [x$1], `x`", "SELECT 'it''s' || \"a\"\"b\"",
		"SELECT 1;", "SELECT 1; -- end", "SELECT 1; SELECT 2", "", ";", "/*", "'", "\"", "{", "}", "$", "$0", "$01", "$1...", "IN($1...)", "in ( $1... )", "x'00'", "E'\\''", "\x00", "SELECT a$1",
		"SELECT 1.5e$1", "VALUES ($1), ($2)", "WITH x AS (SELECT $1) SELECT * FROM x", "DELETE FROM note RETURNING author", "SELECT 1 -- $1", "::::a", "$1::::b", "SELECT :::a", "$1...)",
	} {
		f.Add(seed)
	}
	e, err := sqlite.Engine("x.db").Scratch(f.Context(), schema)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { e.Close() })
	f.Fuzz(func(t *testing.T, text string) {
		s := db.From(files, "testdata/migrations")
		choices := []db.Choice{{"": "id", "down": "id DESC"}, {"": "author", "in": "author = '$9' || \"text\""}, {"": "1"}}
		q := launder(db.Query[string], s, text, choices[:strings.Count(text, "{")%4]...)
		faults := db.Verify(t.Context(), e, s)
		for _, fault := range faults {
			if strings.Contains(fault.What, "the engine sees") || strings.Contains(fault.What, "SQLite sees") || strings.Contains(fault.What, "a second statement") {
				t.Fatalf("%q: %v", text, fault)
			}
		}
		if faults != nil {
			return
		}
		runVerified(t, s, q)
	})
}

// runVerified runs a query that was verified, with arguments of no use. Errors of its values are ordinary.
func runVerified(t *testing.T, s *db.Schema, q *db.Select[string]) {
	own, err := sqlite.Engine("x.db").Scratch(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r := own.Read(ctx)
	defer r.Close()
	statement := s.Statements()[0]
	args := make([]any, statement.Params)
	for i := range args {
		if args[i] = nil; strings.Contains(statement.Text, fmt.Sprintf("$%d...", i+1)) {
			args[i] = []int{1, 2, 3}
		}
	}
	for _, keys := range [][]string{nil, {"down", "in"}, {"; DELETE FROM note"}} {
		_, err := q.Choose(keys...).All(r, args...)
		var finding check.Finding
		if errors.As(err, &finding) && finding.ID != db.RuleValue.ID && finding.ID != db.RuleArgument.ID {
			t.Fatalf("%q with %q passed Verify, and running it says %v", statement.Text, keys, err)
		}
	}
}
