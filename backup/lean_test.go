package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
)

// noisy is a folder on a disk that alters what is read back of points.
type noisy struct {
	Target
	folder string
}

// Get implements [Target].
func (n *noisy) Get(ctx context.Context, o Object) (io.ReadCloser, error) {
	if strings.Contains(o.Name, "/data-") {
		if err := flip(filepath.Join(n.folder, filepath.FromSlash(o.Name))); err != nil {
			return nil, err
		}
	}
	return n.Target.Get(ctx, o)
}

// Nothing leans on a point that could not be read back.
func TestUnreadIsNoBase(t *testing.T) {
	s := newUploads(t)
	s.upload("two")
	s.wrap(func(t Target) Target { return &noisy{t, s.target} })
	if _, err := s.part.runner.run(t.Context(), wish{daily: true, force: true}); !errors.Is(err, ErrUnread) {
		t.Fatal(err)
	}
	s.wrap(nil)
	s.upload("three")
	made := s.point()
	if base := s.points()[0].Receipt().String(); made.Point.Base != base {
		t.Fatalf("the base is %q, want %q", made.Point.Base, base)
	}
	points := s.points()
	if got, said, err := s.restored(points[len(points)-1], key{id: s.recovery.Identity(), recovery: s.recovery}); err != nil || !slices.Equal(got, []string{"one", "three", "two"}) || strings.Contains(said, "WARN") {
		t.Errorf("%q came back: %v\n%s", got, err, said)
	}
}

// On a site where nothing changes a run makes a point when the base of the newest one goes, and one only.
func TestQuietSiteLosesItsBase(t *testing.T) {
	for name, spoil := range map[string]func(s *testSite) error{
		"gone": func(s *testSite) error { return os.Remove(s.dataFiles()[0]) },
		"noise that is known": func(s *testSite) error {
			st := s.state()
			st.Damaged = []damaged{{Seq: 1, Until: time.Now().Add(time.Hour)}}
			return errors.Join(flip(s.dataFiles()[0]), homeOf(s.data).write(stateFile, st))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newUploads(t)
			s.upload("two")
			s.point()
			s.quiet()
			if err := spoil(s); err != nil {
				t.Fatal(err)
			}
			made := s.plain()
			if made.Skipped || made.Point.Base != "" || len(made.Notes) == 0 || !strings.Contains(strings.Join(made.Notes, " "), "leaves uploads to an older one") {
				t.Fatalf("%+v", made)
			}
			s.quiet()
			points, _ := s.store().Chain(t.Context(), nil)
			if got, _, err := s.restored(points[len(points)-1], key{id: s.recovery.Identity(), recovery: s.recovery}); err != nil || !slices.Equal(got, []string{"one", "two"}) {
				t.Errorf("%q came back: %v", got, err)
			}
		})
	}
}

// badDisk cannot read one object to its end.
type badDisk struct {
	Target
	name string
}

type badReader struct {
	io.ReadCloser
	left int
}

// Read implements [io.Reader].
func (b *badReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &TargetError{Op: "get", Kind: fileKind(syscall.EIO), Err: &fs.PathError{Op: "read", Path: "x", Err: syscall.EIO}}
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// Get implements [Target].
func (b *badDisk) Get(ctx context.Context, o Object) (io.ReadCloser, error) {
	r, err := b.Target.Get(ctx, o)
	if err == nil && strings.HasSuffix(o.Name, b.name) {
		return &badReader{r, int(o.Size) / 2}, nil
	}
	return r, err
}

// A base that its disk cannot read is told, and takes nothing from the rest.
func TestBaseOnABadDisk(t *testing.T) {
	s := newUploads(t)
	s.upload("two")
	s.point()
	points, store := s.points(), s.store()
	store.target = &badDisk{store.target, points[0].Data.Name}
	var words bytes.Buffer
	in, err := unpackInto(t.Context(), store, points[1], key{id: s.recovery.Identity(), recovery: s.recovery}, t.TempDir(), nil, func(f string, _ ...any) { words.WriteString(f + "\n") })
	if err != nil || in.lacks != 1 || !strings.Contains(words.String(), "WARN") {
		t.Errorf("%v\n%s", err, words.String())
	}
}

// altering alters what is read back of points.
type altering struct{ Target }

// Get implements [Target].
func (a altering) Get(ctx context.Context, o Object) (io.ReadCloser, error) {
	body, err := a.Target.Get(ctx, o)
	if err != nil || !strings.Contains(o.Name, "/data-") {
		return body, err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if len(text) > 0 {
		text[len(text)/2] ^= 1
	}
	return io.NopCloser(bytes.NewReader(text)), err
}

// A day's drills make three points by themselves and no more: each is whole, and kept for weeks.
func TestNightsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(s *testSite)
		want    string
	}{
		"all is well":                    {func(s *testSite) {}, "md"},
		"what is read back is noise":     {func(s *testSite) { s.wrap(func(t Target) Target { return altering{t} }) }, "mddd"},
		"the process dies in each drill": {func(s *testSite) { s.part.drill = func(context.Context, *merlon.House) error { return nil } }, "mddd"},
		"restores are for other systems": {func(s *testSite) { restores = false; s.t.Cleanup(func() { restores = true }) }, "m"},
	} {
		t.Run(name, func(t *testing.T) {
			s, v := onVersions(t, 0)
			store := s.store()
			store.target = v
			s.part.use = func(context.Context, *merlon.House, *Evidence, string, *Inner, time.Time) error { return nil }
			noon := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
			s.clock(v, noon)
			s.point()
			c.prepare(s)
			classes := func() (all string) {
				points, _ := store.Chain(context.Background(), nil)
				for _, p := range points {
					all += string(p.Class)
				}
				return all
			}
			for i := range 5 {
				s.clock(v, noon.Add(time.Duration(i+1)*20*time.Minute))
				_ = s.part.round(t.Context(), s.site.House()) // what fails is told
			}
			if got := strings.TrimRight(classes(), "h"); got != c.want {
				t.Errorf("the points are %s, want %s", got, c.want)
			}
		})
	}
}

// A point that is compared with needs no uploads, nor the point that holds them.
func TestCompareNeedsNoBase(t *testing.T) {
	s := newUploads(t)
	s.upload("two")
	s.point()
	if err := os.Remove(s.dataFiles()[0]); err != nil {
		t.Fatal(err)
	}
	points, _ := s.store().Chain(t.Context(), nil)
	said := ""
	inner, _, err := unpackOwn(t.Context(), s.store(), points[1], key{id: s.recovery.Identity(), recovery: s.recovery}, t.TempDir(), nil, func(f string, _ ...any) { said += f })
	if err != nil || inner.uploads() != 1 || strings.Contains(said, "WARN") {
		t.Errorf("%v, %s", err, said)
	}
}

// What somebody puts in front of the newest point's data takes nothing from it, and makes no point by itself.
func TestHiddenNewestIsWhole(t *testing.T) {
	s, v := onVersions(t, 2)
	store := s.store()
	store.target = v
	s.quiet()
	points, err := store.Chain(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := points[len(points)-1]
	v.add(store.full(p.Folder()+"/"+p.Data.Name), []byte("something else"), time.Time{})
	s.quiet()
	if s.state().knows(p.Seq) {
		t.Error("it is told as damaged")
	}
}

// A point whose data was cut or is gone fails one drill, and is known from then on.
func TestCutPointFailsOneDrill(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{"cut": func(path string) error { return os.Truncate(path, 10) }, "gone": os.Remove} {
		t.Run(name, func(t *testing.T) {
			s := chainOf(t, 3)
			s.part.use = func(context.Context, *merlon.House, *Evidence, string, *Inner, time.Time) error { return nil }
			clock := 0
			drill := func() error {
				clock++
				s.offset.set(time.Duration(clock) * time.Second) // evidence has its time for a name
				_, _, err := s.part.rehearse(t.Context(), s.site.House(), aims{targetRPO, targetRTO})
				return err
			}
			if err := drill(); err != nil {
				t.Fatal(err)
			}
			if err := spoil(s.dataFiles()[1]); err != nil {
				t.Fatal(err)
			}
			if err := drill(); err == nil || !strings.Contains(err.Error(), "00000002/data-") {
				t.Errorf("the first drill: %v", err)
			}
			if err := drill(); err != nil || len(s.check(RuleDamaged)) != 1 {
				t.Errorf("the second drill: %v; %v", err, s.check(RuleDamaged))
			}
		})
	}
}

// The newest point becomes noise after its run, whose key is still there: the drill fails, and another point is made and started.
func TestNoiseAfterTheRun(t *testing.T) {
	s := chainOf(t, 1)
	started := []int64{}
	s.part.use = func(_ context.Context, _ *merlon.House, _ *Evidence, _ string, in *Inner, _ time.Time) error {
		started = append(started, in.Seq)
		return nil
	}
	s.point()
	files := s.dataFiles()
	if err := flip(files[len(files)-1]); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.part.rehearse(t.Context(), s.site.House(), aims{targetRPO, targetRTO})
	if err == nil || !strings.Contains(err.Error(), "point 3, the newest, was restored and started") || !slices.Equal(started, []int64{3}) || !s.state().knows(2) {
		t.Errorf("%v; started %v", err, started)
	}
}
