package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// What is squeezed is one stream of zstd, of whatever length, and lies on the disk as noise and without a name.
func TestSqueezed(t *testing.T) {
	text := []byte(strings.Repeat(canary+" ", 3*piece/len(canary)))
	rand.NewChaCha8([32]byte{}).Read(text[2*piece:]) // and what cannot be compressed
	for _, size := range []int{0, 1, piece - 1, piece, piece + 1, len(text)} {
		dir := t.TempDir()
		s, err := newSqueezed(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.fill(t.Context(), bytes.NewReader(text[:size]), int64(size)); err != nil {
			t.Fatal(err)
		}
		d, err := zstd.NewReader(s.reader())
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(d)
		d.Close()
		if err != nil || !bytes.Equal(got, text[:size]) || s.size != int64(size) || s.sum != sha256.Sum256(got) {
			t.Errorf("%d bytes: %d came back, the size is %d, %v", size, len(got), s.size, err)
		}
		raw, err := io.ReadAll(io.NewSectionReader(s.file, 0, s.held+1))
		if err != nil || int64(len(raw)) != s.held || bytes.Contains(raw, []byte(canary[:10])) {
			t.Errorf("%d bytes: the file holds %d, of them plain ones, or another number than %d: %v", size, len(raw), s.held, err)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
		if left := objects(t, dir); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
	}
}

func TestSqueezedEndsEarly(t *testing.T) {
	fill := func(ctx context.Context, from io.Reader) error {
		s, err := newSqueezed(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		return s.fill(ctx, from, 10*piece)
	}
	zeros := bytes.NewReader(make([]byte, 10*piece))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := fill(ctx, zeros); !errors.Is(err, context.Canceled) {
		t.Errorf("under a context that is done: %v", err)
	}
	if err := fill(t.Context(), io.LimitReader(zeros, 5*piece+7)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("of a file that ends early: %v", err)
	}
	s, err := newSqueezed(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.file.Close()
	if err := s.fill(t.Context(), bytes.NewReader(make([]byte, 10*piece)), 10*piece); !errors.Is(err, os.ErrClosed) {
		t.Errorf("into a file that cannot be written: %v", err)
	}
}

// Frames that are altered on this disk before they are sealed do not come into a point.
func TestAlteredFramesAreNotSealed(t *testing.T) {
	s, err := newSqueezed(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.fill(t.Context(), strings.NewReader(strings.Repeat("text ", 1000)), 5000); err != nil {
		t.Fatal(err)
	}
	in := &Inner{Instant: time.Now(), Database: "x.db"}
	from := []source{{name: databaseName, size: s.size, sum: s.sum, done: s}, inMemory(keyringName, nil)}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	seals := func() error {
		sealed, err := seal(t.Context(), io.Discard, id.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		return errors.Join(pack(sealed, in, from), sealed.Close())
	}
	if err := seals(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.file.WriteAt([]byte{1}, s.held/2); err != nil {
		t.Fatal(err)
	}
	if err := seals(); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Errorf("altered frames: %v", err)
	}
}

// However the database is read, the same is read: as it stands, and from a copy when it is too large or that takes too long.
func TestWaysToRead(t *testing.T) {
	s := newTestSite(t, true)
	s.note(3)
	j, err := s.part.runner.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer j.target.Close()
	var sum [32]byte
	for i, way := range []struct {
		most   int64
		within time.Duration
	}{{streamMost, snapshotTime}, {1, snapshotTime}, {streamMost, 0}} {
		b, err := j.read(t.Context(), way.most, way.within)
		if err != nil {
			t.Fatal(i, err)
		}
		if i == 0 {
			sum = b.sum
		}
		if b.sum != sum || b.size == 0 || b.name != "notes.db" || b.tables["note"] != 3 {
			t.Errorf("way %d: %+v", i, b)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.read(ctx, streamMost, snapshotTime); !errors.Is(err, context.Canceled) {
		t.Errorf("under a context that is done: %v", err)
	}
	if left := objects(t, s.data); strings.Contains(strings.Join(left, " "), "spool") || strings.Contains(strings.Join(left, " "), "frames") {
		t.Errorf("%v are left", left)
	}
}

// A large file is synced while it is written, and is what was written.
func TestSyncedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	create := func() *syncedFile {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		return newSynced(f)
	}
	f, want := create(), sha256.New()
	part := make([]byte, 1<<20+3)
	for i := range 3*syncEvery>>20 + 1 {
		part[i] = byte(i)
		want.Write(part)
		if n, err := f.Write(part); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if sum, _, err := hashAll(in); err != nil || !bytes.Equal(sum[:], want.Sum(nil)) {
		t.Errorf("the file is another: %v", err)
	}
	f = create()
	if err := f.File.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("of a file that cannot be synced: %v", err)
	}
}

// A database that cannot be read as it stands is copied first: while somebody reads from its log.
func TestPointOfACopy(t *testing.T) {
	s := newTestSite(t, true)
	for round := range 2 {
		s.note(3)
		if round == 1 {
			r := s.site.House().Engine.Read(t.Context())
			defer r.Close()
			if _, err := countNotes.One(r); err != nil {
				t.Fatal(err)
			}
			s.note(1)
		}
		made, err := s.run("")
		if err != nil || made.Skipped || made.Depth != Read {
			t.Fatalf("%+v, %v", made, err)
		}
		stream, err := s.store().Fetch(t.Context(), s.points()[round], s.recovery.Identity())
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		in, err := Inspect(stream)
		if err != nil || in.Tables["note"] != int64(3+4*round) || in.Database != "notes.db" {
			t.Errorf("%+v, %v", in, err)
		}
	}
	if left := objects(t, filepath.Join(s.data, "backup", spoolFolder)); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
