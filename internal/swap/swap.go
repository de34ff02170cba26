// Package swap puts a new data folder in the place of the old one, which is kept beside it: two renames, announced in a file
// before the first, so that a process that is killed between them is completed by the next one. Nothing is ever deleted. Where
// the data folder's name is a symbolic link, what it leads to is exchanged, there, and the link stays: systemd makes one of a
// DynamicUser's StateDirectory and does not start over a folder in its place.
package swap

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/merlon-web/merlon/internal/whole"
)

// A plan is what the announcement says. The names are of folders beside the data folder.
type plan struct {
	Fresh  string `json:"fresh"`  // becomes the data folder
	Before string `json:"before"` // what the data folder is then called
}

// maxLinks is how many links are followed from one to the next, as Linux does (path_resolution(7)).
const maxLinks = 40

// Real returns where a data folder lies, or is to lie: the path, or where the symbolic link leads that has its name. It need not
// be there: between two renames it is not. Links in the folders above stay in the path.
func Real(data string) (string, error) {
	data = filepath.Clean(data)
	for range maxLinks {
		switch info, err := os.Lstat(data); {
		case errors.Is(err, fs.ErrNotExist):
			return data, nil
		case err != nil:
			return "", fmt.Errorf("swap: %w", err)
		case info.Mode()&fs.ModeSymlink == 0:
			return data, nil
		}
		to, err := os.Readlink(data)
		if err != nil {
			return "", fmt.Errorf("swap: %w", err)
		}
		if !filepath.IsAbs(to) {
			folder, err := filepath.EvalSymlinks(filepath.Dir(data)) // its ".." go up from where it lies
			if err != nil {
				return "", fmt.Errorf("swap: %w", err)
			}
			to = filepath.Join(folder, to)
		}
		data = filepath.Clean(to)
	}
	return "", fmt.Errorf("swap: %s is one of more than %d symbolic links that lead to one another: name the folder itself", data, maxLinks)
}

// note is where a swap of a data folder is announced.
func note(data string) string { return data + ".swap" }

// Do puts the folder fresh in the place of data, and calls the old one before; there may be no old one. All three lie in one
// folder, which is that of [Real]. When it returns, the names are on the disk. An error tells what is where.
func Do(data, fresh, before string) error {
	data, err := Real(data)
	if err != nil {
		return err
	}
	folder := filepath.Dir(data)
	for _, path := range []string{fresh, before} {
		if filepath.Dir(filepath.Clean(path)) != folder {
			return fmt.Errorf("swap: %s does not lie beside %s: a rename would not be one step", path, data)
		}
	}
	if is, err := there(before); err != nil || is {
		return fmt.Errorf("swap: %s is there already: nothing is written over; try again", before)
	}
	p := plan{filepath.Base(fresh), filepath.Base(before)}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := announce(note(data), text, fresh); err != nil {
		return err
	}
	return p.complete(data)
}

// Finish completes a swap that was announced and not completed. It reports whether there was one. Whoever opens a data folder
// calls it before anything else.
func Finish(data string) (bool, error) {
	data, err := Real(data)
	if err != nil {
		return false, err
	}
	text, err := os.ReadFile(note(data))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("swap: an announced restore cannot be read: %w", err)
	}
	var p plan
	if err := json.Unmarshal(text, &p); err != nil || p.Fresh != filepath.Base(p.Fresh) || p.Before != filepath.Base(p.Before) || p.Fresh == "" || p.Before == "" {
		return false, fmt.Errorf("swap: %s is damaged: look which of the folders beside it is the data, give it that name, then delete the file", note(data))
	}
	return true, p.complete(data)
}

// complete does what is left to do. The fresh folder is there until it is the data folder.
func (p plan) complete(data string) error {
	folder := filepath.Dir(data)
	fresh, before := filepath.Join(folder, p.Fresh), filepath.Join(folder, p.Before)
	isFresh, e1 := there(fresh)
	isData, e2 := there(data)
	isBefore, e3 := there(before)
	if err := errors.Join(e1, e2, e3); err != nil {
		return fmt.Errorf("swap: an announced restore cannot be looked at: %w", err)
	}
	if isFresh {
		if isData {
			if isBefore {
				return fmt.Errorf("swap: %s and %s are both there: something made one of them in between: see which one is the data, give it that name, then delete %s", data, before, note(data))
			}
			if err := os.Rename(data, before); err != nil {
				return fmt.Errorf("swap: the old data stays: %w", errors.Join(err, os.Remove(note(data))))
			}
		}
		if err := os.Rename(fresh, data); err != nil {
			if isData && os.Rename(before, data) == nil {
				return fmt.Errorf("swap: the old data stays: %w", errors.Join(err, sync(folder), os.Remove(note(data))))
			}
			return fmt.Errorf("swap: the old data is %s, the new %s: %w", before, fresh, err)
		}
	} else if !isData {
		return fmt.Errorf("swap: neither %s nor %s is there: find the data, give it the first name, then delete %s", data, fresh, note(data))
	}
	if err := sync(folder); err != nil {
		return err
	}
	if err := os.Remove(note(data)); err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	return sync(folder)
}

// there reports whether something has the name. What cannot be looked at is not taken for missing.
func there(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Announced reports whether a swap was announced that is not completed, or cannot be told to be: then the fresh folder is to stay.
func Announced(data string) bool {
	data, err := Real(data)
	if err != nil {
		return true
	}
	is, err := there(note(data))
	return is || err != nil
}

// announce writes the file whole or not at all, for whoever the new data belongs to: the site goes on where root was cut off.
func announce(path string, text []byte, fresh string) error {
	if err := whole.WriteLike(path, ".swap-*", text, fresh); err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	return nil
}

// sync makes names durable.
func sync(folder string) error {
	if err := whole.SyncFolder(folder); err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	return nil
}
