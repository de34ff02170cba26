package static

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Reload reads the files again from the folder of their declaration, for a site in development: a style sheet that was
// saved is served without a new build. It reports whether anything changed; the faults are then those of the new files. In
// production it is not called: the files are those of the program.
//
// It fails where the folder is not known (built with -trimpath) or not there, and then changes nothing.
func (f *Files) Reload() (changed bool, err error) {
	if f.source == "" {
		return false, errors.New("static: the folder of the files is not known: the program was built with -trimpath; build it without to reload")
	}
	root, err := os.OpenRoot(filepath.Join(f.source, filepath.FromSlash(f.dir)))
	if err != nil {
		return false, fmt.Errorf("static: reload: %w", err)
	}
	defer root.Close()
	f.reloading.Lock()
	defer f.reloading.Unlock()
	stamp := stampOf(root.FS())
	if stamp == f.stamp { // nothing was saved since
		return false, nil
	}
	f.stamp = stamp
	before := f.current()
	after := f.read(rooted{root.FS(), f.dir}, func(full string) bool {
		// go:embed takes up neither . nor _ files of a folder, unless they are named
		if base := path.Base(full); base[0] == '.' || base[0] == '_' {
			_, err := fs.Stat(f.fsys, full)
			return err != nil
		}
		return false
	})
	if after.sum == before.sum && len(after.faults) == len(before.faults) {
		return false, nil
	}
	f.state.Store(after)
	return true, nil
}

// stampOf sums up names, sizes and times of files, so that a change shows without reading them.
func stampOf(fsys fs.FS) string {
	var b strings.Builder
	_ = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // a file that vanished is a change of the stamp
		}
		if info, err := d.Info(); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
	return b.String()
}

// rooted shows a folder under the name that it has in the program.
type rooted struct {
	fs.FS
	dir string
}

func (r rooted) Open(name string) (fs.File, error) {
	rest, ok := strings.CutPrefix(name, r.dir)
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if rest = strings.TrimPrefix(rest, "/"); rest == "" {
		rest = "."
	}
	return r.FS.Open(rest)
}
