//go:build unix

package datafolder

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Owner returns user and group of a file, of a link those of what it leads to. ok is false where there is no such file, or no such owner.
func Owner(path string) (uid, gid int, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, false
	}
	return OwnerOf(info)
}

// OwnerOf returns the user and group of a file that was looked at.
func OwnerOf(info fs.FileInfo) (uid, gid int, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(st.Uid), int(st.Gid), true
}

// mayUse asks whether this process may read and write a file, and enter a folder. It opens nothing: closing a file would give away the
// locks that SQLite has on it.
func mayUse(path string) error {
	wanted := uint32(unix.R_OK | unix.W_OK)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		wanted |= unix.X_OK
	}
	if err := unix.Access(path, wanted); err != nil {
		return &fs.PathError{Op: "access", Path: path, Err: err}
	}
	return nil
}
