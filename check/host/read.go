package host

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/merlon-web/merlon/internal/datafolder"
)

func (f *Facts) readProgram() {
	path, err := os.Executable()
	if err != nil {
		return
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		return
	}
	f.Program, f.Mode = path, int(info.Mode().Perm())
	if dir, err := os.Stat(filepath.Dir(path)); err == nil {
		f.Folder = int(dir.Mode().Perm())
		if dir.Mode()&os.ModeSticky != 0 {
			f.Folder &^= 0o022
		}
	}
}

func (f *Facts) readBuilt() {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			f.Built, _ = time.Parse(time.RFC3339, s.Value)
		}
	}
}

// manyFiles bounds how many files of the folder are looked at: uploads may be millions.
var manyFiles = 2000 // a test has fewer

func readData(path string) Data {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return Data{}
	}
	d := Data{Path: path, Free: Unknown, Size: Unknown, Inodes: Unknown}
	d.readSystem()
	if t, err := os.CreateTemp(path, ".merlon-check-*"); err != nil {
		d.Closed = true
	} else {
		_ = t.Close()
		_ = os.Remove(t.Name())
	}
	look := func(name string, e fs.DirEntry) {
		if !e.Type().IsRegular() {
			return
		}
		if info, err := e.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
			rel, _ := filepath.Rel(path, name)
			d.Open = append(d.Open, fmt.Sprintf("%s (%04o)", rel, info.Mode().Perm()))
		}
	}
	own, _ := os.ReadDir(path) // the database and the keys first, wherever their names stand among those of the folders
	for _, e := range own {
		look(filepath.Join(path, e.Name()), e)
	}
	_ = datafolder.Walk(path, func(name string, e fs.DirEntry, err error) error {
		if d.Looked++; d.Looked > manyFiles {
			return fs.SkipAll
		}
		if err == nil && filepath.Dir(name) != filepath.Clean(path) {
			look(name, e)
		}
		return nil
	})
	return d
}
