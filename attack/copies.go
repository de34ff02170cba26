package attack

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Backups are how a site's copies are made and used. They are tried on the data that is attacked: nothing of it may be the
// live site's, neither the data nor the place.
type Backups struct {
	// Make makes one copy, as the site does by itself. It and Restore end early when ctx does.
	Make func(ctx context.Context) error
	// Data is the folder with all that a thief of the server would have: data, settings, keys. Place is the folder in which the
	// copies lie.
	Data, Place string
	// Restore gets the newest copy back into an empty folder, and fails if that copy is not whole. The key is the owner's; "" is
	// for what the server can do with what it has.
	Restore func(ctx context.Context, into, key string) error
	// Key is the owner's, and is kept away from the server; "": there is none.
	Key string
	// Spare are the files of Data, by their names below it, that need not come back: logs, caches. Nil: none.
	Spare func(name string) bool
	// Delete deletes a copy, by its name below Place, with the rights that the server has at the place; nil: it is not known.
	Delete func(name string) error
	// Rehearsed is when a restore was last rehearsed, the zero time: never; nil: it is not known.
	Rehearsed func() time.Time
	// Apart says that Place was made for the attack: on which disk the site's own copies lie is not known then.
	Apart bool
}

// mostLying is how many bytes of a folder are looked at: several folders are kept in memory at a time. A variable for tests.
var mostLying int64 = 256 << 20

// errMuch is a folder that is too large to be looked at.
var errMuch = errors.New("its files are too large to be looked at by the attacker, which keeps them in memory")

// lying are the files of a folder by name. The error wraps errMuch when they are too large in all.
func lying(dir string) (map[string][]byte, error) {
	all, left := map[string][]byte{}, mostLying
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if left -= info.Size(); left < 0 {
			return fmt.Errorf("%s: more than %d MB: %w", dir, mostLying>>20, errMuch)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)] = b
		return err
	})
	return all, err
}

// unpackedMost bounds what one archive within a copy is unpacked to, in bytes.
const unpackedMost = 256 << 20

// tells looks for a text in a copy as it is, and in what it unpacks to, three deep.
func tells(b []byte, text string, depth int) bool {
	if bytes.Contains(b, []byte(text)) {
		return true
	}
	if depth == 0 {
		return false
	}
	inner := func(in io.Reader) bool {
		b, _ := io.ReadAll(io.LimitReader(in, unpackedMost)) // of a broken archive: what came before
		return tells(b, text, depth-1)
	}
	switch {
	case bytes.HasPrefix(b, []byte("\x1f\x8b")):
		in, err := gzip.NewReader(bytes.NewReader(b))
		return err == nil && inner(in)
	case bytes.HasPrefix(b, []byte("PK")):
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return false
		}
		for _, f := range z.File {
			if in, err := f.Open(); err == nil && inner(in) {
				return true
			}
		}
	}
	return false
}

// dump reports what kind of a whole database's copy an answer is, "" for none. What only looks like an archive is none.
func dump(b string) string {
	for sign, kind := range map[string]string{"SQLite format 3\x00": "an SQLite database", "PGDMP": "a dump of pg_dump", "-- MySQL dump": "a dump of mysqldump",
		"-- MariaDB dump": "a dump of mariadb-dump", "--\n-- PostgreSQL database dump": "a dump of pg_dump", "PRAGMA foreign_keys=OFF;": "a dump of sqlite3"} {
		if strings.HasPrefix(b, sign) {
			return kind
		}
	}
	return ""
}

// missing names the files of the data that are in no file of what was restored, by their bytes. A database is another file
// after a restore: a text of its rows is looked for instead.
func (b *Backups) missing(data, restored map[string][]byte, texts []string) (names []string) {
	sums := map[[sha256.Size]byte]bool{}
	for _, file := range restored {
		sums[sha256.Sum256(file)] = true
	}
	for name, file := range data {
		if transient(name) || b.Spare != nil && b.Spare(name) || strings.HasSuffix(name, "-wal") || strings.HasSuffix(name, "-journal") || dump(string(file)) != "" || b.holds(name) {
			continue
		}
		if !sums[sha256.Sum256(file)] {
			names = append(names, name)
		}
	}
	for _, text := range texts {
		found := false
		for _, file := range restored {
			found = found || tells(file, text, 3)
		}
		if !found {
			names = append(names, fmt.Sprintf("the row with %q", text))
		}
	}
	return names
}

// holds reports whether a file of the data is one of the copies.
func (b *Backups) holds(name string) bool {
	within, err := filepath.Rel(b.Place, filepath.Join(b.Data, filepath.FromSlash(name)))
	return err == nil && filepath.IsLocal(within)
}

// What is taken for a key: texts of the small files, as many as a thief would try in a moment.
const (
	keyFile   = 64 << 10
	shortKey  = 12
	longKey   = 4 << 10
	mostTries = 300
)

// keyNames are how files and lines are named that hold a key: they are tried first.
var keyNames = regexp.MustCompile(`(?i)key|secret|pass|age|seal|backup|\.(conf|toml|ya?ml|ini|env|pem)$`)

// keys are the texts of the small files of the data that may be a key, each with its file: whole files, lines, and what stands
// behind the first = or : of a line. Those that are named like one come first; left is how many are not among them.
func (b *Backups) keys(data map[string][]byte) (all [][2]string, left int) {
	var likely, other [][2]string
	seen := map[string]bool{}
	add := func(file, line, text string) {
		text = strings.Trim(strings.TrimSpace(text), `"'`)
		if len(text) >= shortKey && len(text) <= longKey && !seen[text] {
			seen[text] = true
			if keyNames.MatchString(file) || keyNames.MatchString(line) {
				likely = append(likely, [2]string{text, file})
			} else {
				other = append(other, [2]string{text, file})
			}
		}
	}
	for _, name := range sortedNames(data) {
		if len(data[name]) > keyFile || b.holds(name) {
			continue
		}
		text := string(data[name])
		add(name, "", text)
		for line := range strings.Lines(text) {
			add(name, "", line)
			if i := strings.IndexAny(line, "=:"); i > 0 {
				add(name, line[:i], line[i+1:])
			}
		}
	}
	all = append(likely, other...)
	tried := min(len(all), mostTries)
	return all[:tried], len(all) - tried
}
