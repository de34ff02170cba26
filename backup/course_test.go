package backup

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/journal"
)

// recorded counts the events of a rule.
func (s *testSite) recorded(id string) int {
	s.t.Helper()
	r := s.site.House().Engine.Read(context.Background())
	defer r.Close()
	found, err := journal.List(r, journal.Filter{ID: id, Limit: 100})
	if err != nil {
		s.t.Fatal(err)
	}
	return len(found)
}

// mailed demands how many mails there are, and what stands in the newest and to whom it goes.
func (s *testSite) mailed(n int, to string, wants ...string) {
	s.t.Helper()
	all := s.mails()
	if len(all) != n {
		s.t.Fatalf("%d mails, want %d: %+v", len(all), n, all)
	}
	if all[0].To.String() != to {
		s.t.Errorf("the mail goes to %s, want %s", all[0].To, to)
	}
	has(s.t, all[0].Text, wants...)
}

// again starts the site anew, as another process.
func (s *testSite) again() {
	s.t.Helper()
	if err := s.site.Close(context.Background()); err != nil {
		s.t.Fatal(err)
	}
	s.start()
	s.part.drill = nil
	s.part.cfg.Mail = "owner@example.org"
}

func owned(t *testing.T) *testSite {
	s := newTestSite(t, true)
	s.part.drill = nil
	s.part.cfg.Mail = "owner@example.org"
	s.point()
	return s
}

// Settings that are deleted under a site, alone or with all that it remembers, are told once a day.
func TestSettingsGone(t *testing.T) {
	for name, c := range map[string]struct {
		gone    string
		restart bool
	}{"the file": {"backup/" + settingsFile, false}, "the folder": {"backup", false}, "the folder, and the process": {"backup", true}} {
		t.Run(name, func(t *testing.T) {
			s := owned(t)
			if s.recorded(RuleCourse.ID) != 1 || len(s.mails()) != 0 {
				t.Fatal("the first place is no event, or a mail")
			}
			receipt := s.state().newest().String()
			if c.gone == "backup" {
				receipt = "-"
			}
			if err := os.RemoveAll(filepath.Join(s.data, filepath.FromSlash(c.gone))); err != nil {
				t.Fatal(err)
			}
			if c.restart {
				s.again()
			}
			for range 3 {
				s.round()
				s.offset.add(time.Minute)
			}
			s.mailed(1, "owner@example.org", s.target, receipt, "backup init")
			if n := s.recorded(RuleSettingsGone.ID); n != 1 {
				t.Errorf("%d events", n)
			}
			s.offset.add(25 * time.Hour)
			s.round()
			s.mailed(2, "owner@example.org", s.target)
		})
	}
}

// A site that never made backups is told nothing.
func TestNoSettingsYet(t *testing.T) {
	s := newTestSite(t, false)
	s.part.cfg.Mail = "owner@example.org"
	s.round()
	if n := len(s.mails()); n != 0 {
		t.Errorf("%d mails", n)
	}
}

// Another place, another chain, another address for mails: each is an event, and the one who was told before is told.
func TestCourseChanges(t *testing.T) {
	for _, restart := range []bool{false, true} {
		s := owned(t)
		setup, err := ReadSetup(s.data)
		if err != nil {
			t.Fatal(err)
		}
		other := t.TempDir()
		if err := os.CopyFS(other, os.DirFS(s.target)); err != nil {
			t.Fatal(err)
		}
		chmodAll(t, other)
		setup.Target, setup.Mail = "file://"+other, "thief@example.net"
		if err := homeOf(s.data).write(settingsFile, setup); err != nil {
			t.Fatal(err)
		}
		if restart {
			s.again()
		}
		s.point()
		s.mailed(1, "owner@example.org", s.target, other, "thief@example.net")
		s.point()
		s.mailed(1, "owner@example.org")
		if err := os.Rename(filepath.Join(s.data, "backup"), filepath.Join(s.data, "backup.old")); err != nil {
			t.Fatal(err)
		}
		s.setUp() // as backup init does
		s.point()
		s.mailed(2, "thief@example.net", s.target)
		if n := s.recorded(RuleCourse.ID); n != 3 {
			t.Errorf("restart %v: %d events", restart, n)
		}
		s.offset.add(40 * day)
		if err := s.part.keepCourse(t.Context(), s.site.House()); err != nil {
			t.Fatal(err)
		}
		if n := s.recorded(RuleCourse.ID); n != 4 { // so that one is left when old events go
			t.Errorf("restart %v: %d events after forty days", restart, n)
		}
	}
}

// What was written where an address belongs keeps nothing from being recorded, nor a point from being made: whoever else is
// named is told.
func TestCourseWithoutAnAddress(t *testing.T) {
	s := owned(t)
	for i, c := range []struct{ mail, told string }{{"x", "owner@example.org"}, {"new@example.org", "new@example.org"}, {"y", "new@example.org"}, {"z", "owner@example.org"}} {
		setup, err := ReadSetup(s.data)
		if err != nil {
			t.Fatal(err)
		}
		setup.Mail = c.mail
		if err := homeOf(s.data).write(settingsFile, setup); err != nil {
			t.Fatal(err)
		}
		s.point()
		s.mailed(i+1, c.told, c.mail)
		if n := s.recorded(RuleCourse.ID); n != i+2 {
			t.Errorf("%q: %d events", c.mail, n)
		}
	}
	if err := os.Remove(homeOf(s.data).path(settingsFile)); err != nil {
		t.Fatal(err)
	}
	s.round()
	s.mailed(5, "owner@example.org", "backup init")
}

// readOnly is a database that takes nothing.
type readOnly struct{ db.Engine }

func (readOnly) Write(context.Context, func(context.Context, *db.Writer) error) error {
	return errors.New("nothing is written")
}

// What cannot be recorded stops no run, and is in the log.
func TestCourseNotRecorded(t *testing.T) {
	s := newTestSite(t, true)
	s.part.drill = nil
	house, said := *s.site.House(), &strings.Builder{}
	house.Engine, house.Log = readOnly{house.Engine}, slog.New(slog.NewTextHandler(said, nil))
	if err := s.part.round(t.Context(), &house); err != nil {
		t.Fatal(err)
	}
	if st := s.state(); st.Seq != 1 {
		t.Errorf("%d points", st.Seq)
	}
	has(t, said.String(), RuleCourse.ID, "nothing is written")
}
