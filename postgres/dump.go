package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/noise"
)

// Snapshot has pg_dump write the whole database into a spool in the data folder, whose key only this process has: an archive of
// its custom format, not compressed. What pg_dump writes, and the rows that are counted beside it, are of one exported snapshot.
func (e *engine) Snapshot(ctx context.Context) (_ *db.Snapshot, err error) {
	on := e.on.Load()
	if on == nil {
		return nil, db.ErrClosed
	}
	keeper, err := on.way.connect(ctx, migrator, nil)
	if err != nil {
		return nil, err
	}
	defer keeper.close()
	dump, err := e.findTool(ctx, "pg_dump", keeper.major())
	if err != nil {
		return nil, err
	}
	if err := keeper.own(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		return nil, err
	}
	exported, err := keeper.rows(ctx, "SELECT pg_export_snapshot()")
	if err != nil {
		return nil, fmt.Errorf("%w; have an administrator run what migrate setup prints", err)
	}
	s, err := newSpool(on.dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.remove())
		}
	}()
	sockets, done, err := on.way.privateRelay()
	if err != nil {
		return nil, err
	}
	defer done()
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	counted := make(chan error, 1)
	tables := map[string]int64{}
	go func() {
		err := keeper.countRows(running, tables)
		if err != nil {
			stop(err)
		}
		counted <- err
	}()
	cmd, said := dump.command(running, sockets, on.way, "--format=custom", "--compress=0", "--snapshot="+exported[0][0], "--lock-wait-timeout=60s", "--exclude-schema="+scratchPrefix+"*",
		"--no-publications", "--no-subscriptions", "--no-security-labels", "--no-tablespaces")
	failed := s.fill(cmd.StdoutPipe, cmd.Start)
	if failed != nil {
		stop(failed)
	}
	if cmd.Process != nil {
		failed = errors.Join(said.ended(running, cmd.Wait()), failed)
	}
	if failed != nil {
		stop(failed)
	}
	if counting := <-counted; failed == nil {
		failed = counting
	}
	if failed != nil {
		return nil, failed
	}
	server, err := keeper.describe(ctx, on.way)
	if err != nil {
		return nil, err
	}
	info := db.Info{Size: s.size}
	s.sum.Sum(info.SHA256[:0])
	snapshot := db.NewSnapshot(info, "", tables, s.noise, s.remove)
	snapshot.Server = server
	return snapshot, nil
}

// A spool is where a dump lies until it is sealed.
type spool struct {
	file  *os.File
	noise *noise.File
	sum   hashing
	size  int64
}

type hashing interface {
	io.Writer
	Sum([]byte) []byte
}

// newSpool makes a spool that has no name any more where the system allows it, so that a kill leaves nothing at all.
func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, ".dump-spool-*")
	if err != nil {
		return nil, fmt.Errorf("postgres: the spool of a snapshot: %w", err)
	}
	_ = os.Remove(f.Name())
	return &spool{file: f, noise: noise.New(f), sum: sha256.New()}, nil
}

// fill starts what writes and keeps all that comes, whatever its end means.
func (s *spool) fill(pipe func() (io.ReadCloser, error), start func() error) error {
	from, err := pipe()
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if err := start(); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{s}, struct{ io.Reader }{from}, make([]byte, 1<<20))
	return err
}

// Write implements [io.Writer].
func (s *spool) Write(p []byte) (int, error) {
	s.sum.Write(p)
	if err := s.noise.Put(p, s.size); err != nil {
		return 0, fmt.Errorf("postgres: the spool of a snapshot: %w", err)
	}
	s.size += int64(len(p))
	return len(p), nil
}

func (s *spool) remove() error {
	err := s.file.Close()
	if gone := os.Remove(s.file.Name()); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// countRows counts the rows of every table of the schema. Those of an extension are the extension's; a table that is split is
// counted by its pieces.
func (c *conn) countRows(ctx context.Context, tables map[string]int64) error {
	rows, err := c.rows(ctx, `SELECT c.relname, format('SELECT count(*) FROM %I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') ORDER BY 1`, c.schema)
	if err != nil {
		return err
	}
	for _, row := range rows {
		n, err := c.rows(ctx, row[1])
		if err != nil {
			return err
		}
		var many int64
		if _, err := fmt.Sscan(n[0][0], &many); err != nil {
			return err
		}
		tables[row[0]] = many
	}
	return nil
}

// describe tells what somebody must make who has no such server any more. It has no secret.
func (c *conn) describe(ctx context.Context, w *way) (string, error) {
	rows, err := c.rows(ctx, `SELECT pg_encoding_to_char(encoding), datcollate, datctype, (SELECT string_agg(extname || ' ' || extversion, ', ' ORDER BY extname) FROM pg_extension)
		FROM pg_database WHERE datname = current_database()`)
	if err != nil {
		return "", err
	}
	version, _, _ := strings.Cut(c.pg.ParameterStatus("server_version"), " ")
	return fmt.Sprintf("PostgreSQL %s; database %s, %s, collation %s, characters %s; roles %s (owns it) and %s (reads); extensions %s", version, w.owner.Database, rows[0][0], rows[0][1], rows[0][2],
		w.owner.User, w.reader.User, rows[0][3]), nil
}

// CopyTo loads a snapshot into a new database, which the folder names from then on.
func (e *engine) CopyTo(ctx context.Context, dir string) (err error) {
	s, err := e.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return e.Load(ctx, dir, s.Reader())
}
