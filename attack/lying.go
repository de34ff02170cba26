package attack

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A lain is a file of a folder. What is in it is read a piece at a time, when it is looked at: copies may be larger than memory.
type lain struct {
	path string
	size int64
	sum  [sha256.Size]byte
}

// lying are the files of a folder by name. The error is that of ctx when it ends.
func lying(ctx context.Context, dir string) (map[string]lain, error) {
	all := map[string]lain{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer f.Close()
		one, h := lain{path: path}, sha256.New()
		if one.size, err = io.Copy(h, within{ctx, f}); err != nil {
			return err
		}
		h.Sum(one.sum[:0])
		all[filepath.ToSlash(name)] = one
		return nil
	})
	return all, err
}

// lying are the files of a folder; over time it ends the class.
func (r *run) lying(dir string) (map[string]lain, error) {
	all, err := lying(r.ctx, dir)
	if r.ctx.Err() != nil {
		panic(errOver)
	}
	return all, err
}

// head is the beginning of a file, by which archives and dumps are known.
func (l lain) head() string {
	f, err := os.Open(l.path)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, 64))
	return string(b)
}

// is reports whether an answer is the file, as far as it was read.
func (l lain) is(body string) bool {
	switch size := int64(len(body)); {
	case l.size == 0 || l.size < size || l.size > size && size < maxAnswer:
		return false
	case l.size == size:
		return sha256.Sum256([]byte(body)) == l.sum
	}
	f, err := os.Open(l.path)
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, len(body))
	_, err = io.ReadFull(f, b)
	return err == nil && string(b) == body
}

// deep is how many archives within each other are unpacked.
const deep = 3

// tells looks for a text in a file as it is, and in what it unpacks to. One that cannot be read is told, and one that unpacks to more
// than is looked at.
func (r *run) tells(l lain, text string) bool {
	found, err := tellsIn(r.ctx, func() (io.ReadCloser, error) { return os.Open(l.path) }, []byte(text), deep)
	if r.ctx.Err() != nil {
		panic(errOver)
	}
	if err != nil && !found {
		r.leave("backups: %s was not read to its end: %v", filepath.Base(l.path), err)
	}
	return found
}

// inMemory is an answer.
type inMemory struct{ *bytes.Reader }

// Close implements [io.Closer].
func (inMemory) Close() error { return nil }

// tells looks for a text in an answer.
func tells(b []byte, text string) bool {
	found, _ := tellsIn(context.Background(), func() (io.ReadCloser, error) { return inMemory{bytes.NewReader(b)}, nil }, []byte(text), deep)
	return found
}

// unpackedMost bounds what one archive within a copy is unpacked to, in bytes. A variable for tests.
var unpackedMost int64 = 256 << 20

// errMuch says that an archive unpacks to more than is looked at.
var errMuch = errors.New("it unpacks to more than 256 MB, and no more of it was looked at")

// tellsIn looks for a text in a stream and in what it unpacks to. The error is errMuch when it was not found in as much as is looked at.
func tellsIn(ctx context.Context, open func() (io.ReadCloser, error), text []byte, depth int) (bool, error) {
	in, err := open()
	if err != nil {
		return false, err
	}
	defer in.Close()
	buffered := bufio.NewReader(in)
	sign, _ := buffered.Peek(2)
	sign = bytes.Clone(sign)
	found, much := holds(within{ctx, buffered}, text)
	if found || depth == 0 || much != nil && !errors.Is(much, errMuch) {
		return found, much
	}
	switch string(sign) {
	case "\x1f\x8b":
		found, err = tellsIn(ctx, func() (io.ReadCloser, error) {
			packed, err := open()
			if err != nil {
				return nil, err
			}
			z, err := gzip.NewReader(packed)
			if err != nil {
				return unpacks(bytes.NewReader(nil), packed), nil
			}
			return unpacks(z, packed), nil
		}, text, depth-1)
	case "PK":
		found, err = tellsZip(ctx, open, text, depth-1)
	}
	return found, cmp.Or(err, much)
}

// tellsZip looks into a zip, which is read from its end: one that is no file itself is made one meanwhile.
func tellsZip(ctx context.Context, open func() (io.ReadCloser, error), text []byte, depth int) (found bool, err error) {
	in, err := open()
	if err != nil {
		return false, err
	}
	defer in.Close()
	var at io.ReaderAt
	var size int64
	switch f := in.(type) {
	case inMemory:
		at, size = f, f.Size()
	case *os.File:
		info, err := f.Stat()
		if err != nil {
			return false, err
		}
		at, size = f, info.Size()
	default:
		place, err := newScratch()
		if err != nil {
			return false, err
		}
		defer func() { _ = place.remove() }()
		file, err := os.Create(filepath.Join(place.dir, "zip"))
		if err != nil {
			return false, err
		}
		defer file.Close()
		if size, err = io.Copy(file, within{ctx, in}); err != nil {
			return false, err
		}
		at = file
	}
	z, err := zip.NewReader(at, size)
	if err != nil {
		return false, nil // it only began like one
	}
	var much error
	for _, f := range z.File {
		found, err := tellsIn(ctx, func() (io.ReadCloser, error) {
			in, err := f.Open()
			if err != nil {
				return unpacks(bytes.NewReader(nil), io.NopCloser(nil)), nil
			}
			return unpacks(in, in), nil
		}, text, depth)
		if found || err != nil && !errors.Is(err, errMuch) {
			return found, err
		}
		much = cmp.Or(much, err)
	}
	return false, much
}

// unpacked is what an archive unpacks to, as far as it is looked at; of a broken one: what came before.
type unpacked struct {
	io.Closer
	in   io.Reader
	left int64
}

func unpacks(in io.Reader, whole io.Closer) *unpacked { return &unpacked{whole, in, unpackedMost} }

// Read implements [io.Reader].
func (u *unpacked) Read(b []byte) (int, error) {
	if u.left == 0 {
		if n, _ := io.ReadFull(u.in, make([]byte, 1)); n > 0 {
			return 0, errMuch
		}
		return 0, io.EOF
	}
	n, err := u.in.Read(b[:min(int64(len(b)), u.left)])
	u.left -= int64(n)
	if err != nil {
		err = io.EOF
	}
	return n, err
}
