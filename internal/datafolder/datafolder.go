// Package datafolder makes the folders that a site keeps its data in.
package datafolder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// ignore names the file by which git leaves out all that lies in a folder (gitignore(5)).
const ignore = ".gitignore"

// Walk is [filepath.WalkDir] for a data folder, which may be named by a link, as systemd makes one of StateDirectory= with
// DynamicUser=: WalkDir would see the link and nothing else. Links in the folder are not followed.
func Walk(path string, do fs.WalkDirFunc) error {
	return filepath.WalkDir(filepath.Clean(path)+string(filepath.Separator)+".", func(name string, e fs.DirEntry, err error) error {
		return do(filepath.Clean(name), e, err)
	})
}

// Make makes a folder that is not there, with mode 0700, and what lies above it; nothing in it is ever committed by accident:
// keys and databases that are in a repository once are in each of its copies. A folder that is there stays as it is, also
// without that file: whoever took it out meant it.
func Make(path string) error {
	path = filepath.Clean(path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	err := New(path)
	if errors.Is(err, fs.ErrExist) {
		return os.MkdirAll(path, 0o700) // a file of that name is an error, a link to a folder is none
	}
	return err
}

// New makes a folder as [Make] does, in one that is there. The error is [fs.ErrExist] when something of that name is there.
func New(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(path, ignore), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // another process makes the same folder
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString("*\n")
	return errors.Join(err, f.Close())
}
