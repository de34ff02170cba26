package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/datafolder"
	"github.com/merlon-web/merlon/internal/whole"
	"github.com/merlon-web/merlon/outbound/file"
)

// The plain content of a point is a tar: first MERLON, which names all the others, in their order, with size and hash; then
// the database, the keys, the settings, a list of the uploads that another point holds, and the other uploads, each under the hash of
// its bytes. Anybody who can decrypt it can open it with tar.

// innerName is the first entry, innerFormat what stands in it, databaseName the entry of a database that is a file, dumpName that
// of one on a server.
const (
	innerName    = "MERLON"
	innerFormat  = "merlon-inner 1"
	databaseName = "site.db"
	dumpName     = "site.dump"
	uploadsName  = "uploads.index"
	keyringName  = "keys/keys"
	uploadPrefix = "uploads/"
)

// Limits of a tar's smaller entries.
const (
	maxInner   = 64 << 20 // bytes of MERLON
	maxSmall   = 16 << 20 // bytes of every other entry but the database, the index and the uploads
	maxFiles   = 100      // without uploads
	maxUploads = 250_000
)

// An Inner is the entry MERLON: what the point holds.
type Inner struct {
	Format     string           `json:"format"`
	Site       string           `json:"site"`
	Name       string           `json:"name"` // the site's own
	Seq        int64            `json:"seq"`
	Instant    time.Time        `json:"instant"`
	Build      string           `json:"build"`
	Go         string           `json:"go"`
	Engine     string           `json:"engine"`           // "sqlite"
	Database   string           `json:"database"`         // the name of the database's file in a data folder; "": it is a dump
	Server     string           `json:"server,omitempty"` // what the dump was made of: version, name, roles
	Migrations []db.Migration   `json:"migrations"`
	Tables     map[string]int64 `json:"tables"`         // rows of each
	Base       string           `json:"base,omitempty"` // the receipt of the point that holds the uploads which uploads.index names
	Files      []InnerFile      `json:"files"`          // all entries behind this one

	lacks int // uploads that did not come from the base
}

// An InnerFile is one entry of the tar.
type InnerFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // 64 hexadecimal digits
}

var (
	settingName  = regexp.MustCompile(`^settings/[a-z0-9][a-z0-9.-]{0,60}$`)
	databaseFile = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}$`)
	uploadName   = regexp.MustCompile(`^uploads/[0-9a-f]{64}$`)
	hexHash      = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// knownName reports whether a point may have an entry of the name.
func knownName(name string) bool {
	return name == databaseName || name == dumpName || name == keyringName || name == uploadsName || settingName.MatchString(name) || uploadName.MatchString(name)
}

// database is the name of the entry that holds the database.
func (in *Inner) database() string {
	if in.Database == "" {
		return dumpName
	}
	return databaseName
}

func (in *Inner) valid() error {
	seen, uploads := map[string]bool{}, 0
	for _, f := range in.Files {
		hash, upload := strings.CutPrefix(f.Name, uploadPrefix)
		if upload {
			uploads++
		}
		small := f.Name != databaseName && f.Name != dumpName && f.Name != uploadsName && !upload
		switch {
		case !knownName(f.Name):
			return fmt.Errorf("the point names a file %q, which no point has", clip(f.Name))
		case seen[f.Name]:
			return fmt.Errorf("the point names the file %s twice", f.Name)
		case f.Size < 0 || small && f.Size > maxSmall || !hexHash.MatchString(f.SHA256) || upload && hash != f.SHA256:
			return fmt.Errorf("the point says of %s what cannot be", f.Name)
		}
		seen[f.Name] = true
	}
	switch {
	case in.Format != innerFormat:
		return fmt.Errorf("the point's format is %q: this program reads %q", clip(in.Format), innerFormat)
	case len(in.Files)-uploads > maxFiles || uploads > maxUploads:
		return fmt.Errorf("the point has %d files, of them %d uploads: at most %d and %d may be in one", len(in.Files), uploads, maxFiles+maxUploads, maxUploads)
	case !seen[in.database()] || !seen[keyringName]:
		return errors.New("the point lacks its database or its keys")
	case seen[databaseName] && seen[dumpName]:
		return errors.New("the point has two databases")
	case in.Database != "" && !databaseFile.MatchString(in.Database):
		return fmt.Errorf("the point's database has the name %q, which is no file's", clip(in.Database))
	}
	return nil
}

// A source is what an entry of the tar is written from.
type source struct {
	name string
	size int64
	sum  [32]byte
	open func() io.Reader
	done *squeezed // it is compressed already; open is nil
}

// inMemory is a small file as a source.
func inMemory(name string, text []byte) source {
	return source{name: name, size: int64(len(text)), sum: sha256.Sum256(text), open: func() io.Reader { return bytes.NewReader(text) }}
}

// pack writes the tar. It fills in the inner manifest's files.
func pack(w io.Writer, in *Inner, from []source) error {
	in.Format, in.Files = innerFormat, nil
	for _, s := range from {
		in.Files = append(in.Files, InnerFile{s.name, s.size, hex.EncodeToString(s.sum[:])})
	}
	if err := in.valid(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	t := tar.NewWriter(w)
	text := encode(in)
	if len(text) > maxInner {
		return fmt.Errorf("backup: the list of what the point holds has %d bytes, at most %d may be", len(text), maxInner)
	}
	buf := make([]byte, beside)
	for _, s := range append([]source{inMemory(innerName, text)}, from...) {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: s.name, Size: s.size, Mode: 0o600, ModTime: in.Instant.Truncate(time.Second), Format: tar.FormatPAX}
		err := t.WriteHeader(h)
		if err != nil {
			return err
		}
		if s.done != nil {
			if t, err = packFrames(w, s); err != nil {
				return err
			}
			continue
		}
		sum := sha256.New()
		n, err := io.CopyBuffer(struct{ io.Writer }{t}, io.TeeReader(s.open(), sum), buf)
		if err != nil {
			return err
		}
		if n != s.size || !bytes.Equal(sum.Sum(nil), s.sum[:]) {
			return changed(s.name)
		}
	}
	return t.Close()
}

func changed(name string) error { return fmt.Errorf("backup: %s changed while it was read", name) }

// packFrames writes the body of an entry that is compressed already, up to the next header, and returns the tar that goes on there.
func packFrames(w io.Writer, s source) (*tar.Writer, error) {
	to, ok := w.(interface {
		frames(from io.Reader, plain int64) error
	})
	if !ok {
		return nil, fmt.Errorf("backup: %s is compressed, and %T is not for that", s.name, w)
	}
	sum := sha256.New()
	if err := to.frames(io.TeeReader(s.done.reader(), sum), s.size); err != nil {
		return nil, err
	}
	if [32]byte(sum.Sum(nil)) != s.done.framed {
		return nil, changed(s.name)
	}
	_, err := w.Write(make([]byte, -s.size&511)) // a tar's blocks
	return tar.NewWriter(w), err
}

// Unpack writes what a stream of [Store.Fetch] holds into an empty folder, under the names of the tar: MERLON, site.db,
// keys/keys, settings/…, uploads.index. Nothing is written outside of it. Only when the error is nil may anything that was
// written be used: every size and hash is then as MERLON says, and the stream was whole.
func Unpack(r io.Reader, dir string) (*Inner, error) {
	return unpackFolder(r, dir, nil, func(*Inner) error { return nil })
}

// unpackFolder is Unpack for points that are accepted; a receiver gets the dump of a database, which is then not written.
func unpackFolder(r io.Reader, dir string, to receiver, accept func(*Inner) error) (*Inner, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("backup: the folder to unpack into: %w", err)
	}
	defer root.Close()
	return unpack(r, accept, func(name string, size int64) (io.WriteCloser, error) {
		if name == dumpName && to != nil {
			return load(to), nil
		}
		if folder := path.Dir(name); folder != "." {
			if err := root.MkdirAll(folder, 0o700); err != nil {
				return nil, err
			}
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		return newSynced(f), nil
	})
}

// Inspect reads a stream as [Unpack] does, and keeps nothing.
func Inspect(r io.Reader) (*Inner, error) {
	return unpack(r, func(*Inner) error { return nil }, func(string, int64) (io.WriteCloser, error) { return discard{}, nil })
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// knownBytes is where an entry goes whose bytes were held against this hash before.
type knownBytes struct {
	discard
	sum string
}

func unpack(r io.Reader, accept func(*Inner) error, to func(name string, size int64) (io.WriteCloser, error)) (*Inner, error) {
	t := tar.NewReader(r)
	in, err := readInner(t, to)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	if err := accept(in); err != nil {
		return nil, err
	}
	buf := make([]byte, beside)
	for _, f := range in.Files {
		h, err := next(t, f.Name)
		if err != nil {
			return nil, fmt.Errorf("backup: %w", err)
		}
		if h.Size != f.Size {
			return nil, fmt.Errorf("backup: %s has %d bytes, MERLON says %d", f.Name, h.Size, f.Size)
		}
		if err := copyOut(f, t, to, sha256.New(), buf); err != nil {
			return nil, fmt.Errorf("backup: %w", err)
		}
	}
	switch _, err := t.Next(); {
	case err == nil:
		return nil, errors.New("backup: the tar has an entry that MERLON does not name")
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("backup: the tar does not end as it should: %w", err)
	}
	return in, drain(r, buf)
}

func copyOut(f InnerFile, from io.Reader, create func(string, int64) (io.WriteCloser, error), sum hash.Hash, buf []byte) error {
	out, err := create(f.Name, f.Size)
	if err != nil {
		return err
	}
	if known, ok := out.(knownBytes); ok {
		n, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{from}, buf)
		if err == nil && (n != f.Size || f.SHA256 != known.sum) {
			err = errors.New("it is not the file that was sealed")
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", f.Name, err)
		}
		return err
	}
	n, err := io.CopyBuffer(io.MultiWriter(out, sum), struct{ io.Reader }{from}, buf)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	if n != f.Size || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%s is not what MERLON says: it was altered before it was sealed", f.Name)
	}
	return nil
}

// drain reads what stands behind the tar's end: nothing but the zeros of its last block. Only there does the stream say
// whether it was whole.
func drain(r io.Reader, buf []byte) error {
	for left := 64 << 10; ; {
		n, err := r.Read(buf)
		if left -= n; left < 0 || strings.Trim(string(buf[:n]), "\x00") != "" {
			return errors.New("backup: something stands behind the end of the tar")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// next returns the next entry, which must be a plain file of the name.
func next(t *tar.Reader, name string) (*tar.Header, error) {
	h, err := t.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("the tar ends before %s", name)
	case err != nil:
		return nil, fmt.Errorf("the tar cannot be read at %s: %w", name, err)
	case h.Typeflag != tar.TypeReg || h.Name != name || h.Linkname != "" || h.Size < 0:
		return nil, fmt.Errorf("the tar has %q where the file %s belongs", clip(h.Name), name)
	}
	for key := range h.PAXRecords {
		if key != "size" && key != "mtime" && key != "path" {
			return nil, fmt.Errorf("the tar says %q of %s, which no point does", clip(key), name)
		}
	}
	return h, nil
}

func readInner(t *tar.Reader, to func(string, int64) (io.WriteCloser, error)) (*Inner, error) {
	h, err := next(t, innerName)
	if err != nil {
		return nil, err
	}
	if h.Size > maxInner {
		return nil, fmt.Errorf("MERLON has %d bytes, at most %d may be", h.Size, maxInner)
	}
	text, err := io.ReadAll(t)
	if err != nil {
		return nil, err
	}
	in := &Inner{}
	if err := decodeInner(text, in); err != nil {
		return nil, fmt.Errorf("MERLON: %w", err)
	}
	out, err := to(innerName, h.Size)
	if err != nil {
		return nil, err
	}
	_, err = out.Write(text)
	return in, errors.Join(err, out.Close())
}

func decodeInner(text []byte, in *Inner) error {
	if err := decodeUpTo(text, in, maxInner); err != nil {
		return err
	}
	return in.valid()
}

// Arrange moves what Unpack wrote into a data folder: a database that is a file and the keys under the names that the site looks for
// them, the settings beside them. The folders must be on one file system; uploads.index and MERLON stay where they are.
func Arrange(in *Inner, from, data string) error {
	if err := datafolder.Make(data); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	for _, f := range in.Files {
		to, ok := in.place(f.Name)
		if !ok {
			continue
		}
		to = filepath.Join(data, filepath.FromSlash(to))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("backup: %s is there already: a point is laid out in a folder of its own", to)
		}
		if err := os.Rename(filepath.Join(from, filepath.FromSlash(f.Name)), to); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	}
	for _, folder := range in.folders(data) {
		if err := syncFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

// folders are those in which entries get their places, and those above them up to the data folder: the deepest first, so that a
// name that is on the disk leads to a folder whose names are.
func (in *Inner) folders(data string) (all []string) {
	seen := map[string]bool{}
	for _, f := range in.Files {
		to, ok := in.place(f.Name)
		for ok && to != "." {
			to = path.Dir(to)
			seen[to] = true
		}
	}
	for _, folder := range slices.Backward(slices.Sorted(maps.Keys(seen))) { // what lies above is the beginning of what lies below
		all = append(all, filepath.Join(data, filepath.FromSlash(folder)))
	}
	return all
}

// place is where an entry belongs in a data folder.
func (in *Inner) place(name string) (string, bool) {
	switch {
	case name == databaseName:
		return in.Database, true
	case name == keyringName:
		return "keys", true
	case name == "settings/backup.json":
		return "backup/restored.json", true
	case strings.HasPrefix(name, uploadPrefix):
		return file.BlobPath(strings.TrimPrefix(name, uploadPrefix)), true
	case strings.HasPrefix(name, "settings/"):
		return strings.TrimPrefix(name, "settings/"), true
	}
	return "", false
}

// syncFolder makes names durable.
func syncFolder(dir string) error {
	if err := whole.SyncFolder(dir); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}
