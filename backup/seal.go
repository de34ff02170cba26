package backup

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// A point's data is age( zstd( tar ) ). It is compressed at the fastest level and over a window of 1 MB: a backup must not take
// the site's memory, and compressing is most of its work. The next level takes twice as long and makes a database of texts 6 %
// smaller. zstd's own checksums are left out: age has authenticated every byte before it is decompressed, and MERLON names the
// hash of each file. A reader knows the windows of points from before too.
const (
	window    = 1 << 20
	maxWindow = 8 << 20
)

func compressor(w io.Writer) (*zstd.Encoder, error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return z, nil
}

// seal returns a writer whose plain text is compressed and sealed into w. Close it: only then w has all.
func seal(ctx context.Context, w io.Writer, to ...age.Recipient) (*sealing, error) {
	sealed, err := age.Encrypt(w, to...)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	s := &sealing{ctx: ctx, sealed: sealed}
	s.zstd, err = compressor(compressed{s})
	return s, err
}

// A sealing takes plain text, also such as was compressed before. It ends when its context does.
type sealing struct {
	ctx    context.Context
	zstd   *zstd.Encoder
	sealed io.WriteCloser
	plain  int64  // bytes that come out of it again
	n      int64  // bytes of the compressed stream
	at     extent // what was compressed before, in that stream
}

// An extent is a part of a stream.
type extent struct{ from, to int64 }

// compressed is the compressed stream of a sealing.
type compressed struct{ *sealing }

// Write implements [io.Writer].
func (s compressed) Write(p []byte) (int, error) {
	n, err := s.sealed.Write(p)
	s.n += int64(n)
	return n, err
}

// Write implements [io.Writer].
func (s *sealing) Write(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.zstd.Write(p)
	s.plain += int64(n)
	return n, err
}

// frames takes what was compressed, of so many bytes: zstd's frames stand one behind the other in a stream (RFC 8878, 3).
func (s *sealing) frames(from io.Reader, plain int64) error {
	if err := s.zstd.Close(); err != nil {
		return err
	}
	s.at.from = s.n
	if _, err := io.CopyBuffer(compressed{s}, readUntil{s.ctx, from}, make([]byte, beside)); err != nil {
		return err
	}
	s.at.to = s.n
	s.plain += plain
	s.zstd.Reset(compressed{s})
	return nil
}

// Close ends both streams.
func (s *sealing) Close() error { return errors.Join(s.zstd.Close(), s.sealed.Close()) }

// Fetch opens a point: the stream is the tar that [Unpack] reads. The ciphertext's size and hash are compared with the signed
// manifest while it is read, and no more comes out than that allows. An error before io.EOF means that nothing that was read
// may be used; it is a *[ChainError] when the object is not the one that was signed.
func (s *Store) Fetch(ctx context.Context, p *Point, with ...age.Identity) (io.ReadCloser, error) {
	body, err := s.ciphertext(ctx, p)
	if err != nil {
		return nil, err
	}
	opened, err := unseal(body, p, with)
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	return opened, nil
}

// ciphertext opens the data object of a point: of several versions the one that was signed.
func (s *Store) ciphertext(ctx context.Context, p *Point) (io.ReadCloser, error) {
	name := p.Folder() + "/" + p.Data.Name
	var fit []Object
	for o, err := range s.list(ctx, name) {
		if err != nil {
			return nil, err
		}
		if s.below(o.Name) == name && p.Data.fits(o) {
			fit = append(fit, o)
		}
	}
	if len(fit) == 0 {
		return nil, s.fault(Missing, name, p.Seq, "no version of it has the size and hash of the signed manifest")
	}
	for _, o := range fit[:len(fit)-1] { // more than one: the right one is found by reading
		sum, err := s.hash(ctx, o)
		if err != nil {
			return nil, err
		}
		if hashText(sum) == p.Data.SHA256 {
			return s.target.Get(ctx, o)
		}
	}
	return s.target.Get(ctx, fit[len(fit)-1])
}

// hash reads an object and returns its SHA-256.
func (s *Store) hash(ctx context.Context, o Object) (sum [32]byte, err error) {
	body, err := s.target.Get(ctx, o)
	if err != nil {
		return sum, err
	}
	defer body.Close()
	sum, _, err = hashAll(body)
	return sum, err
}

func hashAll(r io.Reader) (sum [32]byte, n int64, err error) {
	h := sha256.New()
	n, err = io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{r}, make([]byte, 256<<10))
	h.Sum(sum[:0])
	return sum, n, err
}

// opening is the stream of a point that is being read.
type opening struct {
	body   io.ReadCloser
	cipher *counted
	plain  *zstd.Decoder
	point  *Point
	left   int64
	err    error
}

// counted hashes what is read through it.
type counted struct {
	from io.Reader
	sum  hash.Hash
	n    int64
	err  error // of the store
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.sum.Write(p[:n])
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

func unseal(body io.ReadCloser, p *Point, with []age.Identity) (*opening, error) {
	o := &opening{body: body, cipher: &counted{from: body, sum: sha256.New()}, point: p, left: p.Data.PlainMax}
	sealed, err := age.Decrypt(o.cipher, with...)
	if err != nil {
		var none *age.NoIdentityMatchError
		if errors.As(err, &none) {
			return nil, fmt.Errorf("%w: point %d is sealed to %s: use the recovery key of that fingerprint, or a point key of this very point", ErrKey, p.Seq, p.R[0])
		}
		return nil, o.judge(err)
	}
	o.plain, err = zstd.NewReader(sealed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return o, nil
}

// ErrKey says that a key does not open a point.
var ErrKey = errors.New("backup: the key does not open the point")

// judge tells an altered object from a store that broke off.
func (o *opening) judge(err error) error {
	if o.cipher.err != nil {
		return o.cipher.err
	}
	return &ChainError{Fault: Altered, Object: o.point.Folder() + "/" + o.point.Data.Name, Seq: o.point.Seq, Text: "it does not decrypt: " + err.Error()}
}

// Read implements [io.Reader].
func (o *opening) Read(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	if int64(len(p)) > o.left+1 {
		p = p[:o.left+1]
	}
	n, err := o.plain.Read(p)
	if o.left -= int64(n); o.left < 0 {
		n, err = 0, &ChainError{Fault: Altered, Object: o.point.Folder() + "/" + o.point.Data.Name, Seq: o.point.Seq,
			Text: fmt.Sprintf("more comes out of it than the %d bytes that were signed", o.point.Data.PlainMax)}
	}
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		o.err = o.end()
	case asChainError(err):
		o.err = err
	default:
		o.err = o.judge(err)
	}
	return n, o.err
}

// end compares what was read with what was signed; the ciphertext must be at its end too.
func (o *opening) end() error {
	if _, err := io.Copy(io.Discard, io.LimitReader(o.cipher, o.point.Data.Size+1)); err != nil {
		return o.judge(err)
	}
	var sum [32]byte
	o.cipher.sum.Sum(sum[:0])
	if o.cipher.n != o.point.Data.Size || hashText(sum) != o.point.Data.SHA256 {
		return &ChainError{Fault: Altered, Object: o.point.Folder() + "/" + o.point.Data.Name, Seq: o.point.Seq, Text: "it is not the object whose hash was signed"}
	}
	return io.EOF
}

// Close implements [io.Closer].
func (o *opening) Close() error {
	if o.plain != nil {
		o.plain.Close()
	}
	return o.body.Close()
}

func asChainError(err error) bool {
	var e *ChainError
	return errors.As(err, &e)
}
