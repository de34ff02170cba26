package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// Get implements [Target].
func (t *fileTarget) Get(ctx context.Context, o Object) (io.ReadCloser, error) {
	at, err := t.Stat(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	f, err := t.root.Open(o.Name)
	if err != nil {
		return nil, t.fail("get", o.Name, nil, err, "")
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() != at.Size || o.Size != 0 && info.Size() != o.Size) {
		err = fmt.Errorf("%w: it has %d bytes, not %d", ErrDamaged, info.Size(), max(o.Size, at.Size))
	}
	if err != nil {
		return nil, t.fail("get", o.Name, nil, errors.Join(err, f.Close()), "")
	}
	return Exactly(&fileReader{ctx, t, o.Name, f}, f, info.Size()), nil
}

type fileReader struct {
	ctx  context.Context
	t    *fileTarget
	name string
	f    *os.File
}

func (r *fileReader) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	n, err := r.f.Read(p)
	if err != nil && err != io.EOF {
		err = r.t.fail("get", r.name, nil, err, "")
	}
	return n, err
}

// Stat implements [Target].
func (t *fileTarget) Stat(ctx context.Context, name string) (Object, error) {
	if err := context.Cause(ctx); err != nil {
		return Object{}, err
	}
	if err := ValidName(name); err != nil {
		return Object{}, t.fail("stat", name, ErrName, err, "")
	}
	if err := t.plain(name); err != nil {
		return Object{}, t.fail("stat", name, nil, err, "")
	}
	info, err := t.root.Lstat(name)
	if err != nil {
		return Object{}, t.fail("stat", name, nil, err, "")
	}
	return Object{Name: name, Size: info.Size(), Stored: info.ModTime()}, nil
}

// List implements [Target].
func (t *fileTarget) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		// A base that went away is not an empty one.
		if _, err := os.Stat(t.base); err != nil {
			yield(Object{}, t.fail("list", "", nil, err, "mount the disk"))
			return
		}
		t.list(ctx, ".", prefix, yield)
	}
}

// list tells what is below a folder; false when the listing is over.
func (t *fileTarget) list(ctx context.Context, folder, prefix string, yield func(Object, error) bool) bool {
	if err := context.Cause(ctx); err != nil {
		yield(Object{}, err)
		return false
	}
	f, err := t.root.Open(folder)
	var entries []os.DirEntry
	if err == nil {
		entries, err = f.ReadDir(-1)
		err = errors.Join(err, f.Close())
	}
	if errors.Is(err, fs.ErrNotExist) && folder != "." {
		return true // taken away meanwhile
	}
	if err != nil {
		yield(Object{}, t.fail("list", folder, nil, err, ""))
		return false
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return bytes.Compare(fileOrder(a), fileOrder(b)) })
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		if ValidName(name) != nil {
			continue
		}
		switch {
		case e.IsDir():
			below := name + "/"
			if (strings.HasPrefix(below, prefix) || strings.HasPrefix(prefix, below)) && !t.list(ctx, name, prefix, yield) {
				return false
			}
		case e.Type().IsRegular() && strings.HasPrefix(name, prefix):
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				yield(Object{}, t.fail("list", name, nil, err, ""))
				return false
			}
			if !yield(Object{Name: name, Size: info.Size(), Stored: info.ModTime()}, nil) {
				return false
			}
		}
	}
	return true
}

// fileOrder is what an entry is sorted by, so that whole names come in the order of their bytes: a-b before a/b.
func fileOrder(e os.DirEntry) []byte {
	if e.IsDir() {
		return []byte(e.Name() + "/")
	}
	return []byte(e.Name())
}

// Delete implements [Target].
func (t *fileTarget) Delete(ctx context.Context, o Object) error {
	if _, err := t.Stat(ctx, o.Name); err != nil {
		return err
	}
	err := t.root.Remove(o.Name)
	for folder := path.Dir(o.Name); err == nil; folder = path.Dir(folder) {
		// A folder that is empty now goes too; the first that is not, and that nobody else took, ends it and must be synced.
		if folder != "." && t.root.Remove(folder) == nil {
			continue
		}
		if err = t.syncFolder(folder); !errors.Is(err, fs.ErrNotExist) || folder == "." {
			break
		}
		err = nil
	}
	if err != nil {
		return t.fail("delete", o.Name, nil, err, "")
	}
	return nil
}

// Lock implements [Target]: a folder cannot.
func (t *fileTarget) Lock(_ context.Context, o Object, _ time.Time) error {
	return t.fail("lock", o.Name, ErrNoLock, nil, "")
}
