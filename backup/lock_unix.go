//go:build unix

package backup

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// restores says that a data folder can be put in another's place here.
var restores = true

// lock takes the lock of a home. It is the system's: a process that dies gives it back.
func (h home) lock() (unlock func(), err error) {
	if err := h.make(); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	f, err := os.OpenFile(h.path(lockFile), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("backup: the lock %s: %w", h.path(lockFile), err)
		}
		pid := make([]byte, 20)
		n, _ := f.Read(pid)
		return nil, fmt.Errorf("%w: process %s has %s: wait until it has ended", ErrBusy, strings.TrimSpace(string(pid[:n])), h.path(lockFile))
	}
	_ = f.Truncate(0) // who has it is told for people only
	_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return func() {
		_ = unix.Flock(int(f.Fd()), unix.LOCK_UN) // by hand: a child that was forked just now has the file too until its exec, and the lock with it
		_ = f.Close()
	}, nil
}

// room returns how many bytes may still be written to a folder's file system.
func room(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("backup: %w", err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
