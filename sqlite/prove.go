package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/pool"
)

// maxProblems is how many faults of a file are told.
const maxProblems = 20

// Prove implements [db.Prover] by SQLite's own checks, over a connection that cannot write.
func (e *engine) Prove(ctx context.Context) (p db.Proof, err error) {
	path, err := e.onDisk()
	if err != nil {
		return p, err
	}
	raw, err := openFile(path, sqlite3.OPEN_READONLY|sqlite3.OPEN_NOFOLLOW)
	if err != nil {
		return p, opening(err)
	}
	c := &conn{c: raw, folder: filepath.Dir(path), mode: modeOwn}
	defer raw.Close()
	defer c.rescue(&err)
	if err := raw.BusyTimeout(busyTimeout); err != nil {
		return p, err
	}
	raw.SetInterrupt(ctx)
	if p.Problems, err = c.texts("PRAGMA integrity_check(20)"); err != nil {
		if ctx.Err() != nil {
			return p, pool.Stopped(ctx)
		}
		p.Problems = []string{err.Error()} // so broken that it cannot be looked through
		return p, nil
	}
	if len(p.Problems) == 1 && p.Problems[0] == "ok" {
		p.Problems = nil
	}
	if len(p.Problems) > 0 {
		p.Problems = p.Problems[:min(len(p.Problems), maxProblems)]
		return p, nil
	}
	orphans, err := c.texts("PRAGMA foreign_key_check")
	if err != nil {
		return p, err
	}
	p.ForeignKeys = len(orphans)
	p.Tables = map[string]int64{}
	return p, c.countRows(ctx, p.Tables)
}

// texts returns the first column of a query's rows.
func (c *conn) texts(query string) (all []string, err error) {
	stmt, _, err := c.c.Prepare(query)
	if err != nil {
		return nil, c.explain(err)
	}
	defer stmt.Close()
	for stmt.Step() {
		all = append(all, stmt.ColumnText(0))
	}
	if err := stmt.Err(); err != nil {
		return nil, c.explain(err)
	}
	return all, nil
}

// Hold implements [db.Prover]. A folder that is not there is held by nobody.
func (e *engine) Hold(dir string) (release func() error, err error) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return func() error { return nil }, nil
	}
	path, err := locate(dir, e.file)
	if err != nil {
		return nil, err
	}
	f, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	return f.Close, nil
}
