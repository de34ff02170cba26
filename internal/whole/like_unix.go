//go:build unix

package whole

import (
	"os"
	"syscall"
)

// giveLike gives a file that root has made to the owner of another one. Where there is no other one, and for whoever is not root,
// nothing is to be given.
func giveLike(f *os.File, other string) error {
	info, err := os.Stat(other)
	if err != nil || os.Geteuid() != 0 {
		return nil
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == 0 {
		return nil
	}
	return f.Chown(int(st.Uid), int(st.Gid))
}
