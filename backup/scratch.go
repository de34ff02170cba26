package backup

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/datafolder"
	"github.com/merlon-web/merlon/internal/swap"
)

// What a restore or a drill works in is a copy of the data in the clear. Whoever makes one holds its lock, which the system takes
// back when the process ends, and writes into it whose it is: the next that opens the same data removes what nobody holds.

// scratchPrefix begins the names of the folders that restores work in, beside the place of the data.
func scratchPrefix(dest string) string { return "." + filepath.Base(dest) + "-restore-" }

// scratchFile is the mark in such a folder, scratchName the folder's name for any place.
const scratchFile = "restoring.json"

var scratchName = regexp.MustCompile(`^\..+-restore-[0-9a-f]{12}$`)

// scratchOf returns the prefix of such a folder's name: that of one place, also where another's begins with it.
func scratchOf(name string) string { return name[:max(0, len(name)-12)] }

// maxMark bounds a mark, in bytes.
const maxMark = 16 << 10

// A mark says whose a folder is. Both are whole paths.
type mark struct {
	Data string `json:"data"` // the site's folder
	Dest string `json:"dest"` // what the folder is to become
}

// located is a folder's path that is the same from wherever it is named.
func located(folder string) string {
	if real, err := swap.Real(folder); err == nil {
		folder = real
	}
	if abs, err := filepath.Abs(folder); err == nil {
		folder = abs
	}
	if above, err := filepath.EvalSymlinks(filepath.Dir(folder)); err == nil {
		folder = filepath.Join(above, filepath.Base(folder))
	}
	return folder
}

// scratch makes a folder beside dest, for the site of a data folder, and holds it.
func scratch(data, dest string) (path string, unlock func(), err error) {
	var b [6]byte
	_, _ = rand.Read(b[:])
	path = filepath.Join(filepath.Dir(dest), scratchPrefix(dest)+hex.EncodeToString(b[:]))
	if err := datafolder.Make(path); err != nil {
		return "", nil, fmt.Errorf("backup: the folder to restore into: %w", err)
	}
	h := home{path}
	if unlock, err = h.lock(); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(path))
	}
	if err := h.write(scratchFile, mark{located(data), located(dest)}); err != nil {
		unlock()
		return "", nil, errors.Join(err, os.RemoveAll(path))
	}
	return path, unlock, nil
}

// unloadTime is how long the drop of a database may take that nobody needs any more.
const unloadTime = 30 * time.Second

// sweepTime is how long a sweep waits for the program that a killed drill had started on the copy: it ends when it sees that
// nobody listens, and writes until then.
const sweepTime = 5 * time.Second

// sweepScratch removes what restores and drills of the site of a data folder left that were killed, in the folder in which dest
// lies: plain copies of the data, which nobody holds any more, and the databases that were loaded for them. One whose place
// was announced is put there.
func sweepScratch(ctx context.Context, carrier db.Carrier, data, dest string) error {
	folder := filepath.Dir(dest)
	all, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) { // who may not look there made nothing there
		return nil
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	for _, e := range all {
		path := filepath.Join(folder, e.Name())
		if !e.IsDir() || !scratchName.MatchString(e.Name()) || scratchOf(e.Name()) != scratchPrefix(dest) && !markedFor(path, data) {
			continue
		}
		if err := sweepOne(ctx, carrier, path); err != nil {
			return fmt.Errorf("backup: what a restore left cannot be removed: %w: it is a copy of the data in the clear: delete %s", err, path)
		}
	}
	return nil
}

// markedFor reports whether a folder was made for a restore of the site of a data folder.
func markedFor(path, data string) bool {
	m, ok := readMark(path)
	return ok && m.Data == located(data)
}

// readMark reads a folder's mark. One that does not say what the folder's name says is none.
func readMark(path string) (m mark, ok bool) {
	if !scratchName.MatchString(filepath.Base(path)) {
		return m, false
	}
	file := filepath.Join(path, scratchFile)
	if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() || info.Size() > maxMark {
		return m, false
	}
	text, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(text, &m) != nil {
		return m, false
	}
	return m, scratchOf(filepath.Base(path)) == scratchPrefix(m.Dest) && filepath.Dir(m.Dest) == filepath.Dir(located(path))
}

// sweepOne removes one folder, unless somebody holds it.
func sweepOne(ctx context.Context, carrier db.Carrier, path string) error {
	unlock, err := home{path}.lock()
	if errors.Is(err, ErrBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	unlock()
	if m, ok := readMark(path); ok {
		if done, err := swap.Finish(m.Dest); err != nil || done { // killed between its last two steps: it is no rubbish
			return err
		}
	}
	if carrier != nil {
		if err := carrier.Unload(ctx, path); err != nil {
			return err
		}
	}
	began := time.Now()
	for err = os.RemoveAll(path); err != nil; err = os.RemoveAll(path) {
		if time.Since(began) > sweepTime {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}
