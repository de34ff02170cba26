// Package whole writes files whole or not at all: after a crash at any moment the old file is there or the new one.
package whole

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Write writes a file under a name of its own in the same folder, syncs it and gives it its name. half is the pattern of that
// first name ([os.CreateTemp]), for whoever sweeps what a kill left; a failure leaves nothing.
func Write(path, half string, text []byte, mode fs.FileMode) error {
	return write(path, half, text, mode, func(*os.File) error { return nil })
}

// WriteLike is [Write] of a file of mode 0600 that belongs to the owner of another one, like: a site that runs as that user could
// not read what root writes for it. For whoever is not root, and where like is not there, it is Write.
func WriteLike(path, half string, text []byte, like string) error {
	return write(path, half, text, 0o600, func(f *os.File) error { return giveLike(f, like) })
}

func write(path, half string, text []byte, mode fs.FileMode, give func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), half) // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil && mode != 0o600 {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = give(f)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncFolder(filepath.Dir(path))
}

// SyncFolder makes the names in a folder durable.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(SyncOpen(d), d.Close())
}

// SyncOpen is [SyncFolder] for a folder that is open. Some file systems cannot sync a folder and write names through (fsync(2),
// EINVAL), as does Windows, where a folder is no file: that is no error. A disk that fails is one.
func SyncOpen(d *os.File) error {
	err := d.Sync()
	if runtime.GOOS == "windows" || errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
