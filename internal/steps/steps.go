// Package steps has the migrations of schemas, for the engines: what their files say, what became of each, and the run of them by
// goose over an engine's own connection.
package steps

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/merlon-web/merlon/db"
)

// A Step is a migration as its file tells it.
type Step struct {
	db.Migration
	Sum  string // of its text: [db.MigrationSum]
	Down bool   // it can be undone
}

// Distinct refuses two schemas of one name: they would count their migrations in one table.
func Distinct(engine string, schemas []*db.Schema) error {
	seen := map[string]*db.Schema{}
	for _, s := range schemas {
		if other := seen[s.Name()]; other != nil && other != s {
			return db.RuleSchemaName.Finding(s.Where(), fmt.Sprintf("%s: the schema %q has the name of the one at %s", engine, s.Name(), other.Where()), "give it one of its own: .Named(\"…\")")
		}
		seen[s.Name()] = s
	}
	return nil
}

// Table names the table that counts a schema's migrations.
func Table(schema *db.Schema) string { return "merlon_version_" + schema.Name() }

// Of lists a schema's migrations for an engine in their order, with the folder that they lie in. A file that goose would
// pass over without a word is a fault.
func Of(engine string, schema *db.Schema) ([]Step, fs.FS, error) {
	folder, err := schema.Migrations(engine)
	if err != nil {
		return nil, nil, err
	}
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, nil, fmt.Errorf("%s: schema %q: %w", engine, schema.Name(), err)
	}
	var all []Step
	for _, entry := range entries {
		if entry.IsDir() || path.Ext(entry.Name()) != ".sql" {
			continue
		}
		version, err := number(entry.Name())
		if err != nil {
			return nil, nil, db.RuleMigration.Finding(schema.Where(), fmt.Sprintf("%s: schema %q: the file %q has no number: %v", engine, schema.Name(), entry.Name(), err), "name it like 00001_what_it_does.sql")
		}
		for _, other := range all {
			if other.Version == version {
				return nil, nil, db.RuleMigration.Finding(schema.Where(), fmt.Sprintf("%s: schema %q: %q and %q have the same number", engine, schema.Name(), other.Name, entry.Name()), "give each its own")
			}
		}
		text, err := fs.ReadFile(folder, entry.Name())
		if err != nil {
			return nil, nil, fmt.Errorf("%s: schema %q: %w", engine, schema.Name(), err)
		}
		if !beginsUp.Match(text) {
			return nil, nil, db.RuleMigration.Finding(schema.Where(), fmt.Sprintf("%s: schema %q: %s has no line -- +goose Up, so nothing of it would run", engine, schema.Name(), entry.Name()), "begin the file with the line -- +goose Up")
		}
		all = append(all, Step{db.Migration{Schema: schema.Name(), Version: version, Name: entry.Name()}, db.MigrationSum(text), hasDown(string(text))})
	}
	slices.SortFunc(all, func(a, b Step) int { return int(min(1, max(-1, a.Version-b.Version))) })
	return all, folder, nil
}

// number reads the number that a file's name begins with, as goose does.
func number(name string) (int64, error) {
	digits, _, found := strings.Cut(name, "_")
	if !found {
		return 0, fmt.Errorf("no _ stands in it")
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err == nil && n < 1 {
		err = fmt.Errorf("the number is below 1")
	}
	return n, err
}

// hasDown reports whether a migration has a statement below its mark "Down".
func hasDown(text string) bool {
	down := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "--"):
			if mark := strings.Fields(strings.TrimPrefix(line, "--")); len(mark) == 2 && mark[0] == "+goose" {
				switch strings.ToLower(mark[1]) {
				case "down":
					down = true
				case "up":
					down = false
				}
			}
		case line != "" && down:
			return true
		}
	}
	return false
}

// Newest returns the newest migration that was run, and a fault when there is none or it does not say how it is undone.
func Newest(engine string, schema *db.Schema, known []Step, ran func(version int64) bool) (Step, error) {
	var newest Step
	for _, m := range known {
		if ran(m.Version) {
			newest = m // they are in order
		}
	}
	switch {
	case newest.Name == "":
		return newest, fmt.Errorf("%s: schema %q: no migration was run, so there is none to undo", engine, schema.Name())
	case !newest.Down:
		return newest, db.RuleMigration.Finding(schema.Where(), fmt.Sprintf("%s: schema %q: %s does not say how it is undone", engine, schema.Name(), newest.Name), `write the statements below "-- +goose Down", in a program of their own: the file was run`)
	}
	return newest, nil
}

// beginsUp is the line that a migration begins with.
var beginsUp = regexp.MustCompile(`(?im)^[ \t]*--[ \t]*\+goose[ \t]+up\b`)
