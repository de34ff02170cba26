package backup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/sqlite"
)

func TestAPointComesBack(t *testing.T) {
	s := newTestSite(t, true)
	s.note(500)
	made := s.point()
	if made.Seq != 1 || made.Class != Monthly || made.Depth != Read || made.Size == 0 {
		t.Errorf("made %+v", made)
	}
	if len(made.Notes) > 0 {
		t.Errorf("notes: %q", made.Notes)
	}
	noCanary(t, s.target, filepath.Join(s.data, "backup"))
	points := s.points()
	if len(points) != 1 || points[0].Depth != Read || points[0].Receipt().String() != made.Receipt {
		t.Fatalf("points %+v", points)
	}
	stream, err := s.store().Fetch(t.Context(), points[0], s.recovery.Identity())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "data")
	in, err := Unpack(stream, from)
	if err != nil {
		t.Fatal(err)
	}
	if in.Tables["note"] != 501 || in.Database != "notes.db" || in.Name != "notes" || len(in.Migrations) == 0 {
		t.Errorf("inner %+v", in)
	}
	if err := Arrange(in, from, to); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"keys", "backup/restored.json"} {
		if _, err := os.Stat(filepath.Join(to, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(to, "backup", signersFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the signing keys are in the point (%v)", err)
	}
	e := sqlite.Engine("notes.db")
	if err := e.Open(t.Context(), to, noteSchema); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r := e.Read(t.Context())
	defer r.Close()
	if n, err := countNotes.One(r); err != nil || n.N != 501 {
		t.Errorf("%d notes, %v", n.N, err)
	}
}

func TestNothingChangedIsNoPoint(t *testing.T) {
	s := newTestSite(t, true)
	if err := s.part.keepCourse(t.Context(), s.site.House()); err != nil { // as the first run does
		t.Fatal(err)
	}
	if _, err := journal.Chain(t.Context(), s.site.House().Engine); err != nil { // a task links the event after a while
		t.Fatal(err)
	}
	first := s.point()
	for range 3 {
		made, err := s.run("")
		if err != nil || !made.Skipped || made.Seq != first.Seq || made.Receipt != first.Receipt {
			t.Fatalf("made %+v, %v", made, err)
		}
	}
	_ = s.site.Close(t.Context())
	s.start() // the number of commits is forgotten, the hash is not
	s.settle()
	if made, err := s.run(""); err != nil || !made.Skipped {
		t.Errorf("after a restart: %+v, %v", made, err)
	}
	if made, err := s.run("on purpose"); err != nil || made.Skipped || made.Point.Label != "on purpose" {
		t.Errorf("with a label: %+v, %v", made, err)
	}
	s.point()
	if n := len(s.points()); n != 3 {
		t.Errorf("%d points", n)
	}
}

// settle waits until the site's own tasks have written what they write after a start.
func (s *testSite) settle() {
	s.t.Helper()
	last := int64(-1)
	for range 100 {
		now, err := s.site.House().Engine.Generation(context.Background())
		if err != nil {
			s.t.Fatal(err)
		}
		if now == last {
			return
		}
		last = now
		time.Sleep(20 * time.Millisecond)
	}
}

func TestClassesAndTheirTimes(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	lasts := map[Class]time.Time{}
	for _, c := range []struct {
		at   string
		want Class
	}{
		{"2026-11-24 12:00", Monthly}, {"2026-11-24 12:15", Hourly}, {"2026-11-24 23:59", Hourly}, {"2026-11-25 00:00", Daily}, {"2026-11-25 00:15", Hourly},
		{"2026-11-30 00:00", Weekly}, {"2026-12-01 00:00", Monthly}, {"2026-12-02 00:00", Daily}, {"2026-12-07 09:00", Weekly}, {"2026-12-28 00:00", Weekly},
		{"2027-01-01 00:00", Monthly}, {"2027-01-02 00:00", Daily}, {"2027-01-04 00:00", Weekly}, {"2028-01-04 00:00", Monthly},
	} {
		got := classOf(at(c.at), lasts)
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.at, got, c.want)
		}
		lasts[got] = at(c.at)
	}
}

func TestRunsRefuse(t *testing.T) {
	s := newTestSite(t, false)
	if _, err := s.run(""); !errors.Is(err, ErrNotSetUp) {
		t.Errorf("not set up: %v", err)
	}
	s.setUp()
	s.point()
	unlock, err := s.part.runner.home.lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.run(""); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "process "+pid()+" has") {
		t.Errorf("beside another run: %v", err)
	}
	unlock()
	for _, offset := range []time.Duration{6 * time.Minute, -6 * time.Minute, 10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour} {
		s.offset.set(offset)
		s.note(1)
		if _, err := s.run(""); !errors.Is(err, ErrClock) {
			t.Errorf("a clock that is off by %s: %v", offset, err)
		}
	}
	s.offset.set(0)
	if made := s.point(); made.Seq != 2 {
		t.Errorf("after the clock was set: %+v", made)
	}
	if err := os.Rename(s.target, s.target+"-away"); err != nil {
		t.Fatal(err)
	}
	s.note(1)
	if _, err := s.run(""); err == nil {
		t.Error("a target that is gone: no error")
	}
	if err := os.Rename(s.target+"-away", s.target); err != nil {
		t.Fatal(err)
	}
	if made := s.point(); made.Seq != 3 {
		t.Errorf("after it came back: %+v", made)
	}
	events := s.events()
	for _, id := range []string{RuleClock.ID, RuleWorksAgain.ID} {
		if !strings.Contains(events, id) {
			t.Errorf("no event %s in %s", id, events)
		}
	}
}

func TestTwoServersAreTold(t *testing.T) {
	s := newTestSite(t, true)
	s.point()
	other := &testSite{t: t, data: filepath.Join(t.TempDir(), "data"), target: s.target, recovery: s.recovery}
	if err := os.CopyFS(other.data, os.DirFS(s.data)); err != nil {
		t.Fatal(err)
	}
	chmodAll(t, other.data)
	s.point()
	other.start()
	other.note(1)
	if _, err := other.run(""); !errors.Is(err, ErrForked) {
		t.Fatalf("a copy of the site made a point: %v", err)
	}
	if !strings.Contains(other.events(), RuleTwoServers.ID) {
		t.Error("no event")
	}
	s.point()
	s.points()
}

// A manifest is put under a name that has the number and nothing that differs between two servers, so that of two at one
// moment one is refused.
func TestOfTwoServersAtOnceOneIsRefused(t *testing.T) {
	s := newTestSite(t, true)
	s.point()
	other := &testSite{t: t, data: filepath.Join(t.TempDir(), "data"), target: s.target, recovery: s.recovery}
	if err := os.CopyFS(other.data, os.DirFS(s.data)); err != nil {
		t.Fatal(err)
	}
	chmodAll(t, other.data)
	other.start()
	other.note(1)
	done := make(chan error, 1)
	other.wrap(func(target Target) Target {
		return hooked{target, func(name string) {
			if strings.HasSuffix(name, "manifest.json") {
				s.note(1)
				_, err := s.run("")
				done <- err
			}
		}}
	})
	if _, err := other.run(""); !errors.Is(err, ErrForked) {
		t.Errorf("the slower one: %v", err)
	}
	if err := <-done; err != nil {
		t.Errorf("the faster one: %v", err)
	}
	if n := len(s.points()); n != 2 {
		t.Errorf("%d points", n)
	}
}

// hooked is a target that calls before each put.
type hooked struct {
	Target
	before func(name string)
}
