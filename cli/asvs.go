package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/merlon-web/merlon/check/asvs"
)

// printStandard prints how Merlon stands to the standard: a line for each requirement, with -v also by what it is met.
func (p *program) printStandard() error {
	rows := asvs.Rows()
	if p.json {
		p.printJSON(map[string]any{"schema": "merlon/asvs/v1", "standard": "OWASP ASVS 5.0.0, levels 1 and 2", "counts": asvs.Counts(rows), "requirements": rows})
		return nil
	}
	t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	if !p.quiet {
		fmt.Fprintln(t, "ASVS\tLEVEL\tSTATE\tWHAT\tPROVEN BY")
		for _, r := range rows {
			fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\n", r.ID, r.Level, r.State, r.What, r.Proof)
			if p.verbose {
				fmt.Fprintf(t, "\t\t\t  %s\t\n", r.How)
			}
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.out, "\nOWASP ASVS 5.0, levels 1 and 2: %s\n", asvs.Summary(rows))
	return err
}
