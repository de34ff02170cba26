package backup

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/sqlite"
)

func (s *testSite) watch() {
	s.t.Helper()
	if err := s.part.watch(context.Background(), s.site.House()); err != nil {
		s.t.Fatal(err)
	}
}

// A lock that is never given back is not silence. It is told once a day, and not of a run that has just begun, as after a sleep of
// the machine.
func TestNoRunEnds(t *testing.T) {
	s := owned(t)
	unlock, err := homeOf(s.data).lock()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	look := func() { s.round(); s.watch() }
	s.offset.add(20 * time.Minute)
	look()
	if len(s.mails()) != 0 || len(s.check(RuleGap)) != 0 {
		t.Error("a run that takes twenty minutes is told")
	}
	s.offset.add(20 * time.Minute)
	lock, taken := homeOf(s.data).path(lockFile), s.site.House().Clock()
	if err := os.Chtimes(lock, taken, taken); err != nil {
		t.Fatal(err)
	}
	look()
	if len(s.mails()) != 0 {
		t.Error("a run that has just begun is told")
	}
	taken = taken.Add(-40 * time.Minute)
	if err := os.Chtimes(lock, taken, taken); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		look()
	}
	s.mailed(1, "owner@example.org", "another process", "since "+taken.UTC().Format("2006-01-02 15:04 UTC"), s.state().newest().String())
	if n := s.recorded(RuleStuck.ID); n != 1 {
		t.Errorf("%d events", n)
	}
	if f := s.check(RuleGap); len(f) != 1 || !strings.Contains(f[0].Error(), lockFile) {
		t.Errorf("%v", f)
	}
	s.offset.add(25 * time.Hour)
	look()
	s.mailed(2, "owner@example.org")
	unlock()
	s.again() // it was down: nothing changed, and nothing is late
	if f := s.check(RuleGap); len(f) != 0 {
		t.Errorf("%v", f)
	}
	s.offset.add(40 * time.Minute) // nobody has the lock: the next round makes a point
	s.watch()
	s.mailed(2, "owner@example.org")
}

// hung is a share that is away: a put waits in the system, where no context ends it.
type hung struct {
	Target
	in, free chan struct{}
}

func (h hung) Put(ctx context.Context, name string, body io.ReadSeeker, o PutOptions) (Object, error) {
	select {
	case h.in <- struct{}{}:
	default:
	}
	<-h.free
	return h.Target.Put(ctx, name, body, o)
}

// await waits for what a task does.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 500 {
		if done() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal(what)
}

// A put that hangs in the site's own task is told by it, and keeps the site from closing for no longer than it is given.
func TestHungRunIsTold(t *testing.T) {
	need.Calm(t, day, time.Minute)
	s := &testSite{t: t, data: filepath.Join(t.TempDir(), "data"), target: t.TempDir()}
	p, part := newPart(Config{Mail: "owner@example.org"})
	p.drill = nil
	for i := range part.Tasks {
		part.Tasks[i].Every = 20 * time.Millisecond
	}
	site, err := merlon.New(merlon.Env{Data: s.data, Mode: merlon.Test, Clock: func() time.Time { return time.Now().Add(s.offset.is()) }, Log: slog.New(slog.DiscardHandler)},
		merlon.Config{Name: "notes", Engine: sqlite.Engine("notes.db"), Schema: noteSchema, Parts: []merlon.Part{part}})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.site, s.part = site, p
	h := hung{in: make(chan struct{}, 1), free: make(chan struct{})}
	defer func() {
		close(h.free)
		await(t, "the run does not end", func() bool { return p.began.Load() == nil })
	}()
	s.setUp()
	await(t, "no round made a point", func() bool { return s.state().Seq == 1 && p.began.Load() == nil })
	s.wrap(func(to Target) Target { h.Target = to; return h })
	s.note(1)
	st := s.state()
	st.Tried = st.Tried.Add(-time.Hour) // a folder's clock is this machine's, so that the site's cannot move before the run has begun
	s.keep(st)
	select {
	case <-h.in:
	case <-time.After(10 * time.Second):
		t.Fatal("no round puts")
	}
	began := *p.began.Load()
	s.offset.add(20 * time.Minute)
	time.Sleep(100 * time.Millisecond)
	if n := len(s.mails()); n != 0 {
		t.Fatalf("%d mails about a run of twenty minutes", n)
	}
	s.offset.add(20 * time.Minute)
	await(t, "nobody is told of a run that hangs", func() bool { return len(s.mails()) > 0 })
	time.Sleep(100 * time.Millisecond)
	s.mailed(1, "owner@example.org", "the site itself", "since "+began.UTC().Format("2006-01-02 15:04 UTC"), "unmount", s.state().newest().String())
	s.offset.add(25 * time.Hour)
	await(t, "nobody is told the next day", func() bool { return len(s.mails()) > 1 })
	time.Sleep(100 * time.Millisecond)
	if mails, events := len(s.mails()), s.recorded(RuleStuck.ID); mails != 2 || events != 2 {
		t.Errorf("%d mails and %d events in two days", mails, events)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	closing := time.Now()
	err = site.Close(ctx)
	took := time.Since(closing)
	t.Logf("closed in %s: %v", took.Round(time.Millisecond), err)
	if took > 8*time.Second || errors.Is(err, ErrBusy) {
		t.Errorf("the site closes in %s: %v", took, err)
	}
}

// A first run that hangs is told too.
func TestHungFirstRun(t *testing.T) {
	s := newTestSite(t, true)
	s.part.cfg.Mail = "owner@example.org"
	began := s.site.House().Clock()
	s.part.began.Store(&began)
	s.offset.add(40 * time.Minute)
	s.watch()
	s.mailed(1, "owner@example.org", "the site itself")
}
