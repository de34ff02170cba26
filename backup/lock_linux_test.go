package backup

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// A child that was forked has the file of the lock until its exec: the lock is given back all the same.
func TestTheLockIsNoChilds(t *testing.T) {
	h := homeOf(t.TempDir())
	unlock, err := h.lock()
	if err != nil {
		t.Fatal(err)
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	child := -1
	for _, one := range open {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", one.Name())); err == nil && to == h.path(lockFile) {
			fd, err := strconv.Atoi(one.Name())
			if err != nil {
				t.Fatal(err)
			}
			if child, err = unix.Dup(fd); err != nil {
				t.Fatal(err)
			}
		}
	}
	if child < 0 {
		t.Fatal("the file of the lock is not open")
	}
	defer unix.Close(child)
	if _, err := h.lock(); err == nil {
		t.Error("two have it")
	}
	unlock()
	again, err := h.lock()
	if err != nil {
		t.Fatal(err)
	}
	again()
}
