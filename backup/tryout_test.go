package backup

import (
	"bytes"
	"crypto/sha256"
	"errors"
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
func TestLookAtAFrame(t *testing.T) {
	z, err := compressor(nil)
	if err != nil {
		t.Fatal(err)
	}
	look, err := newLook()
	if err != nil {
		t.Fatal(err)
	}
	defer look.z.Close()
	frame := z.EncodeAll([]byte("text"), nil)
	if err := look.at(frame, []byte("text")); err != nil {
		t.Error(err)
	}
	if look.at(frame, []byte("test")) == nil || look.at(frame[:len(frame)-1], []byte("text")) == nil {
		t.Error("a frame of another text passes, or half of one")
	}
}
