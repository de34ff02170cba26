package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"time"
)

// A Body reads what [Target.Put] was given and holds it against what was announced: for whoever writes a target. Its last
// byte is given out only when size and hash are right, so a store that waits for all bytes never gets a wrong object whole.
// A Body is for one goroutine.
type Body struct {
	ctx  context.Context
	from io.ReadSeeker
	o    PutOptions
	left int64
	sum  hash.Hash
	done bool
	err  error
}

// NewBody returns the body from its beginning. Reading ends with the context's error when it is cancelled.
func NewBody(ctx context.Context, from io.ReadSeeker, o PutOptions) (*Body, error) {
	b := &Body{ctx: ctx, from: from, o: o}
	if o.Size < 0 {
		return nil, fmt.Errorf("%w: the size %d is negative; it must be known", ErrDamaged, o.Size)
	}
	_, err := b.Seek(0, io.SeekStart)
	return b, err
}

// Seek implements io.Seeker for the beginning only, for stores' libraries that begin again.
func (b *Body) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekStart {
		return 0, fmt.Errorf("backup: a body can only be begun again, not read from %d", offset)
	}
	b.left, b.sum, b.done, b.err = b.o.Size, sha256.New(), false, nil
	return b.from.Seek(0, io.SeekStart)
}

// Read implements io.Reader. A body that is not as announced ends with an error that wraps [ErrDamaged].
func (b *Body) Read(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.done:
		return 0, io.EOF
	case b.ctx.Err() != nil:
		b.err = context.Cause(b.ctx)
		return 0, b.err
	case len(p) == 0 && b.left > 0:
		return 0, nil
	}
	n := 0
	if b.left > 0 {
		if int64(len(p)) > b.left {
			p = p[:b.left]
		}
		var err error
		n, err = b.from.Read(p)
		b.sum.Write(p[:n])
		b.left -= int64(n)
		if err != nil && (err != io.EOF || b.left > 0) {
			b.err = err
			if err == io.EOF {
				b.err = fmt.Errorf("%w: %d bytes were announced, %d came", ErrDamaged, b.o.Size, b.o.Size-b.left)
			}
			return 0, b.err
		}
	}
	if b.left == 0 {
		if b.err = b.end(); b.err != nil {
			return 0, b.err
		}
		b.done = true
		if n == 0 {
			return 0, io.EOF
		}
	}
	return n, nil
}

// end holds the whole against what was announced.
func (b *Body) end() error {
	var more [1]byte
	if n, err := io.ReadFull(b.from, more[:]); n > 0 {
		return fmt.Errorf("%w: more than the %d bytes that were announced came", ErrDamaged, b.o.Size)
	} else if err != io.EOF {
		return err
	}
	if sum := b.sum.Sum(nil); [32]byte(sum) != b.o.SHA256 {
		return fmt.Errorf("%w: their SHA-256 is %x, %x was announced", ErrDamaged, sum, b.o.SHA256)
	}
	return nil
}

// Err returns why reading ended early, nil when it did not: a store's library may put words of its own around it, or none.
func (b *Body) Err() error { return b.err }

// Sum returns the hash that was announced, as [Object] writes it.
func (o PutOptions) Sum() string { return hex.EncodeToString(o.SHA256[:]) }

// Exactly reads size bytes from r and closes c: io.EOF comes only then, and what ends before is io.ErrUnexpectedEOF. For
// whoever writes a target: a broken connection must not look like the end.
func Exactly(r io.Reader, c io.Closer, size int64) io.ReadCloser {
	return &exactly{Closer: c, r: io.LimitReader(r, size), left: size}
}

type exactly struct {
	io.Closer
	r    io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if e.left -= int64(n); err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// staleAfter is how old a half body is taken for one that a kill left.
const staleAfter = 24 * time.Hour

// SweepParts removes of the half bodies in a target's folder those that a kill left, by the clock of the store: now is the time
// of one that was just made. One that cannot be removed is met again. For whoever writes a target.
func SweepParts(now time.Time, parts []fs.FileInfo, remove func(name string) error) {
	for _, info := range parts {
		if now.Sub(info.ModTime()) > staleAfter && info.Mode().IsRegular() {
			_ = remove(info.Name())
		}
	}
}
