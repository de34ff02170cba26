//go:build linux || darwin || freebsd

package attack

import "syscall"

// room is how many bytes may still be written to a folder's file system; known is false where that cannot be told.
func room(dir string) (left int64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
