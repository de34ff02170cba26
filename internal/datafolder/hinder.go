package datafolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// manyFiles bounds how many files of a folder are looked at: uploads may be millions.
const manyFiles = 2000

// Hinder looks why a data folder cannot be used by this process: where, what and what to do about it. what is empty where nothing is
// seen. It is asked after a failure, which tells of a call that was refused and not of the folder; it tries to make files.
func Hinder(path string) (where, what, do string) {
	path = filepath.Clean(path)
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		above := filepath.Dir(path)
		for above != filepath.Dir(above) && missing(above) {
			above = filepath.Dir(above)
		}
		if _, what, _ = writable(above); what == "" {
			return "", "", "" // it can be made by now
		}
		return path, "it is not there and cannot be made: in " + above + " " + what, fmt.Sprintf("make it, and give it to %s: mkdir -p -m 0700 %s; chown %s %[2]s", self(), path, number())
	case errors.Is(err, syscall.ENOTDIR) || err == nil && !info.IsDir():
		return path, "it is no folder, or one of those above it is none", "name a folder with --data"
	case err != nil && !errors.Is(err, fs.ErrPermission):
		return path, "it cannot be read: " + cause(err), "see what lies there, or name another folder with --data"
	case err != nil:
		return path, "it cannot be reached by " + self() + ": " + cause(err), "let that user enter the folders above it, or run this as the folder's owner"
	}
	if where, what, do = writable(path); what != "" {
		return where, what, do
	}
	seen := 0
	_ = Walk(path, func(name string, e fs.DirEntry, err error) error {
		if seen++; seen > manyFiles {
			return fs.SkipAll
		}
		if err == nil && (e.IsDir() || e.Type().IsRegular()) {
			err = mayUse(name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			where, what, do = closed(name, err)
			return fs.SkipAll
		}
		return nil
	})
	return where, what, do
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// probeSize is how much must be free at the least, in bytes: SQLite's shared memory beside a database.
const probeSize = 64 << 10

// writable says what keeps this process from writing a file into a folder.
func writable(path string) (where, what, do string) {
	f, err := os.CreateTemp(path, ".merlon-check-*")
	if err == nil {
		_, err = f.Write(make([]byte, probeSize))
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	switch {
	case err == nil:
		return "", "", ""
	case errors.Is(err, syscall.ENOSPC):
		return path, "its disk is full", "make room, or move the folder to a larger disk: df -h " + path
	case errors.Is(err, syscall.EROFS):
		return path, "its file system is mounted for reading only", "mount it for writing: mount -o remount,rw; the kernel mounts a disk so whose writes fail: see dmesg"
	}
	return closed(path, err)
}

// closed tells of a file or folder that this process may not use.
func closed(path string, err error) (where, what, do string) {
	what = self() + " may not read and write there: " + cause(err)
	do = "let that user, and nobody else, read and write it"
	info, statErr := os.Stat(path)
	uid, _, known := Owner(path)
	switch {
	case statErr != nil || !known || !errors.Is(err, fs.ErrPermission):
	case uid == os.Geteuid():
		what += fmt.Sprintf(" (mode %04o)", info.Mode().Perm())
		do = "run: chmod u+rwX " + path
	default:
		what += fmt.Sprintf(" (it is of %s, mode %04o)", named(uid), info.Mode().Perm())
		do = fmt.Sprintf("run this as %s, or give it away: chown -R %s %s", named(uid), number(), path)
	}
	return path, what, do
}

// cause is the system's word for an error, without the path that is told beside it.
func cause(err error) string {
	var no syscall.Errno
	if errors.As(err, &no) {
		return no.Error()
	}
	return err.Error()
}

func number() string { return strconv.Itoa(os.Geteuid()) }

// self names the user of this process.
func self() string { return named(os.Geteuid()) }

// named tells a user by name and number; one may have no name.
func named(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return fmt.Sprintf("user %s (%d)", u.Username, uid)
	}
	return fmt.Sprintf("user %d", uid)
}
