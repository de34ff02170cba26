package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/merlon-web/merlon/internal/whole"
)

// Open reads the ring of a key file. It refuses, as a [check.Finding] with the way out: a file that others than its owner
// may read or write, a symbolic link or another thing that is no plain file, and a malformed, cut or edited one. A missing
// file answers an error that is [fs.ErrNotExist]: whether that means a new site or a lost key, only the caller knows.
func Open(path string) (*Ring, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	keys, err := decode(text)
	if err != nil {
		return nil, RuleMalformed.Finding(path, err.Error(), malformedDo)
	}
	r := &Ring{path: path}
	r.state.Store(&state{keys: keys})
	return r, nil
}

// Create makes a new key file with one key made at now, mode 0600, synced to the disk with its folder. It never
// overwrites: when the path exists the error is [fs.ErrExist].
func Create(path string, now time.Time) (*Ring, error) {
	r := &Ring{path: path}
	keys := []key{r.newKey(1, now)}
	if err := writeNew(path, encode(keys)); err != nil {
		return nil, err
	}
	r.state.Store(&state{keys: keys})
	return r, nil
}

// OpenOrCreate opens the ring of path and creates it when there is no such file. Use it only where a new file is right: a
// site whose data exists and whose key file does not has lost its keys, and a new ring would hide that.
func OpenOrCreate(path string, now time.Time) (*Ring, error) {
	r, err := Open(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	r, err = Create(path, now)
	if errors.Is(err, fs.ErrExist) {
		return Open(path) // another process was faster
	}
	return r, err
}

// readFile reads a key file after looking at what it is. The look is at the opened file, and it must be the one that the
// path names without following a link: a swap in between is seen.
func readFile(path string) ([]byte, error) {
	named, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("keyring: the key file cannot be read: %w; name the site's key file, or restore it from the backup", err)
	}
	if err := plain(path, named.Mode()); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("keyring: the key file cannot be opened: %w; run the site as the file's owner", err)
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("keyring: the key file cannot be read: %w", err)
	}
	if !os.SameFile(named, opened) {
		return nil, RuleNotPlain.Finding(path, "the key file was exchanged while it was opened", "see who may write in its folder, then start again")
	}
	if err := plain(path, opened.Mode()); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("keyring: the key file cannot be read: %w", err)
	}
	return text, nil
}

// plain refuses what is no regular file of the owner's alone. Windows has other rights than these bits: there only the
// kind of file counts.
func plain(path string, mode fs.FileMode) error {
	if !mode.IsRegular() {
		return RuleNotPlain.Finding(path, "the key file is not a plain file but "+kind(mode), "put the file itself there, or name its own path")
	}
	if runtime.GOOS != "windows" && mode.Perm()&0o077 != 0 {
		return RuleMode.Finding(path, fmt.Sprintf("others may read or change the key file (mode %04o)", mode.Perm()), "run: chmod 600 "+path)
	}
	return nil
}

func kind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode.IsDir():
		return "a folder"
	}
	return "a device, pipe or socket"
}

// writeNew writes a file that must not exist. It is linked to its name when it is whole and synced, so that nobody ever
// opens half of it; where there are no links it is created in place.
func writeNew(path string, text []byte) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".merlon-keys-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keyring: the key file cannot be created: %w; make its folder first", err)
	}
	defer os.Remove(temp.Name())
	if err := writeSync(temp, text); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); errors.Is(err, fs.ErrExist) {
		return exists(path, err)
	} else if err != nil {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return exists(path, err)
		}
		if err != nil {
			return fmt.Errorf("keyring: the key file cannot be created: %w", err)
		}
		if err := writeSync(f, text); err != nil {
			os.Remove(path)
			return err
		}
	}
	return syncDir(dir)
}

func exists(path string, err error) error {
	return fmt.Errorf("keyring: %q exists already: its keys would be lost; open it, or name another path: %w", path, err)
}

// replaceFile exchanges the file's text from old to text in one step. The new file's fixed name, created exclusively, is
// the lock between two rotations.
func replaceFile(path string, old, text []byte) error {
	temp := path + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keyring: %q exists: another rotation is under way, or one was cut off; when none runs, remove that file and rotate again: %w", temp, err)
	}
	if err != nil {
		return fmt.Errorf("keyring: the key file cannot be replaced: %w; let the site's user write in its folder", err)
	}
	if err := fillAndRename(f, path, old, text); err != nil {
		os.Remove(temp)
		return err
	}
	return syncDir(filepath.Dir(path)) // the fixed name is free since the rename, and may be another rotation's by now
}

func fillAndRename(f *os.File, path string, old, text []byte) error {
	if err := writeSync(f, text); err != nil {
		return err
	}
	now, err := readFile(path)
	if err != nil {
		return err
	}
	if !sameKeys(now, old) {
		return RuleChanged.Finding(path, "the key file is not the one that was opened: somebody else changed it", "restart the site, so that it reads the new keys, then rotate again")
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("keyring: the key file cannot be replaced: %w", err)
	}
	return nil
}

// sameKeys compares two files without their comments.
func sameKeys(a, b []byte) bool {
	x, errX := decode(a)
	y, errY := decode(b)
	return errX == nil && errY == nil && bytes.Equal(encode(x), encode(y))
}

func writeSync(f *os.File, text []byte) error {
	_, err := f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("keyring: the key file cannot be written: %w; look for a full or read-only disk", err)
	}
	return nil
}

// syncDir makes the name durable as well.
func syncDir(dir string) error {
	if err := whole.SyncFolder(dir); err != nil {
		return fmt.Errorf("keyring: the folder of the key file cannot be synced: %w", err)
	}
	return nil
}
