package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/merlon-web/merlon/internal/noise"
)

// The database is read once: one goroutine reads and hashes, and others compress its pieces, each to a frame of its own. The
// frames wait in a file that is noise without a key which only this process has, since the list that stands before them in a
// point names the hash.
//
// One processor is left to the site. Compressing on all of them would be faster by a third on two, and visitors would wait: while
// no processor of a Go program is idle it looks for what came over the network every 10 ms only.

const (
	piece      = 1 << 20 // is one frame, and a window
	squeezers  = 2       // at most
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
	frame bytes.Buffer
	done  chan error
}

// fill takes all of the database. Each step waits for the one behind it, so a few pieces are in memory and no more.
func (s *squeezed) fill(ctx context.Context, from io.Reader, size int64) (err error) {
	workers := max(1, min(squeezers, runtime.GOMAXPROCS(0)-1))
	free, work, order := make(chan *chunk, workers+2), make(chan *chunk, workers+2), make(chan *chunk, workers+2)
	for range workers + 2 {
		free <- &chunk{plain: make([]byte, piece), done: make(chan error, 1)}
	}
	ctx, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	for range workers {
		all.Go(func() { squeeze(work) })
	}
	plain, framed := sha256.New(), sha256.New()
	var short error // why the pieces ended early; read behind the end of order
	all.Go(func() {
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
			if _, short = io.ReadFull(from, c.plain); short != nil {
				return
			}
			left -= int64(len(c.plain))
			plain.Write(c.plain)
			work <- c
			order <- c
		}
	})
	for c := range order {
		if err := <-c.done; err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		framed.Write(c.frame.Bytes())
		n := int64(c.frame.Len())
		if err := s.noise.Put(c.frame.Bytes(), s.held); err != nil {
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
	for c := range work {
		if err == nil {
			c.frame.Reset()
			z.Reset(&c.frame)
			if err = gently(z, c.plain); err == nil {
				err = z.Close()
			}
		}
		c.done <- err
	}
}

// gently writes in parts and sleeps between them, so that the site's requests come between where there is one processor.
func gently(w io.Writer, p []byte) error {
	for len(p) > 0 {
		n, err := w.Write(p[:min(len(p), piece/2)])
		if err != nil {
			return err
		}
		p = p[n:]
		time.Sleep(breath)
	}
	return nil
}
