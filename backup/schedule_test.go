package backup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/mailbox"
)

// mails are the subjects of what the site wants sent.
func (s *testSite) mails() (all []mailbox.Message) {
	s.t.Helper()
	r := s.site.House().Engine.Read(context.Background())
	defer r.Close()
	all, err := s.site.House().Mails.List(r, 0, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

func (s *testSite) round() {
	s.t.Helper()
	if err := s.part.round(context.Background(), s.site.House()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *testSite) state() *state {
	s.t.Helper()
	st, err := homeOf(s.data).readState()
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

func TestSchedule(t *testing.T) {
	s := newTestSite(t, false)
	s.part.drill = nil // has its own tests
	s.round()          // not set up: nothing to do, no error
	v := &versions{}
	s.part.runner.schemes = memory(v)
	s.setUpOn(v)
	s.advance(v, 0)
	s.note(1)
	s.round()
	if st := s.state(); st.Seq != 1 {
		t.Fatalf("the first round made %d points", st.Seq)
	}
	if _, err := journal.Chain(t.Context(), s.site.House().Engine); err != nil { // a task links that round's event after a while
		t.Fatal(err)
	}
	s.note(1)
	s.advance(v, 14*time.Minute)
	s.round()
	if st := s.state(); st.Seq != 1 {
		t.Errorf("after 14 minutes: %d points", st.Seq)
	}
	s.advance(v, 2*time.Minute)
	s.round()
	if st := s.state(); st.Seq != 2 {
		t.Errorf("after 16 minutes: %d points", st.Seq)
	}
	s.settle()
	s.advance(v, 16*time.Minute)
	s.round()
	if st := s.state(); st.Seq != 2 || st.Current.Sub(st.Instant) < 10*time.Minute {
		t.Errorf("nothing changed: %d points, current as of %s, made %s", st.Seq, st.Current, st.Instant)
	}
}

func TestTheDrillIsCalledOnceANight(t *testing.T) {
	s := newTestSite(t, false)
	v := &versions{}
	s.part.runner.schemes = memory(v)
	s.setUpOn(v)
	drills := 0
	s.part.drill = func(context.Context, *merlon.House) error {
		key := s.part.runner.take()
		if key == nil || key.point.Class == Hourly || s.part.runner.take() != nil {
			t.Errorf("the drill has the key %+v", key)
		}
		drills++
		return homeOf(s.data).write(stateFile, func() *state { st := s.state(); st.DrillAt = s.site.House().Clock(); return st }())
	}
	midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(48 * time.Hour)
	for hour := range 26 {
		s.offset.set(time.Until(midnight.Add(time.Duration(hour)*time.Hour + 5*time.Minute)))
		v.at = time.Now().Add(s.offset.is())
		s.round()
	}
	if drills != 1 {
		t.Errorf("%d drills from 0:05 to 1:05 of the next day", drills)
	}
}

func TestFailuresAreTold(t *testing.T) {
	s := newTestSite(t, false)
	v := &versions{}
	s.part.runner.schemes = memory(v)
	s.setUpOn(v)
	s.part.drill = nil // has its own tests
	s.part.cfg.Mail = "owner@example.org"
	s.advance(v, 0)
	s.point()
	s.wrap(func(Target) Target {
		return failing{v, func(string) (bool, error) { return false, ErrFull }}
	})
	for range 10 { // 100 minutes
		s.note(1)
		s.round()
		s.advance(v, 10*time.Minute)
	}
	if m := s.mails(); len(m) != 1 || !strings.Contains(m[0].Subject, "do not work") || !strings.Contains(m[0].Text, "full") {
		t.Errorf("%d mails: %+v", len(m), m)
	}
	s.hasReceipt(s.mails()[0])
	if err := s.part.drillFailed(t.Context(), s.site.House(), &Evidence{Seq: 1, Problem: "it does not open"}); err != nil {
		t.Fatal(err)
	}
	s.hasReceipt(s.mails()[0])
	if n := strings.Count(s.events(), RuleTargetFull.ID); n < 5 {
		t.Errorf("%d events", n)
	}
	if f := s.check(RuleGap); len(f) != 1 {
		t.Errorf("check: %v", f)
	}
	s.advance(v, 25*time.Hour)
	s.round()
	if m := s.mails(); len(m) != 3 {
		t.Errorf("%d mails after a day", len(m))
	}
	s.wrap(nil)
	s.advance(v, 10*time.Minute)
	s.round()
	if m := s.mails(); len(m) != 4 || !strings.Contains(m[0].Subject, "work again") || !strings.Contains(m[0].Text, "2:sha256:") {
		t.Errorf("%d mails when it works again: %+v", len(m), m)
	}
	if f := s.check(RuleGap); len(f) != 0 {
		t.Errorf("check: %v", f)
	}
}

// hasReceipt demands that `restore --receipt` takes a mail and finds the newest point in it.
func (s *testSite) hasReceipt(m mailbox.Message) {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "mail.txt")
	if err := os.WriteFile(path, []byte(m.Text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if r, err := readReceipt(path); err != nil || *r != *s.state().newest() {
		s.t.Errorf("the receipt in %q: %v, %v", m.Text, r, err)
	}
	if key := Fingerprint(s.recovery.Recipient()); !strings.Contains(m.Text, key) {
		s.t.Errorf("the mail does not say whose key opens the points, %s: %q", key, m.Text)
	}
}

// check runs the part's check of a rule.
func (s *testSite) check(rule check.Rule) (found []check.Finding) {
	for _, c := range s.part.checks() {
		if c.Rule.ID == rule.ID {
			found = append(found, c.Run(context.Background())...)
		}
	}
	return found
}

func TestChecks(t *testing.T) {
	s := newTestSite(t, false)
	v := &versions{}
	s.part.runner.schemes = memory(v)
	is := func(when string, rules ...check.Rule) {
		t.Helper()
		want := map[string]bool{}
		for _, r := range rules {
			want[r.ID] = true
		}
		for _, c := range s.part.checks() {
			if found := c.Run(t.Context()); len(found) > 0 != want[c.Rule.ID] {
				t.Errorf("%s: %s: %v", when, c.Rule.ID, found)
			}
		}
	}
	is("without backups", RuleNone)
	house := *s.site.House()
	s.part.house = &house
	s.setUpOn(v)
	is("set up just now")
	s.advance(v, 2*time.Hour)
	is("no point after two hours", RuleNone)
	s.point()
	is("with a point")
	s.advance(v, 7*24*time.Hour)
	s.point()
	is("after a week without a proof", RuleProofMissing)
	s.advance(v, 2*24*time.Hour)
	s.point()
	is("nine days without a drill", RuleProofMissing, RuleDrillOld)
	now := house.Clock()
	st := s.state()
	st.Proven, st.Drilled = now, now
	s.keep(st)
	is("proven and drilled")
	s.advance(v, 91*24*time.Hour)
	st.Drilled, st.Current = house.Clock(), house.Clock()
	s.keep(st)
	is("after 91 days", RuleProofOld)
	s.advance(v, 90*24*time.Hour)
	st.Drilled, st.Current = house.Clock(), house.Clock()
	s.keep(st)
	is("after 181 days", RuleProofMissing)
	st.Proven, st.Offset = house.Clock(), 301
	st.Probes = []Probe{{Name: "delete", Said: "the object was deleted"}}
	s.keep(st)
	is("clock and rights", RuleClock, RuleDeletable)
	st.Offset, st.Probes = 0, []Probe{{Name: "delete", OK: true}}
	s.keep(st)
	write(t, filepath.Join(s.data, "kit.txt"), []byte(strings.ToLower(s.recovery.Reveal())))
	is("a key in the data folder", RuleKeyBeside)
	if err := os.Remove(filepath.Join(s.data, "kit.txt")); err != nil {
		t.Fatal(err)
	}
	setup, err := ReadSetup(s.data)
	if err != nil {
		t.Fatal(err)
	}
	setup.Target = "file://" + s.target // as the data: below the tests' folder
	if err := homeOf(s.data).write(settingsFile, setup); err != nil {
		t.Fatal(err)
	}
	is("on the same disk", RuleSameDisk)
	setup.Try = true
	if err := homeOf(s.data).write(settingsFile, setup); err != nil {
		t.Fatal(err)
	}
	is("to try it out", RuleSameDisk)
	write(t, homeOf(s.data).path(settingsFile), []byte("{}"))
	for _, c := range s.part.checks() {
		if len(c.Run(t.Context())) == 0 && c.Rule.ID != RuleServer.ID { // which asks a server, and this site has none
			t.Errorf("damaged settings: %s finds nothing", c.Rule.ID)
		}
	}
}

func TestOwnerIsAskedForTheEndOfTheKey(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []string
		refused bool
	}{
		{"right", []string{"END"}, false}, {"right at the third time", []string{"", "xxxx", "end"}, false}, {"never", []string{"a", "b", "c", "END"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var shown strings.Builder
			kit := &Kit{Title: "notes", Site: newSite(), Target: "file:///x", recovery: known(t)}
			key := kit.recovery.Reveal()
			asked := 0
			call := &merlon.Call{Flags: map[string]string{}, Apart: &merlon.Apart{Data: t.TempDir(), Err: &shown, Terminal: true, Ask: func(_ context.Context, q string, _ bool) (string, error) {
				answer := c.answers[asked]
				asked++
				if answer == "END" || answer == "end" {
					answer = strings.ToLower(key[len(key)-4:])
				}
				return answer, nil
			}}}
			err := (&part{}).showKey(t.Context(), call, kit)
			if errors.Is(err, merlon.ErrRefused) != c.refused || (err != nil) != c.refused {
				t.Errorf("%v", err)
			}
			if strings.Count(shown.String(), groups(key, 8)) != 1 {
				t.Errorf("the key is not shown once: %s", shown.String())
			}
		})
	}
}

// A run that ends before it can note anything, here since its keys cannot be read, is told as any other: once a day.
func TestFailureBeforeARunIsToldOnceADay(t *testing.T) {
	s := owned(t)
	write(t, homeOf(s.data).path(signersFile), []byte("{"))
	s.offset.add(20 * time.Minute)
	for range 10 {
		s.round()
		s.offset.add(time.Minute)
	}
	s.mailed(1, "owner@example.org", signersFile)
	if n := s.recorded(RuleFailed.ID); n > 3 {
		t.Errorf("%d events in ten minutes", n)
	}
	s.offset.add(30 * time.Minute)
	if f := s.check(RuleGap); len(f) != 1 || !strings.Contains(f[0].Error(), signersFile) {
		t.Errorf("check: %v", f)
	}
	s.offset.add(25 * time.Hour)
	s.round()
	s.mailed(2, "owner@example.org", signersFile)
}
