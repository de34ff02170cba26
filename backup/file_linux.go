package backup

import (
	"errors"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"
)

// renameOnce gives a part its name unless a file has it: renameat2 with RENAME_NOREPLACE.
func (t *fileTarget) renameOnce(part, name string) error {
	from, err := t.root.Open(path.Dir(part))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := t.root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer to.Close()
	err = unix.Renameat2(int(from.Fd()), path.Base(part), int(to.Fd()), path.Base(name), unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return &os.LinkError{Op: "link or rename without replacing", Old: part, New: name, Err: syscall.ENOTSUP}
	}
	return err
}

// onDevice returns the file system that a folder is on.
func onDevice(folder string) (uint64, error) {
	var s unix.Stat_t
	if err := unix.Stat(folder, &s); err != nil {
		return 0, err
	}
	return uint64(s.Dev), nil //nolint:unconvert // another width elsewhere
}
