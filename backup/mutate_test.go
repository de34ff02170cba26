package backup

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// chainOf makes a site with n points at a folder, without a database of its own size in each.
func chainOf(t *testing.T, n int) *testSite {
	t.Helper()
	s := newTestSite(t, true)
	for range n {
		s.point()
	}
	return s
}

// judge looks at everything that a restore would use, and returns the first fault.
func (s *testSite) judge(known *Receipt) error {
	store := s.store()
	points, err := store.Chain(s.t.Context(), known)
	if err != nil {
		return err
	}
	return store.Scrub(s.t.Context(), points)
}

// TestEveryMutationIsFound alters objects at random: a bit, a byte, a cut, something behind the end, another object's
// content. Each is found, and the object is named.
func TestEveryMutationIsFound(t *testing.T) {
	t.Parallel()
	s := chainOf(t, 4)
	known := s.points()[3].Receipt()
	if err := s.judge(&known); err != nil {
		t.Fatal(err)
	}
	all := objects(t, s.target)
	kinds := map[string]int{}
	for i := range need.Times(200, 1000, 10000) {
		path := all[rand.N(len(all))]
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		after, kind := mutate(t, before, all, path)
		if string(after) == string(before) {
			continue
		}
		kinds[kind]++
		if err := os.WriteFile(path, after, 0o600); err != nil {
			t.Fatal(err)
		}
		err = s.judge(&known)
		var fault *ChainError
		if !errors.As(err, &fault) {
			t.Fatalf("mutation %d, %s of %s: not found (%v)", i, kind, filepath.Base(path), err)
		}
		// A manifest or link that is altered makes what lies behind it unproven: the first fault is the object itself.
		if !strings.HasSuffix(path, "/"+fault.Object) && !named(err, path) {
			t.Errorf("mutation %d, %s of %s: another object is named: %v", i, kind, path, err)
		}
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("found: %v", kinds)
	if err := s.judge(&known); err != nil {
		t.Fatalf("after all was put back: %v", err)
	}
}

// TestEveryByteOfAPoint alters each byte of each object of a small chain, in CI each seventh. Each is found, and the object is named.
func TestEveryByteOfAPoint(t *testing.T) {
	need.Time(t, "alters each byte of a point")
	t.Parallel()
	s := chainOf(t, 1)
	points, store := s.points(), s.store()
	known, bytes := points[0].Receipt(), 0
	for _, path := range objects(t, s.target) {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		judge := func() error { return s.judge(&known) }
		if strings.HasSuffix(path, ".age") {
			judge = func() error { return store.Scrub(t.Context(), points) }
		}
		for i := 0; i < len(whole); i += need.Times(7, 7, 1) {
			whole[i] ^= 1 << (i % 8)
			write(t, path, whole)
			if err := judge(); !named(err, path) {
				t.Fatalf("byte %d of %s is another: %v", i, filepath.Base(path), err)
			}
			whole[i] ^= 1 << (i % 8)
			bytes++
		}
		write(t, path, whole)
	}
	t.Logf("%d bytes", bytes)
	if err := s.judge(&known); err != nil {
		t.Fatalf("after all was put back: %v", err)
	}
}

func named(err error, path string) bool {
	var all ChainErrors
	errors.As(err, &all)
	for _, one := range all {
		if strings.HasSuffix(path, "/"+one.Object) {
			return true
		}
	}
	return false
}

func mutate(t *testing.T, b []byte, all []string, path string) ([]byte, string) {
	b = append([]byte(nil), b...)
	switch rand.N(6) {
	case 0:
		b[rand.N(len(b))] ^= 1 << rand.N(8)
		return b, "bit"
	case 1:
		b[rand.N(len(b))] = byte(rand.N(256))
		return b, "byte"
	case 2:
		return b[:rand.N(len(b))], "cut"
	case 3:
		return append(b, byte(rand.N(256))), "longer"
	case 4:
		i, j := rand.N(len(b)), rand.N(len(b))
		b[i], b[j] = b[j], b[i]
		return b, "swapped bytes"
	}
	other, err := os.ReadFile(all[rand.N(len(all))])
	if err != nil {
		t.Fatal(err)
	}
	return other, "another's content"
}

// TestSwapsAreNamed plays what somebody with the store could do beside altering bytes.
func TestSwapsAreNamed(t *testing.T) {
	s := chainOf(t, 3)
	fourth := s.thief() // whoever took the server before point 4 was made has its key
	s.point()
	foreign := chainOf(t, 2)
	points := s.points()
	known := points[3].Receipt()
	at := func(s *testSite, name string) string { return filepath.Join(s.target, s.store().site, name) }
	move := func(from, to string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	copyTo := func(from, to string) {
		t.Helper()
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		_ = os.MkdirAll(filepath.Dir(to), 0o700)
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	manifest := func(i int) string { return points[i].Folder() + "/manifest.json" }
	data := func(i int) string { return points[i].Folder() + "/" + points[i].Data.Name }
	for _, c := range []struct {
		name   string
		do     func()
		fault  ChainFault
		object string
	}{
		{"a manifest is gone", func() { os.Remove(at(s, manifest(1))) }, Missing, "h/00000002"},
		{"the newest manifest is gone", func() { os.Remove(at(s, manifest(3))) }, Older, "h/00000004"},
		{"the newest point is gone", func() { os.RemoveAll(at(s, points[3].Folder())) }, Older, "h/00000004"},
		{"data is gone", func() { os.Remove(at(s, data(2))) }, Missing, data(2)},
		{"the first point is gone, its link stays", func() { os.RemoveAll(at(s, points[0].Folder())) }, Missing, manifest(0)},
		{"genesis is gone", func() { os.Remove(at(s, genesisName)) }, Missing, genesisName},
		{"format is gone", func() { os.Remove(at(s, formatObject)) }, Missing, formatObject},
		{"an older manifest in a newer's place", func() { copyTo(at(s, manifest(1)), at(s, manifest(3))) }, Reordered, manifest(3)},
		{"two points change places", func() {
			move(at(s, points[1].Folder()), at(s, "x"))
			move(at(s, points[2].Folder()), at(s, points[1].Folder()))
			move(at(s, "x"), at(s, points[2].Folder()))
		}, Reordered, manifest(1)},
		{"a point of another class", func() { move(at(s, points[2].Folder()), at(s, "d/00000003")) }, Reordered, "d/00000003/manifest.json"},
		{"another site's genesis", func() { copyTo(at(foreign, genesisName), at(s, genesisName)) }, Foreign, genesisName},
		{"another site's manifest", func() { copyTo(at(foreign, "h/00000002/manifest.json"), at(s, manifest(1))) }, Foreign, manifest(1)},
		{"another site's links", func() { copyTo(at(foreign, "chain/00000001-links.json"), at(s, "chain/00000001-links.json")) }, Foreign, "chain/00000001-links.json"},
		{"another point's data", func() { copyTo(at(s, data(1)), at(s, data(2))) }, Altered, data(2)},
		{"another point's proof", func() {
			copyTo(at(s, points[1].Folder()+"/receipt-1.json"), at(s, points[2].Folder()+"/receipt-1.json"))
		}, Altered, points[2].Folder() + "/receipt-1.json"},
		{"a second point 4, signed by the key of the first", func() {
			m := points[3].Manifest
			m.Label, m.Class = "fork", Daily
			m.sign(fourth)
			write(t, at(s, m.Folder()+"/manifest.json"), encode(m))
			write(t, at(s, m.Folder()+"/"+m.Data.Name), []byte("x"))
		}, Forked, manifest(3)},
		{"a second point 4, signed by the key of the fifth", func() {
			m := points[3].Manifest
			m.Label, m.Class = "fork", Daily
			m.K = publicKey(s.thief().Public().(ed25519.PublicKey))
			m.sign(s.thief())
			write(t, at(s, m.Folder()+"/manifest.json"), encode(m))
			write(t, at(s, m.Folder()+"/"+m.Data.Name), []byte("x"))
		}, Altered, "d/00000004/manifest.json"},
		{"a new chain of somebody else's", func() {
			key, err := NewRecovery()
			if err != nil {
				t.Fatal(err)
			}
			g := &Genesis{Format: formatName, Kind: "genesis", Site: s.store().site, Created: points[0].Instant, R: []string{key.Recipient()}, T: key.Root(), K: points[0].K}
			g.sign(key.root)
			write(t, at(s, genesisName), encode(g))
		}, Foreign, genesisName},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := t.TempDir()
			if err := os.CopyFS(before, os.DirFS(s.target)); err != nil {
				t.Fatal(err)
			}
			c.do()
			err := s.judge(&known)
			var all ChainErrors
			errors.As(err, &all)
			found := false
			for _, one := range all {
				found = found || one.Fault == c.fault && one.Object == c.object
			}
			if !found {
				t.Errorf("want %s of %s, got %v", c.fault, c.object, err)
			}
			if err := os.RemoveAll(filepath.Join(s.target, s.store().site)); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(s.target, os.DirFS(before)); err != nil {
				t.Fatal(err)
			}
			chmodAll(t, s.target)
			if err := s.judge(&known); err != nil {
				t.Fatalf("after all was put back: %v", err)
			}
		})
	}
}

// Whoever may only put writes records that nobody signed: they are named, every point stays, and the site goes on.
func TestForgedRecordsTakeNothing(t *testing.T) {
	s := chainOf(t, 4)
	points := s.points()
	forged := func(seq int64) []byte {
		return encode(Links{Format: formatName, Kind: "links", Site: s.store().site, Links: []Link{{Branch: 1, Seq: seq, Class: Hourly,
			LockUntil: points[0].Data.LockUntil, Manifest: hashOf([]byte("x")), KNext: points[0].K, Sig: "x"}}})
	}
	for _, seq := range []int64{3, 4, 5, 6, 99999999} {
		write(t, filepath.Join(s.target, s.store().site, fmt.Sprintf("chain/%08d-links.json", seq)), forged(seq))
	}
	write(t, filepath.Join(s.target, s.store().site, "chain/00000000-rebirth-99.json"), []byte("{}\n"))
	got, err := s.store().Chain(t.Context(), nil)
	var all ChainErrors
	if !errors.As(err, &all) || len(got) != len(points) {
		t.Fatalf("%d points of %d are left; %v", len(got), len(points), err)
	}
	for _, one := range all {
		if !strings.HasPrefix(one.Object, "chain/") {
			t.Errorf("a point is blamed: %v", one)
		}
	}
	s.note(1)
	if _, err := s.run(""); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.store().Chain(t.Context(), nil); len(got) != len(points)+1 {
		t.Errorf("%d points, want one more than %d", len(got), len(points))
	}
	w, err := s.store().walk(t.Context())
	if err != nil || w.top() > 10 {
		t.Errorf("the next branch would begin above %d, %v", w.top(), err)
	}
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A bomb that a thief signed gives no more than its manifest says, and no more memory than a window.
func TestABombIsStopped(t *testing.T) {
	need.Time(t, "seals and opens a gigabyte of zeros")
	s := chainOf(t, 1)
	p := *s.points()[0]
	path := filepath.Join(s.target, s.store().site, p.Folder(), "data-20300101T000000000Z.age")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := seal(t.Context(), f, s.recovery.id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 1024 {
		if _, err := sealed.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(sealed.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p.Data.Name, p.Data.Size, p.Data.SHA256 = filepath.Base(path), int64(len(text)), hashOf(text)
	stream, err := s.store().Fetch(t.Context(), &p, s.recovery.Identity())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	n, err := io.Copy(io.Discard, stream)
	var fault *ChainError
	if !errors.As(err, &fault) || fault.Fault != Altered || n > p.Data.PlainMax {
		t.Errorf("%d bytes came out of %d, %d are allowed: %v", n, len(text), p.Data.PlainMax, err)
	}
}

func TestOnlyTheRightKeyOpens(t *testing.T) {
	s := chainOf(t, 1)
	p := s.points()[0]
	other, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.store().Fetch(t.Context(), p, other); !errors.Is(err, ErrKey) {
		t.Errorf("another key: %v", err)
	}
	header, err := s.store().Header(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	h, err := ParseHeader(header)
	if err != nil || h.Point() != p.Receipt() {
		t.Fatalf("%+v, %v", h, err)
	}
	key, err := h.Open(s.recovery.Identity())
	if err != nil {
		t.Fatal(err)
	}
	point, err := PointKey(strings.ToLower(FormatPointKey(key)))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := s.store().Fetch(t.Context(), p, point)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if _, err := Inspect(stream); err != nil {
		t.Error(err)
	}
}
