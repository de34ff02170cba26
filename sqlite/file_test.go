package sqlite_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

func TestFilesAreTheOwnersOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes")
	}
	e, dir := sqlite.Engine("sub/x.db"), filepath.Join(t.TempDir(), "data")
	if err := e.Open(t.Context(), dir, schema); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	look := func() {
		t.Helper()
		for _, name := range []string{"", "x.db", "x.db-wal", "x.db-shm", "x.db.lock"} {
			info, err := os.Stat(filepath.Join(dir, "sub", name))
			if err != nil {
				t.Error(err)
			} else if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has the mode %v", name, info.Mode())
			}
		}
	}
	if rows(t, e) != 0 {
		t.Error("not empty")
	}
	look()
	add(t, e, "a", "b")
	look()
	if err := e.CopyTo(t.Context(), filepath.Join(dir, "copy")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "copy", "sub", "x.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info.Mode(), err)
	}
}

func TestNamesOfFiles(t *testing.T) {
	dir := t.TempDir()
	for _, bad := range []db.Engine{sqlite.Engine(""), sqlite.Engine("."), sqlite.Engine("../x.db"), sqlite.Engine("/tmp/x.db"), sqlite.Engine("a/../../x.db"),
		sqlite.Engine("file:x.db"), sqlite.Engine("file:x.db?_pragma=query_only(0)")} {
		if err := bad.Open(t.Context(), dir, schema); err == nil {
			t.Error("a name that leads elsewhere was opened")
			bad.Close()
		}
	}
	for _, e := range []db.Engine{sqlite.Engine("a?b=c&vfs=none#d %20ä'.db"), sqlite.Engine("sub/folder/x.db"), sqlite.Engine(":memory:")} {
		if err := e.Open(t.Context(), dir, schema); err != nil {
			t.Error(err)
			continue
		}
		if _, err := e.Migrate(t.Context()); err != nil {
			t.Error(err)
		}
		add(t, e, "a", "b")
		var out bytes.Buffer
		if _, err := snapshot(t.Context(), e, &out); err != nil || !bytes.HasPrefix(out.Bytes(), []byte("SQLite format 3\x00")) {
			t.Errorf("snapshot: %v", err)
		}
		if err := e.CopyTo(t.Context(), t.TempDir()); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if err := e.Open(t.Context(), dir, schema); err != nil || rows(t, e) != 1 {
			t.Errorf("opened again: %v", err)
		}
		e.Close()
	}
}

func TestSymbolicLinks(t *testing.T) {
	elsewhere := t.TempDir()
	victim := filepath.Join(elsewhere, "victim.db")
	if err := os.WriteFile(victim, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"x.db", "x.db.lock"} {
		t.Run(link, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Symlink(victim, filepath.Join(dir, link)); err != nil {
				t.Skip(err)
			}
			e := sqlite.Engine("x.db")
			if err := e.Open(t.Context(), dir, schema); err == nil {
				t.Error("a symbolic link was followed")
				e.Close()
			}
			if b, err := os.ReadFile(victim); err != nil || len(b) > 0 {
				t.Errorf("what it points to was written: %d bytes, %v", len(b), err)
			}
		})
	}
	t.Run("the folder may be one", func(t *testing.T) {
		link := filepath.Join(t.TempDir(), "data")
		if err := os.Symlink(elsewhere, link); err != nil {
			t.Skip(err)
		}
		e := sqlite.Engine("x.db")
		if err := e.Open(t.Context(), link, schema); err != nil {
			t.Fatal(err)
		}
		e.Close()
	})
}

func TestNoDatabase(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.db"), bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	e := sqlite.Engine("x.db")
	err := e.Open(t.Context(), dir, schema)
	if err == nil || !strings.Contains(err.Error(), "not a database") || !strings.Contains(err.Error(), "x.db") || !strings.Contains(err.Error(), "restore latest --live") {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "x.db")); err != nil {
		t.Fatal(err)
	}
	if err := e.Open(t.Context(), dir, schema); err != nil { // the lock was given back
		t.Fatal(err)
	}
	e.Close()
}

func TestSnapshotLeavesNothingInTheClear(t *testing.T) {
	e, dir := open(t)
	const canary = "a canary that must not be seen in the spool"
	for range 100 {
		add(t, e, "somebody", canary)
	}
	before := len(look(t, dir))
	var out bytes.Buffer
	looked := false
	info, err := snapshot(t.Context(), e, writer(func(b []byte) (int, error) {
		for name := range look(t, dir) {
			if !strings.HasPrefix(name, ".x.db-spool-") {
				continue
			}
			spool, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
			}
			if bytes.Contains(spool, []byte(canary)) || bytes.Contains(spool, []byte("SQLite format 3")) {
				t.Errorf("%s holds the rows in the clear", name)
			}
			looked = looked || len(spool) >= out.Len()
		}
		return out.Write(b)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if !looked {
		t.Error("no spool was seen")
	}
	if after := len(look(t, dir)); after != before {
		t.Errorf("%d files before, %d after", before, after)
	}
	if sha256.Sum256(out.Bytes()) != info.SHA256 || info.Size != info.Pages*int64(info.PageSize) || info.Size != int64(out.Len()) {
		t.Errorf("Info %+v of %d bytes", info, out.Len())
	}
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if problems := sqlite.Integrity(path); problems != "" {
		t.Error(problems)
	}
	if !bytes.Contains(out.Bytes(), []byte(canary)) {
		t.Error("the snapshot lacks the rows")
	}
	copied := sqlite.Engine("x.db")
	if err := copied.Open(t.Context(), filepath.Dir(path), schema); err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if n := rows(t, copied); n != 100 {
		t.Errorf("%d rows in the snapshot, want 100", n)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := snapshot(ctx, e, &out); !errors.Is(err, context.Canceled) {
		t.Errorf("a snapshot under a context that is done: %v", err)
	}
	to := t.TempDir()
	if err := e.CopyTo(ctx, to); !errors.Is(err, context.Canceled) || len(look(t, to)) != 0 {
		t.Errorf("a copy under a context that is done: %v, and it left %v", err, look(t, to))
	}
	if after := len(look(t, dir)); after != before {
		t.Errorf("%d files before, %d after what was stopped", before, after)
	}
}

// snapshot writes a snapshot of the engine to w.
func snapshot(ctx context.Context, e db.Engine, w io.Writer) (info db.Info, err error) {
	s, err := e.Snapshot(ctx)
	if err != nil {
		return info, err
	}
	_, err = s.WriteTo(w)
	return s.Info, errors.Join(err, s.Close())
}

type writer func([]byte) (int, error)

func (f writer) Write(b []byte) (int, error) { return f(b) }

// A snapshot copies the file while its log is empty, and has SQLite copy it while a reader stays in the log. Either way it is
// the database of one instant, and what is committed meanwhile comes after.
func TestBothWaysOfASnapshot(t *testing.T) {
	e, dir := open(t)
	for range 100 {
		add(t, e, "somebody", strings.Repeat("a text ", 300))
	}
	still := func(want bool) {
		t.Helper()
		if got, err := sqlite.StandsStill(t.Context(), e); err != nil || got != want {
			t.Fatalf("it stands still: %v, %v; want %v", got, err, want)
		}
	}
	look := func(n int64) db.Info {
		t.Helper()
		s, err := e.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		add(t, e, "somebody", "later than the snapshot") // before it is read
		if s.Tables["note"] != n {
			t.Errorf("%d rows, want %d", s.Tables["note"], n)
		}
		var out bytes.Buffer
		if _, err := s.WriteTo(&out); err != nil || sha256.Sum256(out.Bytes()) != s.SHA256 || int64(out.Len()) != s.Size {
			t.Fatalf("%d of %d bytes, %v", out.Len(), s.Size, err)
		}
		at := make([]byte, 5000) // from no border of anything
		if _, err := io.ReadFull(io.NewSectionReader(bytes.NewReader(out.Bytes()), 4099, 5000), at); err != nil {
			t.Fatal(err)
		}
		part := s.Reader().(*io.SectionReader)
		got := make([]byte, 5000)
		if _, err := part.ReadAt(got, 4099); err != nil || !bytes.Equal(got, at) {
			t.Errorf("a part is not what the whole has there: %v", err)
		}
		path := filepath.Join(t.TempDir(), "x.db")
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if problems := sqlite.Integrity(path); problems != "" {
			t.Error(problems)
		}
		return s.Info
	}
	still(true)
	look(100)
	r := e.Read(t.Context()) // stays in the log, at a commit that is in there
	defer r.Close()
	if n, err := count.One(r); err != nil || n != 101 {
		t.Fatal(n, err)
	}
	still(false)
	look(101)
	r.Close()
	still(true)
	look(102)
	if left, err := filepath.Glob(filepath.Join(dir, ".x.db-spool-*")); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// A stream is the file itself while the log is empty: what is committed meanwhile is not in it, and waits for nobody. While a
// reader stays in the log there is none.
func TestStream(t *testing.T) {
	e, dir := open(t)
	for range 100 {
		add(t, e, "somebody", strings.Repeat("a text ", 300))
	}
	var out bytes.Buffer
	stream := func() (*db.Streamed, error) {
		out.Reset()
		return e.(db.Streamer).Stream(t.Context(), func(from io.Reader, size int64) error {
			before := len(look(t, dir))
			add(t, e, "somebody", "later than the stream")
			if _, err := io.Copy(&out, from); err != nil || int64(out.Len()) != size {
				t.Errorf("%d of %d bytes, %v", out.Len(), size, err)
			}
			if after := len(look(t, dir)); after != before {
				t.Errorf("%d files before, %d after", before, after)
			}
			return nil
		})
	}
	s, err := stream()
	if err != nil || s == nil || s.File != "x.db" || s.Tables["note"] != 100 {
		t.Fatalf("%+v, %v; want 100 rows", s, err)
	}
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if problems := sqlite.Integrity(path); problems != "" {
		t.Error(problems)
	}
	copied := sqlite.Engine("x.db")
	if err := copied.Open(t.Context(), filepath.Dir(path), schema); err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if n := rows(t, copied); n != 100 {
		t.Errorf("%d rows in the stream, want 100", n)
	}
	own := errors.New("the reader's own")
	if s, err := e.(db.Streamer).Stream(t.Context(), func(io.Reader, int64) error { return own }); s != nil || err != own {
		t.Errorf("an error of the reader: %v, %v", s, err)
	}
	r := e.Read(t.Context())
	defer r.Close()
	if _, err := count.One(r); err != nil {
		t.Fatal(err)
	}
	add(t, e, "somebody", "in the log")
	s, err = e.(db.Streamer).Stream(t.Context(), func(io.Reader, int64) error {
		t.Error("it was read while a reader keeps the log")
		return nil
	})
	if s != nil || err != nil {
		t.Errorf("%v, %v while a reader keeps the log", s, err)
	}
	r.Close()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.(db.Streamer).Stream(t.Context(), nil); !errors.Is(err, db.ErrClosed) {
		t.Errorf("of an engine that is closed: %v", err)
	}
}

func TestSpoolOfAKillIsSwept(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".x.db-spool-123", ".x.db-spool-123-journal", ".other.db-spool-1", "x.db-spool-1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("noise"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), dir, schema); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	seen := look(t, dir)
	for name, want := range map[string]bool{".x.db-spool-123": false, ".x.db-spool-123-journal": false, ".other.db-spool-1": true, "x.db-spool-1": true} {
		if _, there := seen[name]; there != want {
			t.Errorf("%s is there: %v, want %v", name, there, want)
		}
	}
}

func TestScratchIsNotCopied(t *testing.T) {
	e, err := sqlite.Engine("x.db").Scratch(t.Context(), schema)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Snapshot(t.Context()); err == nil {
		t.Error("a scratch gave a snapshot")
	}
	if err := e.CopyTo(t.Context(), t.TempDir()); err == nil {
		t.Error("a scratch was copied")
	}
}
