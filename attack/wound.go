package attack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// A wound alters a file and returns what makes it whole again.
type wound func(f *os.File) (heal func() error, err error)

// withoutEnd cuts a file off at a byte. What is cut off lies in a scratch meanwhile.
func withoutEnd(at int64) wound {
	return func(f *os.File) (func() error, error) {
		kept, err := newScratch()
		if err != nil {
			return nil, err
		}
		end, err := os.Create(filepath.Join(kept.dir, "end"))
		if err == nil {
			_, err = io.Copy(end, io.NewSectionReader(f, at, 1<<62))
		}
		if err == nil {
			err = f.Truncate(at)
		}
		if err != nil {
			return nil, errors.Join(err, end.Close(), kept.remove())
		}
		return func() error {
			_, err := end.Seek(0, io.SeekStart)
			if err == nil {
				_, err = io.Copy(io.NewOffsetWriter(f, at), end)
			}
			if err = errors.Join(err, end.Close()); err != nil {
				dir, failed := kept.keep()
				return errors.Join(fmt.Errorf("its end, from byte %d on, is kept in %s: %w", at, dir, err), failed)
			}
			return kept.remove()
		}, nil
	}
}

// turnedBit turns one bit of a byte.
func turnedBit(at int64) wound {
	return func(f *os.File) (func() error, error) {
		b := make([]byte, 1)
		turn := func() error {
			_, err := f.ReadAt(b, at)
			if err == nil {
				b[0] ^= 1
				_, err = f.WriteAt(b, at)
			}
			return err
		}
		return turn, turn()
	}
}

// wounded alters a file that may be read-only, as copies are.
func wounded(path string, hurt wound) (heal func() error, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	var mend func() error
	if err == nil {
		mend, err = hurt(f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Chmod(path, info.Mode().Perm()))
	}
	return func() error { return errors.Join(mend(), f.Close(), os.Chmod(path, info.Mode().Perm())) }, nil
}

// copyFile copies a file to where none is, with its mode and time: by that of a copy a restore may know the newest.
func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	was, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close(), os.Chtimes(to, time.Time{}, was.ModTime()), os.Chmod(to, was.Mode().Perm()))
}
