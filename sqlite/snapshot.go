package sqlite

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	_ "github.com/ncruces/go-sqlite3/vfs/xts" // the spool's encryption

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/noise"
	"github.com/merlon-web/merlon/internal/pool"
	"github.com/merlon-web/merlon/internal/whole"
)

// spoolName returns the pattern of the copies that snapshots lie in for a while, beside the database.
func spoolName(path string) string { return "." + filepath.Base(path) + "-spool-" }

// sweep removes the spools that a kill left behind. Without their keys they are noise.
func sweep(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), spoolName(path)) {
			if err := os.Remove(filepath.Join(filepath.Dir(path), entry.Name())); err != nil {
				return fmt.Errorf("sqlite: an old spool: %w", err)
			}
		}
	}
	return nil
}

// Snapshot copies the database into an encrypted spool beside it: the copy does not wait for whoever reads it, and no second
// file in the clear comes to be. The key is random and lives in this process only; a spool that a kill left behind is noise,
// and the next Open removes it.
func (e *engine) Snapshot(ctx context.Context) (_ *db.Snapshot, err error) {
	path, err := e.onDisk()
	if err != nil {
		return nil, err
	}
	spool, err := os.CreateTemp(filepath.Dir(path), spoolName(path)+"*")
	if err != nil {
		return nil, fmt.Errorf("sqlite: the spool of a snapshot: %w", err)
	}
	remove := func() (err error) {
		if e := spool.Close(); !errors.Is(e, os.ErrClosed) {
			err = e
		}
		for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
			if e := os.Remove(spool.Name() + suffix); e != nil && !errors.Is(e, os.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, remove())
		}
	}()
	c, err := e.standstill(ctx, path)
	if err != nil {
		return nil, err
	}
	if c == nil { // SQLite copies, page by page
		if err := spool.Close(); err != nil {
			return nil, err
		}
		var key [64]byte
		rand.Read(key[:])
		address := (&url.URL{Scheme: "file", OmitHost: true, Path: spool.Name(), RawQuery: url.Values{"vfs": {"xts"}, "hexkey": {hex.EncodeToString(key[:])}}.Encode()}).String()
		if err := copyDatabase(ctx, path, address); err != nil {
			return nil, err
		}
		return e.measured(ctx, address, remove)
	}
	defer c.close()
	to := noise.New(spool)
	info, tables, err := c.copyStill(ctx, to)
	if err != nil {
		return nil, err
	}
	return db.NewSnapshot(info, e.file, tables, to, remove), nil
}

// CopyTo copies the database into dir, under its own name.
func (e *engine) CopyTo(ctx context.Context, dir string) (err error) {
	path, err := e.onDisk()
	if err != nil {
		return err
	}
	to, err := locate(dir, e.file)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("sqlite: copy: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(to)
			os.Remove(to + "-journal")
		}
	}()
	if err := copyDatabase(ctx, path, to); err != nil {
		return err
	}
	if err := f.Sync(); err != nil { // SQLite's backup is not known to sync its end
		return fmt.Errorf("sqlite: copy: %w", err)
	}
	return whole.SyncFolder(filepath.Dir(to))
}

// onDisk returns the path of an open engine's file.
func (e *engine) onDisk() (string, error) {
	on := e.on.Load()
	switch {
	case on == nil:
		return "", db.ErrClosed
	case on.path == "":
		return "", errors.New("sqlite: a scratch in memory is not copied: open an engine on a file")
	}
	return on.path, nil
}

// copyStep is how many pages are copied between two looks at the context: 8 MB of the usual size.
const copyStep = 2048

// copyDatabase copies by SQLite's backup within one read transaction, so that it sees one instant: without that, each
// commit beside it would start it anew. Writers go on.
func copyDatabase(ctx context.Context, path, to string) (err error) {
	raw, err := openFile(path, sqlite3.OPEN_READONLY|sqlite3.OPEN_NOFOLLOW)
	if err != nil {
		return opening(err)
	}
	c := &conn{c: raw, folder: filepath.Dir(path), mode: modeOwn}
	defer raw.Close()
	defer c.rescue(&err)
	if err := raw.BusyTimeout(busyTimeout); err != nil {
		return err
	}
	if err := raw.Exec("BEGIN"); err != nil {
		return c.explain(err)
	}
	if _, err := c.integers("SELECT count(*) FROM sqlite_schema"); err != nil {
		return err
	}
	backup, err := raw.BackupInit("main", to)
	if err != nil {
		return c.explain(err)
	}
	defer func() {
		if e := backup.Close(); err == nil && e != nil {
			err = c.explain(e)
		}
	}()
	for {
		if ctx.Err() != nil {
			return pool.Stopped(ctx)
		}
		if done, err := backup.Step(copyStep); done || err != nil {
			return c.explain(err)
		}
	}
}

// spooled is the decrypted spool of a snapshot.
type spooled struct {
	c    *conn
	file vfs.File
	info db.Info
}

// ReadAt implements [io.ReaderAt].
func (s *spooled) ReadAt(p []byte, at int64) (int, error) { return s.file.ReadAt(p, at) }

// openSpool opens the spool through the file system that decrypts it.
func openSpool(address string) (_ *spooled, err error) {
	raw, err := sqlite3.OpenFlags(address, sqlite3.OPEN_READONLY|sqlite3.OPEN_URI)
	if err != nil {
		return nil, err
	}
	c := &conn{c: raw, mode: modeOwn}
	defer c.closeIf(&err)
	defer c.rescue(&err)
	pages, err := c.integers("PRAGMA page_count")
	if err != nil {
		return nil, err
	}
	size, err := c.integers("PRAGMA page_size")
	if err != nil {
		return nil, err
	}
	pointer, err := raw.FileControl("main", sqlite3.FCNTL_FILE_POINTER)
	if err != nil {
		return nil, err
	}
	file, ok := pointer.(vfs.File)
	if !ok {
		return nil, fmt.Errorf("sqlite: the spool is a %T", pointer)
	}
	return &spooled{c, file, db.Info{Pages: pages[0], PageSize: int(size[0]), Size: pages[0] * size[0]}}, nil
}

// measured hands out the spool when its hash and its rows are known: both are found at once, over two connections.
func (e *engine) measured(ctx context.Context, address string, remove func() error) (_ *db.Snapshot, err error) {
	s, err := openSpool(address)
	if err != nil {
		return nil, err
	}
	defer s.c.closeIf(&err)
	counted := make(chan error, 1)
	tables := map[string]int64{}
	go func() { counted <- countRows(ctx, address, tables) }()
	sum := sha256.New()
	buf := make([]byte, 1<<20)
	for at := int64(0); at < s.info.Size && err == nil; {
		part := buf[:min(int64(len(buf)), s.info.Size-at)]
		if n, e := s.file.ReadAt(part, at); n < len(part) {
			err = fmt.Errorf("sqlite: the spool ends at %d of %d bytes: %w", at+int64(n), s.info.Size, errors.Join(e, io.ErrUnexpectedEOF))
		} else if ctx.Err() != nil {
			err = pool.Stopped(ctx)
		}
		sum.Write(part)
		at += int64(len(part))
	}
	if err = errors.Join(err, <-counted); err != nil {
		return nil, err
	}
	sum.Sum(s.info.SHA256[:0])
	return db.NewSnapshot(s.info, e.file, tables, s, func() error { return errors.Join(s.c.c.Close(), remove()) }), nil
}

// countRows counts the rows of every table that is one by itself: those of virtual tables lie in others.
func countRows(ctx context.Context, address string, tables map[string]int64) (err error) {
	s, err := openSpool(address)
	if err != nil {
		return err
	}
	defer s.c.c.Close()
	return s.c.countRows(ctx, tables)
}

func (c *conn) countRows(ctx context.Context, tables map[string]int64) (err error) {
	defer c.rescue(&err)
	names, _, err := c.c.Prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name")
	if err != nil {
		return err
	}
	defer names.Close()
	for names.Step() {
		if ctx.Err() != nil {
			return pool.Stopped(ctx)
		}
		name := names.ColumnText(0)
		n, err := c.integers(`SELECT count(*) FROM "` + strings.ReplaceAll(name, `"`, `""`) + `"`)
		if err != nil {
			return err
		}
		tables[name] = n[0]
	}
	return names.Err()
}
