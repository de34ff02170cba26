package backup

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// A ciphertext is tried out whole: its bytes, the frames of the database, and all around them.
func TestInspectASpool(t *testing.T) {
	s, err := newSqueezed(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	text := strings.Repeat("text ", 500_000) // of several pieces, the last of them not whole
	if err := s.fill(t.Context(), strings.NewReader(text), int64(len(text))); err != nil {
		t.Fatal(err)
	}
	in := &Inner{Site: "s", Seq: 7, Instant: time.Now(), Database: "x.db"}
	from := []source{{name: databaseName, size: s.size, sum: s.sum, done: s}, inMemory(keyringName, []byte("keys")), inMemory("settings/a.json", bytes.Repeat([]byte("{}"), 1000))}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	var cipher bytes.Buffer
	sealed, err := seal(t.Context(), &cipher, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(pack(sealed, in, from), sealed.Close()); err != nil {
		t.Fatal(err)
	}
	sound := spool{size: int64(cipher.Len()), sum: sha256.Sum256(cipher.Bytes()), base: from[0], frames: sealed.at, framed: s.framed}
	if got, err := sound.inspect(bytes.NewReader(cipher.Bytes()), id); err != nil || got.Seq != 7 || len(got.Files) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	for what, alter := range map[string]func(*spool, []byte) []byte{
		"a bit":                    func(_ *spool, c []byte) []byte { c[len(c)/2] ^= 1; return c },
		"a byte less":              func(_ *spool, c []byte) []byte { return c[:len(c)-1] },
		"another hash of it":       func(s *spool, c []byte) []byte { s.sum[0]++; return c },
		"another length of it":     func(s *spool, c []byte) []byte { s.size++; return c },
		"other frames":             func(s *spool, c []byte) []byte { s.framed[0]++; return c },
		"frames that begin early":  func(s *spool, c []byte) []byte { s.frames.from--; return c },
		"frames that begin late":   func(s *spool, c []byte) []byte { s.frames.from++; return c },
		"frames that end early":    func(s *spool, c []byte) []byte { s.frames.to--; return c },
		"frames that end late":     func(s *spool, c []byte) []byte { s.frames.to++; return c },
		"another database":         func(s *spool, c []byte) []byte { s.base.sum[0]++; return c },
		"a shorter database":       func(s *spool, c []byte) []byte { s.base.size -= 512; return c },
		"a database a byte longer": func(s *spool, c []byte) []byte { s.base.size++; return c },
	} {
		other := sound
		if _, err := other.inspect(bytes.NewReader(alter(&other, bytes.Clone(cipher.Bytes()))), id); err == nil {
			t.Errorf("%s is not found", what)
		}
	}
}

// What does not come out of its frame again is not sealed.
func TestSqueezeLooks(t *testing.T) {
	work := make(chan *chunk, 1)
	c := &chunk{plain: []byte("text"), done: make(chan error, 1)}
	work <- c
	close(work)
	squeeze(work)
	if err := <-c.done; err != nil || len(c.frame) == 0 {
		t.Fatalf("%d bytes, %v", len(c.frame), err)
	}
	look, err := newLook()
	if err != nil {
		t.Fatal(err)
	}
	defer look.z.Close()
	if err := look.at(c.frame, []byte("test")); err == nil {
		t.Error("a frame of another text passes")
	}
}

// What goes over a belt comes in order and whole, and who writes to nobody is told.
func TestBelt(t *testing.T) {
	text := make([]byte, 3*buffer+777)
	rand.NewChaCha8([32]byte{}).Read(text)
	for _, size := range []int{0, 1, buffer - 1, buffer, buffer + 1, len(text)} {
		var got bytes.Buffer
		to, wait := behind(&got, plainly)
		for at := 0; at < size; at += 7777 {
			if _, err := to.Write(text[at:min(at+7777, size)]); err != nil {
				t.Fatal(err)
			}
		}
		if err := wait(); err != nil || !bytes.Equal(got.Bytes(), text[:size]) {
			t.Errorf("%d bytes: %d came, %v", size, got.Len(), err)
		}
	}
	full := errors.New("the disk is full")
	to, wait := behind(noWriter{full}, plainly)
	var err error
	for range 10 * buffers {
		if _, err = to.Write(text[:buffer]); err != nil {
			break
		}
	}
	if !errors.Is(err, errStopped) {
		t.Errorf("writing on ends by %v", err)
	}
	if err := wait(); !errors.Is(err, full) {
		t.Errorf("it ended by %v", err)
	}
}

type noWriter struct{ err error }

func (f noWriter) Write([]byte) (int, error) { return 0, f.err }
