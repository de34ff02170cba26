package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/merlon-web/merlon/internal/noise"
)

// The database is read once: each piece is hashed, compressed to a frame of its own, and decompressed at once, to see that it is
// what it was made of. The frames wait in a file that is noise without a key which only this process has, since the list that
// stands before them in a point names the hash.
//
// One thread does all of it, in the background. Two were a third faster on two processors, and the slowest page in a hundred took
// four times as long beside them where they handed pieces to each other through channels (who hands over to a thread of low
// priority gives it the processor of Go's that somebody's answer was waiting for), and two and a half to three and a half
// times where they shared nothing but a ring of atomics: what stops the program for an instant, as the collector does, waits
// for a thread that the system does not let run while both processors are busy (with the collector off it was 1.3 times).

const (
	piece      = 1 << 20 // is one frame, and a window
	breath     = 20 * time.Microsecond
	streamMost = 4 << 30 // bytes of a database: what is larger is copied first, so that its log does not grow meanwhile
)

// A squeezed is a database on its way into a point.
type squeezed struct {
	file   *os.File
	noise  *noise.File
	size   int64    // of the database
	sum    [32]byte // of it
	held   int64    // bytes of the file
	framed [32]byte // the hash of what is in the file, behind the noise
}

// newSqueezed makes the file, without a name where the system allows it: a kill leaves nothing then, and else noise.
func newSqueezed(dir string) (*squeezed, error) {
	f, err := os.CreateTemp(dir, "frames-*")
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	_ = os.Remove(f.Name())
	return &squeezed{file: f, noise: noise.New(f)}, nil
}

func (s *squeezed) reader() io.Reader { return io.NewSectionReader(s.noise, 0, s.held) }

// Close removes the file. A second call does nothing.
func (s *squeezed) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if gone := os.Remove(s.file.Name()); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	s.file = nil
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// fill takes all of the database.
func (s *squeezed) fill(ctx context.Context, from io.Reader, size int64) error {
	z, err := compressor(nil)
	if err != nil {
		return err
	}
	look, err := newLook()
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer look.z.Close()
	whole, framed := sha256.New(), sha256.New()
	plain, frame := make([]byte, piece), []byte(nil)
	for left := size; left > 0; left -= int64(len(plain)) {
		if ctx.Err() != nil {
			return fmt.Errorf("backup: the database was not read to its end: %w", context.Cause(ctx))
		}
		plain = plain[:min(left, piece)]
		for at := 0; at < len(plain); {
			part := plain[at:min(at+beside, len(plain))] // not more in one call of the system, which gives nobody way
			if _, err := io.ReadFull(from, part); err != nil {
				return fmt.Errorf("backup: the database was not read to its end: %w", err)
			}
			whole.Write(part)
			at += len(part)
		}
		frame = z.EncodeAll(plain, frame[:0])
		if err := look.at(frame, plain); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		framed.Write(frame)
		n := int64(len(frame))
		if err := s.noise.Put(frame, s.held); err != nil {
			return fmt.Errorf("backup: the frames of the database: %w", err)
		}
		s.held += n
		time.Sleep(breath) // the site's requests come between where there is one processor
	}
	s.size = size
	whole.Sum(s.sum[:0])
	framed.Sum(s.framed[:0])
	return nil
}

// A look decompresses frames, to hold them against what they were made of.
type look struct {
	z     *zstd.Decoder
	again []byte
}

func newLook() (*look, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	return &look{z, make([]byte, 0, piece)}, err
}

func (l *look) at(frame, plain []byte) (err error) {
	if l.again, err = l.z.DecodeAll(frame, l.again[:0]); err == nil && !bytes.Equal(l.again, plain) {
		err = errors.New("what was compressed is not what comes out again")
	}
	return err
}
