//go:build unix && !solaris && !aix

package attack

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// tryHold takes the lock of a scratch, or reports that a process has it.
func tryHold(f *os.File) (held bool, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// isMine reports whether a file is of the user as whom this process runs.
func isMine(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}
