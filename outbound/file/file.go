// Package file keeps uploads, in a folder of the site's data, and says who refers to them, in a table.
//
// The bytes of an upload are a blob, named by their SHA-256 and kept once, however often they are sent. What a site knows of
// an upload is its public name, 128 random bits, which a row maps to the blob. The blob is on the disk before its row is
// written, so that no row can name bytes that are not there; and no blob that a row names is deleted. Every path is made of
// hexadecimal digits and opened through an [os.Root]: nothing that a visitor sends is part of one.
//
//	<data>/uploads/waiting/<random>          uploads whose form is being judged
//	<data>/uploads/kept/<2 digits>/<64 digits>
package file

import (
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/merlon-web/merlon/check/host"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/whole"
)

//go:embed migrations
var files embed.FS

var schema = db.From(files, "migrations").Named("file")

// Schema returns the schema of the room's table, for the engine to be opened with.
func Schema() *db.Schema { return schema }

// Folder is the name of the folder of uploads in the folder of a site's data.
const Folder = "uploads"

const (
	waitingFolder = "waiting"
	keptFolder    = "kept"
)

// Info is what is known of a kept upload.
type Info struct {
	Name          string // the public one: 26 letters and digits, random
	Hash          string // SHA-256 of the bytes, 64 hexadecimal digits
	Type          string // the media type that the bytes were found to have
	Size          int64  // bytes
	Width, Height int    // of a picture
	Client        string // the visitor's name for it, for showing and for saving it under
	Created       int64  // unix microseconds
	Owner         int64  // the user who sent it, or Visitor, or Unknown
}

var (
	find   = db.Query[Info](schema, "SELECT name, hash, type, size, width, height, client, created, owner FROM merlon_file WHERE name = $1 AND removed = 0 LIMIT 1")
	insert = db.Exec(schema, "INSERT INTO merlon_file (name, hash, type, size, width, height, client, created, owner) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
	remove = db.Exec(schema, "UPDATE merlon_file SET removed = $2 WHERE name = $1 AND removed = 0")
)

// A Store is the folder of one site's uploads. It is safe for concurrent use, also by several processes that have one
// database. What a request sends comes in by [Store.For].
type Store struct {
	data   string
	clock  func() time.Time
	limits Limits
	free   func(dir string) int64 // of its disk, or [host.Unknown]

	mu   sync.Mutex
	root *os.Root // nil until the first upload, and after Close
	step func(string)
}

// New returns the store in a site's data folder. Limits that are not set are those of [Default]. It makes and opens nothing before
// it is used.
func New(data string, clock func() time.Time, limits Limits) *Store {
	return &Store{data: data, clock: clock, limits: limits.OrDefault(), free: host.Free, step: func(string) {}}
}

// Close closes the folder. What waits stays for [Store.Collect].
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root == nil {
		return nil
	}
	err := s.root.Close()
	s.root = nil
	return err
}

// open returns the folder, and makes it if need be.
func (s *Store) open() (*os.Root, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root != nil {
		return s.root, nil
	}
	dir := filepath.Join(s.data, Folder)
	for _, name := range []string{waitingFolder, keptFolder} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, fmt.Errorf("file: %w", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	if err := errors.Join(syncFolder(root, "."), whole.SyncFolder(s.data)); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	s.root = root
	return root, nil
}

// waiting is an upload whose form is being judged.
type waiting struct {
	*os.File
	spool   *Spool
	store   *Store
	root    *os.Root
	name    string // "" when it was kept or dropped
	unasked int    // bytes that were written since the disk was asked for room
}

// Wait implements [form.Spool].
func (s *Spool) Wait() (form.Waiting, error) {
	root, err := s.store.open()
	if err != nil {
		return nil, s.judged(err)
	}
	if err := s.room(); err != nil {
		return nil, err
	}
	name := path.Join(waitingFolder, strings.ToLower(rand.Text()))
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, s.judged(fmt.Errorf("file: %w", err))
	}
	return &waiting{File: f, spool: s, store: s.store, root: root, name: name}, nil
}

// Drop implements [form.Waiting].
func (w *waiting) Drop() error {
	if w.name == "" {
		return nil
	}
	name := w.name
	w.name = ""
	return errors.Join(w.Close(), w.root.Remove(name))
}

// ErrNotHere says that an upload was not read through a [Store], or was kept before under another transaction.
var ErrNotHere = errors.New("file: the upload does not wait in a store: keep what the form of this request gave, once")

// Keep keeps an upload and returns its public name, which is worth nothing before the transaction commits. The same bytes are
// kept once; their names differ. They are the sender's who was given to [Store.For]; who may not keep so much gets an [*Over].
//
// The bytes were synced when the form was judged. What is done here, with the transaction open, is a rename and the sync of a
// folder.
func Keep(w *db.Writer, f form.File) (string, error) {
	from, ok := f.Waiting().(*waiting)
	if !ok {
		return "", ErrNotHere
	}
	if err := Fits(w, f); err != nil {
		return "", err
	}
	sum := f.SHA256()
	hash := hex.EncodeToString(sum[:])
	if err := from.keep(hash, f.Size()); err != nil {
		return "", fmt.Errorf("file: %w", err)
	}
	name := strings.ToLower(rand.Text())
	width, height := f.Pixels()
	from.store.step("row")
	_, err := insert.Run(w, name, hash, f.Type(), f.Size(), width, height, f.Name(), from.store.clock().UnixMicro(), from.spool.owner)
	return name, err
}

// keep gives the waiting file the name of its hash. A blob that is there already is the same bytes: it is touched, so that
// the collector, if it was an orphan, leaves it to the row that is about to come.
func (w *waiting) keep(hash string, size int64) error {
	to := blobPath(hash)
	now := w.store.clock()
	if info, err := w.root.Lstat(to); err == nil && info.Mode().IsRegular() && info.Size() == size {
		if err := w.root.Chtimes(to, now, now); err != nil {
			return err
		}
		w.store.step("touched")
		return w.Drop()
	}
	if w.name == "" { // kept before, and meanwhile gone
		return ErrNotHere
	}
	folder := path.Dir(to)
	switch err := w.root.Mkdir(folder, 0o700); {
	case err == nil:
		if err := syncFolder(w.root, keptFolder); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	w.store.step("folder")
	if err := w.root.Chtimes(w.name, now, now); err != nil {
		return err
	}
	if err := w.root.Rename(w.name, to); err != nil {
		return err
	}
	w.name = ""
	w.store.step("renamed")
	return errors.Join(syncFolder(w.root, folder), w.Close())
}

// Find returns what is known of an upload by its public name; [db.ErrNoRow] if there is none.
func Find(from db.Querier, name string) (Info, error) {
	if !publicName.MatchString(name) {
		return Info{}, db.ErrNoRow
	}
	return find.One(from, name)
}

// Remove takes an upload away: from the commit on its name leads nowhere. The bytes go 48 hours later ([Store.Collect]), so
// that backups that are being made still find them. A name that is not there is no error.
func Remove(w *db.Writer, now time.Time, name string) error {
	_, err := remove.Run(w, name, now.UnixMicro())
	return err
}

var (
	publicName = regexp.MustCompile(`^[a-z2-7]{26}$`)
	hashName   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// BlobPath is where the blob of a hash lies in a data folder, in slashes: what backups and restores need. The hash must be 64
// hexadecimal digits.
func BlobPath(hash string) string { return path.Join(Folder, blobPath(hash)) }

func blobPath(hash string) string { return path.Join(keptFolder, hash[:2], hash) }

// Open opens the bytes of a kept upload. The file must be closed.
func (s *Store) Open(i Info) (*os.File, error) { return s.OpenHash(i.Hash) }

// OpenHash opens a blob by its hash.
func (s *Store) OpenHash(hash string) (*os.File, error) {
	if !hashName.MatchString(hash) {
		return nil, fmt.Errorf("file: %.80q is no hash of a blob: %w", hash, fs.ErrNotExist)
	}
	root, err := s.open()
	if err != nil {
		return nil, err
	}
	f, err := root.Open(blobPath(hash))
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	return f, nil
}

// syncFolder makes the names in a folder of the store durable.
func syncFolder(root *os.Root, name string) error {
	d, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(whole.SyncOpen(d), d.Close())
}
