package sftp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	"github.com/pkg/sftp"

	"github.com/merlon-web/merlon/backup"
)

// partFolder is the folder below the base where bodies lie until they are whole. Its name is none of an object.
const partFolder = ".merlon-part"

// at is where an object lies.
func (t *target) at(name string) string { return path.Join(t.base, name) }

// Now implements backup.Target: the time of a file that is made for it, in whole seconds.
func (t *target) Now(ctx context.Context) (now time.Time, err error) {
	err = t.do(ctx, "now", "", func(c *connection) error {
		f, name, err := t.part(c)
		if err != nil {
			return err
		}
		now, err = timeOf(f)
		return errors.Join(err, f.Close(), c.Remove(name))
	})
	return now, err
}

func timeOf(f *sftp.File) (time.Time, error) {
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// part makes a new file beside the objects.
func (t *target) part(c *connection) (*sftp.File, string, error) {
	if err := folder(c, t.at(partFolder)); err != nil {
		return nil, "", err
	}
	name := t.at(partFolder + "/" + rand.Text())
	f, err := c.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR)
	return f, name, err
}

// folder makes one folder, unless it is there. A link to one is none.
func folder(c *connection, name string) error {
	made := c.Mkdir(name)
	if made == nil {
		return nil
	}
	info, err := c.Lstat(name)
	if err != nil {
		return made
	}
	if !info.IsDir() {
		return fmt.Errorf("%w: %s is %s where a folder is wanted", backup.ErrDenied, name, info.Mode())
	}
	return nil
}

// folders makes the folders of an object.
func (t *target) folders(c *connection, name string) error {
	if info, err := c.Lstat(t.at(path.Dir(name))); err == nil && info.IsDir() {
		return nil // one question where nearly always nothing is to do
	}
	for i, r := range name {
		if r == '/' {
			if err := folder(c, t.at(name[:i])); err != nil {
				return err
			}
		}
	}
	return nil
}

// Put implements backup.Target.
func (t *target) Put(ctx context.Context, name string, from io.ReadSeeker, o backup.PutOptions) (backup.Object, error) {
	if err := backup.ValidName(name); err != nil {
		return backup.Object{}, t.fail(ctx, "put", name, err)
	}
	if !o.LockUntil.IsZero() {
		return backup.Object{}, t.Lock(ctx, backup.Object{Name: name}, o.LockUntil)
	}
	err := backup.Patiently(ctx, func(try int, last bool) error {
		var broken error
		err := t.once(ctx, "put", name, func(c *connection) (err error) {
			broken, err = t.put(ctx, c, name, from, o)
			return err
		})
		if broken != nil && !errors.Is(broken, backup.ErrDamaged) && context.Cause(ctx) == nil {
			return fmt.Errorf("backup: reading what should be put as %s: %w", name, broken)
		}
		// After a try without an answer, and after the last, what is there may be what was sent.
		lost := errors.Is(err, backup.ErrUnreachable)
		if (lost && last || try > 0 && errors.Is(err, backup.ErrExists)) && t.has(ctx, name, o) {
			return nil
		}
		return err
	})
	if err != nil {
		return backup.Object{}, err
	}
	at, err := t.Stat(ctx, name)
	if err == nil && at.Size != o.Size {
		err = t.fail(ctx, "put", name, fmt.Errorf("%w: %d bytes were sent, the store has %d", backup.ErrDamaged, o.Size, at.Size))
	}
	return at, err
}

// put sends a body once. It tells apart what broke in reading it.
func (t *target) put(ctx context.Context, c *connection, name string, from io.ReadSeeker, o backup.PutOptions) (broken, err error) {
	body, err := backup.NewBody(ctx, from, o)
	if err != nil {
		return nil, err
	}
	if o.Once {
		if _, err := c.Lstat(t.at(name)); err == nil {
			return nil, backup.ErrExists // before the work; what counts is the rename
		}
	}
	f, part, err := t.part(c)
	if err != nil {
		return nil, err
	}
	t.sweep(c, f)
	_, err = io.Copy(f, body)
	if _, can := c.HasExtension("fsync@openssh.com"); can && err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = t.give(c, part, name, o.Once)
	}
	if err != nil {
		err = full(c, t.base, o.Size, err)
		_ = c.Remove(part)
	}
	return body.Err(), err
}

// give gives a part its name. OpenSSH's server makes a link where a plain rename is asked for, so it is never over a file
// that is there; to take the place of one there is a rename of its own.
func (t *target) give(c *connection, part, name string, once bool) (err error) {
	// A folder may be taken away as empty by a Delete between making it and filling it.
	for range 10 {
		if err = t.folders(c, name); err == nil && once {
			err = c.Rename(part, t.at(name))
		} else if err == nil {
			err = c.PosixRename(part, t.at(name))
		}
		if !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	if err != nil && once {
		if _, there := c.Lstat(t.at(name)); there == nil {
			return backup.ErrExists // the protocol has no word for it
		}
	}
	return err
}

// full turns the server's "failure" into ErrFull where its file system has no room for what was sent.
func full(c *connection, base string, size int64, err error) error {
	if status := new(sftp.StatusError); !errors.As(err, &status) || status.FxCode() != sftp.ErrSSHFxFailure {
		return err
	}
	room, statErr := c.StatVFS(base)
	if statErr == nil && (room.Favail == 0 && room.Files > 0 || room.Bavail*room.Frsize < uint64(size)) {
		return fmt.Errorf("%w: %w", backup.ErrFull, err)
	}
	return err
}

// has reports whether the store has exactly these bytes.
func (t *target) has(ctx context.Context, name string, o backup.PutOptions) bool {
	r, err := t.Get(ctx, backup.Object{Name: name, Size: o.Size})
	if err != nil {
		return false
	}
	defer r.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, r)
	return err == nil && n == o.Size && [32]byte(sum.Sum(nil)) == o.SHA256
}

// sweep removes, once, what killed puts left, by the clock of the server, which made the new part.
func (t *target) sweep(c *connection, part *sftp.File) {
	t.mu.Lock()
	done := t.swept
	t.swept = true
	t.mu.Unlock()
	if done {
		return
	}
	now, err := timeOf(part)
	left, listErr := c.ReadDir(t.at(partFolder))
	if err != nil || listErr != nil {
		return
	}
	backup.SweepParts(now, left, func(name string) error { return c.Remove(t.at(partFolder + "/" + name)) })
}

// Lock implements backup.Target: SFTP cannot.
func (t *target) Lock(_ context.Context, o backup.Object, _ time.Time) error {
	return &backup.TargetError{Op: "lock", Target: t.address, Name: o.Name, Kind: backup.ErrNoLock}
}
