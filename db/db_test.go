package db_test

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
)

//go:embed testdata
var files embed.FS

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for i, r := range db.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
		if want := fmt.Sprintf("MRL-SQL-%03d", i+1); r.ID != want || seen[r.ID] {
			t.Errorf("the rule %q stands where %s should", r.ID, want)
		}
		seen[r.ID] = true
		if n := strings.Count(r.Explain(), "\n"); n > 40 {
			t.Errorf("%s: explained in %d lines", r.ID, n)
		}
	}
}

type row struct {
	ID   int64
	Name string
}

type other struct{ A string }

func TestSchema(t *testing.T) {
	s := db.From(files, "testdata/migrations")
	if s.Name() != "site" || !strings.HasPrefix(s.Where(), "db_test.go:") {
		t.Errorf("name %q, where %q", s.Name(), s.Where())
	}
	db.Query[row](s, "SELECT id, name FROM a WHERE id IN ($1...) ORDER BY {0}", db.Choice{"": "id", "b": "name", "a": "id DESC"})
	db.Exec(s, "DELETE FROM a")
	db.Returning[other](s, "DELETE FROM a RETURNING a")
	db.Query[row](s, "SELECT id, name FROM a")
	db.Query[int64](s, "SELECT 1")
	db.Query[time.Time](s, "SELECT 1")
	if got := s.RowTypes(); !slices.Equal(got, []reflect.Type{reflect.TypeFor[row](), reflect.TypeFor[other]()}) {
		t.Errorf("row types: %v", got)
	}
	got := s.Statements()
	if len(got) != 6 || got[0].Kind != db.KindQuery || got[1].Kind != db.KindExec || got[2].Kind != db.KindReturning || got[0].Params != 1 ||
		got[0].Row != reflect.TypeFor[row]() || fmt.Sprint(got[0].Choices) != "[[ a b]]" || !strings.HasPrefix(got[1].Where, "db_test.go:") {
		t.Errorf("statements: %+v", got)
	}
	if got[0].Where == got[1].Where {
		t.Errorf("two lines are one: %s", got[0].Where)
	}
}

func TestMigrationsFolder(t *testing.T) {
	for _, one := range []struct {
		schema *db.Schema
		engine string
		want   string
	}{
		{db.From(files, "testdata/migrations"), "sqlite", "00001_a.sql"},
		{db.From(files, "testdata/plain"), "sqlite", "00001_b.sql"},
		{db.From(files, "testdata/plain/"), "postgres", "00001_b.sql"},
	} {
		folder, err := one.schema.Migrations(one.engine)
		if err != nil {
			t.Error(err)
			continue
		}
		if names, err := fs.Glob(folder, "*.sql"); err != nil || fmt.Sprint(names) != "["+one.want+"]" {
			t.Errorf("%s: %v, %v", one.engine, names, err)
		}
	}
	_, err := db.From(files, "migratoins").Migrations("sqlite")
	var f check.Finding
	if !errors.As(err, &f) || f.ID != db.RuleMigration.ID || !strings.Contains(f.Error(), "go:embed") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// panics returns what do panicked with, as text.
func panics(do func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprint(p)
		}
	}()
	do()
	return ""
}

func TestSeal(t *testing.T) {
	s := db.From(files, "testdata/plain")
	db.Exec(s, "DELETE FROM b")
	s.Seal()
	s.Seal()
	for name, declare := range map[string]func(){
		"Query":     func() { db.Query[int64](s, "SELECT 1") },
		"Exec":      func() { db.Exec(s, "DELETE FROM b") },
		"Returning": func() { db.Returning[int64](s, "DELETE FROM b RETURNING id") },
		"Named":     func() { s.Named("late") },
	} {
		text := panics(declare)
		for _, want := range []string{"after the site started", "db_test.go:", "package variables", "MRL-SQL-001"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s on a sealed schema: the panic %q does not say %q", name, text, want)
			}
		}
	}
	if len(s.Statements()) != 1 || s.Name() != "site" {
		t.Error("the sealed schema changed")
	}
	if text := panics(func() { db.Exec(db.From(files, "testdata/plain"), "DELETE FROM b") }); text != "" {
		t.Errorf("another schema: %s", text)
	}
	if text := panics(func() { db.Query[int64](nil, "SELECT 1") }); !strings.Contains(text, "no schema") {
		t.Errorf("no schema: %q", text)
	}
}

func TestNames(t *testing.T) {
	for _, bad := range []func(){
		func() { db.From(files, "x").Named("") }, func() { db.From(files, "x").Named("My") }, func() { db.From(files, "x").Named("1a") },
		func() { db.From(files, "x").Named("a b") }, func() { db.From(files, "x").Named("a;b") }, func() { db.From(files, "x").Named("abcdefghijklmnopqrstuvwxyzabcdefg") },
	} {
		if text := panics(bad); !strings.Contains(text, "MRL-SQL-022") {
			t.Errorf("a bad name: %q", text)
		}
	}
	if got := db.From(files, "x").Named("my_part2").Name(); got != "my_part2" {
		t.Errorf("got %q", got)
	}
}

// TestChoiceIsCopied changes the map of a choice after its declaration: nothing comes of it.
func TestChoiceIsCopied(t *testing.T) {
	s := db.From(files, "testdata/plain")
	choice := db.Choice{"": "id", "down": "id DESC"}
	q := db.Query[row](s, "SELECT id, name FROM b ORDER BY {0} LIMIT 1", choice)
	choice["down"], choice["new"] = "(SELECT 1)", "x"
	delete(choice, "")
	for key, want := range map[string]string{"": "id", "down": "id DESC", "new": "id"} {
		if got := db.SQLOf(q.Choose(key)); got != "SELECT id, name FROM b ORDER BY  "+want+"  LIMIT 1" {
			t.Errorf("%q: %s", key, got)
		}
	}
}

// TestChoiceIsWhole declares choices that would change the statement around them.
func TestChoiceIsWhole(t *testing.T) {
	for text, ok := range map[string]bool{
		"id": true, "": true, "(id)": true, "'--;)'": true, "\"a;\"": true, "f(a, (b))": true, "$1": true,
		"id --": false, "/* a */ id": false, "id;": false, "(id": false, "id)": false, ")(": false, "'id": false, "{0}": false, "?": false, "$1...": false,
	} {
		s := db.From(files, "testdata/plain")
		launder(db.Query[row], s, "SELECT id, name FROM b WHERE id = $1 ORDER BY {0}", text)
		if got := db.Problems(s); (got == nil) != ok {
			t.Errorf("%q: %v", text, got)
		}
	}
	s := db.From(files, "testdata/plain")
	q := db.Query[row](s, "SELECT id, name FROM b WHERE id = 5 -{0} AND name = $1{1}", db.Choice{"": "-1"}, db.Choice{"": "0"})
	if got := db.SQLOf(q); strings.Contains(got, "--") || strings.Contains(got, "?10") {
		t.Errorf("tokens were glued: %s", got)
	}
}

// launder declares a query with a choice that no program has as a constant.
func launder[C ~string, M ~map[string]C, Row any](query func(*db.Schema, C, ...M) *db.Select[Row], s *db.Schema, sql, choice string) {
	query(s, C(sql), M{"": "id", "other": C(choice)})
}

func TestSQL(t *testing.T) {
	s := db.From(files, "testdata/plain")
	q := db.Query[row](s, "SELECT '$1 {0}', \"$2\" /* $3 */ FROM b -- $4\nWHERE id IN ( $2... ) AND x = $1 AND y NOT IN ($3...) AND z = $1 ORDER BY {0};", db.Choice{"": "id", "z": "z = $1"})
	const head = "SELECT '$1 {0}', \"$2\" /* $3 */ FROM b -- $4\nWHERE id IN ( "
	for _, one := range []struct {
		lengths []int
		want    string
	}{
		{[]int{1, 1}, "?2 ) AND x = ?1 AND y NOT IN (?3) AND z = ?1 ORDER BY  id "},
		{[]int{0, 2}, "SELECT NULL WHERE 1 = 0 ) AND x = ?1 AND y NOT IN (?2,?3) AND z = ?1 ORDER BY  id "},
		{[]int{3, 0}, "?2,?3,?4,?5 ) AND x = ?1 AND y NOT IN (SELECT NULL WHERE 1 = 0) AND z = ?1 ORDER BY  id "},
	} {
		if got := db.SQLOf(q, one.lengths...); got != head+one.want {
			t.Errorf("%v:\ngot  %s\nwant %s", one.lengths, got, head+one.want)
		}
	}
	if got, want := db.SQLOf(q.Choose("z"), 1, 1), head+"?2 ) AND x = ?1 AND y NOT IN (?3) AND z = ?1 ORDER BY  z = ?1 "; got != want {
		t.Errorf("got %s", got)
	}
	if p := db.Problems(s); p != nil {
		t.Errorf("problems: %v", p)
	}
}

// TestTextsAreBounded asks for lists of every length: few texts come of it.
func TestTextsAreBounded(t *testing.T) {
	s := db.From(files, "testdata/plain")
	q := db.Query[row](s, "SELECT id, name FROM b WHERE id IN ($1...) AND name IN ($2...)")
	most := 0
	for length := range db.MaxList + 1 {
		size := db.ListSize(length)
		if size < length || length > 1 && size >= 2*length {
			t.Fatalf("a list of %d is filled up to %d", length, size)
		}
		if length%50 == 0 {
			db.SQLOf(q, length, 0)
		}
		most = max(most, size)
	}
	if most != db.MaxList {
		t.Errorf("the longest list is filled up to %d", most)
	}
	if n := db.Texts(q); n > 15 {
		t.Errorf("%d texts", n)
	}
	for a := 0; a <= db.MaxList; a = max(1, 2*a) {
		for b := 0; b <= db.MaxList; b = max(1, 2*b) {
			db.SQLOf(q, a, b)
		}
	}
	if n := db.Texts(q); n > 15*15 {
		t.Errorf("%d texts of two lists", n)
	}
}

func TestColumns(t *testing.T) {
	for name, want := range map[string]string{
		"ID": "id", "Name": "name", "AuthorID": "author_id", "HTMLBody": "html_body", "CreatedAt": "created_at", "URL": "url", "URL2": "url2", "Sha256Sum": "sha256_sum", "X": "x", "ÄndertAm": "ändert_am",
	} {
		if got := db.ColumnOf(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	type Base struct{ ID int64 }
	type embeds struct {
		Base
		time.Time
		Name   string `db:"title"`
		Left   string `db:"-"`
		hidden int
		Tags   []string `db:",json"`
	}
	_ = embeds{hidden: 1}
	if got := db.ColumnsOf(reflect.TypeFor[embeds]()); fmt.Sprint(got) != "[id time title tags]" {
		t.Errorf("got %v", got)
	}
}

func TestRowTypesAreJudged(t *testing.T) {
	type bad struct {
		A any
		B map[string]int
		C func()
		D chan int
		E []int
		F **int
		G struct{ X int }
		H *[]byte
		I complex128
		J error
		K string `db:"k,jsn"`
		L string `db:"twice"`
		M string `db:"twice"`
	}
	s := db.From(files, "testdata/plain")
	db.Query[bad](s, "SELECT 1")
	got := db.Problems(s)
	if len(got) != 12 {
		t.Errorf("%d problems: %s", len(got), strings.Join(got, "\n"))
	}
	for _, p := range got {
		if !strings.HasPrefix(p, "MRL-SQL-011") {
			t.Error(p)
		}
	}
	type good struct {
		A int
		B *uint8
		C time.Duration
		D [32]byte
		E []byte
		F *time.Time
		G float32
		H map[string]any `db:"h,json"`
		I any            `db:"i,json"`
	}
	s = db.From(files, "testdata/plain")
	db.Query[good](s, "SELECT 1")
	db.Query[*int64](s, "SELECT 1")
	if p := db.Problems(s); p != nil {
		t.Error(p)
	}
}

func TestTextsAreJudged(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT $1, $2":                      "",
		"SELECT $1;":                         "",
		"SELECT $1; -- done":                 "",
		"SELECT '?', ':a', \"@b\" -- ?":      "",
		"SELECT 1 WHERE a IN ($1...)":        "",
		"SELECT 1 WHERE a in\n(\t$1...\r\n)": "",
		"SELECT a::text":                     "", // the engine's to judge
		"SELECT x'00', X'00'":                "",
		"SELECT a->>'$.b', '{}'":             "",
		"SELECT ?":                           "MRL-SQL-005",
		"SELECT ?1":                          "MRL-SQL-005",
		"SELECT :a":                          "MRL-SQL-005",
		"SELECT @a":                          "MRL-SQL-005",
		"SELECT #a":                          "MRL-SQL-005",
		"SELECT $a":                          "MRL-SQL-005",
		"SELECT $0":                          "MRL-SQL-005",
		"SELECT $01":                         "MRL-SQL-005",
		"SELECT $1000":                       "MRL-SQL-005",
		"SELECT $1a":                         "MRL-SQL-005",
		"SELECT $1$2":                        "MRL-SQL-005",
		"SELECT $99999999999999999999":       "MRL-SQL-005",
		"SELECT $$a$$":                       "MRL-SQL-005",
		"SELECT $":                           "MRL-SQL-005",
		"SELECT $1...":                       "MRL-SQL-010",
		"SELECT IN ($1..., $2)":              "MRL-SQL-010",
		"SELECT f($1...)":                    "MRL-SQL-010",
		"SELECT 1; SELECT 2":                 "MRL-SQL-006",
		"SELECT 1; x":                        "MRL-SQL-006",
		"SELECT {a}":                         "MRL-SQL-009",
		"SELECT {4}":                         "MRL-SQL-009",
		"SELECT {}":                          "MRL-SQL-009",
		"SELECT 'a":                          "MRL-SQL-002",
		"SELECT \"a":                         "MRL-SQL-002",
		"SELECT /* a":                        "MRL-SQL-002",
		"SELECT /* /* a */ */":               "MRL-SQL-002",
		"SELECT `a`":                         "MRL-SQL-002",
		"SELECT [a]":                         "MRL-SQL-002",
		"SELECT E'\\''":                      "MRL-SQL-002",
		"SELECT 1\x00":                       "MRL-SQL-002",
		"SELECT '\x00'":                      "MRL-SQL-002",
	} {
		_, problems := db.Rejoin(text)
		if want == "" && problems != nil || want != "" && !slices.Contains(problems, want) {
			t.Errorf("%q: got %v, want %s", text, problems, want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	for _, one := range []struct {
		name string
		of   []string
		want string
	}{
		{"titel", []string{"id", "title", "text"}, "title"}, {"nmae", []string{"id", "name"}, "name"}, {"TITLE", []string{"title"}, "title"},
		{"x", []string{"id", "name"}, ""}, {"price", []string{"id", "name"}, ""}, {"", []string{"a"}, "a"}, {"author", nil, ""},
	} {
		want := ""
		if one.want != "" {
			want = `; did you mean "` + one.want + `"?`
		}
		if got := db.DidYouMean(one.name, one.of...); got != want {
			t.Errorf("%q among %v: %q, want %q", one.name, one.of, got, want)
		}
	}
}

// FuzzScan holds the scanner to this: its pieces are the whole text, up to the semicolon that ends the statement, and
// scanning them again finds the same.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{"SELECT $1, '$2', {0} FROM a WHERE b IN ($3...);", "/* $1 */ -- $2\n$3", "'it''s $1'", "$1::int", "{0}{1}", "; ;", "$1...", "IN($1...)", "\"a\"\"b\"", "$0 $01 $a", "x'", "{", "}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		joined, problems := db.Rejoin(text)
		if problems == nil && joined != text {
			rest, ok := strings.CutPrefix(text, joined)
			if !ok || rest[0] != ';' {
				t.Fatalf("%q became %q", text, joined)
			}
		}
		if again, found := db.Rejoin(joined); problems == nil && (again != joined || found != nil) {
			t.Fatalf("%q became %q, and %q with %v at the second time", text, joined, again, found)
		}
	})
}

func TestErrors(t *testing.T) {
	unique := &db.ConstraintError{Kind: db.ConstraintUnique, Name: "user.email", Err: errors.New("the engine's words")}
	if !db.IsUnique(fmt.Errorf("sign up: %w", unique)) || db.IsUnique(errors.New("x")) || db.IsUnique(nil) || db.IsUnique(&db.ConstraintError{Kind: db.ConstraintCheck}) {
		t.Error("IsUnique")
	}
	if unique.Error() != "UNIQUE constraint failed: user.email" || errors.Unwrap(unique).Error() != "the engine's words" {
		t.Errorf("got %q", unique)
	}
	if got := (&db.ConstraintError{}).Error(); got != "constraint failed" {
		t.Errorf("got %q", got)
	}
}
