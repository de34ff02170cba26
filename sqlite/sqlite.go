// Package sqlite is the database engine over a SQLite file: one writer, a pool of readers whose connections cannot write,
// one process.
//
// It protects the file from readers that try to write, from a second process, and acknowledged rows from a crash. It does
// not encrypt the file: who can read the folder can read the rows.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/steps"
)

// constant is the type of a text that must be a constant of the program.
type constant string

// Limits of this engine.
const (
	busyTimeout = 2 * time.Second  // how long SQLite waits for a lock of the file
	waitTimeout = 10 * time.Second // how long a reader or writer waits for its turn, if its context lets it
	maxValue    = 8 << 20          // bytes of the longest value, and of a whole row
	readerCache = 32 << 20         // bytes of pages that all readers together may keep; each at least SQLite's own 2,000 KiB
)

// readerCount is how many connections may read at once.
func readerCount() int { return max(4, 2*runtime.GOMAXPROCS(0)) }

// Engine returns the engine of the SQLite database in the given file, a name relative to the folder that Open is given.
// Nothing is opened before Open. Beside the file lie FILE-wal and FILE-shm, which belong to it, and FILE.lock.
func Engine(file constant) db.Engine { return &engine{file: string(file)} }

// engine is the one implementation of db.Engine here: on a file, or in memory if it is a scratch.
type engine struct {
	file    string
	measure measures // what tests have switched off
	hasty   bool     // nothing waits for the disk
	on      atomic.Pointer[opened]

	mu   sync.Mutex // of Open and Close
	lock *os.File   // kept also when Close gave up waiting
}

// opened is what an engine has between Open and Close.
type opened struct {
	path    string // absolute; "" in memory
	schemas []*db.Schema
	hasty   bool
	readers *connPool
	writer  *connPool // of one; in memory it is the readers' pool too
	watch   watch
}

// Name returns "sqlite".
func (e *engine) Name() string { return "sqlite" }

// Hasten implements [db.Hasty].
func (e *engine) Hasten() { e.hasty = true }

// Open opens the file, making it (readable by its owner only) and the folder if they are not there.
func (e *engine) Open(ctx context.Context, dir string, schemas ...*db.Schema) (err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.on.Load() != nil || e.lock != nil {
		return errors.New("sqlite: the engine is open already: close it first, or make another with sqlite.Engine")
	}
	if err := steps.Distinct("sqlite", schemas); err != nil {
		return err
	}
	path, err := locate(dir, e.file)
	if err != nil {
		return err
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	if err := create(path); err != nil {
		return err
	}
	if err := sweep(path); err != nil {
		return err
	}
	hasty := e.hasty
	writer := newPool("writer", 1, func() (*conn, error) { return openWriter(path, hasty, schemas) })
	c, err := writer.Get(ctx) // makes it a WAL database, which readers need
	if err != nil {
		return fmt.Errorf("sqlite: open %s: %w", path, opening(err))
	}
	writer.Put(c)
	readers := newPool("reader", readerCount(), func() (*conn, error) { return openReader(path, schemas, e.measure) })
	e.lock = lock
	e.on.Store(&opened{path: path, schemas: schemas, hasty: hasty, readers: readers, writer: writer})
	return nil
}

// Missing implements [db.Filed].
func (e *engine) Missing(dir string) (string, error) {
	path := filepath.Join(dir, e.file)
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	return "", err
}

// locate returns the absolute path of the file, without symbolic links: SQLite is told to follow none, so that nobody who
// can write to the folder makes it write elsewhere.
func locate(dir, file string) (string, error) {
	if !filepath.IsLocal(file) || strings.HasPrefix(file, "file:") || filepath.Base(file) == "." {
		return "", fmt.Errorf("sqlite: the file name %q: it must be a plain path within the data folder; name it like \"site.db\"", file)
	}
	path, err := filepath.Abs(filepath.Join(dir, file))
	if err != nil {
		return "", fmt.Errorf("sqlite: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("sqlite: the folder of the database: %w", err)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", fmt.Errorf("sqlite: the folder of the database: %w", err)
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

// create makes an empty file that only its owner can read. SQLite would make it readable by everybody.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return f.Close()
}

// Close waits up to ten seconds for running transactions.
func (e *engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	on := e.on.Swap(nil)
	if on == nil {
		return nil
	}
	err := errors.Join(on.watch.close(), on.readers.Close())
	if on.writer != on.readers {
		err = errors.Join(err, on.writer.Close()) // last: the last connection checkpoints the log and removes it
	}
	if e.lock != nil && err == nil {
		err = e.lock.Close()
		e.lock = nil
	}
	return err
}

// Read returns a reader of the pool.
func (e *engine) Read(ctx context.Context) *db.Reader { return db.NewReader(ctx, e) }

// Begin implements [db.Source].
func (e *engine) Begin(ctx context.Context) (*db.Session, error) {
	on := e.on.Load()
	if on == nil {
		return nil, db.ErrClosed
	}
	c, err := on.readers.begin(ctx)
	if err != nil {
		return nil, err
	}
	return c.reading, nil
}

// End implements [db.Source].
func (e *engine) End(s *db.Session) {
	c := s.Conn().(*conn)
	c.pool.end(c)
}

// Write runs do in the one write transaction.
func (e *engine) Write(ctx context.Context, do func(context.Context, *db.Writer) error) error {
	if err := db.RefuseNested(ctx); err != nil {
		return err
	}
	on := e.on.Load()
	if on == nil {
		return db.ErrClosed
	}
	c, err := on.writer.Get(ctx)
	if err != nil {
		return err
	}
	if err := c.beginWrite(ctx); err != nil {
		c.end()
		c.pool.Put(c)
		return err
	}
	return db.RunTx(ctx, transaction{c, ctx, on.readers}, do)
}

// transaction implements [db.Tx].
type transaction struct {
	c       *conn
	ctx     context.Context
	readers *connPool
}

func (t transaction) Session() *db.Session { return t.c.writing }
func (t transaction) Rollback()            { t.c.end() }
func (t transaction) Release()             { t.c.pool.Put(t.c) }

// Commit tells the readers before and after that what they saw is over.
func (t transaction) Commit() error {
	defer t.readers.change()()
	return t.c.commit(t.ctx)
}
