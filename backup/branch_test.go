package backup

import (
	"strings"
	"testing"
	"time"
)

// bringBack goes on after a point, as a restore in place of the live data does.
func (s *testSite) bringBack(after int64) {
	s.t.Helper()
	s.bringBackAt(s.store(), after)
}

func (s *testSite) bringBackAt(store *Store, after int64) {
	s.t.Helper()
	s.signBirth(store, after)
	if note, err := putRebirth(s.t.Context(), homeOf(s.data), store, store.root, time.Now()); err != nil || note != "" {
		s.t.Fatal(note, err)
	}
}

// signBirth writes the home of a site that goes on after a point. The record that it returns is not put.
func (s *testSite) signBirth(store *Store, after int64) *Rebirth {
	s.t.Helper()
	w, err := store.walk(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := which{seq: after}.in(w.points)
	if err != nil {
		s.t.Fatal(err)
	}
	seed, err := newSigner()
	if err != nil {
		s.t.Fatal(err)
	}
	keys := &signers{Format: signersFormat, Seq: w.top() + 1, Current: seed}
	r := &Rebirth{Format: formatName, Kind: "rebirth", Site: store.site, Branch: w.branch + 1, After: after, Prev: p.Hash(), From: w.top() + 1, Created: stamp(time.Now()), K: public(keys.current())}
	r.sign(s.recovery.root)
	h := homeOf(s.data)
	for name, v := range map[string]any{rebirthFile: r, signersFile: keys, stateFile: &state{Format: stateFormat, Seq: r.From - 1, Hash: hashOf(r.unsigned()), Branch: r.Branch, Lasts: map[Class]time.Time{}}} {
		if err := h.write(name, v); err != nil {
			s.t.Fatal(err)
		}
	}
	return r
}

// A point that one restore left is none that was left when a later one chose it: `latest` is what led to the site as it is.
func TestLatestIsWhatLedHere(t *testing.T) {
	s := newTestSite(t, true)
	for range 6 {
		s.point()
	}
	latest := func(want int64, left ...int64) {
		t.Helper()
		points := s.points()
		if p, err := (which{}).in(points); err != nil || p.Seq != want {
			t.Errorf("latest is %+v, %v, want point %d", p, err, want)
		}
		var got []int64
		for _, p := range points {
			if p.Abandoned {
				got = append(got, p.Seq)
			}
		}
		if len(got) != len(left) {
			t.Errorf("%v were left, want %v", got, left)
			return
		}
		for i := range left {
			if got[i] != left[i] {
				t.Errorf("%v were left, want %v", got, left)
			}
		}
	}
	s.bringBack(2)
	latest(2, 3, 4, 5, 6)
	s.bringBack(5) // before any point of the branch
	latest(5, 6)
	if made := s.point(); made.Seq != 7 {
		t.Fatalf("%+v", made)
	}
	s.point()
	latest(8, 6)
	s.bringBack(3)
	s.point()
	latest(9, 4, 5, 6, 7, 8)
	s.bringBack(7)
	latest(7, 6, 8, 9)
}

// The list for people says which points a restore left.
func TestListTellsWhatWasLeft(t *testing.T) {
	var out strings.Builder
	if err := printPoints(&out, []listed{{Seq: 3}, {Seq: 2, Left: true, Label: "before"}, {Seq: 1, Left: true}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		if strings.HasSuffix(strings.TrimRight(line, " \n"), "(left by a restore)") || strings.Contains(line, "(left by a restore) before") {
			got = append(got, line[:1])
		}
	}
	if strings.Join(got, " ") != "2 1" {
		t.Errorf("%q are told as left:\n%s", got, &out)
	}
}
