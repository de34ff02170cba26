package backup

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// lifecycle takes what a store's own does: what was released a day ago, of the classes' folders.
func (v *versions) lifecycle() {
	v.all = slices.DeleteFunc(v.all, func(k kept) bool {
		return !strings.Contains(k.Name, "/chain/") && !k.LockUntil.IsZero() && k.LockUntil.Add(day).Before(v.at)
	})
}

// clock sets the clocks of site and store.
func (s *testSite) clock(v *versions, at time.Time) {
	v.at = at
	s.offset.set(time.Until(at))
}

// watched is a store at which somebody else puts after the site does.
type watched struct {
	*versions
	put func(o Object)
}

func (b watched) Put(ctx context.Context, name string, body io.ReadSeeker, o PutOptions) (Object, error) {
	got, err := b.versions.Put(ctx, name, body, o)
	if err == nil {
		b.put(got)
	}
	return got, err
}

// Whoever may put takes the names of the coming links records, with a part of what belongs there or with nothing of it. Every
// point is proven all the same when the lifecycle took those before it, and each run says what was there.
func TestTakenNamesOfLinksTakeNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		put  func(v *versions, store *Store, o Object)
	}{
		{"the newest link alone", func(v *versions, store *Store, o Object) {
			text, _ := store.text(context.Background(), o)
			var m Manifest
			if decode(text, &m) == nil && m.Kind == "point" && m.Class != Hourly {
				v.add(store.full(fmt.Sprintf("chain/%08d-links.json", m.Seq)), encode(Links{Format: formatName, Kind: "links", Site: m.Site, Links: []Link{m.link()}}), time.Time{})
			}
		}},
		{"nothing", func(v *versions, store *Store, o Object) {
			if m := manifestPath.FindStringSubmatch(store.below(o.Name)); m != nil {
				v.add(store.full(fmt.Sprintf("chain/%s-links.json", m[2])), []byte("{}\n"), time.Time{})
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, v := onVersions(t, 0)
			store := s.store()
			store.target = v
			s.wrap(func(Target) Target { return watched{v, func(o Object) { c.put(v, store, o) }} })
			made, notes := int64(0), 0
			for d := range 8 {
				for hour := range 3 {
					s.clock(v, time.Date(2026, 1, 1, 1+hour, 0, 0, 0, time.UTC).Add(time.Duration(d)*day))
					one := s.point()
					made, notes = one.Seq, notes+len(one.Notes)
				}
				v.lifecycle()
				points, err := store.Chain(t.Context(), nil)
				if len(points) == 0 || points[len(points)-1].Seq != made {
					t.Fatalf("day %d: %d points are proven, the newest is %d: %v", d, len(points), made, err)
				}
			}
			if notes < 7 {
				t.Errorf("%d notes of 8 names that were taken", notes)
			}
		})
	}
}

// A number of which no record has the link keeps its point, and the state that is read from the chain has it again.
func TestLinkedIsEachNumber(t *testing.T) {
	s := inTime(t)
	for range 3 {
		s.point()
	}
	points := s.here()
	third := points[Hourly][1]
	write(t, s.target+"/"+s.store().site+"/chain/00000003-links.json", encode(Links{Format: formatName, Kind: "links", Site: third.Site, Links: []Link{third.link()}}))
	if err := homeOf(s.data).write(stateFile, &state{Format: stateFormat, Branch: 1}); err != nil {
		t.Fatal(err)
	}
	s.point()
	at, err := homeOf(s.data).readState()
	if err != nil {
		t.Fatal(err)
	}
	var pending []int64
	for _, l := range at.Links {
		pending = append(pending, l.Seq)
	}
	if !slices.Equal(pending, []int64{2, 4}) {
		t.Errorf("links that are in no record: %v, want 2 and 4", pending)
	}
	s.offset.set(day)
	if made := s.point(); len(made.Notes) > 0 {
		t.Error(made.Notes)
	}
	s.here()
}

// The server is gone for good, right after a manifest. What is kept for longer than the hourly points before it is proven when they
// are gone, and of the hourly ones all but the last few are as long as they are there.
func TestTheDeadServersPointsAreProven(t *testing.T) {
	s, v := onVersions(t, 0)
	store := s.store()
	store.target = v
	start := time.Date(2026, 12, 8, 3, 0, 0, 0, time.UTC)
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	dying, gone := false, false
	s.wrap(func(Target) Target {
		return failing{v, func(name string) (bool, error) {
			if gone {
				return false, ErrUnreachable
			}
			gone = dying && strings.HasSuffix(name, "manifest.json")
			return true, nil
		}}
	})
	newest := func() *Point {
		t.Helper()
		v.lifecycle()
		points, _ := store.Chain(t.Context(), nil)
		if len(points) == 0 {
			t.Fatal("no point is proven")
		}
		return points[len(points)-1]
	}
	for n := range 19 { // on 8 December, from 03:00 to 21:00
		s.clock(v, hour(n))
		s.point()
	}
	kept := slices.Clone(v.all)
	v.at = hour(4*24 + 8) // those of the morning are gone
	if p := newest(); p.Seq != 19 {
		t.Errorf("hourly points: the newest that is proven is %d of 19", p.Seq)
	}
	v.all = kept
	s.clock(v, hour(24))
	dying = true // the daily one's manifest comes, and nothing after it
	s.note(1)
	_, _ = s.run("")
	if p := newest(); p.Seq != 20 || p.Class != Daily {
		t.Fatalf("%+v", p)
	}
	v.at = hour(6 * 24)
	if p := newest(); p.Seq != 20 {
		t.Errorf("the daily point: the newest that is proven is %d", p.Seq)
	}
}
