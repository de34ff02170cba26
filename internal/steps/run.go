package steps

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/pressly/goose/v3"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
)

// States lists all steps of schemas with what became of them, by what the tables of versions know. A step that was run and is in
// no file is [db.ErrAhead].
func States(engine string, schemas []*db.Schema, applied func(*db.Schema) (map[int64]Applied, error)) (all []db.MigrationState, unsummed bool, err error) {
	for _, schema := range schemas {
		known, _, err := Of(engine, schema)
		if err != nil {
			return nil, false, err
		}
		done, err := applied(schema)
		if err != nil {
			return nil, false, err
		}
		for v := range done {
			if !slices.ContainsFunc(known, func(m Step) bool { return m.Version == v }) {
				return nil, false, fmt.Errorf("%s: schema %q: %w: it has migration %d, which this program does not know; start the newer program, or restore a backup from before it", engine, schema.Name(), db.ErrAhead, v)
			}
		}
		for _, m := range known {
			state := db.MigrationState{Migration: m.Migration}
			if was, ok := done[m.Version]; ok {
				state.Applied, state.Edited = was.At, !was.NoSum && was.Sum != m.Sum
				unsummed = unsummed || was.NoSum
			}
			all = append(all, state)
		}
	}
	return all, unsummed, nil
}

// Pending are those of the steps that were not run; one that was edited since it was run is a fault.
func Pending(engine string, schemas []*db.Schema, all []db.MigrationState) (pending []db.Migration, err error) {
	if err := db.Edited(schemas, engine, all); err != nil {
		return nil, err
	}
	for _, m := range all {
		if m.Applied.IsZero() {
			pending = append(pending, m.Migration)
		}
	}
	return pending, nil
}

// All runs the pending steps of schemas, each schema's by one. A schema that fails does not keep the others from being tried, so
// that a start shows all faults at once.
func All(engine string, schemas []*db.Schema, one func(*db.Schema) ([]db.Migration, error)) (ran []db.Migration, faults check.Faults) {
	for _, schema := range schemas {
		done, err := one(schema)
		ran = append(ran, done...)
		var finding check.Finding
		switch {
		case errors.As(err, &finding):
			faults = append(faults, finding)
		case err != nil:
			faults = append(faults, db.RuleMigration.Finding(schema.Where(), fmt.Sprintf("%s: schema %q: %v", engine, schema.Name(), err), "mend the migration"))
		}
	}
	return ran, faults
}

// A Run is how the steps of one schema are run, by goose, over one connection.
type Run struct {
	Schema  *db.Schema
	Known   []Step
	Folder  fs.FS
	Conn    Conn
	Dialect Dialect
	// Failed makes a finding of what a step's file ended with, without goose's own words.
	Failed func(file string, err error) error
}

// provider makes goose work on the connection, with the table of versions; done ends that.
func (r *Run) provider() (*goose.Provider, func(), error) {
	over := sql.OpenDB(connector{r.Conn})
	over.SetMaxOpenConns(1) // there is one connection
	done := func() { _ = over.Close() }
	sums := map[int64]string{}
	for _, m := range r.Known {
		sums[m.Version] = m.Sum
	}
	provider, err := goose.NewProvider(goose.DialectCustom, over, r.Folder,
		goose.WithStore(versions{r.Dialect, Table(r.Schema), sums}), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		done()
		return nil, nil, err
	}
	return provider, done, nil
}

// Up runs the steps that were not run yet, and returns those that it ran, also when one fails.
func (r *Run) Up(ctx context.Context) (ran []db.Migration, err error) {
	provider, done, err := r.provider()
	if err != nil {
		return nil, err
	}
	defer done()
	results, err := provider.Up(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		results = partial.Applied
		err = r.Failed(path.Base(partial.Failed.Source.Path), partial.Err)
	}
	for _, one := range results {
		i := slices.IndexFunc(r.Known, func(m Step) bool { return m.Version == one.Source.Version })
		ran = append(ran, r.Known[i].Migration)
	}
	return ran, err
}

// Down runs the newest step that was run backwards.
func (r *Run) Down(ctx context.Context, newest Step) error {
	provider, done, err := r.provider()
	if err != nil {
		return err
	}
	defer done()
	_, err = provider.Down(ctx)
	var partial *goose.PartialError
	var finding check.Finding
	switch {
	case errors.As(err, &partial):
		return r.Failed(newest.Name, partial.Err)
	case err != nil && !errors.As(err, &finding):
		return r.Failed(newest.Name, err)
	}
	return err
}
