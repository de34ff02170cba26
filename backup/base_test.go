package backup

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/outbound/file"
)

// restored lays out a point as a restore does, and returns the contents of the uploads that came back, and what was said.
func (s *testSite) restored(p *Point, with key) (contents []string, said string, err error) {
	s.t.Helper()
	var words bytes.Buffer
	f, err := s.part.fetch(s.t.Context(), fetching{store: s.store(), point: p, key: with, dest: filepath.Join(s.t.TempDir(), "data"),
		open: openUploads,
		say:  func(format string, args ...any) { fmt.Fprintf(&words, format+"\n", args...) }, restore: merlon.Restore{Now: time.Now(), Who: "test"}})
	if err != nil {
		return nil, words.String(), err
	}
	defer f.discard()
	r := s.site.House().Engine.Read(s.t.Context())
	defer r.Close()
	hashes, err := file.Hashes(r)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, hash := range hashes {
		switch text, err := os.ReadFile(filepath.Join(f.path, filepath.FromSlash(file.BlobPath(hash)))); {
		case err == nil:
			contents = append(contents, string(text))
		case !errors.Is(err, os.ErrNotExist):
			s.t.Error(err)
		}
	}
	slices.Sort(contents)
	return contents, words.String(), nil
}

// pointKey is the key of one point, as the owner's machine prints it.
func (s *testSite) pointKey(p *Point) string {
	s.t.Helper()
	text, err := s.store().Header(s.t.Context(), p)
	if err != nil {
		s.t.Fatal(err)
	}
	h, err := ParseHeader(text)
	if err != nil {
		s.t.Fatal(err)
	}
	fileKey, err := h.Open(s.recovery.Identity())
	if err != nil {
		s.t.Fatal(err)
	}
	return FormatPointKey(fileKey)
}

// newUploads is a site that has a point with one upload, which is the base of those behind it.
func newUploads(t *testing.T) *testSite {
	t.Helper()
	s := &testSite{t: t, data: filepath.Join(t.TempDir(), "data"), target: t.TempDir(), routes: uploadRoutes}
	s.start()
	s.setUp()
	s.upload("one")
	s.point()
	return s
}

// A point of every quarter of an hour holds the uploads alone that the day's does not, and brings all back.
func TestUploadsOfBefore(t *testing.T) {
	s := newUploads(t)
	s.upload(strings.Repeat("two", 10))
	s.point()
	s.note(1)
	s.point()
	points := s.points()
	if points[0].Base != "" || points[1].Base != points[0].Receipt().String() || points[2].Base != points[1].Base {
		t.Fatalf("the bases are %q, %q, %q", points[0].Base, points[1].Base, points[2].Base)
	}
	for i, want := range []int{1, 1, 1} {
		stream, err := s.store().Fetch(t.Context(), points[i], s.recovery.Identity())
		if err != nil {
			t.Fatal(err)
		}
		in, err := Inspect(stream)
		stream.Close()
		if err != nil || in.uploads() != want || in.Base != points[i].Base {
			t.Errorf("point %d holds %d uploads, its base is %q: %v", i+1, in.uploads(), in.Base, err)
		}
	}
	all := []string{"one", strings.Repeat("two", 10)}
	for _, p := range points[1:] {
		if got, said, err := s.restored(p, key{id: s.recovery.Identity(), recovery: s.recovery}); err != nil || !slices.Equal(got, all) || strings.Contains(said, "WARN") {
			t.Errorf("point %d brings %q back: %v\n%s", p.Seq, got, err, said)
		}
	}

	// With point keys: that of the base is wanted too, in whatever order.
	own, base := s.pointKey(points[2]), s.pointKey(points[0])
	k, err := parseKey(own)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.restored(points[2], k); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "backup header 1") {
		t.Errorf("with the key of the point alone: %v", err)
	} else if said := saidOf(err); said.ID != "backup.back.base-key" || !strings.Contains(said.Error(), "backup header 1") {
		t.Errorf("the set-up page says of it: %+v", said)
	}
	for _, text := range []string{own + "\n" + base + "\n", base + " " + own} {
		if k, err = parseKey(text); err != nil {
			t.Fatal(err)
		}
		if got, _, err := s.restored(points[2], k); err != nil || !slices.Equal(got, all) {
			t.Errorf("with both keys: %q, %v", got, err)
		}
	}
	if k, err = parseKey(base); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.restored(points[2], k); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "another point's") {
		t.Errorf("with the key of the base alone: %v", err)
	}
	if _, err := parseKey(own + base + own + base + own); err == nil {
		t.Error("five keys are taken")
	}
}

// dataFiles are the sealed files of the points at the target, in the order of the points.
func (s *testSite) dataFiles() (all []string) {
	s.t.Helper()
	for _, p := range s.points() {
		found, err := filepath.Glob(filepath.Join(s.target, "*", p.Folder(), p.Data.Name))
		if err != nil || len(found) != 1 {
			s.t.Fatalf("the data of point %d: %v, %v", p.Seq, found, err)
		}
		all = append(all, found[0])
	}
	return all
}

// What cannot be a base is none, and the point holds all uploads.
func TestNoBase(t *testing.T) {
	remembered := func(change func(b *based)) func(s *testSite) error {
		return func(s *testSite) error {
			h := homeOf(s.data)
			b := h.readBase()
			change(b)
			return h.write(baseFile, b)
		}
	}
	for name, spoil := range map[string]func(s *testSite) error{
		"its data is gone":    func(s *testSite) error { return os.Remove(s.dataFiles()[0]) },
		"its data is cut":     func(s *testSite) error { return os.Truncate(s.dataFiles()[0], 100) },
		"nothing is known":    func(s *testSite) error { return os.Remove(homeOf(s.data).path(baseFile)) },
		"garbage is known":    func(s *testSite) error { return os.WriteFile(homeOf(s.data).path(baseFile), []byte("{}"), 0o600) },
		"it is no receipt":    remembered(func(b *based) { b.Point = "1" }),
		"it is another point": remembered(func(b *based) { b.Point = "1:sha256:" + strings.Repeat("0", 64) }),
		"it is of no class":   remembered(func(b *based) { b.Class = Daily }),
		"it is known as noise": func(s *testSite) error {
			st := s.state()
			st.Damaged = []damaged{{Seq: 1}}
			return homeOf(s.data).write(stateFile, st)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newUploads(t)
			if err := spoil(s); err != nil {
				t.Fatal(err)
			}
			s.upload("two")
			made, err := s.run("")
			if err != nil {
				t.Fatal(err)
			}
			if made.Point.Class != Hourly || made.Point.Base != "" {
				t.Fatalf("the base of the next point, of class %s, is %q", made.Point.Class, made.Point.Base)
			}
			if got, said, err := s.restored(made.Point, key{id: s.recovery.Identity(), recovery: s.recovery}); err != nil || !slices.Equal(got, []string{"one", "two"}) || strings.Contains(said, "WARN") {
				t.Errorf("%q came back: %v\n%s", got, err, said)
			}
		})
	}
}

// A point that is kept for as long as a base holds all uploads, and is the next base.
func TestNextBase(t *testing.T) {
	s := newUploads(t)
	s.upload("two")
	daily, err := s.part.runner.run(t.Context(), wish{daily: true, force: true})
	if err != nil || daily.Point.Class != Daily || daily.Point.Base != "" {
		t.Fatalf("%+v, %v", daily, err)
	}
	s.upload("three")
	if made := s.point(); made.Point.Base != daily.Point.Receipt().String() {
		t.Fatalf("the base is %q, want the daily point", made.Point.Base)
	}
	if err := os.Remove(s.dataFiles()[0]); err != nil { // it is nobody's base any more
		t.Fatal(err)
	}
	points, _ := s.store().Chain(t.Context(), nil)
	if got, said, err := s.restored(points[2], key{id: s.recovery.Identity(), recovery: s.recovery}); err != nil || !slices.Equal(got, []string{"one", "three", "two"}) || strings.Contains(said, "WARN") {
		t.Errorf("%q came back: %v\n%s", got, err, said)
	}
}

// A base that was lost or damaged since is told, and takes nothing from the rest of a restore.
func TestLostBase(t *testing.T) {
	for name, spoil := range map[string]func(file string) error{
		"gone":             os.Remove,
		"damaged":          func(file string) error { return flip(file) },
		"manifest and all": func(file string) error { return os.RemoveAll(filepath.Dir(file)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newUploads(t)
			s.upload("two")
			p := s.point().Point
			if err := spoil(s.dataFiles()[0]); err != nil {
				t.Fatal(err)
			}
			points, _ := s.store().Chain(t.Context(), nil)
			i := slices.IndexFunc(points, func(q *Point) bool { return q.Seq == p.Seq })
			got, said, err := s.restored(points[i], key{id: s.recovery.Identity(), recovery: s.recovery})
			if err != nil || !slices.Equal(got, []string{"two"}) || !strings.Contains(said, "WARN    1 uploads of before lie in point "+p.Base) {
				t.Errorf("%q came back: %v\n%s", got, err, said)
			}
		})
	}
}

// flip alters one bit of a file; a second time gives it back.
func flip(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text[len(text)/2] ^= 1
	return errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, text, 0o600))
}

// Lists of uploads are hostile like all that comes from the target.
func TestReadIndex(t *testing.T) {
	one, two := strings.Repeat("1", 64), strings.Repeat("2", 64)
	if got, err := readIndex(bytes.NewReader(index([]string{two, one}))); err != nil || len(got) != 2 || !got[one] || !got[two] {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{one + "\n" + one + "\n", "x\n", one + " 5\n", "\n", strings.ToUpper(strings.Repeat("a", 64)) + "\n", "../" + one + "\n", strings.Repeat("1", 100_000)} {
		if got, err := readIndex(strings.NewReader(text)); err == nil {
			t.Errorf("%.80q is taken as %v", text, got)
		}
	}
}

// A drill reads the base too: without it the newest point would bring back no uploads of before.
func TestDrillsReadTheBase(t *testing.T) {
	s := newUploads(t)
	s.upload("two")
	s.point()
	before := func() error {
		points := s.points()
		return (&Evidence{}).readBefore(t.Context(), s.store(), newestBefore(points, 0))
	}
	if err := before(); err != nil {
		t.Fatal(err)
	}
	if err := flip(s.dataFiles()[0]); err != nil {
		t.Fatal(err)
	}
	if err := before(); err == nil || !strings.Contains(err.Error(), "point 1, which holds the uploads") {
		t.Errorf("the base is noise: %v", err)
	}
}
