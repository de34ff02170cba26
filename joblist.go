package merlon

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
)

var (
	listJobs = db.Query[jobLine](schema, `
		SELECT id, name, state, created, due, tries, problem FROM merlon_job ORDER BY state, due, id LIMIT $1`)
	findJob   = db.Query[jobLine](schema, `SELECT id, name, state, created, due, tries, problem FROM merlon_job WHERE id = $1`)
	countJobs = db.Query[jobCount](schema, `SELECT COUNT(*) AS n FROM merlon_job WHERE state = $1 AND due <= $2`)
	retryJob  = db.Exec(schema, `UPDATE merlon_job SET state = 'waiting', tries = 0, due = $1 WHERE id = $2`)
	dropJob   = db.Exec(schema, `DELETE FROM merlon_job WHERE id = $1`)
)

type jobLine struct {
	ID      int64
	Name    string
	State   string
	Created int64
	Due     int64
	Tries   int64
	Problem string
}

type jobCount struct{ N int64 }

// JobInfo is one job in the list of those that are not done. What it was told is not in it.
type JobInfo struct {
	ID      int64     `json:"id"`
	Name    string    `json:"name"`
	State   string    `json:"state"` // waiting, held after a restore, or given up
	Created time.Time `json:"created"`
	Due     time.Time `json:"due"` // of one that runs the end of its lease, of one given up the time of that
	Tries   int       `json:"tries"`
	Problem string    `json:"problem,omitempty"` // of its last run
}

// Jobs lists the jobs that are not done, at most limit of them: first those that were given up, then those that are held.
func (h *House) Jobs(from db.Querier, limit int) ([]JobInfo, error) {
	rows, err := listJobs.All(from, int64(limit))
	if err != nil {
		return nil, fmt.Errorf("merlon: the jobs could not be listed: %w", err)
	}
	all := make([]JobInfo, len(rows))
	for i, r := range rows {
		all[i] = JobInfo{r.ID, r.Name, r.State, time.UnixMicro(r.Created).UTC(), time.UnixMicro(r.Due).UTC(), int(r.Tries), r.Problem}
	}
	return all, nil
}

// RetryJob makes a job due now, with all its tries, whether it waits or was given up. The error is [db.ErrNoRow] for one
// that is not there: it was done.
func (h *House) RetryJob(w *db.Writer, id int64) error {
	if _, err := findJob.One(w, id); err != nil {
		return err
	}
	if _, err := retryJob.Run(w, h.Clock().UnixMicro(), id); err != nil {
		return fmt.Errorf("merlon: job %d could not be queued again: %w", id, err)
	}
	w.OnCommit(h.site.wakeJobs)
	return nil
}

// ReleaseJob has a job done that is held since a restore: whether what it does was done before is for the owner to know. The
// error is [db.ErrNoRow] for one that is not held.
func (h *House) ReleaseJob(w *db.Writer, id int64) error {
	row, err := findJob.One(w, id)
	switch {
	case err != nil:
		return err
	case row.State != "held":
		return db.ErrNoRow
	}
	return h.RetryJob(w, id)
}

// ReleaseJobs has every job done that is held since a restore. It returns how many.
func (h *House) ReleaseJobs(w *db.Writer) (int64, error) {
	done, err := releaseJobs.Run(w, h.Clock().UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("merlon: the jobs could not be released: %w", err)
	}
	w.OnCommit(h.site.wakeJobs)
	return done.Rows, nil
}

// DropJob deletes a job that shall not be done, with an event that has the reason. The error is [db.ErrNoRow] for one that
// is not there; the site must run. A run that was begun goes on.
func (h *House) DropJob(w *db.Writer, id int64, reason string) error {
	run := h.site.running.Load()
	if run == nil {
		return fmt.Errorf("merlon: job %d was not dropped: the site does not run: drop it between Start and Close", id)
	}
	if strings.TrimSpace(reason) == "" {
		return fmt.Errorf("merlon: job %d was not dropped: whoever looks for it later must find why; give a reason", id)
	}
	row, err := findJob.One(w, id)
	if err != nil {
		return err
	}
	if _, err := dropJob.Run(w, id); err != nil {
		return fmt.Errorf("merlon: job %d could not be dropped: %w", id, err)
	}
	return run.jobs.note(w, id, row.Name, RuleJobDropped, event.Done, slog.String("reason", bounded(reason)))
}

// WaitJobs returns when no job is due and none runs: for tests, and for a command that enqueues and waits. The error is the
// context's, or says that this process runs no jobs.
func (h *House) WaitJobs(ctx context.Context) error {
	run := h.site.running.Load()
	if run == nil || run.jobs.off {
		return fmt.Errorf("merlon: WaitJobs: this process runs no jobs: it is a drill, a single command, or closed; wait in the one that serves the site")
	}
	for {
		run.jobs.wakeUp()
		if busy, before := run.jobs.state(); busy == 0 && run.jobs.started.Load() {
			r := run.engine.Read(ctx)
			n, err := countJobs.One(r, "waiting", h.Clock().UnixMicro())
			_ = r.Close()
			if err != nil {
				return err
			}
			if _, after := run.jobs.state(); n.N == 0 && after == before { // none was begun between the two looks
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// state says how many jobs run, and how often one has begun or ended.
func (j *jobs) state() (busy, moves int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.busy), j.moves
}

func (s *Site) wakeJobs() {
	if run := s.running.Load(); run != nil {
		run.jobs.wakeUp()
	}
}
