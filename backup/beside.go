package backup

import (
	"context"
	"errors"
	"io"

	"github.com/merlon-web/merlon/internal/background"
)

// Hashing and compressing are both work, and each does its own half of a large file in a goroutine of its own. What passes between
// them goes in buffers as large as these, and some at a time: to wake another thread takes as long as to hash 64 KB of them.
// What reads what a stranger may have written (the decoder, the tar) stays in the caller's goroutine, where a panic is one job's.
const (
	beside  = 128 << 10 // bytes that are handled at once in one goroutine
	buffer  = 512 << 10
	buffers = 3
)

// A belt carries what one goroutine writes to another, in order.
type belt struct {
	free, full chan []byte
	stop       chan struct{} // closed: nobody takes what comes
	now        []byte
}

func newBelt() *belt {
	b := &belt{free: make(chan []byte, buffers), full: make(chan []byte, buffers), stop: make(chan struct{})}
	for range buffers {
		b.free <- make([]byte, 0, buffer)
	}
	return b
}

var errStopped = errors.New("backup: nobody takes what is written")

// Write implements [io.Writer].
func (b *belt) Write(p []byte) (n int, err error) {
	for n < len(p) {
		if b.now == nil {
			select {
			case b.now = <-b.free:
			case <-b.stop:
				return n, errStopped
			}
		}
		some := p[n:min(len(p), n+cap(b.now)-len(b.now))]
		b.now = append(b.now, some...)
		if n += len(some); len(b.now) == cap(b.now) {
			b.pass()
		}
	}
	return n, nil
}

// pass hands over what was written. There is room for all buffers.
func (b *belt) pass() {
	if b.now != nil {
		b.full <- b.now
		b.now = nil
	}
}

// Close says that this was all.
func (b *belt) Close() {
	b.pass()
	close(b.full)
}

// empty gives all to do. When that fails, who writes is told that nobody takes any more.
func (b *belt) empty(do func([]byte) error) error {
	for p := range b.full {
		if err := do(p); err != nil {
			close(b.stop)
			return err
		}
		b.free <- p[:0]
	}
	return nil
}

// plainly is background.Go for what nobody else waits behind.
func plainly(do func()) { go do() }

// behind writes in a goroutine of its own, as start makes them, what the caller wrote. wait ends it and returns w's error.
func behind(w io.Writer, start func(do func())) (to io.Writer, wait func() error) {
	b, ended := newBelt(), make(chan error, 1)
	start(func() {
		ended <- b.empty(func(p []byte) error {
			_, err := w.Write(p)
			return err
		})
	})
	return b, func() error { b.Close(); return <-ended }
}

// beginTask does something in the background. The function that it returns waits for it.
func beginTask(do func() error) (wait func() error) {
	ended := make(chan error, 1)
	background.Go(func() { ended <- do() })
	return func() error { return <-ended }
}

// readUntil reads until its context ends.
type readUntil struct {
	ctx  context.Context
	from io.Reader
}

// Read implements [io.Reader].
func (r readUntil) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.from.Read(p)
}
