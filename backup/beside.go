package backup

import (
	"context"
	"io"

	"github.com/merlon-web/merlon/internal/background"
)

// beside is how many bytes are handled at once. What is hashed, compressed, sealed and written is so in one goroutine: on two
// processors a restore whose hashing had one of its own took half as long again, since to wake another thread takes as long
// as to hash what it is woken for.
const beside = 128 << 10

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
