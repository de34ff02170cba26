//go:build unix

package attack

import (
	"os"
	"syscall"
)

// sameDisk reports whether two folders lie on one file system; known is false where that cannot be told.
func sameDisk(a, b string) (same, known bool) {
	one, errOne := os.Stat(a)
	other, errOther := os.Stat(b)
	if errOne != nil || errOther != nil {
		return false, false
	}
	x, okX := one.Sys().(*syscall.Stat_t)
	y, okY := other.Sys().(*syscall.Stat_t)
	return okX && okY && x.Dev == y.Dev, okX && okY
}
