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

// Snapshot copies the database into an encrypted spool beside it, in one step, and streams the spool: the copy does not
// wait for a slow w, and no second file in the clear comes to be. The key is random and lives in this call only; a spool
// that a kill left behind is noise, and the next Open removes it.
func (e *engine) Snapshot(ctx context.Context, w io.Writer) (info db.Info, err error) {
	path, err := e.onDisk()
	if err != nil {
		return info, err
	}
	spool, err := os.CreateTemp(filepath.Dir(path), spoolName(path)+"*")
	if err != nil {
		return info, fmt.Errorf("sqlite: the spool of a snapshot: %w", err)
	}
	defer func() {
		for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
			if e := os.Remove(spool.Name() + suffix); e != nil && !errors.Is(e, os.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
	}()
	if err := spool.Close(); err != nil {
		return info, err
	}
	var key [64]byte
	rand.Read(key[:])
	address := (&url.URL{Scheme: "file", OmitHost: true, Path: spool.Name(), RawQuery: url.Values{"vfs": {"xts"}, "hexkey": {hex.EncodeToString(key[:])}}.Encode()}).String()
	if err := copyDatabase(ctx, path, address); err != nil {
		return info, err
	}
	return stream(ctx, address, w)
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
	return syncFolder(filepath.Dir(to))
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
	raw, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READONLY|sqlite3.OPEN_NOFOLLOW)
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
			return stopped(ctx)
		}
		if done, err := backup.Step(copyStep); done || err != nil {
			return c.explain(err)
		}
	}
}

// stream writes the decrypted spool to w.
func stream(ctx context.Context, address string, w io.Writer) (info db.Info, err error) {
	raw, err := sqlite3.OpenFlags(address, sqlite3.OPEN_READONLY|sqlite3.OPEN_URI)
	if err != nil {
		return info, err
	}
	c := &conn{c: raw, mode: modeOwn}
	defer raw.Close()
	defer c.rescue(&err)
	pages, err := c.integers("PRAGMA page_count")
	if err != nil {
		return info, err
	}
	size, err := c.integers("PRAGMA page_size")
	if err != nil {
		return info, err
	}
	pointer, err := raw.FileControl("main", sqlite3.FCNTL_FILE_POINTER)
	if err != nil {
		return info, err
	}
	file, ok := pointer.(vfs.File)
	if !ok {
		return info, fmt.Errorf("sqlite: the spool is a %T", pointer)
	}
	info = db.Info{Pages: pages[0], PageSize: int(size[0]), Size: pages[0] * size[0]}
	sum := sha256.New()
	buf := make([]byte, 1<<20)
	for at := int64(0); at < info.Size; {
		if ctx.Err() != nil {
			return db.Info{}, stopped(ctx)
		}
		part := buf[:min(int64(len(buf)), info.Size-at)]
		if n, err := file.ReadAt(part, at); n < len(part) {
			return db.Info{}, fmt.Errorf("sqlite: the spool ends at %d of %d bytes: %w", at+int64(n), info.Size, errors.Join(err, io.ErrUnexpectedEOF))
		}
		sum.Write(part)
		if _, err := w.Write(part); err != nil {
			return db.Info{}, fmt.Errorf("sqlite: snapshot: %w", err)
		}
		at += int64(len(part))
	}
	sum.Sum(info.SHA256[:0])
	return info, nil
}
