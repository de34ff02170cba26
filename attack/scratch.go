package attack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A scratch is a folder in the system's temporary one for what an attack makes and takes away again: copies of the data, what was
// got back of them, files of a shell. Beside it lies a file that the process keeps locked, which the system gives back when the
// process has ended, however: so the next attack knows what nobody will take away any more.
type scratch struct {
	dir  string // what is made lies here
	top  string
	held *os.File
}

const (
	scratchName = "merlon-attack-"
	scratchDir  = "files"
	scratchMark = "attack.lock"
	scratchText = "An attack made this folder, and keeps this file locked. The next attack deletes it where no process does any more.\n"
)

// newScratch makes an empty scratch. The error says that there is no place for one.
func newScratch() (s *scratch, err error) {
	s = new(scratch)
	if s.top, err = os.MkdirTemp("", scratchName); err != nil {
		return nil, fmt.Errorf("attack: no place for a copy of the data: %w: make room in the folder for temporary files, or name another one by TMPDIR", err)
	}
	s.dir = filepath.Join(s.top, scratchDir)
	fresh, mark := filepath.Join(s.top, scratchMark+".new"), filepath.Join(s.top, scratchMark)
	if s.held, err = os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err == nil {
		_, err = s.held.WriteString(scratchText)
		if _, failed := tryHold(s.held); failed != nil {
			err = errors.Join(err, failed)
		}
		err = errors.Join(err, os.Rename(fresh, mark), os.Mkdir(s.dir, 0o700)) // with the mark it is held from the first moment on
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("attack: no place for a copy of the data: %w: make room in the folder for temporary files, or name another one by TMPDIR", err), s.remove())
	}
	return s, nil
}

// remove takes the scratch away: what lies in it first, since without the mark nobody would know whose the rest is.
func (s *scratch) remove() error {
	err := os.RemoveAll(s.dir)
	if s.held != nil {
		err = errors.Join(err, s.held.Close())
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(s.top)
}

// keep leaves the scratch where it is, with a mark that says nothing, so that no attack takes it away. It returns the folder of its files.
func (s *scratch) keep() (dir string, err error) {
	return s.dir, errors.Join(s.held.Truncate(0), s.held.Close())
}

// sweep takes away what attacks left behind that were killed. What cannot be told to be that stays.
func sweep() {
	all, err := os.ReadDir(os.TempDir())
	if err != nil {
		return
	}
	for _, one := range all {
		if one.IsDir() && strings.HasPrefix(one.Name(), scratchName) {
			sweepOne(filepath.Join(os.TempDir(), one.Name()))
		}
	}
}

func sweepOne(top string) {
	there, err := os.Lstat(top)
	if err != nil || !there.IsDir() || there.Mode().Perm() != 0o700 || !isMine(there) {
		return
	}
	root, err := os.OpenRoot(top) // whatever its name leads to meanwhile
	if err != nil {
		return
	}
	defer root.Close()
	opened, err := root.Stat(".")
	if err != nil || !os.SameFile(there, opened) {
		return
	}
	mark, err := root.Lstat(scratchMark)
	if err != nil || !mark.Mode().IsRegular() || !isMine(mark) {
		return
	}
	f, err := root.OpenFile(scratchMark, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(len(scratchText))+1))
	if err != nil || string(text) != scratchText {
		return
	}
	if held, err := tryHold(f); held || err != nil {
		return
	}
	if root.RemoveAll(scratchDir) == nil {
		_ = os.RemoveAll(top)
	}
}
