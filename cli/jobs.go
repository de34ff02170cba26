package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// maxJobs is how many jobs the list shows.
const maxJobs = 1000

func (p *program) jobs() *cobra.Command {
	c := &cobra.Command{
		Use: "jobs", GroupID: "operate", Short: "what the site does later: list, retry, drop",
		Example: "  " + programName() + " jobs list",
		Args:    unknownCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	drop := &cobra.Command{Use: "drop ID", Short: "delete a job that shall not be done", Args: exactArgs(1, "the job's id"),
		Example: "  " + programName() + ` jobs drop 7 --reason "the order was cancelled"`}
	reason := drop.Flags().String("reason", "", "why; it is kept in the journal")
	drop.RunE = func(c *cobra.Command, args []string) error {
		if strings.TrimSpace(*reason) == "" {
			return exit(ExitUsage, `jobs drop needs --reason: who looks for the job later must find why it is gone: write --reason "…"`)
		}
		return p.withJob(c.Context(), args[0], "dropped", func(h *merlon.House, w *db.Writer, id int64) error { return h.DropJob(w, id, *reason) })
	}
	c.AddCommand(
		&cobra.Command{Use: "list", Short: "those that wait or were given up", Args: noArgs, Example: "  " + programName() + " jobs list --json",
			RunE: func(c *cobra.Command, _ []string) error { return p.jobsList(c.Context()) }},
		&cobra.Command{Use: "retry ID", Short: "have a job done again, now", Args: exactArgs(1, "the job's id"), Example: "  " + programName() + " jobs retry 7",
			RunE: func(c *cobra.Command, args []string) error {
				return p.withJob(c.Context(), args[0], "waiting", (*merlon.House).RetryJob)
			}},
		drop,
	)
	return c
}

// started runs do with the site up, and none of its jobs begun.
func (p *program) started(ctx context.Context, do func(*merlon.House) error) error {
	p.noJobs = true
	site, err := p.site(merlon.Development)
	if err != nil {
		return err
	}
	if err := site.Start(ctx); err != nil {
		return cannotStart(err)
	}
	return errors.Join(do(site.House()), closeSite(site))
}

func (p *program) jobsList(ctx context.Context) error {
	return p.started(ctx, func(h *merlon.House) error {
		r := h.Engine.Read(ctx)
		defer r.Close()
		list, err := h.Jobs(r, maxJobs)
		if err != nil {
			return exit(ExitFailed, "%w", err)
		}
		if p.json {
			p.printJSON(map[string]any{"schema": "merlon/jobs/v1", "jobs": list})
			return nil
		}
		if len(list) == 0 {
			fmt.Fprintln(p.out, "no job waits, none was given up")
			return nil
		}
		t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tNAME\tSTATE\tSINCE\tTRIES\tPROBLEM")
		for _, j := range list {
			state, since := j.State, j.Created
			if j.State == "waiting" {
				state = "due " + j.Due.Format("2006-01-02 15:04:05")
			}
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%d\t%s\n", j.ID, j.Name, state, since.Format("2006-01-02 15:04"), j.Tries, j.Problem)
		}
		return t.Flush()
	})
}

// withJob does one thing to one job.
func (p *program) withJob(ctx context.Context, arg, what string, do func(*merlon.House, *db.Writer, int64) error) error {
	id, err := strconv.ParseInt(arg, 10, 64)
	if err != nil || id < 1 {
		return exit(ExitUsage, "%q is no id of a job: it is a number: see %s jobs list", arg, programName())
	}
	return p.started(ctx, func(h *merlon.House) error {
		err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error { return do(h, w, id) })
		switch {
		case errors.Is(err, db.ErrNoRow):
			return exit(ExitFailed, "there is no job %d: it was done, or dropped: see %s jobs list", id, programName())
		case err != nil:
			return exit(ExitFailed, "%w", err)
		}
		if p.json {
			p.printJSON(map[string]any{"schema": "merlon/job/v1", "id": id, "state": what})
			return nil
		}
		fmt.Fprintf(p.out, "job %d: %s\n", id, what)
		return nil
	})
}
