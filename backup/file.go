package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// fileScheme is the kind of target that is a folder: another disk, or a share of another machine that is mounted here. It
// cannot lock: who may write there may delete there.
var fileScheme = Scheme{
	Name:    "file",
	Example: fileExample,
	Open: func(_ context.Context, address *url.URL, _ Settings) (Target, error) {
		return openFile(address)
	},
}

const fileExample = "file:///mnt/backup/site"

// fileTemp is the folder below the base where bodies lie until they are whole. Its name is none of an object.
const fileTemp = ".merlon-part"

// A fileTarget keeps objects as files below one folder, which it does not leave: through os.Root, and links are refused.
// A body is written beside, synced, read back and hashed; only then it gets its name, and the folder is synced.
type fileTarget struct {
	address string
	base    string
	root    *os.Root
	sweep   sync.Once
}

func openFile(address *url.URL) (Target, error) {
	t := &fileTarget{address: address.String()}
	folder := filepath.FromSlash(address.Path)
	switch {
	case address.User != nil || address.RawQuery != "" || address.Fragment != "" || address.Opaque != "" || !filepath.IsAbs(folder):
		return nil, t.fail("open", "", ErrAddress, nil, "write it like "+fileExample+", with the whole path from the root")
	case address.Host != "" && address.Host != "localhost":
		return nil, t.fail("open", "", ErrAddress, fmt.Errorf("%q stands where a machine's name would", address.Host), "a path begins with a third slash: file:///"+address.Host+address.Path)
	}
	t.base = filepath.Clean(folder)
	info, err := os.Stat(t.base)
	if err == nil && !info.IsDir() {
		return nil, t.fail("open", "", ErrAddress, errors.New("it is no folder"), "")
	}
	if err == nil {
		t.root, err = os.OpenRoot(t.base)
	}
	if err != nil {
		// It is never made here: an unmounted disk would be backed up onto the disk that it should save.
		return nil, t.fail("open", "", fileKind(err), err, "mount the disk; or, when the folder is new, make it with: mkdir -m 700 "+t.base)
	}
	return t, nil
}

func (t *fileTarget) String() string { return t.address }

func (t *fileTarget) Traits() Traits { return Traits{Local: true} }

func (t *fileTarget) Close() error { return t.root.Close() }

// fail returns the error of an operation; a kind of nil is found out from the cause.
func (t *fileTarget) fail(op, name string, kind, cause error, advice string) error {
	if kind == nil {
		kind = fileKind(cause)
	}
	return &TargetError{Op: op, Target: t.address, Name: name, Kind: kind, Err: cause, Advice: advice}
}

// fileKind says what an error of a file system means for a backup.
func fileKind(err error) error {
	for _, kind := range []error{ErrNotFound, ErrExists, ErrDenied, ErrFull, ErrDamaged, ErrName} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	for kind, causes := range map[error][]error{
		ErrNotFound: {fs.ErrNotExist},
		ErrExists:   {fs.ErrExist},
		ErrDenied:   {fs.ErrPermission, syscall.EROFS, syscall.ENOTDIR, syscall.EISDIR},
		ErrFull:     {syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG},
	} {
		for _, cause := range causes {
			if errors.Is(err, cause) {
				return kind
			}
		}
	}
	return ErrUnreachable
}

// Now is the time of a file that is made for it: on a share it is the other machine's clock that counts.
func (t *fileTarget) Now(ctx context.Context) (time.Time, error) {
	if err := context.Cause(ctx); err != nil {
		return time.Time{}, err
	}
	f, name, err := t.temp()
	if err != nil {
		return time.Time{}, t.fail("now", "", nil, err, "")
	}
	defer t.root.Remove(name)
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return time.Time{}, t.fail("now", "", nil, err, "")
	}
	return info.ModTime(), nil
}

// temp makes a new file beside the objects.
func (t *fileTarget) temp() (*os.File, string, error) {
	if err := t.root.Mkdir(fileTemp, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, "", err
	}
	if err := t.real(fileTemp, fs.ModeDir); err != nil {
		return nil, "", err
	}
	name := fileTemp + "/" + rand.Text()
	f, err := t.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	return f, name, err
}

// real refuses what is not of this type itself: a link to it would lead to what somebody else chose.
func (t *fileTarget) real(name string, kind fs.FileMode) error {
	info, err := t.root.Lstat(name)
	if err != nil {
		return err
	}
	if info.Mode().Type() != kind {
		return fmt.Errorf("%w: %s is %s where a folder or a plain file is wanted", ErrDenied, name, info.Mode())
	}
	return nil
}

// plain refuses a path to a file that leads over a link.
func (t *fileTarget) plain(name string) error {
	for i, c := range name {
		if c == '/' {
			if err := t.real(name[:i], fs.ModeDir); err != nil {
				return err
			}
		}
	}
	return t.real(name, 0)
}

// Put implements [Target].
func (t *fileTarget) Put(ctx context.Context, name string, from io.ReadSeeker, o PutOptions) (Object, error) {
	if err := ValidName(name); err != nil {
		return Object{}, t.fail("put", name, ErrName, err, "")
	}
	if !o.LockUntil.IsZero() {
		return Object{}, t.fail("put", name, ErrNoLock, nil, "ask Traits before")
	}
	body, err := NewBody(ctx, from, o)
	if err == nil {
		err = t.put(name, body, o)
	}
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
		return Object{}, cause
	}
	if err != nil {
		return Object{}, t.fail("put", name, nil, err, "")
	}
	return t.Stat(ctx, name)
}

func (t *fileTarget) put(name string, body *Body, o PutOptions) error {
	f, part, err := t.temp()
	if err != nil {
		return err
	}
	// After the link the name of the part is one too many; after the rename it is gone.
	defer t.root.Remove(part)
	defer f.Close()
	t.sweep.Do(func() { t.clean(f) })
	if o.Once {
		if _, err := t.root.Lstat(name); err == nil {
			return ErrExists // before the work; what counts is the link
		}
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{body}, make([]byte, fileAtOnce)); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := fileHas(f, o); err != nil {
		return err
	}
	// A folder may be taken away as empty by a Delete between making it and filling it.
	for try := 0; ; try++ {
		if err = t.folders(path.Dir(name)); err == nil {
			err = t.give(part, name, o.Once)
		}
		if try == 10 || !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return err
	}
	return t.syncFolder(path.Dir(name))
}

// fileAtOnce is how many bytes are written by one call.
const fileAtOnce = 256 << 10

// fileHas reads a file again and holds it against what was announced.
func fileHas(f *os.File, o PutOptions) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum, n, err := hashAll(f)
	if err != nil {
		return err
	}
	if n != o.Size || sum != o.SHA256 {
		return fmt.Errorf("%w: %d bytes were written and other ones came back", ErrDamaged, o.Size)
	}
	return nil
}

// give gives a part its name, and with once never in place of a file that has it. File systems without links (FAT) rename
// without replacing, where the system can.
func (t *fileTarget) give(part, name string, once bool) error {
	if !once {
		return t.root.Rename(part, name)
	}
	err := t.root.Link(part, name)
	if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported) {
		return t.renameOnce(part, name)
	}
	return err
}

// folders makes a folder and those above it, each synced into the one that it is in.
func (t *fileTarget) folders(name string) error {
	if name == "." {
		return nil
	}
	err := t.real(name, fs.ModeDir)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := t.folders(path.Dir(name)); err != nil {
		return err
	}
	if err := t.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return t.syncFolder(path.Dir(name))
}

func (t *fileTarget) syncFolder(name string) error {
	f, err := t.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// clean removes what killed puts left, by the clock of the store, which made the new part.
func (t *fileTarget) clean(part *os.File) {
	now, err := part.Stat()
	if err != nil {
		return
	}
	folder, err := t.root.Open(fileTemp)
	if err != nil {
		return
	}
	defer folder.Close()
	left, err := folder.Readdir(-1)
	if err != nil {
		return
	}
	SweepParts(now.ModTime(), left, func(name string) error { return t.root.Remove(fileTemp + "/" + name) })
}

// SameDisk reports whether a target is a folder on the file system that another folder is on: one fault takes both. It is
// false where the system does not tell.
func SameDisk(t Target, folder string) bool {
	f, ok := t.(*fileTarget)
	if !ok {
		return false
	}
	here, err := onDevice(folder)
	there, err2 := onDevice(f.base)
	return err == nil && err2 == nil && here == there
}
