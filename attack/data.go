package attack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// transient are the files of a data folder that are not data: locks, sockets' folders and what SQLite makes anew.
func transient(name string) bool {
	first, _, _ := strings.Cut(filepath.ToSlash(name), "/")
	return first == "run" || first == "scratch" || strings.HasSuffix(name, "-shm") || strings.HasSuffix(name, ".lock") || strings.Contains(filepath.Base(name), "-spool-")
}

// listed is a file of a data folder.
type listed struct {
	name, path string
	entry      fs.DirEntry
}

// eachListed names the files of a data folder, in their order, and opens none.
func eachListed(dir string, do func(listed) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || transient(name) {
			return err
		}
		return do(listed{name, path, d})
	})
}

// linksIn are the names of the symbolic links of a data folder.
func linksIn(dir string) (names []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if !transient(name) {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// eachFile opens the files of a data folder one after the other. It leaves the folder by no link: whoever may write there could put
// one in the place of a file that was just listed.
func eachFile(dir string, do func(name string, in io.Reader) error) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	return eachListed(dir, func(l listed) error {
		f, err := root.Open(l.name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer f.Close()
		return do(l.name, f)
	})
}

// hashData is one hash over the names and bytes of a data folder.
func hashData(ctx context.Context, dir string) (string, error) {
	h := sha256.New()
	err := eachFile(dir, func(name string, in io.Reader) error {
		fmt.Fprintf(h, "%q\n", name)
		_, err := io.Copy(h, within{ctx, in})
		return err
	})
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

// fileSum is the hash of a file that had this size and time.
type fileSum struct {
	size int64
	at   time.Time
	sum  [sha256.Size]byte
	firm bool // the time was past when the file was read: whoever writes afterwards gives it another one
}

// clockStep is the coarsest step in which file systems of today tell times, with room for a slow machine.
const clockStep = 50 * time.Millisecond

// files is what lies in the data folder beside the engine's own database: whatever mounted handlers keep there. A file whose
// size and time are those of before is not read again.
func (s *inside) files() (string, bool) {
	var b strings.Builder
	own := s.engineFile()
	if s.known == nil {
		s.known = map[string]fileSum{}
	}
	err := eachListed(s.dir, func(l listed) error {
		if strings.HasPrefix(filepath.Base(l.name), own) || strings.HasPrefix(l.name, "keys") {
			return nil
		}
		info, err := l.entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		k := s.known[l.name]
		if !k.firm || k.size != info.Size() || !k.at.Equal(info.ModTime()) {
			k = fileSum{size: info.Size(), at: info.ModTime(), firm: time.Since(info.ModTime()) > clockStep}
			switch k.sum, err = sumFile(l.path); {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			}
			s.known[l.name] = k
		}
		fmt.Fprintf(&b, "%s %x\n", l.name, k.sum)
		return nil
	})
	return b.String(), err == nil && b.Len() > 0
}

func sumFile(path string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	h.Sum(sum[:0])
	return sum, err
}

// engineFile is the name of the engine's own file, which is looked at by statements and not by bytes.
func (s *inside) engineFile() string {
	s.once.Do(func() { s.file = s.findFile() })
	return s.file
}

func (s *inside) findFile() string {
	snap, err := s.site.House().Engine.Snapshot(context.Background())
	if err != nil {
		return "\x00"
	}
	defer snap.Close()
	return snap.File
}

// lies looks for a text in the database and in every other file of the data. With an error nothing that was found is sure to be all.
func (s *inside) lies(ctx context.Context, secret string) (where string, err error) {
	look := func(name string, in io.Reader) error {
		found, err := holds(in, []byte(secret))
		if found && where == "" {
			where = name
		}
		return errors.Join(err, ctx.Err())
	}
	snap, err := s.site.House().Engine.Snapshot(ctx)
	if err != nil {
		return "", err
	}
	err = errors.Join(look(snap.File, snap.Reader()), snap.Close())
	return where, errors.Join(err, eachFile(s.dir, look))
}

// rests looks for a text in the data; "": it lies nowhere, or could not be looked for, which is told.
func (r *run) rests(secret string) string {
	where, err := r.t.rest(r.ctx, secret)
	if r.ctx.Err() != nil {
		panic(errOver)
	}
	if err != nil {
		r.missed("what rests in the data: it cannot be read: %v", err)
	}
	return where
}

// holds looks for a text, a piece of the stream at a time.
func holds(in io.Reader, text []byte) (bool, error) {
	const piece = 256 << 10
	buf := make([]byte, 0, piece+len(text))
	for {
		n, err := io.ReadFull(in, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if bytes.Contains(buf, text) {
			return true, nil
		}
		if err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				err = nil
			}
			return false, err
		}
		kept := copy(buf, buf[len(buf)-min(len(buf), max(len(text)-1, 0)):]) // the text may lie across two pieces
		buf = buf[:kept]
	}
}
