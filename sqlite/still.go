package sqlite

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/noise"
	"github.com/merlon-web/merlon/internal/pool"
)

// A database whose log is empty is its file, and a transaction that began then keeps the file as it is: commits go into the
// log, and nobody writes the log back while such a reader is there (https://sqlite.org/walformat.html, the lock
// WAL_READ_LOCK(0)). So the file is copied as a file, which takes a fifth of what SQLite's own copying takes, page by page
// through its cache and its encrypting file system.

// stillTime is how long the writer waits for readers to leave the log. With readers that stay SQLite copies.
const stillTime = 100 * time.Millisecond

// standstill begins a read transaction while the log is empty. It returns nil when readers keep the log, or
// the caller the writer.
func (e *engine) standstill(ctx context.Context, path string) (_ *conn, err error) {
	on := e.on.Load()
	if on == nil {
		return nil, db.ErrClosed
	}
	if db.RefuseNested(ctx) != nil {
		return nil, nil // the caller has the writer
	}
	raw, err := openFile(path, sqlite3.OPEN_READONLY|sqlite3.OPEN_NOFOLLOW)
	if err != nil {
		return nil, opening(err)
	}
	c := &conn{c: raw, folder: filepath.Dir(path), mode: modeOwn}
	still := false
	defer func() {
		if err != nil || !still {
			c.close()
		}
	}()
	defer c.rescue(&err)
	if err := raw.BusyTimeout(busyTimeout); err != nil {
		return nil, err
	}
	w, err := on.writer.Get(ctx) // nobody of this process writes
	if err != nil {
		return nil, err
	}
	defer on.writer.Put(w)
	on.readers.expire()
	if err := w.emptyLog(); err != nil {
		return nil, err
	}
	if err := raw.Exec("BEGIN"); err != nil {
		return nil, c.explain(err)
	}
	if _, err := c.integers("SELECT count(*) FROM sqlite_schema"); err != nil {
		return nil, err
	}
	// Looked at after the transaction began: a log that somebody filled before that could not have been emptied again.
	log, err := os.Stat(path + "-wal")
	still = err == nil && log.Size() == 0
	if !still {
		return nil, nil
	}
	return c, nil
}

// emptyLog writes the log back into the file and empties it, unless readers or another process keep it.
func (c *conn) emptyLog() (err error) {
	defer c.rescue(&err)
	if err := c.c.BusyTimeout(stillTime); err != nil {
		return err
	}
	_, _, err = c.c.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	if isAny(err, sqlite3.BUSY, sqlite3.LOCKED) {
		err = nil
	}
	return errors.Join(c.explain(err), c.c.BusyTimeout(busyTimeout))
}

// still returns the file of a transaction at a standstill.
func (c *conn) still() (file vfs.File, info db.Info, err error) {
	defer c.rescue(&err)
	pages, err := c.integers("PRAGMA page_count")
	if err != nil {
		return nil, info, err
	}
	size, err := c.integers("PRAGMA page_size")
	if err != nil {
		return nil, info, err
	}
	pointer, err := c.c.FileControl("main", sqlite3.FCNTL_FILE_POINTER)
	if err != nil {
		return nil, info, err
	}
	file, ok := pointer.(vfs.File)
	if !ok {
		return nil, info, fmt.Errorf("sqlite: the database is a %T", pointer)
	}
	return file, db.Info{Pages: pages[0], PageSize: int(size[0]), Size: pages[0] * size[0]}, nil
}

// beside counts the rows of a transaction at a standstill while something else is done with its file.
func (c *conn) beside(ctx context.Context, do func() error) (tables map[string]int64, err error) {
	tables = map[string]int64{}
	counted := make(chan error, 1)
	go func() { counted <- c.countRows(ctx, tables) }()
	err = do()
	if uncounted := <-counted; err == nil {
		err = uncounted
	}
	return tables, err
}

// Stream implements [db.Streamer]: what is read is the database's own file, while its log is empty. What is committed
// meanwhile stays in the log.
func (e *engine) Stream(ctx context.Context, read func(from io.Reader, size int64) error) (*db.Streamed, error) {
	path, err := e.onDisk()
	if err != nil {
		return nil, err
	}
	c, err := e.standstill(ctx, path)
	if c == nil || err != nil {
		return nil, err
	}
	defer c.close()
	file, info, err := c.still()
	if err != nil {
		return nil, err
	}
	tables, err := c.beside(ctx, func() error { return read(io.NewSectionReader(file, 0, info.Size), info.Size) })
	if err != nil {
		return nil, err
	}
	return &db.Streamed{File: e.file, Tables: tables}, nil
}

// copyStill copies the file of a transaction at a standstill into a spool, and counts the rows meanwhile.
func (c *conn) copyStill(ctx context.Context, to *noise.File) (info db.Info, tables map[string]int64, err error) {
	file, info, err := c.still()
	if err != nil {
		return info, nil, err
	}
	tables, err = c.beside(ctx, func() error { return copyNoise(ctx, file, to, &info) })
	return info, tables, err
}

func copyNoise(ctx context.Context, from io.ReaderAt, to *noise.File, info *db.Info) error {
	sum := sha256.New()
	buf := make([]byte, 1<<20)
	for at := int64(0); at < info.Size; {
		if ctx.Err() != nil {
			return pool.Stopped(ctx)
		}
		part := buf[:min(int64(len(buf)), info.Size-at)]
		if n, err := from.ReadAt(part, at); n < len(part) {
			return fmt.Errorf("sqlite: the database ends at %d of %d bytes: %w", at+int64(n), info.Size, errors.Join(err, io.ErrUnexpectedEOF))
		}
		sum.Write(part)
		if err := to.Put(part, at); err != nil {
			return fmt.Errorf("sqlite: the spool of a snapshot: %w", err)
		}
		at += int64(len(part))
	}
	sum.Sum(info.SHA256[:0])
	return nil
}
