package postgres_test

import (
	"embed"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

//go:embed testdata/keys
var keysFiles embed.FS

var (
	keys = db.From(keysFiles, "testdata/keys").Named("keys")

	_ = db.Query[string](keys, "SELECT c FROM pair WHERE a = $1 AND a = $2") // found: half of the key
	_ = db.Query[string](keys, "SELECT c FROM pair WHERE a = $1 AND b > $2") // found
	_ = db.Query[string](keys, "SELECT c FROM pair WHERE lower(c) = $1 AND lower(c) = $2 AND c <> ' = '")
	_ = db.Query[string](keys, "SELECT c FROM pair WHERE a = $1 AND a = 7 AND b > ') AND (b = '")
	_ = db.Query[string](keys, "SELECT x.c FROM pair x, pair y WHERE x.a = $1 AND x.b = $2 AND y.a = $3 AND y.a = x.a") // found: the second one's
	_ = db.Query[string](keys, "SELECT c FROM pair WHERE b = $2 AND a = $1")
	_ = db.Query[string](keys, `SELECT c FROM pair WHERE d = $1 AND "or der" = $2`)
	_ = db.Query[string](keys, "SELECT c FROM pair WHERE lower(c) = $1 AND a + 1 = $2")
	_ = db.Query[string](keys, "SELECT x.c FROM pair x, pair y WHERE x.a = $1 AND x.b = $2 AND lower(y.c) = $3 AND y.a + 1 = $4")
)

// keysFound is how many of them have no limit.
const keysFound = 5

// TestWholeKeys: of a unique key each column must be held against a value; one of them twice is not the whole key.
func TestWholeKeys(t *testing.T) {
	server := pgpeer.Shared(t)
	e, err := postgres.Engine(server.Config(server.Database(t))).Scratch(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := db.Verify(t.Context(), e, keys).Err(); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range db.Unlimited(t.Context(), e, keys) {
		found[f.Where] = true
	}
	for i, s := range keys.Statements() {
		if found[s.Where] != (i < keysFound) {
			t.Errorf("%s: found: %v", s.Text, found[s.Where])
		}
	}
}

// TestEquals reads conditions as servers write them.
func TestEquals(t *testing.T) {
	for _, one := range []struct {
		cond, alias string
		held        []string
	}{
		{"((a = $1) AND (a = $2))", "pair", []string{"a"}},
		{"((y.a = x.a) AND ((y.b)::text = ($2)::text))", "y", []string{"a", "(b)::text", "b"}},
		{`(("an alias"."or der" = $1) AND (a > 3) AND (b = 'x) AND (c = '::text))`, "an alias", []string{`"or der"`, "b"}},
		{"((lower((y.c)::text) = $1) AND ((d)::numeric(8,2) = 1.5))", "y", []string{"lower((c)::text)", "(d)::numeric(8,2)", "d"}},
		{"(my.a = $1)", "y", []string{"my.a"}},
	} {
		held := postgres.Equals(one.cond, one.alias)
		if len(held) != len(one.held) {
			t.Errorf("%s: %v", one.cond, held)
		}
		for _, want := range one.held {
			if !held[want] {
				t.Errorf("%s: %v lacks %s", one.cond, held, want)
			}
		}
	}
}
