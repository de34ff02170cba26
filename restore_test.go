package merlon_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/throttle"
)

var (
	againJob  = merlon.Job("test/again", func(_ context.Context, w *merlon.Work, a told) error { return noteRun(w, a.Text) }).Idempotent()
	weeklyJob = merlon.Job("test/weekly", func(_ context.Context, w *merlon.Work, _ struct{}) error { return noteRun(w, "weekly") }).Every(7 * 24 * time.Hour)
)

// openRestored has a part that looks at what a restore tells it.
func openRestored(seen *merlon.Restore) func(merlon.Env) (*merlon.Site, error) {
	return func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: votePages, Schema: siteSchema,
			Parts: []merlon.Part{account.New(account.Config{Hashing: floor(env)}), {Name: "seen", Restored: func(_ *db.Writer, r merlon.Restore) error {
				*seen = r
				r.Count("things", 3)
				r.Note(slog.String("own", "noted"))
				return nil
			}, Readiness: func(context.Context, *merlon.House) []string { return []string{"one thing to know"} }}, {
				Name: "asleep", Start: func(context.Context, *merlon.House) error {
					if env.Mode == merlon.Drill {
						return errors.New("a part was started in data that is not fit for use yet")
					}
					return nil
				}}},
			Jobs: []merlon.AnyKind{noteJob, againJob, weeklyJob},
			Routes: []merlon.Route{
				merlon.Get("/votes", account.Anyone(), showVotes),
				merlon.Post("/votes", account.Anyone(), enqueue, merlon.JSONBody()),
			}})
	}
}

// copyData copies the data of a site that is up, as a backup does.
func copyData(t *testing.T, s *merlontest.Server) string {
	t.Helper()
	dir := t.TempDir()
	h := s.Site.House()
	if err := h.Engine.CopyTo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(filepath.Join(h.Data, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "keys"), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func queueMail(t *testing.T, s *merlontest.Server) {
	t.Helper()
	to, err := mailbox.ParseAddress("ann@example.test")
	if err != nil {
		t.Fatal(err)
	}
	s.Write(func(w *db.Writer) error {
		return s.Site.House().Mails.Queue(w, mailbox.Mail{To: to, Kind: "test", Subject: "x", Text: "x"})
	})
}

func TestRestore(t *testing.T) {
	var seen merlon.Restore
	open := openRestored(&seen)
	at := time.Now().UTC()
	tuesday := time.Duration((9-int(at.Weekday()))%7+7)*24*time.Hour + time.Duration(12-at.Hour())*time.Hour
	// No week begins in the lost time, when the weekly kind would be due; and no site is up before its clock says so, since it
	// gives the kind its row when it starts.
	ahead := func(by time.Duration) func(merlon.Env) (*merlon.Site, error) {
		return func(env merlon.Env) (*merlon.Site, error) {
			clock := env.Clock
			env.Clock = func() time.Time { return clock().Add(by) }
			return open(env)
		}
	}
	s := merlontest.Start(t, ahead(tuesday))
	s.Write(func(w *db.Writer) error {
		in := time.Hour
		return errors.Join(noteJob.EnqueueAfter(w, in, told{"once"}), againJob.EnqueueAfter(w, in, told{"again"}))
	})
	s.Jobs() // the weekly kind has its row; it was due if its row was made before the clock moved
	ran := jobNotes(s)
	queueMail(t, s)
	ann := s.SignedIn("Ann")
	dir := copyData(t, s)

	instant := s.Now().Add(tuesday)
	now := instant.Add(26 * time.Hour)
	restore := func(theft bool) (*merlon.Restored, error) {
		site, err := open(merlon.Env{Data: dir, Mode: merlon.Drill, Clock: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		return site.Restore(t.Context(), merlon.Restore{Point: "7", Instant: instant, Now: now, Who: "test", AfterTheft: theft})
	}
	report, err := restore(false)
	if err != nil {
		t.Fatal(err)
	}
	for what, n := range map[string]int64{"sessions ended": 1, "mails held": 1, "jobs held": 1, "things": 3} {
		if got := report.Of(what); got != n {
			t.Errorf("%s: %d, want %d", what, got, n)
		}
	}
	if seen.Point != "7" || !seen.Instant.Equal(instant) || seen.AfterTheft {
		t.Errorf("the part was told %+v", seen)
	}

	copied := merlontest.StartIn(t, dir, ahead(tuesday+26*time.Hour))
	copied.Jobs()
	if notes := jobNotes(copied)[len(ran):]; !slices.Equal(notes, []string{"again"}) {
		t.Errorf("jobs that ran: %q, want the one that may run twice", notes)
	}
	list := jobList(copied)
	if len(list) != 2 || list[0].State != "held" || list[1].Name != "test/weekly" || !list[1].Due.After(now) {
		t.Errorf("jobs: %+v", list)
	}
	copied.Write(func(w *db.Writer) error {
		h := copied.Site.House()
		if err := h.ReleaseJob(w, list[1].ID); !errors.Is(err, db.ErrNoRow) {
			t.Errorf("a job that is not held is released: %v", err)
		}
		return h.ReleaseJob(w, list[0].ID)
	})
	copied.Jobs()
	if notes := jobNotes(copied); !slices.Contains(notes, "once") {
		t.Errorf("a released job did not run: %q", notes)
	}
	copied.Write(func(w *db.Writer) error {
		id, err := account.Create(w, "bo@example.test", "Bo", account.NoPassword, now)
		if id != ann.UserID+1001 {
			t.Errorf("the next user after %d got the id %d: an id of the lost time may name two", ann.UserID, id)
		}
		return err
	})
	notes := copied.Site.Readiness(t.Context())
	for end := time.Now().Add(time.Minute); len(notes) != 1 && time.Now().Before(end); { // a busy machine may not read the database in time, and says so too
		notes = copied.Site.Readiness(t.Context())
	}
	if !slices.Equal(notes, []string{"one thing to know"}) {
		t.Errorf("readiness: %q", notes)
	}
	copied.Read(func(r *db.Reader) error {
		found, err := journal.List(r, journal.Filter{ID: merlon.RuleRestored.ID})
		if err != nil || len(found) != 1 || !strings.Contains(string(found[0].Detail), `"own":"noted"`) || !strings.Contains(string(found[0].Detail), "26h0m0s") {
			t.Errorf("the bridge: %+v, %v", found, err)
		}
		v, err := journal.Verify(r)
		if err != nil || v.Broken != nil || v.Linked == 0 { // the restore linked its own
			t.Errorf("the chain of events: %+v, %v", v, err)
		}
		return nil
	})
}

// After a theft the counters are void too, and nothing runs by itself.
func TestRestoreAfterTheft(t *testing.T) {
	var seen merlon.Restore
	open := openRestored(&seen)
	s := merlontest.Start(t, open)
	s.Write(func(w *db.Writer) error { return againJob.EnqueueAfter(w, time.Hour, told{"again"}) })
	queueMail(t, s)
	full := throttle.Own("restore", throttle.Limit{Burst: 2, Window: time.Hour}, "x")
	for range 2 {
		if _, err := s.Site.House().Limits.Reserve(t.Context(), full); err != nil {
			t.Fatal(err)
		}
	}
	for _, theft := range []bool{false, true} {
		dir := copyData(t, s)
		site, err := open(merlon.Env{Data: dir, Mode: merlon.Drill})
		if err != nil {
			t.Fatal(err)
		}
		report, err := site.Restore(t.Context(), merlon.Restore{Point: "7", Instant: s.Now(), Now: s.Now(), Who: "test", AfterTheft: theft})
		if err != nil {
			t.Fatal(err)
		}
		copied := merlontest.StartIn(t, dir, open)
		limits := copied.Site.House().Limits
		_, err = limits.Reserve(t.Context(), full)
		if limited := errors.As(err, new(*throttle.Limited)); limited == theft {
			t.Errorf("theft %v: a full bucket answers %v", theft, err)
		}
		other := throttle.Own("restore", throttle.Limit{Burst: 4, Window: time.Hour}, "other")
		for i := range 4 {
			if _, err := limits.Reserve(t.Context(), other); (err == nil) != (i < 2) {
				t.Errorf("theft %v: attempt %d of 4 in the first quarter of an hour: %v", theft, i+1, err)
			}
		}
		copied.Advance(16 * time.Minute)
		later := throttle.Own("restore", throttle.Limit{Burst: 4, Window: time.Hour}, "later")
		for i := range 4 {
			if _, err := limits.Reserve(t.Context(), later); err != nil {
				t.Errorf("theft %v: attempt %d of 4 after a quarter of an hour: %v", theft, i+1, err)
			}
		}
		held, dropped := report.Of("jobs held"), report.Of("mails dropped")
		if theft && (held != 1 || dropped != 1) || !theft && (held != 0 || dropped != 0) {
			t.Errorf("theft %v: %+v", theft, report)
		}
	}
}

// In a drill nothing of the parts runs by itself.
func TestDrillHasNoTasks(t *testing.T) {
	ran := make(chan struct{}, 1)
	for _, mode := range []merlon.Mode{merlon.Drill, merlon.Test} {
		site, err := merlon.New(merlon.Env{Data: t.TempDir(), Mode: mode}, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"),
			Parts: []merlon.Part{{Name: "t", Tasks: []merlon.Task{{Name: "t/last", Every: time.Hour, Last: true, Run: func(context.Context, *merlon.House) error {
				ran <- struct{}{}
				return nil
			}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(site.Start(t.Context()), site.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
		if got := len(ran) == 1; got != (mode == merlon.Test) {
			t.Errorf("%v: a part's task ran: %v", mode, got)
		}
	}
}

// TestLostKeysRefuseTheStart: with data and without its keys nothing starts, and no new keys are made; a database that was
// only migrated has its keys.
func TestLostKeysRefuseTheStart(t *testing.T) {
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	env := merlon.Env{Data: dir, Mode: merlon.Test, Log: slog.New(slog.DiscardHandler)}
	start := func() error {
		s, err := openTestSite(env)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err != nil {
			return err
		}
		return s.Close(t.Context())
	}
	s, err := openTestSite(env)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := start(); err != nil {
		t.Fatalf("after migrate up: %v", err)
	}
	if err := os.Rename(keys, keys+".away"); err != nil {
		t.Fatal(err)
	}
	var f check.Finding
	if err := start(); !errors.As(err, &f) || f.ID != "MRL-KEYRING-005" {
		t.Errorf("without keys: %v", err)
	}
	if _, err := os.Lstat(keys); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("new keys were made: %v", err)
	}
	if err := os.Rename(keys+".away", keys); err != nil {
		t.Fatal(err)
	}
	if err := start(); err != nil {
		t.Errorf("with the keys back: %v", err)
	}
}

// TestLostDatabaseRefusesTheStart: with the keys of a site and without its database no empty site comes up, at the second try either,
// nor by migrate; a first start that was cut off goes on.
func TestLostDatabaseRefusesTheStart(t *testing.T) {
	dir := t.TempDir()
	env := merlon.Env{Data: dir, Mode: merlon.Test, Log: slog.New(slog.DiscardHandler)}
	open := func() *merlon.Site {
		t.Helper()
		s, err := merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db")})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	start := func() error {
		s := open()
		if err := s.Start(t.Context()); err != nil {
			return err
		}
		return s.Close(t.Context())
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(dir, "test.db"+end)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	var f check.Finding
	for range 2 {
		if err := start(); !errors.As(err, &f) || f.ID != merlon.RuleGone.ID {
			t.Errorf("without the database: %v", err)
		}
		if _, err := open().Migrate(t.Context()); !errors.As(err, &f) || f.ID != merlon.RuleGone.ID {
			t.Errorf("migrate without the database: %v", err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "test.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := start(); err != nil {
		t.Errorf("after a first start that was cut off: %v", err)
	}
}
