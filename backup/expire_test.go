package backup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const day = 24 * time.Hour

// later is a store whose clock goes with the site's, ahead of the real one.
type later struct {
	Target
	by *clockOffset
}

func (l later) Now(ctx context.Context) (time.Time, error) {
	now, err := l.Target.Now(ctx)
	return now.Add(l.by.is()), err
}

// inTime returns a site whose store's clock is its own.
func inTime(t *testing.T) *testSite {
	t.Helper()
	s := newTestSite(t, true)
	s.wrap(func(target Target) Target { return later{target, &s.offset} })
	return s
}

// here returns the points at the target by class, and demands that the chain is whole.
func (s *testSite) here() map[Class][]*Point {
	s.t.Helper()
	store := s.store()
	store.target = later{store.target, &s.offset}
	points, err := store.Chain(s.t.Context(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	by := map[Class][]*Point{}
	for _, p := range points {
		by[p.Class] = append(by[p.Class], p)
	}
	return by
}

// Where nothing locks the points go when their class's time is over, the newest of each class never, and the chain is whole
// all the time.
func TestPointsExpire(t *testing.T) {
	t.Parallel()
	s := inTime(t)
	start := time.Now()
	for range 3 {
		s.point() // m, then h
	}
	for range 44 {
		s.offset.add(day)
		s.point()
	}
	now := start.Add(s.offset.is())
	by := s.here()
	if len(by[Hourly]) != 1 || by[Hourly][0].Seq != 3 {
		t.Errorf("hourly: %d points, want the newest alone, though it is 44 days old", len(by[Hourly]))
	}
	for class, keep := range map[Class]time.Duration{Daily: 35 * day, Weekly: 100 * day, Monthly: 400 * day} {
		for _, p := range by[class] {
			if now.Sub(p.Instant) > keep+day {
				t.Errorf("%s point %d of %s is still there", class, p.Seq, p.Instant)
			}
		}
	}
	// None went too early: of 44 days those of the last 35 are there, whatever their class.
	left := len(by[Daily]) + len(by[Weekly]) + len(by[Monthly])
	if left < 35 || len(by[Weekly]) < 4 {
		t.Errorf("%d daily, %d weekly, %d monthly", len(by[Daily]), len(by[Weekly]), len(by[Monthly]))
	}
	// What is gone is gone whole.
	for _, name := range objects(t, s.target) {
		if strings.Contains(name, "/h/") && !strings.Contains(name, by[Hourly][0].Folder()+"/") {
			t.Errorf("%s is left of a deleted point", name)
		}
	}
}

// A clock that jumped by ten years, of a disk that has no other, takes a few points a day, not history.
func TestAJumpOfTheClockTakesLittle(t *testing.T) {
	s := inTime(t)
	for range 12 {
		s.point()
		s.offset.add(day)
	}
	before := s.here()
	s.offset.add(3650 * day)
	s.point()
	after := s.here()
	if d, w := len(before[Daily])-len(after[Daily]), len(before[Weekly])-len(after[Weekly]); d > 2 || w > 1 || len(after[Monthly]) < len(before[Monthly]) {
		t.Errorf("one run after the jump: of %d daily %d are left, of %d weekly %d, of %d monthly %d",
			len(before[Daily]), len(after[Daily]), len(before[Weekly]), len(after[Weekly]), len(before[Monthly]), len(after[Monthly]))
	}
}

// While the chain has a fault nothing is deleted, and the note says why.
func TestNothingExpiresFromABrokenChain(t *testing.T) {
	s := inTime(t)
	for range 3 {
		s.point()
	}
	s.offset.add(day)
	s.point() // daily: what was made before is linked
	points := s.here()
	if err := os.WriteFile(filepath.Join(s.target, s.store().site, points[Hourly][1].Folder(), "manifest.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.offset.add(10 * day)
	made := s.point()
	if notes := strings.Join(made.Notes, "\n"); !strings.Contains(notes, "while the chain has faults") {
		t.Errorf("notes: %q", notes)
	}
	if _, err := os.Stat(filepath.Join(s.target, s.store().site, points[Hourly][0].Folder(), "manifest.json")); err != nil {
		t.Errorf("the other hourly point: %v", err)
	}
}

// Data that no manifest came after goes when no point of its class could be so old.
func TestHalvesExpire(t *testing.T) {
	s := inTime(t)
	s.point()
	half := filepath.Join(s.target, s.store().site, "h", "00000099", "data-20260101T000000000Z.age")
	write(t, half, []byte("noise"))
	s.offset.add(3 * day)
	s.point()
	if _, err := os.Stat(half); err != nil {
		t.Errorf("after three days: %v", err)
	}
	s.offset.add(2 * day)
	s.point()
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("after five days: %v", err)
	}
}

// However many daily points a day has, as each drill makes one, a jump of the clock takes no more than a day's.
func TestADaysExpiryIsOneSum(t *testing.T) {
	s := inTime(t)
	for range 16 {
		s.point()
		s.offset.add(day)
	}
	before := s.here()
	s.offset.add(3650 * day)
	for range 6 {
		s.note(1)
		if _, err := s.part.attempt(t.Context(), s.site.House(), wish{daily: true, force: true}); err != nil {
			t.Fatal(err)
		}
	}
	after := s.here()
	for class, most := range mostExpired {
		gone := 0
		for _, p := range before[class] {
			if !slices.ContainsFunc(after[class], func(q *Point) bool { return q.Seq == p.Seq }) {
				gone++
			}
		}
		if gone > most {
			t.Errorf("%s: of %d points %d are gone within a day", class, len(before[class]), gone)
		}
	}
}

// A place that is full of points whose time is over takes the next one.
func TestAFullPlaceFreesItself(t *testing.T) {
	s := inTime(t)
	for range 5 {
		s.point()
	}
	s.offset.add(5 * day)
	site := filepath.Join(s.target, s.store().site)
	s.wrap(func(target Target) Target {
		return failing{later{target, &s.offset}, func(name string) (bool, error) {
			if all, _ := filepath.Glob(filepath.Join(site, "h", "*", "data-*")); len(all) > 2 && strings.Contains(name, "/data-") {
				return false, ErrFull
			}
			return true, nil
		}}
	})
	if made := s.point(); made.Seq != 6 {
		t.Errorf("%+v", made)
	}
	if by := s.here(); len(by[Hourly]) != 1 {
		t.Errorf("%d hourly points are left", len(by[Hourly]))
	}
	// What is not over stays, and the run says that the place is full.
	s.wrap(func(target Target) Target {
		return failing{later{target, &s.offset}, func(name string) (bool, error) { return false, ErrFull }}
	})
	s.note(1)
	if _, err := s.run(""); !errors.Is(err, ErrFull) {
		t.Errorf("%v", err)
	}
}
