package sftp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/pkg/sftp"

	"github.com/merlon-web/merlon/backup"
)

// Stat implements backup.Target.
func (t *target) Stat(ctx context.Context, name string) (o backup.Object, err error) {
	if err := backup.ValidName(name); err != nil {
		return o, t.fail(ctx, "stat", name, err)
	}
	err = t.do(ctx, "stat", name, func(c *connection) error {
		o, err = t.stat(c, name)
		return err
	})
	return o, err
}

func (t *target) stat(c *connection, name string) (backup.Object, error) {
	info, err := c.Lstat(t.at(name))
	if err != nil {
		return backup.Object{}, err
	}
	if !info.Mode().IsRegular() {
		return backup.Object{}, fmt.Errorf("%w: it is %s where a plain file is wanted", backup.ErrDenied, info.Mode())
	}
	return backup.Object{Name: name, Size: info.Size(), Stored: info.ModTime()}, nil
}

// window is how much is asked for at once: on a long way each question costs.
const window = 1 << 20

// Get implements backup.Target.
func (t *target) Get(ctx context.Context, o backup.Object) (io.ReadCloser, error) {
	if err := backup.ValidName(o.Name); err != nil {
		return nil, t.fail(ctx, "get", o.Name, err)
	}
	var r io.ReadCloser
	err := t.do(ctx, "get", o.Name, func(c *connection) error {
		at, err := t.stat(c, o.Name)
		if err != nil {
			return err
		}
		if o.Size != 0 && at.Size != o.Size {
			return fmt.Errorf("%w: it has %d bytes, not %d", backup.ErrDamaged, at.Size, o.Size)
		}
		f, err := c.Open(t.at(o.Name))
		if err != nil {
			return err
		}
		r = backup.Exactly(bufio.NewReaderSize(&reading{t, ctx, c, f, o.Name}, window), f, at.Size)
		return nil
	})
	return r, err
}

// reading is a file whose errors are ours. A server that says nothing meets the wire's own end.
type reading struct {
	t    *target
	ctx  context.Context
	c    *connection
	f    *sftp.File
	name string
}

func (r *reading) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	stop := context.AfterFunc(r.ctx, func() { _ = r.c.wire.Close() })
	defer stop()
	n, err := r.f.Read(p)
	if err != nil && err != io.EOF {
		err = r.t.fail(r.ctx, "get", r.name, err)
	}
	return n, err
}

// List implements backup.Target.
func (t *target) List(ctx context.Context, prefix string) iter.Seq2[backup.Object, error] {
	return func(yield func(backup.Object, error) bool) { t.list(ctx, "", prefix, yield) }
}

// list tells what is below a folder; false when the listing is over.
func (t *target) list(ctx context.Context, folder, prefix string, yield func(backup.Object, error) bool) bool {
	var entries []os.FileInfo
	err := t.do(ctx, "list", folder, func(c *connection) (err error) {
		entries, err = c.ReadDirContext(ctx, t.at(folder))
		return err
	})
	if errors.Is(err, backup.ErrNotFound) && folder != "" {
		return true // taken away meanwhile
	}
	if err != nil {
		yield(backup.Object{}, err)
		return false
	}
	// Whole names come in the order of their bytes: a-b before a/b.
	slices.SortFunc(entries, func(a, b os.FileInfo) int { return strings.Compare(order(a), order(b)) })
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		if backup.ValidName(name) != nil {
			continue
		}
		switch {
		case e.IsDir():
			below := name + "/"
			if (strings.HasPrefix(below, prefix) || strings.HasPrefix(prefix, below)) && !t.list(ctx, name, prefix, yield) {
				return false
			}
		case e.Mode().IsRegular() && strings.HasPrefix(name, prefix):
			if !yield(backup.Object{Name: name, Size: e.Size(), Stored: e.ModTime()}, nil) {
				return false
			}
		}
	}
	return true
}

func order(e os.FileInfo) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

// Delete implements backup.Target. Folders that are empty then go too.
func (t *target) Delete(ctx context.Context, o backup.Object) error {
	if err := backup.ValidName(o.Name); err != nil {
		return t.fail(ctx, "delete", o.Name, err)
	}
	return t.do(ctx, "delete", o.Name, func(c *connection) error {
		if _, err := t.stat(c, o.Name); err != nil {
			return err
		}
		if err := c.Remove(t.at(o.Name)); err != nil {
			return err
		}
		for folder := path.Dir(o.Name); folder != "." && c.RemoveDirectory(t.at(folder)) == nil; {
			folder = path.Dir(folder)
		}
		return nil
	})
}
