package sqlite

import (
	"errors"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/db"
)

// TestDiskReadOnly: a write that fails since the file system has become one for reading only is told as that, and any other as it was.
func TestDiskReadOnly(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		t.Skipf("a disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	writer := conn{folder: dir, mode: modeWrite}
	if err := writer.explain(sqlite3.IOERR_WRITE); errors.Is(err, db.ErrDiskReadOnly) || !errors.Is(err, sqlite3.IOERR) {
		t.Errorf("a disk that takes writes: %v", err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, code := range []error{sqlite3.IOERR_WRITE, sqlite3.READONLY, sqlite3.CANTOPEN} {
		writer.broken = false
		if err := writer.explain(code); !errors.Is(err, db.ErrDiskReadOnly) || !errors.Is(err, code) || !writer.broken {
			t.Errorf("%v: %v, to be used again: %v", code, err, !writer.broken)
		}
	}
}
