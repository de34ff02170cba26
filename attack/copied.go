package attack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/merlon-web/merlon"
)

// ErrNoRoom says that there is no room for a copy of the data, so that nothing was attacked.
var ErrNoRoom = errors.New("attack: there is no room for a copy of the data")

func noRoom(to string) error {
	return fmt.Errorf("%w on the disk of %s", ErrNoRoom, filepath.Dir(filepath.Dir(to)))
}

// copyData copies the files of a data folder while its lock is held. It returns the hash of the original before anything was done with
// it, and the names of its symbolic links, which are not followed. What is copied is not kept in memory; a file system that can
// shares its blocks between original and copy until one is written to.
func copyData(ctx context.Context, open func(merlon.Env) (*merlon.Site, error), from, to string) (hash string, links []string, err error) {
	if hash, err = hashData(ctx, from); err != nil {
		return "", nil, err
	}
	site, err := open(merlon.Env{Data: from, Mode: merlon.Drill, NoJobs: true})
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, site.Close(context.WithoutCancel(ctx))) }()
	release, err := site.Hold()
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if links, err = linksIn(from); err != nil {
		return "", nil, err
	}
	if err := hasRoom(from, to); err != nil {
		return "", nil, err
	}
	err = eachFile(from, func(name string, in io.Reader) error {
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		for err == nil {
			if err = ctx.Err(); err == nil {
				_, err = io.CopyN(out, in, copyPiece) // between two files: the system copies, or shares blocks
			}
		}
		if err == io.EOF {
			err = nil
		}
		return errors.Join(err, out.Close())
	})
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("%w: it was full before the end, or what its user may write: make room, or name a folder on another disk by TMPDIR: %w", noRoom(to), err)
	}
	return hash, links, err
}

// copyPiece is how much is copied until the context is asked again, in bytes.
const copyPiece = 64 << 20

// roomIn is how many bytes may still be written to a folder's file system, and whether that is known. A variable for tests.
var roomIn = room

// hasRoom refuses a copy that its disk cannot take. It is asked before, since a full disk is one for everybody.
func hasRoom(from, to string) error {
	var size int64
	err := eachListed(from, func(l listed) error {
		info, err := l.entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if left, known := roomIn(to); err == nil && known && size > left {
		return fmt.Errorf("%w: %d MB are to be copied and %d MB are left: make room, or name a folder on another disk by TMPDIR", noRoom(to), size>>20, left>>20)
	}
	return err
}

// within is a reader that ends with its context.
type within struct {
	ctx context.Context
	in  io.Reader
}

// Read implements [io.Reader].
func (w within) Read(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.in.Read(b)
}
