package merlon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/internal/place"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/throttle"
	"github.com/merlon-web/merlon/trust"
)

// running is what a started site has and a site that is only put together has not.
type running struct {
	house     *House
	engine    db.Engine
	replicas  db.Replicated // nil: there are none
	sessions  *session.Manager
	loose     loose
	trust     *trust.Policy
	rates     *rates // nil: nothing is limited
	bodies    bodies
	nameless  atomic.Int64 // requests in the world whose client is this machine, as far as anybody can tell
	refusals  *journal.Refusals
	keys      *keyring.Ring
	cookieKey *keyring.Subkeys
	salt      []byte // of the newest restore
	csrfKey   []byte
	jobs      *jobs
	log       *slog.Logger

	stop  context.CancelFunc
	tasks sync.WaitGroup
}

// Start brings the site up: the data folder, the one process's lock, the migrations known, the keys, the parts, the tasks;
// then the declarations are sealed, and a statement or page declared later panics. A database without any table is
// migrated; one with tables and a pending migration is refused ([ErrPending]).
func (s *Site) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running.Load() != nil {
		return errors.New("merlon: Start: the site is running already; call it once")
	}
	if err := s.faults.Err(); err != nil {
		return err
	}
	run, err := s.open(ctx, true)
	if err != nil {
		return err
	}
	if err := s.hearMaintenance(ctx, true); err != nil {
		return errors.Join(err, run.close())
	}
	if err := s.startParts(ctx, run.house); err != nil {
		return errors.Join(err, run.close())
	}
	for _, sc := range s.schemas {
		sc.Seal()
	}
	session.Seal()
	place.Seal()
	sealJobs()
	for _, f := range s.pageFiles {
		f.Seal()
	}
	s.running.Store(run)
	tasks, stop := context.WithCancel(context.Background())
	run.stop = stop
	run.tasks.Go(func() { run.jobs.loop(tasks) })
	for _, t := range s.tasks(run) {
		run.tasks.Go(func() { run.repeat(tasks, t) })
	}
	return nil
}

// open opens the data and makes the site's rooms; no part is started. A failure leaves nothing open. Beside says whether the site's own
// stores are used, or, for a copy, the database alone.
func (s *Site) open(ctx context.Context, beside bool) (run *running, err error) {
	if s.env.Data == "" {
		return nil, errors.New("merlon: Env.Data is empty: the site has no place for its data; name a folder (--data DIR)")
	}
	if e, ok := s.cfg.Engine.(db.Hasty); ok && s.env.Mode == Test {
		e.Hasten()
	}
	if err := s.openEngine(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.closeStores()
			_ = s.cfg.Engine.Close()
		}
	}()
	if s.unproven.Load() != nil {
		faults, err := s.prove(ctx)
		if err = errors.Join(err, faults.Err()); err != nil {
			return nil, err
		}
		s.unproven.Store(nil)
	}
	keys, err := s.keysAndTables(ctx)
	if err != nil {
		return nil, s.hindered(err)
	}
	since, err := afterRestore(ctx, s.cfg.Engine)
	if err != nil {
		return nil, err
	}
	run = &running{engine: s.cfg.Engine, keys: keys, log: s.log, refusals: journal.NewRefusals(s.clock), cookieKey: keys.For("merlon/cookie/v1"), salt: since.Salt, bodies: bodies{room: maxBodies, near: map[netip.Prefix]int64{}}}
	run.replicas = s.replicas()
	run.engine, run.jobs = boundEngine{s.cfg.Engine, run}, newJobs(s, run, keys)
	run.csrfKey = since.salted(keys.Key("merlon/csrf/v1").Reveal())
	if run.trust, err = s.newTrust(); err != nil {
		return nil, err
	}
	if s.env.Mode == Production || s.env.Mode == Development {
		run.rates = newRates()
	}
	rows, buckets, err := s.stores(ctx, keys, beside)
	if err != nil {
		return nil, err
	}
	// a store without tables lies beside the database
	run.sessions, err = session.New(session.Config{Name: s.name, Store: rows, Clock: s.clock, Shared: s.Shared() || rows.Schema() == nil,
		Secret: func(string) []byte { return since.salted(keys.Key("merlon/presession/v1").Reveal()) }})
	if err != nil {
		return nil, err
	}
	limits, err := throttle.New(throttle.Config{Store: buckets, Clock: s.clock, Key: keys.Key("merlon/throttle/v1").Reveal(),
		Shared: s.Shared(), HalvedUntil: since.halvedUntil()})
	if err != nil {
		return nil, err
	}
	mails, err := mailbox.New(mailbox.Config{Keys: keys.For("merlon/mailbox/v1"), Clock: s.clock})
	if err != nil {
		return nil, err
	}
	run.house = &House{Mails: mails, Name: s.name, Title: s.title, Mode: s.env.Mode, Data: s.env.Data, Clock: s.clock, Log: s.log, Engine: run.engine,
		Keys: keys, Limits: limits, Sessions: run.sessions, Files: file.New(s.env.Data, s.clock, s.env.Settings.Uploads), site: s}
	return run, nil
}

// close closes what open has opened.
func (r *running) close() error {
	r.jobs.end()
	defer r.house.site.closeStores()
	return errors.Join(r.house.Files.Close(), r.engine.Close())
}

// Shared reports whether other processes may write to the site's database while this one has it open: it is on a server, and a
// copy of the data folder is no copy of it.
func (s *Site) Shared() bool {
	shared, ok := s.cfg.Engine.(db.Shared)
	return ok && shared.Shared()
}

// House returns the site's rooms, nil before [Site.Start].
func (s *Site) House() *House {
	if run := s.running.Load(); run != nil {
		return run.house
	}
	return nil
}

// Close ends the tasks and closes the database. Requests that are running get an error.
func (s *Site) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	run := s.running.Load()
	if run == nil {
		return nil
	}
	s.running.Store(nil)
	run.stop()
	done := make(chan struct{})
	go func() { run.tasks.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done(): // runs of jobs that took longer are told to end, and run again at the next start
		run.jobs.end()
		select {
		case <-done:
		case <-time.After(jobGrace):
		}
	}
	run.jobs.end()
	stopped := stopParts(ctx, s.cfg.Parts, run.house)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, chained := journal.Chain(last, run.engine) // what the last flush wrote
	return errors.Join(stopped, chained, run.close())
}

// tasks are the site's own and those of its parts.
func (s *Site) tasks(run *running) []Task {
	refusals := 2 * time.Second // many in one write
	if s.env.Mode == Test {
		refusals = 50 * time.Millisecond // a test waits for them
	}
	own := []Task{
		{Name: "merlon/chain", Every: time.Second, Last: true, Run: func(ctx context.Context, h *House) error {
			_, err := journal.Chain(ctx, h.Engine)
			return err
		}},
		{Name: "merlon/refusals", Every: refusals, Last: true, Run: func(ctx context.Context, h *House) error {
			return run.flush(ctx, h)
		}},
		{Name: "merlon/seen", Every: 20 * time.Second, Last: true, Run: func(ctx context.Context, h *House) error { return h.Sessions.Seen(ctx, h.Engine) }},
		{Name: "merlon/sweep", Every: 10 * time.Minute, Run: s.sweep},
	}
	if s.Shared() { // another process closes or opens the site
		own = append(own, Task{Name: "merlon/maintenance", Every: time.Second, Run: func(ctx context.Context, _ *House) error { return s.hearMaintenance(ctx, false) }})
	}
	if run.replicas != nil {
		own = append(own, s.replicaTask(run))
	}
	if s.takesUploads() {
		own = append(own, uploadTask())
	}
	if s.sends() {
		own = append(own, s.mailTask(run))
	}
	if s.env.Mode == Drill { // a copy that is deleted soon: nothing of it is kept up, backed up or told
		return own
	}
	if s.env.Certificates != nil {
		own = append(own, s.ageTask())
	}
	for _, p := range s.cfg.Parts {
		own = append(own, p.Tasks...)
	}
	return own
}

// onceLife is how long the mark of a used form is kept: as long as the longest session, so that no form that could still be
// sent is forgotten. The answer in it is kept for a day.
const onceLife = 30 * 24 * time.Hour

func (s *Site) sweep(ctx context.Context, h *House) error {
	now := s.clock()
	err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		if _, err := stripOnce.Run(w, now.Add(-24*time.Hour).UnixMicro()); err != nil {
			return err
		}
		if _, err := sweepKept.Run(w, now.UnixMicro()); err != nil {
			return err
		}
		if _, err := sweepJobs.Run(w, now.Add(-jobLife).UnixMicro()); err != nil {
			return err
		}
		_, err := sweepOnce.Run(w, now.Add(-onceLife).UnixMicro())
		return err
	})
	return errors.Join(err, h.Sessions.Sweep(ctx, h.Engine), h.Limits.Sweep(ctx), purge(ctx, h, now))
}

// How long mails that were sent and events are kept.
const (
	mailLife  = 30 * 24 * time.Hour
	eventLife = 365 * 24 * time.Hour
)

// purge deletes old mails and events, in bounded steps: no step holds the writer for long.
func purge(ctx context.Context, h *House, now time.Time) error {
	for more := true; more && ctx.Err() == nil; {
		err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
			if _, err := h.Mails.Purge(w, now.Add(-mailLife)); err != nil {
				return err
			}
			events, err := journal.Purge(w, now.Add(-eventLife), now)
			more = events >= 2000 // what one call deletes at the most
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// repeat runs one task until the site closes. A task that fails or panics is logged and tried again.
func (r *running) repeat(ctx context.Context, t Task) {
	var again <-chan time.Time
	if t.Every > 0 {
		tick := time.NewTicker(t.Every)
		defer tick.Stop()
		again = tick.C
	}
	for {
		select {
		case <-ctx.Done():
			if t.Last {
				last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				r.once(last, t)
				cancel()
			}
			return
		case <-again:
			r.once(ctx, t)
		case <-t.Wake:
			r.once(ctx, t)
		}
	}
}

func (r *running) once(ctx context.Context, t Task) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("task panicked", "task", string(t.Name), "panic", fmt.Sprint(p))
		}
	}()
	if err := t.Run(ctx, r.house); err != nil && ctx.Err() == nil {
		r.log.Error("task failed", "task", string(t.Name), "error", err.Error())
	}
}

// record keeps an event that is not part of a transaction: refusals are counted, failures and the rest are rows. Both are logged at once.
func (r *running) record(e event.Event) {
	r.house.site.happened(e)
	if e.Outcome == event.Refused {
		r.refusals.Add(e)
	} else {
		r.loose.add(e)
	}
	if e.Outcome != event.Done && !r.loose.mayLog(flood{id: e.ID}, e.Time) {
		return // counted, or a row; a flood of them is no flood of log lines
	}
	r.log.LogAttrs(context.Background(), e.Level(), e.Title, e.Attrs()...)
}

func (r *running) logAll(ctx context.Context, events []event.Event) {
	r.house.site.happened(events...)
	for _, e := range events {
		r.log.LogAttrs(ctx, e.Level(), e.Title, e.Attrs()...)
	}
}

func (r *running) flush(ctx context.Context, h *House) error {
	r.loose.tell(r.log)
	_, err := r.refusals.Flush(ctx, h.Engine)
	return errors.Join(err, r.loose.flush(ctx, h.Engine))
}

// seal and open keep what travels in cookies: one key, and the kind of cookie as associated data, so that one kind is never
// taken for another. The salt of the newest restore is part of it: cookies from before are void.
func (r *running) seal(kind string, plain []byte) ([]byte, error) {
	return r.cookieKey.Seal(nil, plain, append([]byte(kind), r.salt...))
}

func (r *running) open(kind string, sealed []byte) ([]byte, error) {
	return r.cookieKey.Open(nil, sealed, append([]byte(kind), r.salt...))
}
