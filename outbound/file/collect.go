package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/merlon-web/merlon/db"
)

// Grace is how long a blob without a row, and what waits without a request, are left in peace: no form is judged for so long,
// and a backup that began with a row finds its bytes.
const Grace = 48 * time.Hour

// batch is how many blobs are judged in one transaction.
const batch = 200

type hashRow struct{ Hash string }

var (
	forget = db.Exec(schema, "DELETE FROM merlon_file WHERE removed > 0 AND removed < $1")
	named  = db.Query[hashRow](schema, "SELECT hash FROM merlon_file WHERE hash = $1 LIMIT 1")
	hashes = db.Query[hashRow](schema, "SELECT DISTINCT hash FROM merlon_file ORDER BY hash")
	alive  = db.Query[Info](schema, "SELECT name, hash, type, size, width, height, client, created, owner FROM merlon_file WHERE removed = 0 ORDER BY name")
)

// Collect deletes what nobody refers to and nobody touched for [Grace]: rows that were removed, blobs without a row, files
// that wait since a process was killed. It returns how many blobs went.
//
// Blobs are deleted within write transactions, of which there is one at a time in all processes: a row that is about to be
// written with a blob is either there, or its transaction begins later and finds the blob gone and makes it anew.
func (s *Store) Collect(ctx context.Context, engine db.Engine) (n int, err error) {
	old := s.clock().Add(-Grace)
	if err := engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		_, err := forget.Run(w, old.UnixMicro())
		return err
	}); err != nil {
		return 0, err
	}
	if err := s.sweepWaiting(old); err != nil {
		return 0, err
	}
	root, err := s.open()
	if err != nil {
		return 0, err
	}
	var aged []string
	err = fs.WalkDir(root.FS(), keptFolder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && info.ModTime().Before(old) && hashName.MatchString(path.Base(name)) {
			aged = append(aged, path.Base(name))
		}
		return err
	})
	for err == nil && len(aged) > 0 && ctx.Err() == nil {
		some := aged[:min(batch, len(aged))]
		aged = aged[len(some):]
		err = engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
			gone, err := s.deleteUnnamed(w, some, old)
			n += gone
			return err
		})
	}
	return n, err
}

// deleteUnnamed deletes those blobs of a list that no row names. It asks their age again: one of them may have been touched
// since the list was made.
func (s *Store) deleteUnnamed(w *db.Writer, list []string, old time.Time) (n int, err error) {
	root, err := s.open()
	if err != nil {
		return 0, err
	}
	for _, hash := range list {
		switch _, err := named.One(w, hash); {
		case err == nil:
			continue
		case !errors.Is(err, db.ErrNoRow):
			return n, err
		}
		info, err := root.Lstat(blobPath(hash))
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(old) {
			continue
		}
		if err == nil {
			err = root.Remove(blobPath(hash))
		}
		if err != nil {
			return n, fmt.Errorf("file: %w", err)
		}
		s.step("deleted")
		n++
	}
	return n, nil
}

func (s *Store) sweepWaiting(old time.Time) error {
	root, err := s.open()
	if err != nil {
		return err
	}
	list, err := fs.ReadDir(root.FS(), waitingFolder)
	if err != nil {
		return fmt.Errorf("file: %w", err)
	}
	for _, d := range list {
		info, err := d.Info()
		if err != nil || !info.ModTime().Before(old) {
			continue // gone meanwhile, or in use
		}
		if err := root.Remove(path.Join(waitingFolder, d.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("file: %w", err)
		}
	}
	return nil
}

// Hashes returns the blobs that rows name, each once: what a backup has to carry, those that were removed of late included.
func Hashes(from db.Querier) (all []string, err error) {
	rows, err := hashes.All(from)
	for _, r := range rows {
		all = append(all, r.Hash)
	}
	return all, err
}

// Missing returns the public names of uploads whose bytes are not there, or are not of their size.
func (s *Store) Missing(from db.Querier) (names []string, err error) {
	for i, err := range alive.Each(from) {
		if err != nil {
			return names, err
		}
		f, err := s.Open(i)
		if err != nil {
			names = append(names, i.Name)
			continue
		}
		info, err := f.Stat()
		if err = errors.Join(err, f.Close()); err != nil || info.Size() != i.Size {
			names = append(names, i.Name)
		}
	}
	return names, nil
}
