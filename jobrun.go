package merlon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/keyring"
)

var (
	insertJob = db.Exec(schema, `
		INSERT INTO merlon_job (name, state, created, due, argument) VALUES ($1, 'waiting', $2, $3, $4)`)
	insertSeries = db.Exec(schema, `
		INSERT INTO merlon_job (name, series, state, created, due, argument) VALUES ($1, $2, 'waiting', $3, $4, $5)
		ON CONFLICT (series) WHERE series <> '' DO UPDATE
		SET state = 'waiting', tries = 0, problem = '', created = excluded.created, due = excluded.due, argument = excluded.argument
		WHERE merlon_job.state = 'given up' OR merlon_job.tries = 0 AND merlon_job.due > excluded.due`)
	dueJobs = db.Query[jobRow](schema, `
		SELECT id, name, series, created, due, tries, argument FROM merlon_job
		WHERE state = 'waiting' AND due <= $1 ORDER BY due, id LIMIT $2`)
	leaseJob  = db.Exec(schema, `UPDATE merlon_job SET tries = tries + 1, due = $1 WHERE id = $2 AND state = 'waiting' AND due = $3`)
	againJob  = db.Exec(schema, `UPDATE merlon_job SET tries = $1, due = $2, problem = $3 WHERE id = $4 AND state = 'waiting' AND due = $5`)
	giveUpJob = db.Exec(schema, `UPDATE merlon_job SET state = 'given up', due = $1, problem = $2 WHERE id = $3 AND state = 'waiting' AND due = $4`)
	doneJob   = db.Exec(schema, `DELETE FROM merlon_job WHERE id = $1 AND state = 'waiting' AND due = $2`)
	sweepJobs = db.Exec(schema, `DELETE FROM merlon_job WHERE state = 'given up' AND due < $1`)
)

type jobRow struct {
	ID       int64
	Name     string
	Series   string
	Created  int64
	Due      int64 // while it is the worker's: the end of the lease, by which it is settled
	Tries    int64
	Argument []byte
}

const (
	jobSlots    = 2                   // runs at a time
	mostHanging = 32                  // runs in all, with those that do not end
	jobPoll     = time.Second         // how often the worker looks for what has become due
	jobSlack    = time.Minute         // of a lease, beyond the time of the run
	jobLife     = 90 * 24 * time.Hour // how long a job that was given up is kept
	jobGrace    = time.Second         // for runs whose context was ended by Close
)

// begun is a run that has not ended. Its row is due again when its lease is over.
type begun struct {
	row   jobRow
	since time.Time
	told  bool // that it does not end
}

// jobs is the worker of a running site.
type jobs struct {
	run   *running
	kinds map[string]*kind
	keys  *keyring.Subkeys
	clock func() time.Time
	off   bool // a drill, or one command: jobs stay where they are

	wake chan struct{}
	ctx  context.Context // of the runs
	end  context.CancelFunc

	started atomic.Bool // the periodic kinds have their rows
	mu      sync.Mutex
	busy    map[int64]*begun
	moves   int // how often busy has changed
}

func newJobs(s *Site, run *running, keys *keyring.Ring) *jobs {
	j := &jobs{run: run, kinds: s.jobs, keys: keys.For("merlon/job/v1"), clock: s.clock, off: s.env.Mode == Drill || s.env.NoJobs,
		wake: make(chan struct{}, 1), busy: map[int64]*begun{}}
	j.ctx, j.end = context.WithCancel(context.Background())
	return j
}

func (j *jobs) wakeUp() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// aad binds an argument to its kind and time: it cannot be moved to a row of another kind.
func jobAAD(name string, created int64) []byte {
	return append([]byte(name+"\x00"), strconv.FormatInt(created, 10)...)
}

func (j *jobs) seal(name string, created int64, plain []byte) ([]byte, error) {
	return j.keys.Seal(nil, plain, jobAAD(name, created))
}

// loop begins what is due until ctx is done. Runs that were begun go on then.
func (j *jobs) loop(ctx context.Context) {
	if j.off {
		return
	}
	tick := time.NewTicker(jobPoll)
	defer tick.Stop()
	for {
		var err error
		if !j.started.Load() {
			err = j.startSeries(ctx)
			j.started.Store(err == nil)
		}
		if err == nil {
			err = j.begin(ctx)
		}
		if err != nil && ctx.Err() == nil {
			j.run.log.Error("jobs could not be taken", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-j.wake:
		case <-tick.C:
		}
	}
}

// startSeries sees to it that each periodic kind has its one row, due no later than the program says now.
func (j *jobs) startSeries(ctx context.Context) error {
	return j.run.engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		now := j.clock()
		for _, k := range j.kinds {
			if k.every == 0 {
				continue
			}
			sealed, err := j.seal(k.name, now.UnixMicro(), k.zero)
			if err != nil {
				return err
			}
			if _, err := insertSeries.Run(w, k.name, k.name, now.UnixMicro(), nextRun(now, k.every).UnixMicro(), sealed); err != nil {
				return err
			}
		}
		return nil
	})
}

// nextRun is the next multiple of d, by the same clock for every process.
func nextRun(now time.Time, d time.Duration) time.Time { return now.UTC().Truncate(d).Add(d) }

// begin takes as many due jobs as there are free slots, and runs each in a goroutine of its own.
func (j *jobs) begin(ctx context.Context) error {
	free, running := j.free()
	if free <= 0 || ctx.Err() != nil {
		return nil
	}
	r := j.run.engine.Read(ctx)
	due, err := dueJobs.All(r, j.clock().UnixMicro(), int64(running+1)) // those that run still and are due again stand before others
	if err := errors.Join(err, r.Close()); err != nil || !slices.ContainsFunc(due, func(row jobRow) bool { return !j.isBusy(row.ID) }) {
		return err
	}
	taken, err := j.take(ctx, free, running)
	for _, t := range taken {
		j.run.tasks.Go(func() {
			defer j.wakeUp()
			defer j.release(t.row.ID)
			j.do(t)
		})
	}
	return err
}

func (j *jobs) isBusy(id int64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.busy[id] != nil
}

// free is how many jobs may begin, and how many run. A run whose lease is over has no say in the first, up to a number: it heeds
// no context, and the others would wait for it for ever.
func (j *jobs) free() (free, running int) {
	now, in := j.clock(), 0
	var late []*begun
	j.mu.Lock()
	for _, b := range j.busy {
		if now.UnixMicro() <= b.row.Due {
			in++
		} else if !b.told {
			b.told = true
			late = append(late, b)
		}
	}
	running = len(j.busy)
	j.mu.Unlock()
	for _, b := range late {
		j.run.record((&Work{run: j.run, row: b.row}).fill(event.New(RuleJobHangs, event.Failed, slog.Duration("after", now.Sub(b.since)))))
	}
	return min(jobSlots-in, mostHanging-running), running
}

func (j *jobs) release(id int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.busy, id)
	j.moves++
}

// A taken job is this worker's until its lease ends.
type taken struct {
	row  jobRow
	kind *kind
	run  func(context.Context, *Work) error
}

// take leases what is due, beside the runs that have not ended. What nothing could run is given up in the same transaction, so that
// it comes up only once.
func (j *jobs) take(ctx context.Context, free, running int) (all []taken, err error) {
	err = j.run.engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		all = all[:0]
		now := j.clock()
		rows, err := dueJobs.All(w, now.UnixMicro(), int64(free+running+jobSlots)) // some may be given up
		if err != nil {
			return err
		}
		for _, row := range rows {
			if len(all) == free || j.isBusy(row.ID) { // its lease ran out, and this process still runs it
				continue
			}
			if k := j.kinds[row.Name]; row.Series != "" && (k == nil || k.every == 0) { // periodic in an earlier program
				if _, err := doneJob.Run(w, row.ID, row.Due); err != nil {
					return err
				}
				continue
			}
			k, run, problem := j.read(row)
			if problem != "" {
				if err := j.giveUp(w, row, k, problem); err != nil {
					return err
				}
				continue
			}
			until := now.Add(k.within + jobSlack).UnixMicro()
			done, err := leaseJob.Run(w, until, row.ID, row.Due)
			if err != nil {
				return err
			}
			if done.Rows == 1 { // 0: another worker, on an engine with several writers
				row.Due, row.Tries = until, row.Tries+1
				all = append(all, taken{row, k, run})
				j.mu.Lock()
				j.busy[row.ID] = &begun{row: row, since: now}
				j.moves++
				j.mu.Unlock()
			}
		}
		return nil
	})
	if err != nil {
		for _, t := range all {
			j.release(t.row.ID)
		}
		return nil, err
	}
	return all, nil
}

// read says how a job is run, or why it never will be.
func (j *jobs) read(row jobRow) (*kind, func(context.Context, *Work) error, string) {
	k := j.kinds[row.Name]
	if k == nil {
		return nil, nil, "the program has no job of this name: list it in merlon.Config.Jobs again, then retry; or drop it"
	}
	if int(row.Tries) >= k.tries {
		return k, nil, fmt.Sprintf("its %d. run ended without a word: the process was stopped meanwhile, or the run outlived its time", row.Tries)
	}
	plain, err := j.keys.Open(nil, row.Argument, jobAAD(row.Name, row.Created))
	if err != nil {
		return k, nil, "its argument does not open: it was changed, or was sealed under keys that the site lacks"
	}
	run, err := k.decode(plain)
	if err != nil { // the error may hold a piece of the argument
		return k, nil, fmt.Sprintf("its argument is none of %s any more: the program has changed since", k.typ)
	}
	return k, run, ""
}

// do runs one job and settles it. No transaction is open while it runs.
func (j *jobs) do(t taken) {
	w := &Work{run: j.run, row: t.row}
	ctx, cancel := context.WithTimeout(j.ctx, t.kind.within)
	defer cancel()
	w.ctx = event.With(ctx, event.RecorderFunc(func(_ context.Context, e event.Event) { j.run.record(w.fill(e)) }))
	err := contained(w, t.run)
	problem := ""
	if err != nil {
		problem = bounded(firstLine(err.Error()))
		j.run.log.Warn("a job failed", "job", t.row.ID, "name", t.row.Name, "try", t.row.Tries, "error", problem)
	}
	settle, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := j.run.engine.Write(settle, func(_ context.Context, dw *db.Writer) error { return j.settle(dw, t, problem) }); err != nil {
		j.run.log.Error("a job could not be settled: it will run again", "job", t.row.ID, "name", t.row.Name, "error", err.Error())
	}
}

// contained runs a job; a panic is an error and an event.
func contained(w *Work, run func(context.Context, *Work) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			w.run.log.Error("a job panicked", "job", w.row.ID, "name", w.row.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			w.run.record(w.fill(event.New(RuleJobPanic, event.Failed, slog.String("panic", bounded(fmt.Sprint(p))))))
		}
	}()
	return run(w.ctx, w)
}

// settle notes what came of a run, if the job is still this worker's.
func (j *jobs) settle(w *db.Writer, t taken, problem string) error {
	row, now := t.row, j.clock()
	var done db.Affected
	var err error
	switch {
	case problem != "" && j.ctx.Err() != nil: // the site closes: this run does not count
		done, err = againJob.Run(w, row.Tries-1, now.UnixMicro(), problem, row.ID, row.Due)
	case problem != "" && int(row.Tries) >= t.kind.tries:
		return j.giveUp(w, row, t.kind, problem)
	case problem != "":
		done, err = againJob.Run(w, row.Tries, now.Add(jobPause(int(row.Tries))).UnixMicro(), problem, row.ID, row.Due)
	case row.Series != "" && t.kind.every > 0:
		done, err = againJob.Run(w, 0, nextRun(now, t.kind.every).UnixMicro(), "", row.ID, row.Due)
	default:
		done, err = doneJob.Run(w, row.ID, row.Due)
	}
	if err == nil && done.Rows == 0 {
		j.run.log.Warn("a job was taken by another worker meanwhile: it outlived its time", "job", row.ID, "name", row.Name)
	}
	return err
}

// jobPause grows with each try: a minute, doubled up to eight hours.
func jobPause(tries int) time.Duration {
	return min(time.Minute<<min(max(tries-1, 0), 9), 8*time.Hour)
}

// giveUp ends a job with an event of the same transaction. A periodic one begins anew when it is next due.
func (j *jobs) giveUp(w *db.Writer, row jobRow, k *kind, problem string) error {
	now := j.clock()
	var err error
	if k != nil && k.every > 0 && row.Series != "" {
		var sealed []byte // also when it was the argument that could not be read
		if sealed, err = j.seal(row.Name, row.Created, k.zero); err == nil {
			_, err = renewJob.Run(w, nextRun(now, k.every).UnixMicro(), problem, sealed, row.ID, row.Due)
		}
	} else {
		_, err = giveUpJob.Run(w, now.UnixMicro(), problem, row.ID, row.Due)
	}
	if err != nil {
		return err
	}
	return j.note(w, row.ID, row.Name, RuleJobGivenUp, event.Failed, slog.Int64("tries", row.Tries), slog.String("problem", problem))
}

// note appends an event of a job to the transaction.
func (j *jobs) note(w *db.Writer, id int64, name string, rule check.Rule, outcome event.Outcome, detail ...slog.Attr) error {
	e := event.New(rule, outcome, append([]slog.Attr{slog.Int64("job", id)}, detail...)...)
	e.Time, e.Route = j.clock(), "job "+name
	w.OnRelease(func() { j.run.logAll(context.Background(), []event.Event{e}) })
	return journal.Append(w, e)
}

var renewJob = db.Exec(schema, `UPDATE merlon_job SET tries = 0, due = $1, problem = $2, argument = $3 WHERE id = $4 AND state = 'waiting' AND due = $5`)

func bounded(s string) string { return event.Clean(s[:min(len(s), 500)]) }
