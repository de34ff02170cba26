package merlon

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/throttle"
)

// A Restore is what rooms are told of data that came from a backup ([Part.Restored]). Such data is older than what
// happened: sessions that ended are alive in it, links that were used can be used again, mails that were sent wait. Each
// room makes its own tables fit again; nobody else knows them.
type Restore struct {
	Point      string    // the id of the backup's point, for the record
	Instant    time.Time // when the copy was taken: what happened later is lost
	Now        time.Time
	AfterTheft bool   // whoever took the data may use it: all secrets that users know are void
	Who        string // who asked for it, for the record: "command", "set-up page", "drill"

	tally *Restored
	house *House
}

// House returns the site's rooms, for a part that voids what lies in one. The site does not run, and no part is started.
func (r Restore) House() *House { return r.house }

// Restored is what a restore did to the data.
type Restored struct {
	Users     int64    `json:"users"`
	Ended     []Count  `json:"ended"`                // what is void, held or dropped
	MayReturn []string `json:"may_return,omitempty"` // what may have come back, in sentences
	Strangers []string `json:"strangers,omitempty"`  // what the database has that the site's migrations do not make so
	Powers    []string `json:"powers,omitempty"`     // after a theft: who may decide something, see [Part.Powers]
	detail    []slog.Attr
}

// A Count is how many of something.
type Count struct {
	What string `json:"what"`
	N    int64  `json:"n"`
}

// Of returns how many of something were ended, 0 if nobody counted it.
func (r *Restored) Of(what string) int64 {
	for _, c := range r.Ended {
		if c.What == what {
			return c.N
		}
	}
	return 0
}

// Count adds to the report how many of something were made void, held or dropped: "sessions ended".
func (r Restore) Count(what constant, n int64) {
	r.tally.Ended = append(r.tally.Ended, Count{string(what), n})
}

// Users tells the report how many people the data knows.
func (r Restore) Users(n int64) { r.tally.Users = n }

// MayReturn adds a sentence to the report: what may have come back, and what the owner does about it.
func (r Restore) MayReturn(sentence string) { r.tally.MayReturn = append(r.tally.MayReturn, sentence) }

// Note adds to the event that the journal keeps of the restore.
func (r Restore) Note(detail ...slog.Attr) { r.tally.detail = append(r.tally.detail, detail...) }

// idGap is how many numbers are left out after a restore: those given out in the lost time must not name something else.
const idGap = 1000

// halvedFor is how long attempts are limited to half after a restore: failures of the lost time are not counted.
const halvedFor = 15 * time.Minute

type restoreRow struct {
	At   int64
	Salt []byte
}

var (
	newestRestore = db.Query[restoreRow](schema, "SELECT at, salt FROM merlon_restore ORDER BY id DESC LIMIT 1")
	insertRestore = db.Exec(schema, "INSERT INTO merlon_restore (at, instant, point, theft, salt) VALUES ($1, $2, $3, $4, $5)")
	forgetOnce    = db.Exec(schema, "DELETE FROM merlon_once")
	forgetKept    = db.Exec(schema, "DELETE FROM merlon_kept")
)

// Restore makes data that came from a backup fit for use, with the site not running: migrations forward, then one
// transaction in which every room voids what must not come back, with an event that says so. It must be called once, on a
// folder that nothing else uses yet; until it has returned nil the folder is no site.
func (s *Site) Restore(ctx context.Context, r Restore) (*Restored, error) {
	if c := s.Carrier(); c != nil && !c.Loaded(s.env.Data) {
		return nil, errors.New("merlon: Restore: the database is on a server and is the site's own: only a copy that was loaded for the folder is made fit for use: nothing was changed")
	}
	if _, err := s.Migrate(ctx); err != nil {
		return nil, fmt.Errorf("merlon: restore: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running.Load() != nil {
		return nil, errors.New("merlon: Restore: the site is running: its data would change under it; stop it first")
	}
	if err := s.faults.Err(); err != nil {
		return nil, err
	}
	run, err := s.open(ctx, false)
	if err != nil {
		return nil, err
	}
	r.tally, r.house = &Restored{}, run.house
	err = s.strangers(ctx, r)
	if err == nil {
		err = s.void(ctx, run, r)
	}
	if err == nil && r.AfterTheft {
		r.tally.Powers, err = s.powers(ctx, run)
	}
	if err == nil {
		_, err = journal.Chain(ctx, run.engine)
	}
	return r.tally, errors.Join(err, run.close())
}

// strangers looks for what somebody planted in the database: a trigger runs with every statement of the site, and undoes what
// is voided. After a theft triggers and views that are not the site's go, before anything is voided.
func (s *Site) strangers(ctx context.Context, r Restore) error {
	engine, ok := s.cfg.Engine.(db.Comparer)
	if !ok {
		return nil
	}
	found, err := engine.Strangers(ctx, r.AfterTheft)
	for _, one := range found {
		r.tally.Strangers = append(r.tally.Strangers, one.String())
	}
	if len(found) > 0 {
		r.Note(slog.Int("not of the migrations", len(found)))
	}
	return err
}

// Powers lists who may decide something in data that came from a backup, see [Part.Powers], with the site not running. The
// data is migrated, and nothing else is done to it.
func (s *Site) Powers(ctx context.Context) ([]string, error) {
	if _, err := s.Migrate(ctx); err != nil {
		return nil, fmt.Errorf("merlon: Powers: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running.Load() != nil {
		return nil, errors.New("merlon: Powers: the site is running: it is asked about copies only")
	}
	run, err := s.open(ctx, false)
	if err != nil {
		return nil, err
	}
	all, err := s.powers(ctx, run)
	return all, errors.Join(err, run.close())
}

func (s *Site) powers(ctx context.Context, run *running) (all []string, err error) {
	r := run.engine.Read(ctx)
	defer r.Close()
	for _, p := range s.cfg.Parts {
		if p.Powers == nil {
			continue
		}
		lines, err := p.Powers(r)
		if err != nil {
			return nil, fmt.Errorf("merlon: part %s: %w", p.Name, err)
		}
		all = append(all, lines...)
	}
	return all, nil
}

// void is what Restore does to open data.
func (s *Site) void(ctx context.Context, run *running, r Restore) error {
	ctx = event.With(ctx, event.RecorderFunc(func(context.Context, event.Event) {})) // one event tells of all
	if r.AfterTheft {                                                                // what is sealed from now on is under a key that nobody took
		if _, err := run.keys.Rotate(r.Now); err != nil {
			return err
		}
	}
	if engine, ok := s.cfg.Engine.(db.Skipper); ok {
		if err := engine.Skip(ctx, idGap); err != nil {
			return err
		}
	}
	return run.engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		if err := s.voidOwn(w, run, r); err != nil {
			return err
		}
		for _, p := range s.cfg.Parts {
			if p.Restored != nil {
				if err := p.Restored(w, r); err != nil {
					return fmt.Errorf("merlon: part %s: %w", p.Name, err)
				}
			}
		}
		if err := s.holdMails(w, run, r); err != nil {
			return err
		}
		if err := s.holdJobs(w, r); err != nil {
			return err
		}
		lost := max(r.Now.Sub(r.Instant), 0)
		for _, c := range r.tally.Ended {
			if c.N > 0 {
				r.Note(slog.Int64(c.What, c.N))
			}
		}
		e := event.New(RuleRestored, event.Done, append([]slog.Attr{slog.String("point", r.Point), slog.Time("instant", r.Instant.UTC()),
			slog.Duration("lost", lost.Truncate(time.Second)), slog.String("by", r.Who), slog.Bool("after theft", r.AfterTheft)}, r.tally.detail...)...)
		e.Time = r.Now
		return journal.Append(w, e)
	})
}

// voidOwn is what the rooms of every site do.
func (s *Site) voidOwn(w *db.Writer, run *running, r Restore) error {
	salt := make([]byte, sha256.Size)
	_, _ = rand.Read(salt)
	theft := int64(0)
	if r.AfterTheft {
		theft = 1
	}
	if _, err := insertRestore.Run(w, r.Now.UnixMicro(), r.Instant.UnixMicro(), r.Point, theft, salt); err != nil {
		return err
	}
	for _, forget := range []*db.Statement[db.Affected]{forgetOnce, forgetKept, dropStore, dropMaintenance} {
		if _, err := forget.Run(w); err != nil {
			return err
		}
	}
	sessions, err := run.sessions.EndAll(w, "restored")
	if err != nil {
		return err
	}
	r.Count("sessions ended", sessions)
	if r.AfterTheft {
		if _, err := throttle.ForgetAll(w); err != nil {
			return err
		}
	}
	return nil
}

// holdMails keeps back what waited in the mailbox: most of it was sent in the lost time. After a theft none of it is sent.
func (s *Site) holdMails(w *db.Writer, run *running, r Restore) error {
	if r.AfterTheft {
		n, err := run.house.Mails.DropAll(w, "dropped: the data was restored after a theft")
		r.Count("mails dropped", n)
		return err
	}
	n, err := run.house.Mails.HoldAll(w)
	r.Count("mails held", n)
	return err
}

// afterRestore reads the newest restore, the zero row if the data never came from a backup.
func afterRestore(ctx context.Context, engine db.Engine) (restoreRow, error) {
	r := engine.Read(ctx)
	defer r.Close()
	row, err := newestRestore.One(r)
	if errors.Is(err, db.ErrNoRow) {
		return restoreRow{}, nil
	}
	return row, err
}

// salted is a key that a restore changes: cookies and forms that were given out before it are void, those too that the
// data never knew of.
func (r restoreRow) salted(key []byte) []byte {
	if len(r.Salt) == 0 {
		return append([]byte(nil), key...)
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte("merlon/restore/v1\x00"))
	h.Write(r.Salt)
	return h.Sum(nil)
}

// halvedUntil is until when limits are half of what they are.
func (r restoreRow) halvedUntil() time.Time {
	if len(r.Salt) == 0 {
		return time.Time{}
	}
	return time.UnixMicro(r.At).Add(halvedFor)
}

// RuleRestored is the event that the journal keeps of a restore.
var RuleRestored = check.Rule{ID: "MRL-RST-001", Property: check.Integrity, Severity: check.High,
	Title:  "the data was restored from a backup",
	Why:    "what happened after the copy was taken is lost, and what it had undone may have come back: the record bridges the gap",
	Attack: "Whoever may restore brings a withdrawn role, a removed account or an old password back to life.",
	Wrong:  `copying an old database file over the new one: sessions, links and used codes rise again, and nothing says so`,
	Right:  `restore latest --live --confirm-site NAME, then look at: events --id MRL-RST-001`,
	Source: "NIST SP 800-34 Rev. 1, 4.3 (recovery), 4.4 (reconstitution); OWASP ASVS 5.0 7.4.1, 16.2.1"}

// Readiness asks the site's servers and parts what an owner should know of a site that is otherwise ready, one sentence each. It
// changes no status: a warning takes no healthy site out of service, and a server that is away for all processes would take out all.
func (s *Site) Readiness(ctx context.Context) (notes []string) {
	h := s.House()
	if h == nil {
		return nil
	}
	notes = s.unreached(ctx)
	for _, p := range s.cfg.Parts {
		if p.Readiness != nil {
			notes = append(notes, p.Readiness(ctx, h)...)
		}
	}
	return notes
}

// reachTime is how long the servers of a site are waited for, all at once, when they are asked whether they are there: load balancers
// give an answer two seconds, some one.
const reachTime = 700 * time.Millisecond

// unreached tells what this process does not reach: the database, or the server with sessions and attempts.
func (s *Site) unreached(ctx context.Context) []string {
	ctx, stop := context.WithTimeout(ctx, reachTime)
	defer stop()
	stores := make(chan []string, 1)
	go func() { stores <- s.storesUnreached(ctx) }()
	r := s.cfg.Engine.Read(ctx)
	_, err := wherePlaced(r)
	_ = r.Close()
	var notes []string
	if err != nil {
		notes = append(notes, oneLine("the database cannot be read, and visitors are answered 503: "+err.Error()))
	}
	return append(notes, <-stores...)
}

func (s *Site) storesUnreached(ctx context.Context) (notes []string) {
	if s.cfg.Stores == nil {
		return nil
	}
	for _, f := range check.Run(ctx, s.cfg.Stores.Checks()...).Findings(check.Medium) {
		notes = append(notes, oneLine(fmt.Sprintf("%s: %s (%s)", f.Where, f.What, f.ID)))
	}
	if ctx.Err() != nil {
		notes = append(notes, fmt.Sprintf("the server with sessions and counted attempts has not answered for %v", reachTime))
	}
	return notes
}

// Carrier returns what keeps and loads copies of a database that is on a server; nil: the database is a file of the data folder.
func (s *Site) Carrier() db.Carrier {
	c, _ := s.cfg.Engine.(db.Carrier)
	return c
}

// Hold takes the lock of the site's data without opening it, so that no other process begins to use it. The error wraps
// [db.ErrLocked] when one does.
func (s *Site) Hold() (release func() error, err error) {
	if e, ok := s.cfg.Engine.(db.Prover); ok {
		return e.Hold(s.env.Data)
	}
	return func() error { return nil }, nil
}

// MissingUploads returns the public names of uploads that the data speaks of and whose bytes are not there, with the site not
// running and its migrations run. It is asked about copies.
func (s *Site) MissingUploads(ctx context.Context) (names []string, err error) {
	if !s.takesUploads() {
		return nil, nil
	}
	store := file.New(s.env.Data, s.clock, file.Limits{})
	err = s.withDatabase(ctx, func() error {
		r := s.cfg.Engine.Read(ctx)
		defer r.Close()
		names, err = store.Missing(r)
		return err
	})
	return names, errors.Join(err, store.Close())
}

// Prove looks whether the data is whole, with the site not running. It is asked about copies before [Site.Restore].
func (s *Site) Prove(ctx context.Context) (p db.Proof, err error) {
	e, ok := s.cfg.Engine.(db.Prover)
	if !ok {
		return p, fmt.Errorf("merlon: the engine %s cannot prove its data", s.cfg.Engine.Name())
	}
	err = s.withDatabase(ctx, func() error {
		p, err = e.Prove(ctx)
		return err
	})
	return p, err
}
