package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/merlon-web/merlon/db"
)

// lockFile takes the lock that makes this process the only one on the database. The system gives it back when the process
// ends, however it ends; the file stays and means nothing by itself.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sqlite: the lock file: %w", err)
	}
	held, err := tryLock(f)
	switch {
	case held:
		err = fmt.Errorf("%w%s: %w", db.ErrLocked, holder(f),
			db.RuleLocked.Finding("", fmt.Sprintf("sqlite: %s is held", path), "stop the other process first, or use another data folder"))
	case err == nil:
		if err = f.Truncate(0); err == nil {
			_, err = fmt.Fprintln(f, os.Getpid())
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// holder names the process that wrote the lock file.
func holder(f io.ReaderAt) string {
	var buf [20]byte
	n, _ := f.ReadAt(buf[:], 0) // io.EOF; without a number the message is still true
	if pid := strings.TrimSpace(string(buf[:n])); pid != "" {
		return " (process " + pid + ")"
	}
	return ""
}
