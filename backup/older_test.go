package backup

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A drill reads some older points again, and finds one that has become noise.
func TestDrillsReadOlderPoints(t *testing.T) {
	s := chainOf(t, 3)
	points, e := s.points(), &Evidence{}
	if err := e.readOlder(t.Context(), s.store(), points, s.state()); err != nil || e.Checks.Older != 2 {
		t.Fatalf("%d were read: %v", e.Checks.Older, err)
	}
	for i, p := range points {
		path := filepath.Join(s.target, s.store().Site(), filepath.FromSlash(p.Folder()), p.Data.Name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := append([]byte(nil), good...)
		bad[len(bad)/2] ^= 1
		if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, bad, 0o600)); err != nil {
			t.Fatal(err)
		}
		err = (&Evidence{}).readOlder(t.Context(), s.store(), points, s.state())
		var fault ChainErrors
		if older := i < 2; errors.As(err, &fault) != older { // the newest one is restored anyway
			t.Errorf("point %d is noise: %v", p.Seq, err)
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Where the store looks after what it has, older points are read once a week, and more of them.
func TestWeeklyScrub(t *testing.T) {
	s, v := onVersions(t, 7)
	store := s.store()
	store.target = v
	points, err := store.Chain(t.Context(), nil)
	if err != nil || len(points) != 7 {
		t.Fatal(len(points), err)
	}
	known := s.state()
	read := func(since time.Duration) int {
		t.Helper()
		e := &Evidence{Started: known.Scrubbed.Add(since)}
		if err := e.readOlder(t.Context(), store, points, known); err != nil {
			t.Fatal(err)
		}
		return e.Checks.Older
	}
	known.Scrubbed = time.Now()
	for since, want := range map[time.Duration]int{0: 0, 6 * 24 * time.Hour: 0, 7 * 24 * time.Hour: scrubbed} {
		if got := read(since); got != want {
			t.Errorf("%v after the last time %d points were read, want %d", since, got, want)
		}
	}
	if err := s.part.runner.noteState(&Evidence{Checks: DrillChecks{Older: 1}}, nil); err != nil {
		t.Fatal(err)
	}
	if s.state().Scrubbed.IsZero() {
		t.Error("that points were read is not kept")
	}
}

// That nothing has changed keeps no run from making a point when the newest one restores nothing.
func TestDamagedNewestIsMadeAnew(t *testing.T) {
	s := chainOf(t, 2)
	s.quiet()
	st := s.state()
	seq := st.Seq
	st.Damaged = []damaged{{Seq: seq, Until: time.Now().Add(time.Hour)}}
	s.keep(st)
	if made := s.plain(); made.Skipped || made.Seq != seq+1 {
		t.Errorf("%+v", made)
	}
	s.quiet()
}
