package backup

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAgeOf(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		t    time.Time
		want time.Duration
	}{
		{now, 0}, {now.Add(-time.Hour), time.Hour}, {now.Add(maxOffset), 0}, {now.Add(maxOffset + time.Second), math.MaxInt64},
		{now.AddDate(10, 0, 0), math.MaxInt64}, {now.AddDate(1000, 0, 0), math.MaxInt64}, {time.Time{}, math.MaxInt64},
	} {
		if got := ageOf(c.t, now); got != c.want {
			t.Errorf("%s: %s, want %s", c.t, got, c.want)
		}
	}
}

// gauge is the value of one of the part's.
func (s *testSite) gauge(name string) float64 {
	s.t.Helper()
	all, err := gauges(context.Background(), s.site.House())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, g := range all {
		if string(g.Name) == name {
			return g.Value
		}
	}
	s.t.Fatalf("no gauge %s", name)
	return 0
}

// A clock that was ahead for a while, the store's with it, silences nothing once it is right again: no check, no gauge, no mail.
func TestClockThatWasAhead(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"ten years": 3650 * day, "twenty days": 20 * day} {
		t.Run(name, func(t *testing.T) {
			s, v := onVersions(t, 1)
			s.part.cfg.Mail = "owner@example.org"
			now := time.Now()
			s.clock(v, now.Add(ahead))
			s.point()
			st := s.state()
			st.Drilled, st.DrillAt, st.Proven, st.Mailed = st.Current, st.Current, st.Current, st.Current
			st.Failed, st.Since = "it failed while the clock was ahead", st.Current
			s.keep(st)
			mails := len(s.mails())
			s.wrap(func(to Target) Target {
				return failing{to, func(string) (bool, error) { return false, ErrUnreachable }}
			})
			for d := range 5 {
				s.clock(v, now.Add(time.Duration(d)*25*time.Hour+time.Hour))
				s.note(1)
				if _, err := s.run(""); err == nil {
					t.Fatal("no failure")
				}
				if n := len(s.mails()); n != mails+d+1 {
					t.Errorf("day %d: %d mails", d, n-mails)
				}
			}
			if f := s.check(RuleGap); len(f) != 1 || !strings.Contains(f[0].Error(), ErrUnreachable.Error()) {
				t.Errorf("gap: %v", f)
			}
			if f := s.check(RuleDrillOld); len(f) != 1 {
				t.Errorf("drill: %v", f)
			}
			if f := s.check(RuleProofMissing); len(f) != 1 {
				t.Errorf("proof: %v", f)
			}
			if g := s.gauge("merlon_backup_age_seconds"); g < (100 * time.Hour).Seconds() {
				t.Errorf("the newest point is %f seconds old", g)
			}
			if g := s.gauge("merlon_drill_age_seconds"); g < drillOld.Seconds() {
				t.Errorf("the last drill was %f seconds ago", g)
			}
			s.wrap(nil)
			s.point()
			if f := s.check(RuleGap); len(f) != 0 {
				t.Errorf("a point was made: %v", f)
			}
			if g := s.gauge("merlon_backup_age_seconds"); g < 0 || g > 60 {
				t.Errorf("a point was made, and it is %f seconds old", g)
			}
		})
	}
}

// What a state that was written ahead says at each place that asks it for an age.
func TestStateOfAClockThatWasAhead(t *testing.T) {
	s := newTestSite(t, true)
	s.point()
	now := s.site.House().Clock()
	before := now.Add(-2 * time.Hour)
	for _, by := range []time.Duration{time.Hour, 20 * day, 3650 * day} {
		then := now.Add(by)
		st := &state{Current: then, Recent: []time.Time{before, then}, Proven: then, DrillAt: then, Wrong: []time.Time{then, then, then, then, then}}
		if got := st.covers(now); !got.Equal(before) {
			t.Errorf("%s: it covers %s", by, got)
		}
		e := &Evidence{}
		e.age(st, now)
		if e.RPO != 7200 || e.WorstGap != 7200 || e.ProofAge != -1 {
			t.Errorf("%s: RPO %f, gap %f, proof %f", by, e.RPO, e.WorstGap, e.ProofAge)
		}
		st.Recent = nil
		if got := st.covers(now); !got.IsZero() {
			t.Errorf("%s: it covers %s", by, got)
		}
		if _, err := st.tryCode("x", now); err != ErrCode {
			t.Errorf("%s: %v", by, err)
		}
		if night := time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC); !drillDue(&state{DrillAt: night.Add(by)}, night) {
			t.Errorf("%s: no drill is due", by)
		}
		j, err := s.part.runner.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		j.now, j.state.Probed, j.state.Recent = now, then, []time.Time{before, then}
		if j.upkeep(t.Context()); !j.state.Probed.Equal(now) || !slices.Equal(j.state.Recent, []time.Time{before}) {
			t.Errorf("%s: probed %s, recent %v; %v", by, j.state.Probed, j.state.Recent, j.notes)
		}
		j.target.Close()
	}
}

// Locks are made longer again, and older points of a bucket read.
func TestUpkeepOfABucketWhoseClockWasAhead(t *testing.T) {
	s, v := onVersions(t, 4)
	j, err := s.part.runner.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j.now = time.Now()
	j.state.Relocked = j.now.Add(20 * day)
	if err := j.relock(t.Context()); err != nil || !j.state.Relocked.Equal(j.now) {
		t.Errorf("relocked %s: %v", j.state.Relocked, err)
	}
	store := &Store{target: v, site: j.setup.Site, root: j.setup.T}
	points, err := store.Chain(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	e := &Evidence{Started: j.now}
	if err := e.readOlder(t.Context(), store, points, &state{Scrubbed: j.now.Add(3650 * day)}); err != nil || e.Checks.Older == 0 {
		t.Errorf("%d older points were read: %v", e.Checks.Older, err)
	}
}

// What this process remembers, and a course that was recorded ahead.
func TestCourseOfAClockThatWasAhead(t *testing.T) {
	s := owned(t)
	then := time.Now().Round(0).Add(3650 * day)
	s.part.course.at, s.part.course.stuck, s.part.course.gone, s.part.course.started = then, then, then, then
	if err := s.part.keepCourse(t.Context(), s.site.House()); err != nil {
		t.Fatal(err)
	}
	if n := s.recorded(RuleCourse.ID); n != 2 {
		t.Errorf("%d events", n)
	}
	st := s.state()
	st.Current, st.Recent, st.Tried = then, nil, then
	s.keep(st)
	began := time.Now().Add(-time.Hour)
	s.part.began.Store(&began)
	s.watch()
	s.mailed(1, "owner@example.org", "has not ended")
	s.part.began.Store(nil)
	if f := s.check(RuleGap); len(f) != 1 || !strings.Contains(f[0].Error(), "in the future") {
		t.Errorf("%v", f)
	}
	s.round() // what was tried ahead keeps no round from running
	if st := s.state(); st.Current.After(time.Now()) {
		t.Errorf("no round ran: covered %s", st.Current)
	}
	if err := s.part.settingsGone(t.Context(), s.site.House()); err != nil {
		t.Fatal(err)
	}
	s.mailed(2, "owner@example.org", "are gone")
}
