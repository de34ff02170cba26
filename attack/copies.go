package attack

import (
	"context"
	"crypto/sha256"
	"fmt"
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
func (b *Backups) missing(data, restored map[string]lain, texts []string, tells func(lain, string) bool) (names []string) {
	sums := map[[sha256.Size]byte]bool{}
	for _, file := range restored {
		sums[file.sum] = true
	}
	for name, file := range data {
		if transient(name) || b.Spare != nil && b.Spare(name) || strings.HasSuffix(name, "-wal") || strings.HasSuffix(name, "-journal") || dump(file.head()) != "" || b.holds(name) {
			continue
		}
		if !sums[file.sum] {
			names = append(names, name)
		}
	}
	for _, text := range texts {
		found := false
		for _, file := range restored {
			found = found || tells(file, text)
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
func (b *Backups) keys(data map[string]lain) (all [][2]string, left int) {
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
		if data[name].size > keyFile || b.holds(name) {
			continue
		}
		read, err := os.ReadFile(data[name].path)
		if err != nil {
			left++ // whatever it holds was not tried
			continue
		}
		text := string(read)
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
	return all[:tried], left + len(all) - tried
}
