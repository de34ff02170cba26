package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// tryOut has the ciphertext reach the disk, and when the point is to be read, decrypts and unpacks it with the key that only
// this process has.
func (j *job) tryOut(ctx context.Context, p *Point, from *spool, depth Depth, with age.Identity) error {
	f, err := os.OpenFile(from.path, os.O_RDWR, 0) // some systems sync only what may be written
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if depth == Stored {
		return nil
	}
	in, err := from.inspect(readUntil{ctx, f}, with)
	if err != nil {
		return fmt.Errorf("backup: what was sealed does not open: %w", err)
	}
	if in.Site != p.Site || in.Seq != p.Seq {
		return errors.New("backup: what is in it is another point")
	}
	return nil
}

// inspect reads a ciphertext as [Inspect] does a point, but for the frames of the database: each was decompressed and held against
// its piece when it was made (fill), so here they need only be those frames.
func (s *spool) inspect(from io.Reader, with age.Identity) (*Inner, error) {
	cipher := &counted{from: from, sum: sha256.New()}
	stream, err := age.Decrypt(cipher, with)
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	head := &decoded{z: z, from: io.LimitReader(stream, s.frames.from)}
	base := &passedBy{left: s.base.size, look: func() error {
		sum, n, err := hashAll(io.LimitReader(stream, s.frames.to-s.frames.from))
		if err == nil && (n != s.frames.to-s.frames.from || sum != s.framed) {
			err = errors.New("the frames of the database are not those that were made of it")
		}
		return err
	}}
	in, err := unpack(io.MultiReader(head, base, &decoded{z: z, from: stream}), func(*Inner) error { return nil }, func(name string, _ int64) (io.WriteCloser, error) {
		if name == databaseName || name == dumpName {
			return knownBytes{sum: hex.EncodeToString(s.base.sum[:])}, nil
		}
		return discard{}, nil
	})
	if err != nil {
		return nil, err
	}
	if cipher.n != s.size || [32]byte(cipher.sum.Sum(nil)) != s.sum {
		return nil, errors.New("it is not what was written")
	}
	return in, nil
}

// passedBy stands for bytes of a stream that nobody needs to see: as many come out of it, whatever they are, if a look at what
// is there instead finds nothing.
type passedBy struct {
	look func() error
	left int64
}

// Read implements [io.Reader].
func (b *passedBy) Read(p []byte) (int, error) {
	if b.look != nil {
		if err := b.look(); err != nil {
			return 0, err
		}
		b.look = nil
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), b.left))
	b.left -= int64(n)
	return n, nil
}

// decoded is the plain text of a part of a compressed stream.
type decoded struct {
	z    *zstd.Decoder
	from io.Reader
	open bool
}

// Read implements [io.Reader].
func (d *decoded) Read(p []byte) (int, error) {
	if !d.open {
		d.open = true
		if err := d.z.Reset(d.from); err != nil {
			return 0, err
		}
	}
	return d.z.Read(p)
}
