package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

func (p *program) migrate() *cobra.Command {
	c := &cobra.Command{
		Use: "migrate", GroupID: "start", Short: "the database's migrations: status, up, down, new, setup",
		Example: "  " + programName() + " migrate status",
		Args:    unknownCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		&cobra.Command{Use: "status", Short: "what has run, and what has not yet", Args: noArgs, Example: "  " + programName() + " migrate status",
			RunE: func(c *cobra.Command, _ []string) error { return p.migrateStatus(c.Context()) }},
		&cobra.Command{Use: "up", Short: "run what has not run yet", Args: noArgs, Example: "  " + programName() + " migrate up",
			RunE: func(c *cobra.Command, _ []string) error { return p.migrateUp(c.Context()) }},
		p.migrateDown(),
		&cobra.Command{Use: "setup", Short: "print what an administrator of the database server runs once, for sites with db.url", Args: noArgs, Example: "  " + programName() + " migrate setup | psql -d site",
			RunE: func(*cobra.Command, []string) error { return p.migrateSetup() }},
		&cobra.Command{Use: "new NAME", Short: "write an empty migration", Args: exactArgs(1, "its name"), Example: "  " + programName() + " migrate new guestbook",
			RunE: func(_ *cobra.Command, args []string) error { return p.migrateNew(args[0]) }},
	)
	return c
}

// migration is one line of migrate status.
type migration struct {
	db.Migration
	State   string     `json:"state"` // pending, applied, or edited: applied, and its file was changed since
	Applied *time.Time `json:"applied,omitempty"`
}

// statusName is the order of migrate status to a site that runs. It is no command of commandsOf: where no site runs it must
// not start one, which a pending migration would refuse.
const statusName = "migrate status"

func (p *program) migrateStatus(ctx context.Context) error {
	if err := p.asOwner(ctx); err != nil {
		return err
	}
	if err := p.hasData(); err != nil {
		return err
	}
	site, err := p.site(merlon.Development)
	if err != nil {
		return err
	}
	states, err := site.Migrations(ctx)
	if errors.Is(err, db.ErrLocked) {
		return p.send(ctx, order{Name: statusName, JSON: p.json}, err)
	}
	if err != nil {
		return cannotStart(err)
	}
	return printStates(p.out, p.json, states)
}

// runningStatus answers migrate status from the process that has the data.
func runningStatus(ctx context.Context, c *merlon.Call) error {
	states, err := c.House.Engine.Migrations(ctx)
	if err != nil {
		return err
	}
	return printStates(c.Out, c.JSON, states)
}

func printStates(out io.Writer, asJSON bool, states []db.MigrationState) error {
	all, pending := []migration{}, []db.Migration{}
	edited := false
	for _, s := range states {
		one := migration{Migration: s.Migration, State: "applied", Applied: &s.Applied}
		switch {
		case s.Applied.IsZero():
			one.State, one.Applied = "pending", nil
			pending = append(pending, s.Migration)
		case s.Edited:
			one.State, edited = "edited", true
		}
		all = append(all, one)
	}
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		if err := e.Encode(map[string]any{"schema": "merlon/migrations/v1", "migrations": all, "pending": pending}); err != nil {
			return err
		}
	} else {
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, m := range all {
			at := ""
			if m.Applied != nil {
				at = m.Applied.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", m.State, m.Schema, m.Name, at)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		if len(pending) == 0 {
			fmt.Fprintln(out, "nothing pending")
		}
	}
	switch {
	case edited && asJSON:
		return &failure{ExitFailed, errSilent}
	case edited:
		return exit(ExitFailed, "edited: the file is another than the one that was run\n  the site does not start like this\n  put the file back, and write what is new into a migration of its own: %s migrate new NAME\n  if the data are only there to try, begin afresh: --data DIR  MRL-SQL-023", programName())
	}
	return nil
}

func (p *program) migrateDown() *cobra.Command {
	var confirmed string
	c := &cobra.Command{Use: "down", Short: "undo the newest migration of the site's own; its data is lost", Args: noArgs,
		Example: "  " + programName() + " migrate down --confirm-site NAME",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := p.asOwner(c.Context()); err != nil {
				return err
			}
			site, err := p.site(merlon.Development)
			if err != nil {
				return err
			}
			name := site.Name()
			if name == "" {
				name = "site"
			}
			if confirmed != "" && confirmed != name {
				return exit(ExitRefused, "nothing was undone\n  --confirm-site says %.40q, and the site of this program is %q\n  see that this is the machine and the folder that you mean, then: %s migrate down --confirm-site %s", confirmed, name, programName(), name)
			}
			if confirmed != name {
				return exit(ExitRefused, "nothing was undone\n  what the newest migration made is lost with its rows, and this may be the data of visitors\n  name the site to go on: %s migrate down --confirm-site %s", programName(), name)
			}
			if err := p.hasData(); err != nil {
				return err
			}
			undone, err := site.UndoMigration(c.Context())
			switch {
			case errors.Is(err, db.ErrLocked):
				return cannotStart(err)
			case err != nil:
				return exit(ExitFailed, "nothing was undone: %w", err)
			}
			if p.json {
				p.printJSON(map[string]any{"schema": "merlon/migrations/v1", "undone": []db.Migration{undone}})
				return nil
			}
			fmt.Fprintf(p.out, "undone  %s  %s\n", undone.Schema, undone.Name)
			return nil
		}}
	c.Flags().StringVar(&confirmed, "confirm-site", "", "the site's name: what is undone is lost")
	return c
}

func (p *program) migrateUp(ctx context.Context) error {
	if err := p.asOwner(ctx); err != nil {
		return err
	}
	site, err := p.site(merlon.Development)
	if err != nil {
		return err
	}
	done, err := site.Migrate(ctx)
	if p.json && err == nil {
		p.printJSON(map[string]any{"schema": "merlon/migrations/v1", "applied": append([]db.Migration{}, done...)})
		return nil
	}
	for _, m := range done {
		fmt.Fprintf(p.out, "applied  %s  %s\n", m.Schema, m.Name)
	}
	if err != nil {
		return cannotStart(err)
	}
	if len(done) == 0 {
		fmt.Fprintln(p.out, "nothing to do")
	}
	return nil
}

var migrationName = regexp.MustCompile(`^[a-z0-9_]{1,40}$`)

// migrateNew writes the next numbered file into the folder migrations of the site's sources.
func (p *program) migrateNew(name string) error {
	if !migrationName.MatchString(name) {
		return exit(ExitUsage, "%q is no name for a migration: it becomes a file's name: use a-z, 0-9 and _", name)
	}
	const dir = "migrations"
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return exit(ExitCannot, "there is no folder %s here: a migration belongs beside the site's sources: change to that folder, or use -C DIR", dir)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil {
		return err
	}
	last := 0
	for _, f := range files {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(f), "%d_", &n); err == nil {
			last = max(last, n)
		}
	}
	path := filepath.Join(dir, fmt.Sprintf("%04d_%s.sql", last+1, name))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return exit(ExitCannot, "the migration cannot be written: %w", err)
	}
	_, err = f.WriteString("-- +goose Up\n\n-- +goose Down\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return exit(ExitCannot, "the migration cannot be written: %w", err)
	}
	fmt.Fprintln(p.out, path)
	return nil
}
