package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/trust/cert"
)

// checkWish is what was asked of one run of check.
type checkWish struct {
	choice check.Choice
	skip   map[string]string
	failOn check.Severity
	format string
}

func (p *program) check() *cobra.Command {
	var deploy, standard bool
	var only, skip []string
	var failOn, format string
	c := &cobra.Command{
		Use: "check", GroupID: "prove", Short: "prove the site: its code, its data, its surroundings",
		Example: "  " + programName() + " check --deploy",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case !slices.Contains([]string{"text", "json", "sarif"}, format):
				return exit(ExitUsage, "--format is %q: reports are text, json or sarif: write one of them", format)
			case p.json && c.Flags().Changed("format") && format != "json":
				return exit(ExitUsage, "--format %s and --json: one run prints in one form: leave one of them out", format)
			case standard && format == "sarif":
				return exit(ExitUsage, "--asvs and --format sarif: the standard is printed as text or json: write one of them")
			case p.json:
				format = "json"
			}
			if p.json = format == "json"; standard {
				return p.printStandard()
			}
			wish := checkWish{choice: check.Choice{Deploy: deploy}, format: format}
			if err := wish.failOn.UnmarshalText([]byte(failOn)); err != nil {
				return exit(ExitUsage, "--fail-on is %q: findings weigh low, medium or high: write one of them", failOn)
			}
			for _, id := range only {
				wish.choice.Only = append(wish.choice.Only, strings.ToUpper(strings.TrimSpace(id)))
			}
			wish.skip = map[string]string{}
			for _, s := range skip {
				id, reason, _ := strings.Cut(s, "=")
				if strings.TrimSpace(reason) == "" {
					return exit(ExitUsage, "--skip %s has no reason: whoever reads the report must see why: write --skip ID=reason", s)
				}
				wish.skip[strings.ToUpper(strings.TrimSpace(id))] = strings.TrimSpace(reason)
			}
			return p.runCheck(c.Context(), wish)
		},
	}
	c.Flags().BoolVar(&deploy, "deploy", false, "also what a site in the world needs")
	c.Flags().BoolVar(&standard, "asvs", false, "how Merlon stands to OWASP ASVS 5.0, levels 1 and 2")
	c.Flags().StringSliceVar(&only, "only", nil, "only these, by their ids or the beginnings of them: ID,ID")
	c.Flags().StringArrayVar(&skip, "skip", nil, "do not count one: ID=reason")
	c.Flags().StringVar(&failOn, "fail-on", "medium", "exit 1 from this weight on: low, medium, high")
	c.Flags().StringVar(&format, "format", "text", "text, json or sarif")
	return c
}

func (p *program) runCheck(ctx context.Context, wish checkWish) error {
	if err := p.asOwner(ctx); err != nil {
		return err
	}
	began := time.Now()
	p.brief, p.sends = true, true // mail settings are looked at; a start for a moment sends nothing
	env := p.env(merlon.Development)
	var accepted map[string]string // what the owner lets a start pass
	var unusable error             // what of the certificates would refuse a start
	var lacking check.Report       // and what of the settings, which no serve.skip lets pass
	if wish.choice.Deploy {        // as serve --production would have it
		set, err := readSettings(settingsName, os.Environ())
		if err != nil {
			return err
		}
		env.Settings, accepted = set.site(), set.skipped()
		if lacks := set.lacks(); wish.choice.Has(RuleProduction.ID) {
			lacking = check.Report{{Rule: RuleProduction, Findings: lacks}}
		}
		env.Certificates, unusable = set.certificates(p.data, env.Log)
		var faults check.Faults
		if unusable != nil && !errors.As(unusable, &faults) {
			return unusable
		}
	}
	site, openErr := p.open(env)
	if site == nil {
		return &failure{ExitFailed, fmt.Errorf("the site cannot be put together: %w", openErr)}
	}
	if err := p.knownIDs(site, wish); err != nil {
		return err
	}
	if err := p.knownSkips(site, accepted); err != nil {
		return err
	}
	report, unseen, err := p.look(ctx, site, openErr == nil, wish.choice)
	if ctx.Err() != nil { // what was seen until then is no report
		return exit(ExitInterrupted, "check was interrupted: what it had not looked at may have findings: run it again")
	}
	if err != nil {
		return err
	}
	report = append(report, certificateResult(unusable, wish.choice)...).Joined()
	for id, reason := range accepted {
		accepted[id] = reason + " (serve.skip)"
	}
	report.Skip(accepted)
	report = append(report, lacking...).Joined()
	var stops []string // before what was typed: a start knows the settings alone
	if wish.choice.Deploy && len(wish.choice.Only) == 0 {
		stops = stopIDs(report)
	}
	report.Skip(wish.skip)
	if err := p.printReport(report, wish, unseen, stops); err != nil {
		return err
	}
	if wish.format == "text" && !p.quiet {
		fmt.Fprintf(p.err, "%.1f s\n", time.Since(began).Seconds())
	}
	for _, id := range wish.choice.Only {
		if !slices.ContainsFunc(report, func(r check.Result) bool { return strings.HasPrefix(r.Rule.ID, id) }) {
			return exit(ExitCannot, "%s was not looked for: it is no check of this site, or one of its data, which is not there: see explain %s", id, id)
		}
	}
	if len(report.Findings(wish.failOn)) > 0 {
		return &failure{ExitFailed, errSilent}
	}
	if wish.choice.Deploy && len(wish.choice.Only) == 0 && unseen != "" { // nobody may take it for a site that is fit for the world
		return exit(ExitCannot, "not all could be looked at: %s", unseen)
	}
	return nil
}

// stopIDs are the findings with which serve --production does not start, each once.
func stopIDs(report check.Report) (ids []string) {
	for _, f := range stopping(report.Findings(check.High)) {
		if !slices.Contains(ids, f.ID) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// knownIDs refuses an id that nobody knows, with the nearest one that somebody does.
func (p *program) knownIDs(site *merlon.Site, wish checkWish) error {
	var ids []string
	for _, r := range p.rules(site) {
		ids = append(ids, r.ID)
	}
	for _, id := range slices.Sorted(slices.Values(slices.Concat(wish.choice.Only, slices.Collect(maps.Keys(wish.skip))))) {
		begins := func(known string) bool { return id != "" && strings.HasPrefix(known, id) }
		if slices.Contains(ids, id) || slices.Contains(wish.choice.Only, id) && slices.ContainsFunc(ids, begins) {
			continue
		}
		return exit(ExitUsage, "unknown id %s: no rule of this site has it: %s", id, meant(id, ids))
	}
	return nil
}

// knownSkips refuses a setting serve.skip with an id that nobody knows: the finding that its writer means would not be let pass.
func (p *program) knownSkips(site *merlon.Site, accepted map[string]string) error {
	var ids, lines []string
	for _, r := range p.rules(site) {
		ids = append(ids, r.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(accepted)) {
		if !slices.Contains(ids, id) {
			lines = append(lines, fmt.Sprintf("%s: serve.skip names %.40q, and no rule of this site has that id: %s  %s", settingsName, id, meant(id, ids), RuleSettingsFile.ID))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return exit(ExitFailed, "%s", strings.Join(lines, "\n"))
}

// meant asks whether the nearest id was meant.
func meant(id string, ids []string) string {
	if n, ok := check.Nearest(id, ids); ok {
		return "did you mean " + n + "?"
	}
	return "see explain for the list"
}

// look runs the checks: those of the code here, those of the data in the process that has it. unseen says what could not be
// looked at, "" if all could.
func (p *program) look(ctx context.Context, site *merlon.Site, sound bool, c check.Choice) (report check.Report, unseen string, err error) {
	here := func() check.Report { return check.Run(ctx, c.Of(site.Checks())...) }
	has, err := p.holdsData()
	if err != nil { // the report would lack half its checks, and end well
		return nil, "", err
	}
	if !has {
		return here().Joined(), "the data: there is no site's data in " + p.folder() + ": name the folder that the site is served from with --data", nil
	}
	err = db.ErrLocked // a site that is not sound cannot be started, and may still be up as it was before
	if sound {
		err = site.Start(ctx)
	}
	report = here()
	switch {
	case err == nil:
		if err := closeSite(site); err != nil {
			return nil, "", exit(ExitFailed, "the site was checked and could not be closed: %w", err)
		}
		return report.Joined(), "", nil
	case errors.Is(err, db.ErrLocked):
		live, ok := p.askLive(ctx, c, err)
		if ok {
			own := slices.DeleteFunc(report, func(r check.Result) bool { return r.Live })
			return append(own, live...).Joined(), "", nil
		}
		if !sound {
			return report.Joined(), "the data: this site does not start", nil
		}
		return report.Joined(), "the data: another process has it, and gave no answer", nil
	}
	refused, ok := startFinding(err)
	if !ok {
		return nil, "", cannotStart(err)
	}
	if c.Has(refused.Rule.ID) {
		report = append(report, refused)
	}
	return report.Joined(), "the data: the site does not start", nil
}

// askLive asks the process that serves for its part of the report.
func (p *program) askLive(ctx context.Context, c check.Choice, locked error) (live check.Report, ok bool) {
	o := order{Name: string(liveCommand.Name), Flags: map[string]string{"deploy": onOff(c.Deploy), "only": strings.Join(c.Only, ",")}}
	a, err := p.ask(ctx, o, locked)
	if err != nil || a.Exit != ExitDone || json.Unmarshal(a.Out, &live) != nil {
		return nil, false
	}
	return live, true
}

// certificateResult makes results of what hinders the certificates.
func certificateResult(err error, c check.Choice) (results []check.Result) {
	var faults check.Faults
	if !errors.As(err, &faults) {
		return nil
	}
	for _, f := range faults {
		for _, r := range cert.Rules() {
			if r.ID == f.ID && c.Has(r.ID) {
				results = append(results, check.Result{Rule: r, Findings: []check.Finding{f}})
			}
		}
	}
	return results
}

// startFinding makes a result of what refused a start.
func startFinding(err error) (check.Result, bool) {
	var found []check.Finding
	var one check.Finding
	var edited *db.EditedError
	switch {
	case errors.As(err, &edited):
		found = edited.Findings
	case errors.As(err, &one):
		found = []check.Finding{one}
	}
	for _, r := range merlon.AllRules() {
		if len(found) > 0 && r.ID == found[0].ID {
			return check.Result{Rule: r, Live: true, Findings: found}, true
		}
	}
	return check.Result{}, false
}

func onOff(on bool) string {
	if on {
		return "true"
	}
	return ""
}

// liveCommand is how a process asks the one that serves for its part of a report. Nobody types it: check does.
var liveCommand = merlon.Command{Name: "check live", Short: "what the process that serves finds", Flags: []merlon.Flag{{Name: "deploy", Usage: "all"}, {Name: "only", Usage: "these"}}, Run: func(ctx context.Context, c *merlon.Call) error {
	choice := check.Choice{Deploy: c.Flag("deploy") != ""}
	if only := c.Flag("only"); only != "" {
		choice.Only = strings.Split(only, ",")
	}
	return json.NewEncoder(c.Out).Encode(c.House.CheckLive(ctx, choice))
}}

// A checkLine is one check of the JSON report.
type checkLine struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Property check.Property  `json:"property"`
	Severity check.Severity  `json:"severity"`
	State    string          `json:"state"` // pass, note, fail, skip, unseen
	Skipped  string          `json:"skipped,omitempty"`
	Unseen   string          `json:"unseen,omitempty"` // why it could not be looked
	Findings []check.Finding `json:"findings,omitempty"`
}

func (p *program) printReport(report check.Report, wish checkWish, unseen string, stops []string) error {
	switch wish.format {
	case "sarif":
		version := ""
		if info, ok := debug.ReadBuildInfo(); ok {
			version = info.Main.Version
		}
		if unseen != "" {
			return report.SARIFOf(p.out, "merlon check", version, "not looked at: "+unseen)
		}
		return report.SARIF(p.out, version)
	case "json":
		pass, fail := report.Counts()
		lines := []checkLine{}
		for _, r := range report {
			lines = append(lines, checkLine{r.Rule.ID, r.Rule.Title, r.Rule.Property, r.Rule.Severity, strings.ToLower(r.Word()), r.Skipped, r.Unseen, r.Findings})
		}
		p.printJSON(map[string]any{"schema": "merlon/check/v1", "pass": pass, "fail": fail, "unseen": unseen, "checks": lines,
			"findings": append([]check.Finding{}, report.Findings(check.Low)...)})
		return nil
	}
	for _, property := range check.Properties {
		p.printProperty(property, report.Of(property))
	}
	if len(report) > 0 {
		fmt.Fprintln(p.out)
	}
	fmt.Fprintln(p.out, report.Tally())
	if unseen != "" {
		fmt.Fprintln(p.out, "not looked at:", unseen)
	}
	if len(stops) > 0 {
		fmt.Fprintln(p.out, "serve --production does not start with:", strings.Join(stops, ", "))
	}
	return nil
}

// printProperty prints what guards one property: its tally, and each finding.
func (p *program) printProperty(property check.Property, report check.Report) {
	if len(report) == 0 {
		return
	}
	fmt.Fprintf(p.out, "%-15s  %s\n", property, report.Tally())
	for _, r := range report {
		switch {
		case r.Skipped != "":
			fmt.Fprintf(p.out, "  SKIP  %s  %q, with %d findings\n", r.Rule.ID, r.Skipped, len(r.Findings))
		case r.Word() == "UNSEEN":
			fmt.Fprintf(p.out, "  ----  %s  not seen: %s\n", r.Rule.ID, r.Unseen)
		case len(r.Findings) == 0 && p.verbose:
			fmt.Fprintf(p.out, "  PASS  %s  none: %s\n", r.Rule.ID, r.Rule.Title)
		case len(r.Findings) > 0:
			for _, f := range r.Findings {
				word := "FAIL"
				if f.Severity == check.Low {
					word = "NOTE"
				}
				fmt.Fprintf(p.out, "  %s  %s", word, strings.ReplaceAll(f.Text(), "\n  ", "\n        "))
			}
		}
	}
}

// rules are what this site's program can explain.
func (p *program) rules(site *merlon.Site) []check.Rule {
	rules := merlon.AllRules()
	if site != nil {
		for _, part := range site.Parts() {
			rules = append(rules, part.Rules...)
		}
	}
	return slices.Concat(rules, Rules(), attack.Rules(), check.AllKnown())
}
