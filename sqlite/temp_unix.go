//go:build unix

package sqlite

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	"golang.org/x/sys/unix"
)

// What a sort or an index has no room for in memory SQLite writes to temporary files: rows, in the clear. Its own choice of a
// folder is the system's for temporary files, which is another disk or another's; here it is the folder of the database. In memory
// they would be bounded by what a connection may take at most, 256 MB of the process each, and an index of a large table by it.

// openFile opens a database file. Its temporary files have no name, and lie in the file's folder.
func openFile(path string, flags sqlite3.OpenFlag) (*sqlite3.Conn, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(path)
	name := fmt.Sprintf("merlon-%x", sha256.Sum256([]byte(folder)))
	vfs.Register(name, beside{vfs.Find("").(vfs.VFSFilename), folder}) // of one folder it is the same each time
	address := url.URL{Scheme: "file", Path: path, RawQuery: "vfs=" + name}
	return sqlite3.OpenFlags(address.String(), flags|sqlite3.OPEN_URI) // all that an address could say beside the path is escaped
}

// beside is the system's files, but for temporary ones.
type beside struct {
	vfs.VFSFilename
	folder string
}

// OpenFilename implements [vfs.VFSFilename].
func (b beside) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if name != nil {
		return b.VFSFilename.OpenFilename(name, flags)
	}
	f, err := os.CreateTemp(b.folder, ".temp-*")
	if err != nil {
		return nil, flags, codeOf(err, sqlite3.CANTOPEN)
	}
	if err := os.Remove(f.Name()); err != nil { // nothing stays of it, whatever ends the process
		f.Close()
		return nil, flags, sqlite3.CANTOPEN
	}
	return temporary{f}, flags, nil
}

// codeOf returns the code by which SQLite knows a full disk, else another.
func codeOf(err error, other sqlite3.ErrorCode) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return sqlite3.FULL
	}
	return other
}

// temporary is a file that one connection has: there is nothing to lock, and nothing to keep.
type temporary struct{ *os.File }

// WriteAt implements [vfs.File].
func (t temporary) WriteAt(p []byte, at int64) (int, error) {
	n, err := t.File.WriteAt(p, at)
	if err != nil {
		return n, codeOf(err, sqlite3.IOERR)
	}
	return n, nil
}

// Size implements [vfs.File].
func (t temporary) Size() (int64, error) {
	info, err := t.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Sync implements [vfs.File].
func (temporary) Sync(vfs.SyncFlag) error { return nil }

// Lock implements [vfs.File].
func (temporary) Lock(vfs.LockLevel) error { return nil }

// Unlock implements [vfs.File].
func (temporary) Unlock(vfs.LockLevel) error { return nil }

// CheckReservedLock implements [vfs.File].
func (temporary) CheckReservedLock() (bool, error) { return false, nil }

// SectorSize implements [vfs.File].
func (temporary) SectorSize() int { return 4096 }

// DeviceCharacteristics implements [vfs.File].
func (temporary) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return vfs.IOCAP_SUBPAGE_READ | vfs.IOCAP_POWERSAFE_OVERWRITE
}
