package backup

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// What somebody puts where the next point belongs stops no run as long as a name is left, and is not called a second server.
func TestATakenNameStopsNoRun(t *testing.T) {
	s, v := onVersions(t, 3)
	store := s.store()
	store.target = v
	m := s.chain(store)[2].Manifest
	m.Seq, m.Class, m.K, m.KNext = 5, Hourly, public(seedKey(9)), public(seedKey(8))
	m.sign(seedKey(9))
	v.add(store.full("w/00000004/manifest.json"), []byte("x"), time.Time{})
	v.add(store.full("h/00000005/manifest.json"), encode(m), time.Time{})
	for _, c := range []struct {
		class Class
		notes int
	}{{Hourly, 1}, {Daily, 1}, {Hourly, 0}} {
		made := s.point()
		if made.Class != c.class || len(made.Notes) != c.notes {
			t.Errorf("point %d is %s, notes %q", made.Seq, made.Class, made.Notes)
		}
	}
	points, _ := store.Chain(t.Context(), nil)
	if len(points) != 6 {
		t.Errorf("%d points of 6 are proven", len(points))
	}
	for _, class := range []Class{Hourly, Daily, Weekly, Monthly} {
		v.add(store.full(folder(class, 7)+"/manifest.json"), []byte("x"), time.Time{})
	}
	s.note(1)
	if _, err := s.run(""); !errors.Is(err, errTaken) || errors.Is(err, ErrForked) {
		t.Errorf("all names of point 7 are taken: %v", err)
	}
	// One that comes while the point is put.
	v.all = slices.DeleteFunc(v.all, func(k kept) bool { return strings.Contains(k.Name, "/00000007/") })
	once := true
	s.wrap(func(Target) Target {
		return hooked{v, func(name string) {
			if strings.HasSuffix(name, "manifest.json") && once {
				once = false
				v.add(name, []byte("x"), time.Time{})
			}
		}}
	})
	if _, err := s.run(""); !errors.Is(err, errTaken) || errors.Is(err, ErrForked) {
		t.Errorf("taken while the point is put: %v", err)
	}
	if made := s.point(); made.Seq != 7 || made.Class != Daily {
		t.Errorf("the next run: %+v", made)
	}
}

// A version that somebody put in front of the newest manifest stops no run either.
func TestAVersionInFrontStopsNoRun(t *testing.T) {
	s, v := onVersions(t, 2)
	store := s.store()
	store.target = v
	v.add(store.full(s.chain(store)[1].Folder()+"/manifest.json"), []byte("x"), time.Time{})
	if made := s.point(); made.Seq != 3 {
		t.Errorf("%+v", made)
	}
}

// chain returns the points of a chain that has no fault.
func (s *testSite) chain(store *Store) []*Point {
	s.t.Helper()
	points, err := store.Chain(s.t.Context(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return points
}
