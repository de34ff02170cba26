package db

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// An Inspector is an engine that can look for damage in its own database, which must be open. Both methods read all of it
// once and stop after a few findings; they return what is wrong, in words, and an error when it could not be told.
type Inspector interface {
	// Damage looks for pages and indexes that do not fit together.
	Damage(ctx context.Context) ([]string, error)
	// Orphans looks for rows that name a row which is not there, against a foreign key.
	Orphans(ctx context.Context) ([]string, error)
}

// A Laxer is an engine in which a column can hold values of another type than its own, unless its table is made so that it
// cannot: SQLite, without STRICT.
type Laxer interface {
	// Lax returns the names of the tables of that sort.
	Lax(ctx context.Context) ([]string, error)
}

// Lax returns a finding for each table of the schemas that takes values of another type than its columns'. Scratch is an
// engine as [Verify] takes it.
func Lax(ctx context.Context, scratch Engine, schemas ...*Schema) (faults check.Faults) {
	laxer, ok := scratch.(Laxer)
	if !ok {
		return nil
	}
	tables, err := laxer.Lax(ctx)
	if err != nil {
		return check.Faults{RuleLax.Finding("migrations", "db: the tables cannot be listed: "+err.Error(), "try again")}
	}
	for _, table := range tables {
		faults = append(faults, RuleLax.Finding(madeAt(table, scratch.Name(), schemas), fmt.Sprintf("the table %s is not STRICT: it stores a text in a column of numbers", table),
			"write STRICT behind its closing parenthesis: CREATE TABLE "+table+" ( … ) STRICT;"))
	}
	return faults
}

// madeAt returns file:line of the migration that makes a table, as far as it is plain to see.
func madeAt(table, engine string, schemas []*Schema) string {
	makes := regexp.MustCompile(`(?i)\bCREATE\s+TABLE\s+(IF\s+NOT\s+EXISTS\s+)?["[` + "`" + `]?` + regexp.QuoteMeta(table) + `\b`)
	for _, s := range schemas {
		dir, err := s.Migrations(engine)
		if err != nil {
			continue
		}
		names, _ := fs.Glob(dir, "*.sql") // the pattern is well formed
		for _, name := range names {
			text, err := fs.ReadFile(dir, name)
			if err != nil {
				continue
			}
			if at := makes.FindIndex(text); at != nil {
				return fmt.Sprintf("%s:%d", s.place(engine, path.Base(name)), 1+strings.Count(string(text[:at[0]]), "\n"))
			}
		}
	}
	return "migrations"
}

// Shared is an engine that tells whether other processes may write to its database while this one has it open. What is
// kept in memory of rows is then kept for no longer than a request.
type Shared interface{ Shared() bool }

// A Checker is an engine that brings checks of its own, of what it can ask its server. They are asked while it is open.
type Checker interface{ Checks() []check.Check }

// A Starter is a [Shared] engine that has first starts wait for one another: of two processes that begin at one moment on an
// empty database each would make keys of its own.
type Starter interface {
	// Starting runs do while no other process of the same database runs its own.
	Starting(ctx context.Context, do func() error) error
}

// Placed is an engine whose database is on a server that settings can name.
type Placed interface {
	// At reports whether the database is the one of the setting db.url.
	At(url string) bool
	// Setup returns the statements that make the database ready, for an administrator of the server to run once.
	Setup() (string, error)
}
