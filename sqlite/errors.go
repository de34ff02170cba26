package sqlite

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/pool"
)

func isAny(err error, codes ...sqlite3.ErrorCode) bool {
	for _, code := range codes {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// explain turns SQLite's errors into those of db, and marks a connection that is not to be used again.
func (c *conn) explain(err error) error {
	c.failed = c.failed || err != nil
	var finding check.Finding
	switch {
	case err == nil || errors.As(err, &finding):
		return err
	case isAny(err, sqlite3.INTERRUPT) && c.ctx != nil && c.ctx.Err() != nil:
		return pool.Stopped(c.ctx)
	case isAny(err, sqlite3.BUSY, sqlite3.LOCKED):
		return fmt.Errorf("%w: %w", db.ErrBusy, err)
	case isAny(err, sqlite3.CONSTRAINT):
		return constraint(err)
	case isAny(err, sqlite3.FULL):
		c.broken = true
		return fmt.Errorf("%w: %w", db.ErrDiskFull, err)
	case c.mode == modeRead && isAny(err, sqlite3.AUTH, sqlite3.READONLY):
		return &refusal{db.RuleReadOnly.Finding("", "sqlite: "+plain(err), "run what writes with the Writer of a POST, a job or a command"), err}
	case isAny(err, sqlite3.AUTH):
		return &refusal{db.RulePrepare.Finding("", "sqlite: "+plain(err), notForSites), err}
	case isAny(err, sqlite3.IOERR, sqlite3.READONLY, sqlite3.CORRUPT, sqlite3.NOTADB, sqlite3.CANTOPEN, sqlite3.PROTOCOL, sqlite3.NOMEM, sqlite3.INTERNAL, sqlite3.MISUSE):
		c.broken = true
		if c.mode != modeRead && isAny(err, sqlite3.IOERR, sqlite3.READONLY, sqlite3.CANTOPEN) {
			if why := unwritable(c.folder); why != nil {
				return fmt.Errorf("%w: %w", why, err)
			}
		}
		var code sqlite3.ExtendedErrorCode
		if errors.As(err, &code) {
			return fmt.Errorf("%w (SQLite's code %d)", err, code)
		}
	}
	return err
}

// notForSites is what to do instead of a statement that the writer's authorizer refuses.
const notForSites = "ATTACH, PRAGMA, transactions and changes of tables are not for statements of a site: change tables by migrations"

// unwritable says by an error of room db why a small file cannot be written to a folder: for want of room, or since its file system is
// mounted for reading only; nil: it can, or for another reason. The library (v0.37.0) does not tell: it looks for ENOSPC where the os
// package has wrapped it, and calls every failed write an I/O error.
func unwritable(folder string) error {
	if folder == "" {
		return nil
	}
	f, err := os.CreateTemp(folder, ".room-*")
	if err == nil {
		_, err = f.Write(make([]byte, 64<<10))
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	switch {
	case outOfRoom(err):
		return db.ErrDiskFull
	case errors.Is(err, syscall.EROFS):
		return db.ErrDiskReadOnly
	}
	return nil
}

func outOfRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || runtime.GOOS == "windows" && errors.Is(err, syscall.Errno(112)) // ERROR_DISK_FULL
}

// refusal is a finding that still answers for the engine's own error.
type refusal struct {
	check.Finding
	err error
}

func (r *refusal) Unwrap() []error { return []error{r.Finding, r.err} }

// plain returns the words of SQLite's error without the parts that say nothing.
func plain(err error) string {
	text := strings.TrimPrefix(err.Error(), "sqlite3: ")
	for _, noise := range []string{"SQL logic error: ", "constraint failed: ", "authorization denied: "} {
		text = strings.TrimPrefix(text, noise)
	}
	return text
}

// constraint tells the sorts of constraints apart. SQLite's words name the constraint or its columns, never a value.
func constraint(err error) error {
	c := &db.ConstraintError{Err: err}
	var code sqlite3.ExtendedErrorCode
	if errors.As(err, &code) {
		switch code {
		case sqlite3.CONSTRAINT_UNIQUE, sqlite3.CONSTRAINT_PRIMARYKEY, sqlite3.CONSTRAINT_ROWID:
			c.Kind = db.ConstraintUnique
		case sqlite3.CONSTRAINT_FOREIGNKEY:
			c.Kind = db.ConstraintForeignKey
		case sqlite3.CONSTRAINT_NOTNULL:
			c.Kind = db.ConstraintNotNull
		case sqlite3.CONSTRAINT_CHECK:
			c.Kind = db.ConstraintCheck
		case sqlite3.CONSTRAINT_DATATYPE:
			c.Kind = db.ConstraintType
			_, c.Name, _ = strings.Cut(plain(err), " column ")
			return c
		}
	}
	_, c.Name, _ = strings.Cut(plain(err), "constraint failed: ")
	return c
}

// explained is an error that says what to do already.
type explained struct{ error }

// Unwrap is for [errors.Is].
func (e *explained) Unwrap() error { return e.error }

// opening explains why a database does not open. What was explained stays as it is.
func opening(err error) error {
	if done := (*explained)(nil); errors.As(err, &done) {
		return err
	}
	switch {
	case errors.Is(err, sqlite3.CANTOPEN_SYMLINK):
		return &explained{fmt.Errorf("the file is a symbolic link, which could lead anywhere: name the file that it points to: %w", err)}
	case isAny(err, sqlite3.NOTADB):
		return &explained{fmt.Errorf("the file is no SQLite database: %w\n  if it was the site's it is damaged: keep it as it is, and get the newest point back: restore latest --live\n  else move it away, or name another", err)}
	case isAny(err, sqlite3.CORRUPT):
		return &explained{fmt.Errorf("the database is damaged: %w\n  keep the file as it is, and get the newest point back: restore latest --live", err)}
	}
	return err
}

// rescue turns a panic of the library (it panics when memory is short) into an error, and the connection is thrown away.
func (c *conn) rescue(err *error) {
	if p := recover(); p != nil {
		c.broken = true
		*err = fmt.Errorf("sqlite: the database library failed: %v", p)
	}
}
