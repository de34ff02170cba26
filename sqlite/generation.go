package sqlite

import (
	"context"
	"path/filepath"
	"sync"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/pool"
)

// A watch is a connection that only looks whether others have committed: SQLite tells a connection about the commits of all
// but itself (PRAGMA data_version), so it is one that never writes and stays open.
type watch struct {
	mu sync.Mutex
	c  *conn
}

// Generation asks the connection that watches, and opens it at the first call.
func (e *engine) Generation(ctx context.Context) (n int64, err error) {
	on := e.on.Load()
	if on == nil {
		return 0, db.ErrClosed
	}
	if on.path == "" {
		return int64(on.readers.instant.number.Load()), nil
	}
	w := &on.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.on.Load() != on { // closed meanwhile, and the watch with it
		return 0, db.ErrClosed
	}
	if ctx.Err() != nil {
		return 0, pool.Stopped(ctx)
	}
	if w.c == nil {
		raw, err := openFile(on.path, sqlite3.OPEN_READONLY|sqlite3.OPEN_NOFOLLOW)
		if err != nil {
			return 0, opening(err)
		}
		w.c = &conn{c: raw, folder: filepath.Dir(on.path), mode: modeOwn}
		if err := raw.BusyTimeout(busyTimeout); err != nil {
			return 0, err
		}
	}
	defer w.c.rescue(&err)
	version, err := w.c.integers("PRAGMA data_version")
	if err != nil {
		return 0, err
	}
	return version[0], nil
}

func (w *watch) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.c == nil {
		return nil
	}
	c := w.c
	w.c = nil
	return c.c.Close()
}
