package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/merlon-web/merlon/db"
)

var (
	_ db.Carrier = (*engine)(nil)
	_ db.Prover  = (*engine)(nil)
	_ db.Skipper = (*engine)(nil)
)

// loadsFrom is the first version whose new databases belong to whoever makes them: before it everybody may make tables in the
// schema public of one, and only a superuser can take that away.
const loadsFrom = 15

// dropTime is how long the drop of a loaded database waits for whoever is still in it.
const dropTime = 10 * time.Second

// Able implements [db.Carrier]: both programs, the server's version, and the right to make a database, which restores and
// drills need.
func (e *engine) Able(ctx context.Context) error {
	w, err := e.way()
	if err != nil {
		return err
	}
	c, err := w.anywhere(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	var missing []error
	for _, name := range []string{"pg_dump", "pg_restore"} {
		if _, err := e.findTool(ctx, name, c.major()); err != nil {
			missing = append(missing, err)
		}
	}
	return errors.Join(append(missing, c.ableToLoad(ctx))...)
}

func (c *conn) ableToLoad(ctx context.Context) error {
	if c.major() < loadsFrom {
		return fmt.Errorf("postgres: the server is of version %d, and restores and drills need %d or later: in a new database of an earlier one everybody may make tables", c.major(), loadsFrom)
	}
	rows, err := c.rows(ctx, "SELECT rolname FROM pg_roles WHERE rolname = current_user AND NOT (rolcreatedb OR rolsuper)")
	if err == nil && len(rows) > 0 {
		err = fmt.Errorf("postgres: the role %s may not make databases, and each restore and drill makes one: run ALTER ROLE %s CREATEDB as an administrator, or once more what migrate setup prints", rows[0][0], quoteName(rows[0][0]))
	}
	return err
}

// Size implements [db.Carrier]: what the database takes on the server, which is more than its rows.
func (e *engine) Size(ctx context.Context) (n int64, err error) {
	err = e.asOwner(ctx, func(c *conn, _ *opened) error {
		rows, err := c.rows(ctx, "SELECT pg_database_size(current_database())")
		if err == nil {
			_, err = fmt.Sscan(rows[0][0], &n)
		}
		return err
	})
	return n, err
}

// Load implements [db.Carrier] by pg_restore, in one transaction, into a new database that is like the site's own. What it makes
// belongs to the role that owns the site's; the readers' role gets its rights when it is opened.
func (e *engine) Load(ctx context.Context, dir string, from io.Reader) (err error) {
	w, err := e.way()
	if err != nil {
		return err
	}
	if n, err := readNamed(dir); err != nil || n != nil {
		return errors.Join(err, fmt.Errorf("postgres: the folder %s has a database already: a snapshot is loaded for a new one", dir))
	}
	c, err := w.anywhere(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	restore, err := e.findTool(ctx, "pg_restore", c.major())
	if err = errors.Join(err, c.ableToLoad(ctx)); err != nil {
		return err
	}
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	n := &named{Database: clipName(w.owner.Database) + restored + hex.EncodeToString(b[:])}
	if err := n.write(dir); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			cleaning, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*dropTime)
			defer cancel()
			err = errors.Join(err, e.Unload(cleaning, dir))
		}
	}()
	if err := c.create(ctx, w, n.Database); err != nil {
		return fmt.Errorf("postgres: a database to restore into: %w", err)
	}
	rows, err := c.rows(ctx, "SELECT oid FROM pg_database WHERE datname = $1", n.Database)
	if err != nil {
		return err
	}
	n.OID = rows[0][0]
	if err := n.write(dir); err != nil {
		return err
	}
	into := w.in(n.Database, "")
	if err := into.close(ctx); err != nil {
		return err
	}
	sockets, done, err := into.privateRelay()
	if err != nil {
		return err
	}
	defer done()
	cmd, said := restore.command(ctx, sockets, into, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-comments",
		"--no-publications", "--no-subscriptions", "--no-security-labels", "--no-tablespaces", "--dbname="+n.Database)
	source := &failing{from: from}
	cmd.Stdin = source
	err = said.ended(ctx, cmd.Run())
	if source.err != nil { // pg_restore was left with half of it
		return source.err
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, from) // whoever hashes what is read wants all of it
	return err
}

// failing remembers why its source ended.
type failing struct {
	from io.Reader
	err  error
}

// Read implements [io.Reader].
func (f *failing) Read(p []byte) (int, error) {
	n, err := f.from.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// create makes an empty database that sorts and compares as the site's own does, or as the one that is connected to, if that is
// not there.
func (c *conn) create(ctx context.Context, w *way, name string) error {
	rows, err := c.rows(ctx, `SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L', $1::text, pg_encoding_to_char(d.encoding), d.datcollate, d.datctype)
			|| CASE to_jsonb(d)->>'datlocprovider' WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'))
			WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', to_jsonb(d)->>'datlocale') ELSE '' END
		FROM pg_database d WHERE datname IN ($2, current_database()) ORDER BY datname = $2 DESC LIMIT 1`, name, w.owner.Database)
	if err != nil {
		return err
	}
	return c.own(ctx, rows[0][0])
}

// close shuts everybody but the two roles out of a new database, before anything is in it.
func (w *way) close(ctx context.Context) error {
	c, err := w.connect(ctx, migrator, nil)
	if err != nil {
		return err
	}
	defer c.close()
	name, owner, reader := quoteName(w.owner.Database), quoteName(w.owner.User), quoteName(w.reader.User)
	for _, text := range []string{
		"REVOKE ALL ON DATABASE " + name + " FROM PUBLIC",
		"GRANT CONNECT ON DATABASE " + name + " TO " + owner + ", " + reader,
		"ALTER SCHEMA public OWNER TO " + owner,
		"REVOKE ALL ON SCHEMA public FROM PUBLIC",
		"GRANT USAGE ON SCHEMA public TO " + reader,
		"ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
	} {
		if err := c.own(ctx, text); err != nil {
			return fmt.Errorf("postgres: the rights in the database to restore into: %w", err)
		}
	}
	return nil
}

// Unload implements [db.Carrier].
func (e *engine) Unload(ctx context.Context, dir string) error {
	n, err := readNamed(dir)
	if err != nil || n == nil {
		return err
	}
	w, err := e.way()
	if err != nil {
		return err
	}
	c, err := w.anywhere(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	for began := time.Now(); ; {
		name, err := c.nameOf(ctx, n)
		switch {
		case err != nil:
			return err
		case name == "":
			return forget(dir)
		case !w.loadedName(name):
			return fmt.Errorf("postgres: the database %s was not made by a restore or a drill, and is left alone", name)
		}
		err = c.own(ctx, "DROP DATABASE "+quoteName(name)) // waits some seconds for who is in it
		if err == nil {
			return forget(dir)
		}
		if c.broken || ctx.Err() != nil || time.Since(began) > dropTime {
			return fmt.Errorf("postgres: a database that was restored into is not dropped: %w", err)
		}
	}
}

// Lend implements [db.Carrier].
func (e *engine) Lend(ctx context.Context, dir, sockets string) (stop func(), err error) {
	w, err := e.wayOf(ctx, dir)
	if err != nil {
		return nil, err
	}
	n, err := readNamed(dir)
	if err != nil || n == nil {
		return nil, errors.Join(err, fmt.Errorf("postgres: the folder %s names no database that could be lent", dir))
	}
	r, err := w.lend(sockets)
	if err != nil {
		return nil, err
	}
	lent := *n
	lent.Through = sockets
	if err := lent.write(dir); err != nil {
		r.close()
		return nil, err
	}
	return func() { r.close(); _ = n.write(dir) }, nil
}

// Prove implements [db.Prover]. A database that was loaded has been proven by the server as it was made: each row was read, each
// key and rule held against it. What is left to see is whether an index was given up, and how many rows there are.
func (e *engine) Prove(ctx context.Context) (p db.Proof, err error) {
	p.Tables = map[string]int64{}
	err = e.asOwner(ctx, func(c *conn, _ *opened) error {
		rows, err := c.rows(ctx, "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND NOT i.indisvalid ORDER BY 1", c.schema)
		if err != nil {
			return err
		}
		for _, row := range rows {
			p.Problems = append(p.Problems, "the index "+row[0]+" is not valid")
		}
		return c.countRows(ctx, p.Tables)
	})
	return p, err
}

// useKey is the lock that every process shares that has the database open as a site's, and that a restore in its place has alone.
func useKey(schema string) string { return fmt.Sprint(lockKey("use", schema)) }

// use notes that the database is in use by a site.
func (c *conn) use(ctx context.Context) error {
	rows, err := c.rows(ctx, "SELECT pg_try_advisory_lock_shared($1)", useKey(c.schema))
	if err == nil && rows[0][0] != "t" {
		err = fmt.Errorf("%w: a restore is putting another database in its place: wait until it has ended", db.ErrLocked)
	}
	return err
}

// Hold implements [db.Prover] by a lock of the database, which ends with this process.
func (e *engine) Hold(dir string) (release func() error, err error) {
	ctx, cancel := ending()
	defer cancel()
	w, err := e.wayOf(ctx, dir)
	if err != nil {
		return nil, err
	}
	c, err := w.connect(ctx, migrator, nil)
	if err != nil {
		return nil, err
	}
	rows, err := c.rows(ctx, "SELECT pg_try_advisory_lock($1)", useKey(e.schema))
	if err == nil && rows[0][0] != "t" {
		err = fmt.Errorf("%w: another process has the database %s open, on this machine or another one", db.ErrLocked, w.owner.Database)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return func() error { c.close(); return nil }, nil
}

// Skip implements [db.Skipper]: each sequence of a table's column is moved on, as far as it goes.
func (e *engine) Skip(ctx context.Context, n int64) error {
	return e.asOwner(ctx, func(c *conn, _ *opened) error {
		rows, err := c.rows(ctx, `SELECT format('SELECT setval(%L::regclass, least(last_value + %s, %s), is_called) FROM %I.%I', c.oid::regclass, $2::bigint * s.seqincrement, s.seqmax, n.nspname, c.relname)
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence s ON s.seqrelid = c.oid
			WHERE n.nspname = $1 AND s.seqincrement > 0 AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i'))`, c.schema, fmt.Sprint(n))
		if err != nil {
			return err
		}
		for _, row := range rows {
			if _, err := c.rows(ctx, row[0]); err != nil {
				return err
			}
		}
		return nil
	})
}
