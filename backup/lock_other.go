//go:build !unix

package backup

import (
	"errors"
	"fmt"
	"math"
	"os"
)

// restores says that a data folder can be put in another's place here: two renames of folders, synced, under a lock that ends
// with its process. Nothing of that was ever tried on this system.
var restores = false

// lock takes the lock of a home: a file that is made anew and removed again. After a crash it is removed by hand.
func (h home) lock() (unlock func(), err error) {
	if err := h.make(); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	f, err := os.OpenFile(h.path(lockFile), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%w: %s is there: wait until the other process has ended; if there is none, delete that file", ErrBusy, h.path(lockFile))
	}
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return func() { f.Close(); os.Remove(h.path(lockFile)) }, nil
}

// room is not asked for on this system: a full disk ends the run.
func room(string) (int64, error) { return math.MaxInt64, nil }
