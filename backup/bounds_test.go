package backup

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Numbers that no chain has, in records that anybody may put, take no point away.
func TestHugeNumbersOfLinks(t *testing.T) {
	for _, seq := range []int64{math.MaxInt64, math.MinInt64, maxSeq + 1, 0, -1} {
		s := chainOf(t, 3)
		store := s.store()
		path := filepath.Join(s.target, store.site, "chain", "99999999-links.json")
		l := Links{Format: formatName, Kind: "links", Site: store.site, Links: []Link{
			{Branch: 1, Seq: seq, Class: Hourly, Manifest: "x", KNext: "x", Sig: "x"}, {Branch: 2, Seq: maxSeq, Class: Hourly, Manifest: "x", KNext: "x", Sig: "x"}}}
		if err := os.WriteFile(path, encode(l), 0o600); err != nil {
			t.Fatal(err)
		}
		points, err := store.Chain(t.Context(), s.state().newest())
		if len(points) != 3 || err == nil || !strings.Contains(err.Error(), "99999999-links.json is altered") {
			t.Errorf("a link %d: %d points of 3, %v", seq, len(points), err)
		}
	}
}

// Who comes by the key that signs next can sign whatever they like. What no site writes is told and takes nothing from the points
// before, nor does it reach a terminal.
func TestSignedNonsense(t *testing.T) {
	for name, spoil := range map[string]func(m *Manifest){
		"no recipient": func(m *Manifest) { m.R = nil },
		"nine recipients": func(m *Manifest) {
			m.R = make([]string, 9)
			for i := range m.R {
				m.R[i] = Fingerprint(string(rune(i)))
			}
		},
		"a recipient of escapes": func(m *Manifest) { m.R = []string{"\x1b[1A\x1b[2K\nnewest here is point 1"} },
		"endless plain text":     func(m *Manifest) { m.Data.PlainMax = math.MaxInt64 },
		"endless data":           func(m *Manifest) { m.Data.Size = math.MaxInt64 },
		"a build of escapes":     func(m *Manifest) { m.Build = "club\x1b[2K" },
		"a long build":           func(m *Manifest) { m.Build = strings.Repeat("x", 1000) },
		"a base of its own":      func(m *Manifest) { m.Base = Receipt{2, m.Prev}.String() },
		"a base of escapes":      func(m *Manifest) { m.Base = "1:\x1b[2K" },
		"a base and a long life": func(m *Manifest) { m.Class, m.Base = Daily, Receipt{1, m.Prev}.String() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSite(t, true)
			s.point()
			store := s.store()
			keys, err := homeOf(s.data).readSigners()
			if err != nil {
				t.Fatal(err)
			}
			if keys.Next, err = newSigner(); err != nil {
				t.Fatal(err)
			}
			m := s.points()[0].Manifest
			m.Seq, m.Prev, m.Class = 2, s.state().Hash, Hourly
			m.K, m.KNext = public(keys.current()), public(keys.next())
			spoil(&m)
			m.sign(keys.current())
			dir := filepath.Join(s.target, store.site, filepath.FromSlash(m.Folder()))
			write(t, filepath.Join(dir, "manifest.json"), encode(m))
			points, err := store.Chain(t.Context(), nil)
			if len(points) != 1 || err == nil || !strings.Contains(err.Error(), "00000002/manifest.json is altered") || strings.ContainsRune(err.Error(), 0x1b) {
				t.Errorf("%d points, %v", len(points), err)
			}
		})
	}
}

// That nothing has changed is no comfort when the newest point is not there any more, or not for long.
func TestNothingChangedAndThePointGoes(t *testing.T) {
	t.Run("its time is over", func(t *testing.T) {
		s, v := onVersions(t, 0)
		at := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
		s.clock(v, at)
		s.point()
		s.clock(v, at.Add(time.Hour))
		s.point()
		run := func(after time.Duration) *Made {
			t.Helper()
			s.clock(v, at.Add(after))
			v.lifecycle()
			made, err := s.part.runner.run(t.Context(), wish{})
			if err != nil {
				t.Fatal(err)
			}
			return made
		}
		if made := run(50 * time.Hour); made.Skipped {
			t.Errorf("some hours before: %+v", made)
		}
		if made := run(50*24*time.Hour + time.Hour); made.Skipped {
			t.Errorf("weeks after: %+v", made)
		}
	})
	for name, spoil := range map[string]func(path string) error{
		"its data is gone": os.Remove,
		"its data is cut":  func(path string) error { return os.Truncate(path, 10) },
	} {
		t.Run(name, func(t *testing.T) {
			s := chainOf(t, 2)
			s.quiet()
			files := s.dataFiles()
			if err := spoil(files[len(files)-1]); err != nil {
				t.Fatal(err)
			}
			if made := s.plain(); made.Skipped || len(made.Notes) != 1 || !strings.Contains(made.Notes[0], "data is") {
				t.Errorf("%+v", made)
			}
			if !s.state().knows(int64(len(files))) {
				t.Error("what was found is not kept")
			}
			s.quiet()
		})
	}
}
