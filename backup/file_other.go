//go:build !linux

package backup

import (
	"errors"
	"fmt"
	"os"
)

// renameOnce is not to be had here: a file system without links cannot be written to safely.
func (t *fileTarget) renameOnce(part, name string) error {
	return &os.LinkError{Op: "link", Old: part, New: name, Err: errors.ErrUnsupported}
}

// onDevice returns the file system that a folder is on.
func onDevice(folder string) (uint64, error) {
	return 0, fmt.Errorf("backup: which disk %s is on: %w", folder, errors.ErrUnsupported)
}
