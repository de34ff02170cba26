package backup

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// forge puts a point after the newest one, as whoever took the server does: signed by the key that is next, and of an instant
// of the thief's choice.
func (s *testSite) forge(store *Store, instant time.Time) *Point {
	s.t.Helper()
	ctx := context.Background()
	all, _ := store.Chain(ctx, nil)
	m := all[len(all)-1].Manifest
	body, err := store.ciphertext(ctx, all[len(all)-1])
	if err != nil {
		s.t.Fatal(err)
	}
	defer body.Close()
	var data bytes.Buffer
	if _, err := data.ReadFrom(body); err != nil {
		s.t.Fatal(err)
	}
	m.Prev, m.Seq, m.Class, m.Instant, m.StoreDate = all[len(all)-1].Hash(), m.Seq+1, Hourly, stamp(instant), stamp(instant)
	m.Data.Name = dataName(instant.UTC())
	m.K, m.KNext = public(s.thief()), public(seedKey(9))
	m.sign(s.thief())
	for name, text := range map[string][]byte{m.Folder() + "/" + m.Data.Name: data.Bytes(), m.Folder() + "/manifest.json": encode(m)} {
		if err := putRecord(ctx, store, name, text, m.Data.LockUntil); err != nil {
			s.t.Fatal(err)
		}
	}
	return &Point{Manifest: m}
}

// A point is not as old as its signer says: the point before it and the store's date say when it was made, and `restore --at`
// goes by them.
func TestABackdatedPointIsNotOld(t *testing.T) {
	s, v := onVersions(t, 0)
	start := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for i := range 3 {
		v.at = start.Add(time.Duration(i) * time.Hour)
		s.offset.set(time.Until(v.at))
		s.point()
	}
	store := &Store{target: v, site: s.store().site}
	v.at = start.Add(20 * time.Hour)
	for _, c := range []struct {
		name  string
		says  time.Time
		named bool
	}{
		{"before the first", start.Add(-time.Hour), true},
		{"just before the one it follows", start.Add(2*time.Hour - time.Minute), true}, // by the store's date
		{"after it, and long before the theft", start.Add(3 * time.Hour), true},
		{"in the future", start.Add(48 * time.Hour), true},
		{"now", start.Add(20 * time.Hour), false},
	} {
		kept := append([]kept(nil), v.all...)
		s.forge(store, c.says)
		points, err := store.Chain(t.Context(), nil)
		var fault *ChainError
		if errors.As(err, &fault) != c.named || c.named && (fault.Fault != Backdated || fault.Seq != 4) || len(points) != 4 {
			t.Errorf("%s: %d points, %v", c.name, len(points), err)
		}
		if p, err := pick(points, "", "2026-11-02T12:30Z"); err != nil || p.Seq != 3 {
			t.Errorf("%s: --at before it was made gives %+v, %v", c.name, p, err)
		}
		v.all = kept
	}
}

// A folder tells no dates of its own: the point before still does.
func TestABackdatedPointInAFolder(t *testing.T) {
	s := chainOf(t, 2)
	store := s.store()
	s.forge(store, time.Now().Add(-30*24*time.Hour))
	points, err := store.Chain(t.Context(), nil)
	var fault *ChainError
	if !errors.As(err, &fault) || fault.Fault != Backdated || fault.Seq != 3 || len(points) != 3 {
		t.Errorf("%d points, %v", len(points), err)
	}
	if p, err := pick(points, "", time.Now().Add(-24*time.Hour).UTC().Format(time.RFC3339)); err == nil {
		t.Errorf("--at a day ago gives point %d", p.Seq)
	}
}

// A clock of machine and folder that was ahead by a year and is set right: what is told of each later point names the way out.
func TestAClockThatWasAheadHasAWayOut(t *testing.T) {
	s := inTime(t)
	s.point()
	s.offset.set(365 * day)
	s.point()
	s.offset.set(time.Hour)
	s.point()
	store := s.store()
	store.target = later{store.target, &s.offset}
	points, err := store.Chain(t.Context(), nil)
	var fault *ChainError
	if !errors.As(err, &fault) || fault.Fault != Backdated || fault.Seq != 3 || len(points) != 3 || !strings.Contains(fault.Text, "backup init") {
		t.Errorf("%d points, %v", len(points), err)
	}
}
