// Package whole writes files whole or not at all: after a crash at any moment the old file is there or the new one.
package whole

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Write writes a file under a name of its own in the same folder, syncs it and gives it its name. half is the pattern of that
// first name ([os.CreateTemp]), for whoever sweeps what a kill left; a failure leaves nothing.
func Write(path, half string, text []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), half) // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil && mode != 0o600 {
		err = f.Chmod(mode)
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

// SyncFolder makes the names in a folder durable. Some systems cannot sync a folder; they write names through.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
