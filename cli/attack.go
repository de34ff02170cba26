package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
)

// attackWish is what was asked of one run of attack.
type attackWish struct {
	attack.Options
	format string
	stream bool
	url    string
	demo   bool
	named  bool // the data folder is one that was asked for
}

func (p *program) attack() *cobra.Command {
	var wish attackWish
	c := &cobra.Command{
		Use: "attack [URL]", GroupID: "prove", Short: "do to a copy of this site what an attacker would, or to one at a loopback address",
		Example: "  " + programName() + " attack --class forgery,access",
		Args: func(c *cobra.Command, args []string) error {
			if err := p.printedAs(c, &wish); err != nil {
				return err
			}
			if len(args) > 1 {
				return exit(ExitUsage, "surplus argument %q: %s takes one address at the most: leave it out", args[1], c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := wish.Validate(); err != nil {
				return &failure{ExitUsage, err}
			}
			if len(args) == 1 {
				var err error
				if wish.url, err = address(args[0]); err != nil {
					return err
				}
			}
			switch wish.named = c.Flags().Changed("data"); {
			case wish.demo && wish.named:
				return exit(ExitUsage, "--demo and --data: the one asks for data that are made up, the other for a copy of a folder: leave one of them out")
			case wish.url != "" && (wish.demo || wish.named):
				return exit(ExitUsage, "--demo and --data are of the site in this program: the one at %s has its own data, of which no copy is made: leave them out", wish.url)
			}
			if wish.Budget <= 0 {
				return exit(ExitUsage, "--budget is %s: an attack needs time: write 60s", wish.Budget)
			}
			ctx, end := p.untilUnread(c.Context())
			defer end()
			return p.runAttack(ctx, wish)
		},
	}
	c.Flags().StringSliceVar(&wish.Routes, "routes", nil, "only these patterns: /news,/board*")
	c.Flags().StringSliceVar(&wish.Classes, "class", nil, "only these classes: forgery,access")
	c.Flags().StringSliceVar(&wish.As, "as", nil, "only as these: anonymous, user, or a role")
	c.Flags().DurationVar(&wish.Budget, "budget", time.Minute, "how long it may take; classes that it ends too soon make exit code 3")
	c.Flags().BoolVar(&wish.demo, "demo", false, "on demo data, and not on a copy of --data")
	c.Flags().StringVar(&wish.format, "format", "text", "text, json, sarif or junit")
	c.Flags().BoolVar(&wish.stream, "stream", false, "print one JSON object a line, as it is found")
	return c
}

// printedAs settles in which form is printed, also of each refusal from here on.
func (p *program) printedAs(c *cobra.Command, wish *attackWish) error {
	asked := p.json
	p.lines, p.json = wish.stream, asked || wish.stream || wish.format == "json"
	switch {
	case !slices.Contains([]string{"text", "json", "sarif", "junit"}, wish.format):
		return exit(ExitUsage, "--format is %q: reports are text, json, sarif or junit: write one of them", wish.format)
	case c.Flags().Changed("format") && (wish.stream || asked && wish.format != "json"):
		return exit(ExitUsage, "--format %s, and --json or --stream beside it: one run prints in one form: leave out the others", wish.format)
	case asked && wish.stream:
		return exit(ExitUsage, "--json and --stream: the one prints one document, the other one object a line: leave one of them out")
	case asked:
		wish.format = "json"
	}
	return nil
}

// address is what was typed as an address, which may be without a scheme: 127.0.0.1:8080.
func address(typed string) (string, error) {
	whole := typed
	if !strings.Contains(typed, "://") {
		whole = "http://" + typed
	}
	u, err := url.Parse(whole)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", exit(ExitUsage, "%s is no address of a site: one has a host, mostly a port, and http or https before them: write http://127.0.0.1:8080", event.Clean(typed))
	}
	return whole, nil
}

func (p *program) runAttack(ctx context.Context, wish attackWish) error {
	line := json.NewEncoder(p.out)
	wish.Told = func(class string, f *attack.Finding) {
		switch {
		case wish.stream && f != nil:
			_ = line.Encode(map[string]any{"schema": "merlon/attack-line/v1", "finding": f})
		case wish.stream:
			_ = line.Encode(map[string]any{"schema": "merlon/attack-line/v1", "class": class})
		case f == nil && !p.quiet && wish.format == "text":
			fmt.Fprintln(p.err, "trying:", class)
		}
	}
	report, err := p.attackIt(ctx, wish)
	if unread := p.unread(ctx); unread != nil {
		return unread
	}
	if report == nil && ctx.Err() != nil {
		return exit(ExitInterrupted, "interrupted: the attack had not begun, and tried nothing: %w", err)
	}
	if report == nil {
		return err
	}
	_ = p.printAttack(report, wish) // the context knows of what could not be written
	if unread := p.unread(ctx); unread != nil {
		return unread
	}
	cut := notEnded(report)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(p.err, "interrupted: the report is of what was tried until then")
		return &failure{ExitInterrupted, errSilent}
	case err != nil:
		fmt.Fprintln(p.err, err) // what is printed is the report, one document
	case len(cut) > 0:
		fmt.Fprintf(p.err, "the time was over before the end of %s: what was not tried is not clean: give more with --budget\n", strings.Join(cut, ", "))
	case nothing(report):
		fmt.Fprintln(p.err, "no request came through to anything: each was refused, so nothing was attacked, and nothing is clean: see \"not reached\" for why, and attack what shows its pages")
	}
	switch {
	case len(report.Findings) > 0 || !report.Unchanged:
		return &failure{ExitFailed, errSilent}
	case err != nil || len(cut) > 0 || nothing(report):
		return &failure{ExitCannot, errSilent}
	}
	return nil
}

// nothing reports whether no route let one request through.
func nothing(report *attack.Report) bool { return report.Coverage.Reached == 0 }

// notEnded are the classes that were to be run and came to no end.
func notEnded(report *attack.Report) (cut []string) {
	for _, c := range report.Coverage.Classes {
		if c.Asked && !c.Complete {
			cut = append(cut, c.Class)
		}
	}
	return cut
}

// attackIt attacks, and says by the exit code why that could not be.
func (p *program) attackIt(ctx context.Context, wish attackWish) (*attack.Report, error) {
	if wish.url != "" {
		report, err := attack.URL(ctx, wish.url, attack.Profile{}, wish.Options)
		switch {
		case misnamed(err):
			return nil, &failure{ExitUsage, err}
		case errors.Is(err, attack.ErrNotLoopback):
			return nil, &failure{ExitRefused, fmt.Errorf("%s was not attacked: %w", wish.url, err)}
		case err != nil && report == nil && ctx.Err() == nil:
			return nil, &failure{ExitCannot, err}
		}
		return report, err
	}
	if err := p.asOwner(ctx); err != nil {
		return nil, err
	}
	site, err := p.site(merlon.Development)
	if err != nil { // its faults are told as those of every command
		return nil, err
	}
	if wish.Data, err = p.attacked(site, wish); err != nil {
		return nil, err
	}
	report, err := attack.Site(ctx, p.open, wish.Options)
	switch {
	case err == nil, report != nil, ctx.Err() != nil:
		return report, err
	case misnamed(err):
		return nil, &failure{ExitUsage, err}
	case errors.Is(err, attack.ErrNoRoom):
		return nil, &failure{ExitCannot, err}
	case errors.Is(err, db.ErrLocked):
		return nil, exit(ExitCannot, "the data in %s is in use: a copy is made of data at rest: stop the site, name a copy with --data, or attack demo data with --demo: %w", p.data, err)
	}
	return nil, cannotStart(err)
}

// misnamed reports whether an attack was asked for what there is not.
func misnamed(err error) bool {
	var wrong *attack.WishError
	return errors.As(err, &wrong)
}

// attacked is the folder of which a copy is attacked, "" for demo data. Which of both it is without a wish is told.
func (p *program) attacked(site *merlon.Site, wish attackWish) (string, error) {
	if wish.demo {
		return "", nil
	}
	has, err := p.holdsData()
	switch {
	case err != nil:
		return "", err
	case !has && wish.named:
		return "", exit(ExitCannot, "there is no site's data in %s: it has no file keys, so nothing of it can be attacked: name the folder that the site is served from with --data, or attack demo data with --demo", p.folder())
	case site.Shared(): // of rows on a server there is no copy
		fmt.Fprintln(p.err, "the site's rows are on a server and are not copied: what is attacked is the site with a new file in their place, and with demo data")
		return "", nil
	case !has:
		fmt.Fprintf(p.err, "there is no site's data in %s: what is attacked is the site with demo data\n", p.folder())
		return "", nil
	}
	return p.data, nil
}

func (p *program) printAttack(report *attack.Report, wish attackWish) error {
	switch {
	case wish.stream:
		return json.NewEncoder(p.out).Encode(map[string]any{"schema": "merlon/attack-line/v1", "coverage": report.Coverage, "original_unchanged": report.Unchanged})
	case wish.format == "json":
		p.printJSON(struct {
			Schema string `json:"schema"`
			*attack.Report
		}{"merlon/attack/v1", report})
		return nil
	case wish.format == "sarif":
		version := ""
		if info, ok := debug.ReadBuildInfo(); ok {
			version = info.Main.Version
		}
		return report.SARIF(p.out, version)
	case wish.format == "junit":
		return report.JUnit(p.out)
	}
	return report.Text(p.out)
}
