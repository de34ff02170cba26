package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
)

func (p *program) routes() *cobra.Command {
	return &cobra.Command{
		Use: "routes", GroupID: "start", Short: "print the access table: who may do what",
		Example: "  " + programName() + " routes --json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			site, err := p.site(merlon.Development)
			if err != nil {
				return err
			}
			table := site.Routes()
			if p.json {
				p.printJSON(map[string]any{"schema": "merlon/routes/v1", "routes": table})
				return nil
			}
			t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "METHOD\tPATTERN\tWHO\tBINDS\tOPTIONS")
			for _, r := range table {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.Method, r.Pattern, r.Who, strings.Join(r.Binds, " "), strings.Join(r.Options, "; "))
			}
			return t.Flush()
		},
	}
}

func (p *program) check() *cobra.Command {
	return &cobra.Command{
		Use: "check", GroupID: "prove", Short: "prove the site: routes, forms, pages, statements",
		Example: "  " + programName() + " check",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			site, err := p.open(p.env(merlon.Development))
			if site == nil {
				return &failure{ExitFailed, fmt.Errorf("the site cannot be put together: %w", err)}
			}
			report := site.Check(c.Context())
			pass, fail := report.Counts()
			if p.json {
				p.printJSON(map[string]any{"schema": "merlon/check/v1", "pass": pass, "fail": fail, "findings": report.Findings(check.Low)})
			} else {
				p.printReport(report)
				fmt.Fprintf(p.out, "%d pass, %d with findings\n", pass, fail)
			}
			if len(report.Findings(check.Medium)) > 0 {
				return &failure{ExitFailed, errSilent}
			}
			return nil
		},
	}
}

// printReport prints the findings, grouped by the property that they guard.
func (p *program) printReport(report check.Report) {
	for _, property := range []check.Property{check.Integrity, check.Confidentiality, check.Availability} {
		first := true
		for _, f := range report.Findings(check.Low) {
			if f.Property != property {
				continue
			}
			if first {
				fmt.Fprintln(p.out, property)
				first = false
			}
			word := "FAIL"
			if f.Severity == check.Low {
				word = "NOTE"
			}
			fmt.Fprintf(p.out, "  %s  %s", word, strings.ReplaceAll(f.Text(), "\n  ", "\n        "))
		}
	}
	if p.verbose {
		for _, r := range report {
			if len(r.Findings) == 0 {
				fmt.Fprintf(p.out, "  PASS  %s  no %s\n", r.Rule.ID, r.Rule.Title)
			}
		}
	}
}

func (p *program) explain() *cobra.Command {
	return &cobra.Command{
		Use: "explain ID", GroupID: "prove", Short: "what a finding means, what an attacker does with it, how to mend it",
		Example: "  " + programName() + " explain MRL-CSRF-001",
		Args:    exactArgs(1, "the id"),
		RunE: func(_ *cobra.Command, args []string) error {
			rules := merlon.AllRules()
			if site, _ := p.open(p.env(merlon.Development)); site != nil {
				for _, part := range site.Parts() {
					rules = append(rules, part.Rules...)
				}
			}
			rules = append(rules, Rules()...)
			id := strings.ToUpper(args[0])
			var ids []string
			for _, r := range rules {
				if r.ID == id {
					if p.json {
						p.printJSON(map[string]any{"schema": "merlon/explain/v1", "rule": r})
					} else {
						fmt.Fprint(p.out, r.Explain())
					}
					return nil
				}
				ids = append(ids, r.ID)
			}
			hint := ""
			if n, ok := check.Nearest(id, ids); ok {
				hint = ": did you mean " + n + "?"
			}
			return exit(ExitUsage, "unknown id %s%s", args[0], hint)
		},
	}
}

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", GroupID: "operate", Short: "the versions of this program",
		Example: "  " + programName() + " version",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := map[string]string{"schema": "merlon/version/v1", "go": runtime.Version(), "merlon": "development", "program": "development"}
			if info, ok := debug.ReadBuildInfo(); ok {
				if info.Main.Version != "" {
					v["program"] = info.Main.Path + " " + info.Main.Version
				}
				for _, d := range info.Deps {
					if d.Path == "github.com/merlon-web/merlon" {
						v["merlon"] = d.Version
					}
				}
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v["revision"] = s.Value
					}
				}
			}
			if p.json {
				p.printJSON(v)
				return nil
			}
			fmt.Fprintf(p.out, "Merlon %s, %s\n%s\n", v["merlon"], v["go"], v["program"])
			return nil
		},
	}
}

func (p *program) migrate() *cobra.Command {
	c := &cobra.Command{
		Use: "migrate", GroupID: "start", Short: "the database's migrations: status, up, new",
		Example: "  " + programName() + " migrate status",
		Args:    unknownCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		&cobra.Command{Use: "status", Short: "what has not run yet", Args: noArgs, Example: "  " + programName() + " migrate status",
			RunE: func(c *cobra.Command, _ []string) error { return p.migrateStatus(c.Context()) }},
		&cobra.Command{Use: "up", Short: "run what has not run yet", Args: noArgs, Example: "  " + programName() + " migrate up",
			RunE: func(c *cobra.Command, _ []string) error { return p.migrateUp(c.Context()) }},
		&cobra.Command{Use: "new NAME", Short: "write an empty migration", Args: exactArgs(1, "its name"), Example: "  " + programName() + " migrate new guestbook",
			RunE: func(_ *cobra.Command, args []string) error { return p.migrateNew(args[0]) }},
	)
	return c
}

func (p *program) migrateStatus(ctx context.Context) error {
	site, err := p.site(merlon.Development)
	if err != nil {
		return err
	}
	pending, err := site.Pending(ctx)
	if err != nil {
		return cannotStart(err)
	}
	if p.json {
		p.printJSON(map[string]any{"schema": "merlon/migrations/v1", "pending": pending})
		return nil
	}
	for _, m := range pending {
		fmt.Fprintf(p.out, "pending  %s  %s\n", m.Schema, m.Name)
	}
	if len(pending) == 0 {
		fmt.Fprintln(p.out, "nothing pending")
	}
	return nil
}

func (p *program) migrateUp(ctx context.Context) error {
	site, err := p.site(merlon.Development)
	if err != nil {
		return err
	}
	done, err := site.Migrate(ctx)
	if p.json && err == nil {
		p.printJSON(map[string]any{"schema": "merlon/migrations/v1", "applied": done})
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
