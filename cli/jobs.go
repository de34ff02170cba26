package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// maxJobs is how many jobs the list shows.
const maxJobs = 1000

// jobCommands are the commands of what the site does later.
var jobCommands = []merlon.Command{
	{Name: "jobs list", Short: "those that wait, are held or were given up", Run: listJobs},
	{Name: "jobs retry", Args: "ID", Short: "have a job done again, now", Example: "7", Run: retryJob},
	{Name: "jobs release", Args: "[ID]", Short: "have the jobs done that are held, as after a restore; or one of them", Example: "7", Run: releaseJob},
	{Name: "jobs drop", Args: "ID", Short: "delete a job that shall not be done", Example: `7 --reason "the order was cancelled"`, Run: dropJob,
		Flags: []merlon.Flag{{Name: "reason", Usage: "why; it is kept in the journal", Required: true}}},
}

func listJobs(ctx context.Context, c *merlon.Call) error {
	r := c.House.Engine.Read(ctx)
	defer r.Close()
	list, err := c.House.Jobs(r, maxJobs)
	if err != nil {
		return err
	}
	return c.Answer("merlon/jobs/v1", "jobs", list, func(out io.Writer) error {
		if len(list) == 0 {
			_, err := fmt.Fprintln(out, "no job waits, none was given up")
			return err
		}
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tNAME\tSTATE\tSINCE\tTRIES\tPROBLEM")
		for _, j := range list {
			state := j.State
			if j.State == "waiting" {
				state = "due " + j.Due.Format("2006-01-02 15:04:05")
			}
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%d\t%s\n", j.ID, j.Name, state, j.Created.Format("2006-01-02 15:04"), j.Tries, j.Problem)
		}
		return t.Flush()
	})
}

func retryJob(ctx context.Context, c *merlon.Call) error {
	return withJob(ctx, c, "waiting", (*merlon.House).RetryJob)
}

func releaseJob(ctx context.Context, c *merlon.Call) error {
	if c.Arg(0) != "" {
		return withJob(ctx, c, "waiting", (*merlon.House).ReleaseJob)
	}
	var n int64
	err := c.House.Engine.Write(ctx, func(_ context.Context, w *db.Writer) (err error) {
		n, err = c.House.ReleaseJobs(w)
		return err
	})
	if err != nil {
		return err
	}
	return c.Answer("merlon/job-release/v1", "released", n, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "%d jobs released: the site does them when it runs\n", n)
		return err
	})
}

func dropJob(ctx context.Context, c *merlon.Call) error {
	return withJob(ctx, c, "dropped", func(h *merlon.House, w *db.Writer, id int64) error { return h.DropJob(w, id, c.Flag("reason")) })
}

// withJob does one thing to one job.
func withJob(ctx context.Context, c *merlon.Call, what string, do func(*merlon.House, *db.Writer, int64) error) error {
	id, err := number("the job's id", c.Arg(0))
	if err != nil {
		return err
	}
	err = c.House.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error { return do(c.House, w, id) })
	switch {
	case errors.Is(err, db.ErrNoRow):
		return fmt.Errorf("there is no such job %d: it was done, dropped, or is not held: see jobs list", id)
	case err != nil:
		return err
	}
	return c.Answer("merlon/job/v1", "job", map[string]any{"id": id, "state": what}, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "job %d: %s\n", id, what)
		return err
	})
}
