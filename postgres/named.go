package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/whole"
)

// A restored data folder and its rows come into their place by one rename, that of the folder: it names the database that was
// loaded for it. The database has a name of its own then, and the old one still the site's. The two are renamed afterwards, in
// one transaction, by whoever can first: until then the folder's word holds, and it goes by the server's number of the
// database, which no rename changes.

// named is what the file [db.FolderNames] says.
type named struct {
	Database string `json:"database"`          // its name when the file was written
	OID      string `json:"oid,omitempty"`     // its number; "": it was about to be made
	Becomes  string `json:"becomes,omitempty"` // the name that it is to have, of the site's settings
	Aside    string `json:"aside,omitempty"`   // the name that the database is to have which has that name now
	Through  string `json:"through,omitempty"` // a folder with a relay's socket
}

// readNamed returns what a data folder says of its database; nil: nothing.
func readNamed(dir string) (*named, error) {
	if dir == "" { // a scratch has no folder
		return nil, nil
	}
	path := filepath.Join(dir, db.FolderNames)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("postgres: the name of the folder's database cannot be read: %w", err)
	}
	n := &named{}
	if err := json.Unmarshal(text, n); err != nil || n.Database == "" {
		return nil, fmt.Errorf("postgres: %s is damaged: it names the database that belongs to this folder: see which one that is, and write {\"database\": NAME, \"oid\": NUMBER}; without the file it is the one of the settings", path)
	}
	return n, nil
}

// write keeps it for whoever the folder belongs to: root restores, and the site is to read it.
func (n *named) write(dir string) error {
	text, err := json.MarshalIndent(n, "", "\t")
	if err == nil {
		err = whole.WriteLike(filepath.Join(dir, db.FolderNames), ".database-*", append(text, '\n'), dir)
	}
	if err != nil {
		return fmt.Errorf("postgres: the name of the folder's database cannot be kept: %w", err)
	}
	return nil
}

// forget has the folder name none.
func forget(dir string) error {
	if err := os.Remove(filepath.Join(dir, db.FolderNames)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("postgres: %w", err)
	}
	return whole.SyncFolder(dir)
}

// wayOf returns the way to the database of a data folder. One that is to have the site's own name gets it, if it can be.
func (e *engine) wayOf(ctx context.Context, dir string) (*way, error) {
	w, err := e.way()
	if err != nil {
		return nil, err
	}
	n, err := readNamed(dir)
	switch {
	case err != nil:
		return nil, err
	case n == nil:
		return w, nil
	case n.Through != "":
		return w.in(n.Database, n.Through), nil
	}
	if n.Becomes != "" {
		if _, err := w.settle(ctx, n, true); err != nil && ctx.Err() != nil {
			return nil, err
		} // else somebody uses one of the two: the next opening tries again
	}
	now, err := w.nameOf(ctx, n)
	switch {
	case err != nil:
		return nil, err
	case now == "":
		return nil, fmt.Errorf("postgres: the database %s (number %s), which this data folder names in %s, is not on the server: it was dropped, or is on another one; name the folder's database there, or delete the file if it is the one of the settings", n.Database, n.OID, db.FolderNames)
	}
	return w.in(now, ""), nil
}

// needless has a folder forget the name of a database that has that of the settings now. Only whoever has the database open does
// so: a restore that is about to rename it has noted there which one the folder's is.
func (e *engine) needless(dir string, on *way) error {
	n, err := readNamed(dir)
	if err != nil || n == nil || n.Through != "" {
		return err
	}
	w, err := e.way()
	if err != nil || w.owner.Database != on.owner.Database {
		return err
	}
	return forget(dir)
}

// anywhere connects to the server, to look at what belongs to all of it: to the site's own database, or to another one where that is
// not there.
func (w *way) anywhere(ctx context.Context) (*conn, error) {
	return w.oneOf(ctx, w.owner.Database, "postgres", "template1")
}

// oneOf connects to the first database that lets the owner's role in.
func (w *way) oneOf(ctx context.Context, names ...string) (c *conn, err error) {
	var failed error
	for _, name := range names {
		if c, err = w.in(name, "").connect(ctx, migrator, nil); err == nil {
			return c, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

// nameOf returns the name that a folder's database has now, "" if there is none.
func (w *way) nameOf(ctx context.Context, n *named) (string, error) {
	c, err := w.anywhere(ctx)
	if err != nil {
		return "", err
	}
	defer c.close()
	return c.nameOf(ctx, n)
}

func (c *conn) nameOf(ctx context.Context, n *named) (string, error) {
	rows, err := c.rows(ctx, "SELECT datname FROM pg_database WHERE CASE WHEN $1 = '' THEN datname = $2 ELSE oid::text = $1 END", n.OID, n.Database)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0][0], nil
}

// settle renames the two databases in one transaction. The server waits some seconds for whoever is in one of them; with soon
// nobody does.
func (w *way) settle(ctx context.Context, n *named, soon bool) (aside string, err error) {
	c, err := w.oneOf(ctx, "postgres", "template1") // whoever is in a database cannot rename it
	if err != nil {
		return "", err
	}
	defer c.close()
	now, err := c.nameOf(ctx, n)
	if err != nil {
		return "", err
	}
	switch now {
	case "":
		return "", fmt.Errorf("postgres: the database %s is not on the server", n.Database)
	case n.Becomes: // another process was first
		return n.Aside, nil
	}
	old, err := c.rows(ctx, "SELECT FROM pg_database WHERE datname = $1", n.Becomes)
	if err != nil {
		return "", err
	}
	if soon && !c.left(ctx, now, n.Becomes) {
		return "", fmt.Errorf("postgres: somebody is in one of the databases %s and %s", now, n.Becomes)
	}
	text := fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", quoteName(now), quoteName(n.Becomes))
	if len(old) > 0 {
		text = fmt.Sprintf("ALTER DATABASE %s RENAME TO %s; ", quoteName(n.Becomes), quoteName(n.Aside)) + text
		aside = n.Aside
	}
	return aside, c.own(ctx, text) // one message is one transaction
}

// leaving is how long connections that were closed may still be seen.
const leaving = 500 * time.Millisecond

// left reports whether nobody is in two databases, or was a moment ago. Processes of the server itself make way for a rename.
func (c *conn) left(ctx context.Context, one, other string) bool {
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		rows, err := c.rows(ctx, "SELECT FROM pg_stat_get_activity(NULL) a JOIN pg_database d ON d.oid = a.datid WHERE d.datname IN ($1, $2) AND a.usesysid IS NOT NULL LIMIT 1", one, other)
		switch {
		case err != nil:
			return false
		case len(rows) == 0:
			return true
		case time.Since(began) > leaving:
			return false
		}
	}
}

// restored stands in the name of every database that was loaded; the site's own name stands before it.
const restored = "_restore_"

// loadedName reports whether a database has a name that Load gives. What was put aside has another.
func (w *way) loadedName(name string) bool {
	return strings.HasPrefix(name, clipName(w.owner.Database)+restored)
}

// clipName leaves room behind a name, of which the server keeps 63 bytes.
func clipName(name string) string {
	for len(name) > 30 {
		name = strings.ToValidUTF8(name[:len(name)-1], "")
	}
	return name
}

// Loaded implements [db.Carrier].
func (e *engine) Loaded(dir string) bool {
	n, err := readNamed(dir)
	return err == nil && n != nil && n.Becomes == ""
}

// Succeed implements [db.Carrier].
func (e *engine) Succeed(ctx context.Context, dir, old string) error {
	w, err := e.way()
	if err != nil {
		return err
	}
	n, err := readNamed(dir)
	if err != nil {
		return err
	}
	if n == nil || n.OID == "" || n.Becomes != "" {
		return fmt.Errorf("postgres: no database was loaded for %s", dir)
	}
	c, err := w.anywhere(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	if err := w.nameOld(ctx, c, old); err != nil {
		return err
	}
	n.Becomes, n.Aside = w.owner.Database, clipName(w.owner.Database)+"_before_restore_"+time.Now().UTC().Format("20060102t150405z")
	return n.write(dir)
}

// nameOld has the folder that is about to be put aside name its own database, and take no other's name any more.
func (w *way) nameOld(ctx context.Context, c *conn, old string) error {
	if _, err := os.Lstat(old); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	n, err := readNamed(old)
	if err != nil {
		return err
	}
	if n == nil {
		rows, err := c.rows(ctx, "SELECT oid FROM pg_database WHERE datname = $1", w.owner.Database)
		if err != nil || len(rows) == 0 {
			return err
		}
		n = &named{Database: w.owner.Database, OID: rows[0][0]}
	}
	n.Becomes, n.Aside = "", ""
	return n.write(old)
}

// Settle implements [db.Carrier].
func (e *engine) Settle(ctx context.Context, dir string) (aside string, err error) {
	w, err := e.way()
	if err != nil {
		return "", err
	}
	n, err := readNamed(dir)
	if err != nil || n == nil || n.Becomes == "" {
		return "", err
	}
	if aside, err = w.settle(ctx, n, false); err != nil {
		return "", err
	}
	return aside, forget(dir)
}
