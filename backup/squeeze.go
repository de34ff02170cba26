package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/merlon-web/merlon/internal/background"
	"github.com/merlon-web/merlon/internal/noise"
)

// The database is read once: one thread reads and hashes, and another compresses its pieces, each to a frame of its own, and
// decompresses them at once, to see that they are what they were made of. The frames wait in a file that is noise without a key
// which only this process has, since the list that stands before them in a point names the hash.
//
// All of that is done in the background. A second thread that compresses makes a point no faster beside a site that is asked, on
// two processors, and visitors wait twice as long.

const (
	piece      = 1 << 20 // is one frame, and a window
	waiting    = 3       // pieces in memory
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

// A chunk is a piece on its way: read and hashed, then compressed, then written.
type chunk struct {
	plain []byte
	frame []byte
	done  chan error
}

// fill takes all of the database. Each step waits for the one behind it, so a few pieces are in memory and no more.
func (s *squeezed) fill(ctx context.Context, from io.Reader, size int64) (err error) {
	free, work, order := make(chan *chunk, waiting), make(chan *chunk, waiting), make(chan *chunk, waiting)
	for range waiting {
		free <- &chunk{plain: make([]byte, piece), done: make(chan error, 1)}
	}
	ctx, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Add(2)
	background.Go(func() {
		defer all.Done()
		squeeze(work)
	})
	plain, framed := sha256.New(), sha256.New()
	var short error // why the pieces ended early; read behind the end of order
	background.Go(func() {
		defer all.Done()
		defer close(work)
		defer close(order)
		for left := size; left > 0; {
			var c *chunk
			select {
			case c = <-free:
			case <-ctx.Done():
				short = context.Cause(ctx)
				return
			}
			c.plain = c.plain[:min(left, piece)]
			for at := 0; at < len(c.plain); {
				part := c.plain[at:min(at+beside, len(c.plain))] // not more in one call of the system, which gives nobody way
				if _, short = io.ReadFull(from, part); short != nil {
					return
				}
				plain.Write(part)
				at += len(part)
			}
			left -= int64(len(c.plain))
			work <- c
			order <- c
		}
	})
	for c := range order {
		if err := <-c.done; err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		framed.Write(c.frame)
		n := int64(len(c.frame))
		if err := s.noise.Put(c.frame, s.held); err != nil {
			return fmt.Errorf("backup: the frames of the database: %w", err)
		}
		s.held += n
		free <- c
	}
	if short != nil {
		return fmt.Errorf("backup: the database was not read to its end: %w", short)
	}
	s.size = size
	plain.Sum(s.sum[:0])
	framed.Sum(s.framed[:0])
	return nil
}

// squeeze compresses pieces until no more come.
func squeeze(work <-chan *chunk) {
	z, err := compressor(nil)
	var look *look
	if err == nil {
		look, err = newLook()
	}
	if err == nil {
		defer look.z.Close()
	}
	for c := range work {
		if err == nil {
			c.frame = z.EncodeAll(c.plain, c.frame[:0])
			err = look.at(c.frame, c.plain)
			time.Sleep(breath) // the site's requests come between where there is one processor
		}
		c.done <- err
	}
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
