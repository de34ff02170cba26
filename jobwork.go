package merlon

import (
	"context"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
)

// Work is what a job is given in place of a request: transactions of its own, each as short as it can be. None is open while
// the job runs, so that an outgoing call or a hash keeps no visitor waiting. It belongs to the one run.
type Work struct {
	run *running
	ctx context.Context
	row jobRow
}

// Read runs do with a reader. What was read may have changed when the next transaction begins.
func (w *Work) Read(do func(*db.Reader) error) error {
	r := w.run.engine.Read(w.ctx)
	defer r.Close()
	return do(r)
}

// Write runs do in a write transaction, which is committed when do returns nil and leaves nothing otherwise; events of success
// recorded in it are rows of it. Jobs enqueued in it run after it. Call nothing slow in it: hashes and mails refuse.
func (w *Work) Write(do func(*db.Writer) error) error {
	var done []event.Event
	ctx := event.With(w.ctx, event.RecorderFunc(func(_ context.Context, e event.Event) {
		if e = w.fill(e); e.Outcome == event.Done {
			done = append(done, e)
			return
		}
		w.run.record(e)
	}))
	return w.run.engine.Write(ctx, func(ctx context.Context, dw *db.Writer) error {
		if err := do(dw); err != nil {
			return err
		}
		if len(done) == 0 {
			return nil
		}
		dw.OnRelease(func() { w.run.logAll(ctx, done) })
		return journal.Append(dw, done...)
	})
}

// fill is what an event says of the run.
func (w *Work) fill(e event.Event) event.Event {
	e.Time, e.Route = w.run.jobs.clock(), "job "+w.row.Name
	e.Detail = append(e.Detail, slog.Int64("job", w.row.ID))
	return e
}

// House returns the site's rooms: its mails to queue, its keys, its address.
func (w *Work) House() *House { return w.run.house }

// Now returns the site's time.
func (w *Work) Now() time.Time { return w.run.jobs.clock() }

// Try returns how often the job was begun, this time included: more than 1 says that an earlier run failed, or ended
// without a word.
func (w *Work) Try() int { return int(w.row.Tries) }
