package cli

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
)

func (p *program) routes() *cobra.Command {
	var own bool
	c := &cobra.Command{
		Use: "routes", GroupID: "start", Short: "print the access table: who may do what; the site's own routes first",
		Example: "  " + programName() + " routes --json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			site, err := p.site(merlon.Development)
			if err != nil {
				return err
			}
			table := site.Routes()
			slices.SortStableFunc(table, func(a, b merlon.RouteInfo) int { return cmp.Compare(place(a), place(b)) })
			if own {
				table = slices.DeleteFunc(table, func(r merlon.RouteInfo) bool { return r.Part != "" })
			}
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
	c.Flags().BoolVar(&own, "own", false, "only the site's own, without those of its parts")
	return c
}

// place orders routes: the site's own, those of its parts, those of every site.
func place(r merlon.RouteInfo) int {
	switch r.Part {
	case "":
		return 0
	case "merlon":
		return 2
	}
	return 1
}

func (p *program) explain() *cobra.Command {
	return &cobra.Command{
		Use: "explain [ID or word]", GroupID: "prove", Short: "what a finding means, what an attacker does with it, how to mend it; the beginning of an id, or a word, lists those with it",
		Example: "  " + programName() + " explain MRL-CSRF-001",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exit(ExitUsage, "%s takes one id, or none for the list, and got %d: see %s --help", c.CommandPath(), len(args), c.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			site, _ := p.open(p.env(merlon.Development))
			rules := p.rules(site)
			if len(args) == 0 {
				return p.listRules(rules)
			}
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
			if some := slices.DeleteFunc(slices.Clone(rules), func(r check.Rule) bool { return !strings.HasPrefix(r.ID, id) }); len(some) > 0 {
				return p.listRules(some)
			}
			if idShape.MatchString(args[0]) {
				return exit(ExitUsage, "unknown id %s: no rule of this site has it: %s", args[0], nearestIDs(id, ids))
			}
			word := strings.ToLower(args[0])
			if some := slices.DeleteFunc(slices.Clone(rules), func(r check.Rule) bool {
				return !strings.Contains(strings.ToLower(strings.Join([]string{r.ID, r.Title, r.Why, r.Wrong, r.Right}, " ")), word)
			}); len(some) > 0 {
				return p.listRules(some)
			}
			return exit(ExitUsage, "no rule has the id or the word %s: %s", args[0], nearestIDs(id, ids))
		},
	}
}

// idShape is what is meant as an id, and no word: capitals with a number at the end, or anything of Merlon's own.
var idShape = regexp.MustCompile(`^([A-Z]+(-[A-Z]+)*-[0-9]+|(?i:mrl)-.*)$`)

// nearestIDs says which ids an unknown one may mean: the three that are nearest, or where all are listed.
func nearestIDs(id string, ids []string) string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	var near []string
	for len(near) < 3 {
		n, ok := check.Nearest(id, ids)
		if !ok {
			break
		}
		near = append(near, n)
		ids = slices.DeleteFunc(ids, func(one string) bool { return one == n })
	}
	if len(near) == 0 {
		return "explain without an id lists them all"
	}
	return "did you mean " + strings.Join(near, ", ") + "?"
}

// listRules prints each id with its title, those of one room together.
func (p *program) listRules(rules []check.Rule) error {
	slices.SortFunc(rules, func(a, b check.Rule) int { return strings.Compare(a.ID, b.ID) })
	rules = slices.CompactFunc(rules, func(a, b check.Rule) bool { return a.ID == b.ID })
	if p.json {
		p.printJSON(map[string]any{"schema": "merlon/rules/v1", "rules": rules})
		return nil
	}
	last := ""
	for _, r := range rules {
		if room := r.ID[:strings.LastIndexByte(r.ID, '-')]; room != last {
			if last != "" {
				fmt.Fprintln(p.out)
			}
			last = room
		}
		fmt.Fprintf(p.out, "%s  %s\n", r.ID, r.Title)
	}
	fmt.Fprintf(p.err, "\nmore on each: %s explain ID\n", programName())
	return nil
}

func (p *program) version() *cobra.Command {
	var sbom bool
	c := &cobra.Command{
		Use: "version", GroupID: "operate", Short: "the versions of this program and what it is made of",
		Example: "  " + programName() + " version --sbom > sbom.cdx.json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			b := readBuild()
			switch {
			case sbom:
				p.printJSON(b.sbom())
				return nil
			case p.json:
				p.printJSON(b)
				return nil
			}
			fmt.Fprintf(p.out, "Merlon %s, %s\n%s %s\n", b.Merlon, b.Go, b.Program, b.Version)
			if b.Revision != "" {
				fmt.Fprintf(p.out, "revision %s\n", b.Revision)
			}
			fmt.Fprintf(p.out, "known holes are those of %s\n", b.Holes)
			fmt.Fprintf(p.out, "%d modules\n", len(b.Modules))
			t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
			for _, m := range b.Modules {
				fmt.Fprintf(t, "  %s\t%s\n", m.Path, m.Version)
			}
			return t.Flush()
		},
	}
	c.Flags().BoolVar(&sbom, "sbom", false, "print the bill of materials (CycloneDX JSON)")
	return c
}
