package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

// openParked opens an engine whose parked transactions do not grow old but are ended by each commit, with n of them.
func openParked(t *testing.T, n int) (e db.Engine, file string) {
	t.Helper()
	e, dir := open(t)
	sqlite.SetMaxParked(e, time.Hour)
	sqlite.SetSweep(e, 0)
	park(t, e, n)
	return e, filepath.Join(dir, "x.db")
}

// park has n readers read at once and then close.
func park(t *testing.T, e db.Engine, n int) {
	t.Helper()
	for range n {
		r := e.Read(t.Context())
		defer r.Close()
		if _, err := count.One(r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReaderIsParked(t *testing.T) {
	e, _ := openParked(t, 3)
	if n := sqlite.Parked(e); n != 3 {
		t.Fatalf("%d transactions are parked, want 3", n)
	}
	if n := rows(t, e); n != 0 || sqlite.Parked(e) != 3 {
		t.Errorf("%d rows and %d parked after another read, want 0 and 3", n, sqlite.Parked(e))
	}
	add(t, e, "a", "b")
	if n := sqlite.Parked(e); n != 0 {
		t.Errorf("%d transactions from before a commit are parked, want 0", n)
	}
	if n := rows(t, e); n != 1 {
		t.Errorf("%d rows after the commit, want 1", n)
	}
}

// TestCommitsInARow: where commits follow one another closely they leave parked what the first has not ended, and nobody is
// served by it.
func TestCommitsInARow(t *testing.T) {
	e, _ := openParked(t, 0)
	add(t, e, "a", "b") // ends what is parked
	sqlite.SetSweep(e, time.Hour)
	for n := int64(1); n <= 5; n++ {
		park(t, e, 3)
		add(t, e, "a", "b")
		if sqlite.Parked(e) != 3 {
			t.Errorf("%d transactions are parked after a commit right behind another, want 3", sqlite.Parked(e))
		}
		for range 5 {
			if got := rows(t, e); got != n+1 {
				t.Fatalf("%d rows after %d commits: a reader was served by a transaction from before", got, n+1)
			}
		}
	}
	sqlite.SetSweep(e, 0)
	add(t, e, "a", "b")
	if n := sqlite.Parked(e); n != 0 {
		t.Errorf("%d transactions are parked after the next that ends them, want 0", n)
	}
}

// TestNoParkingWhileCommitting: what begins or ends while a commit is on its way may or may not have seen it, and is not
// handed on.
func TestNoParkingWhileCommitting(t *testing.T) {
	e, _ := openParked(t, 2)
	before, during := e.Read(t.Context()), e.Read(t.Context())
	if _, err := count.One(before); err != nil {
		t.Fatal(err)
	}
	done := sqlite.Change(e)
	if n := sqlite.Parked(e); n != 0 {
		t.Errorf("%d transactions stay parked when a commit begins, want 0", n)
	}
	before.Close()
	if _, err := count.One(during); err != nil {
		t.Fatal(err)
	}
	if rows(t, e); sqlite.Parked(e) != 0 {
		t.Errorf("%d transactions are parked while a commit is on its way, want 0", sqlite.Parked(e))
	}
	done()
	during.Close()
	if n := sqlite.Parked(e); n != 0 {
		t.Errorf("%d transactions that began within a commit are parked after it, want 0", n)
	}
	if rows(t, e); sqlite.Parked(e) != 1 {
		t.Errorf("%d transactions are parked after a commit, want 1", sqlite.Parked(e))
	}
}

// TestFailedReadIsNotParked: a transaction in which something went wrong serves nobody else.
func TestFailedReadIsNotParked(t *testing.T) {
	e, _ := openParked(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	r := e.Read(ctx)
	if _, err := count.One(r); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := count.One(r); !errors.Is(err, context.Canceled) {
		t.Errorf("a read under a context that is done: %v, want Canceled", err)
	}
	r.Close()
	if n := sqlite.Parked(e); n != 0 {
		t.Errorf("%d transactions are parked after a failure, want 0", n)
	}
	park(t, e, 1)
	r = e.Read(ctx)
	if _, err := count.One(r); !errors.Is(err, context.Canceled) {
		t.Errorf("a parked transaction under a context that is done: %v, want Canceled", err)
	}
	r.Close() // the engine would wait for it when it ends
}

// TestParkedGrowOld: no transaction stays open on an idle site.
func TestParkedGrowOld(t *testing.T) {
	e, _ := openParked(t, 0)
	sqlite.SetMaxParked(e, 20*time.Millisecond)
	for range 3 { // the clock is set again and again
		park(t, e, 2)
		for until := time.Now().Add(time.Minute); sqlite.Parked(e) > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("a transaction is parked for ever")
			}
		}
	}
}

// TestParkedKeepNoLog: each commit ends what is parked first, so that the log can be written back and begun anew.
func TestParkedKeepNoLog(t *testing.T) {
	e, file := openParked(t, 0)
	page := string(bytes.Repeat([]byte("x"), 3<<20))
	for range 10 {
		park(t, e, 4)
		add(t, e, "a", page)
	}
	info, err := os.Stat(file + "-wal")
	if err != nil || info.Size() > 10<<20 {
		t.Errorf("after 30 MB in commits of 3 the log has %d bytes, want less than 10 MB (%v)", info.Size(), err)
	}
}

// TestOutsideWriter has a tool on the open file that this process does not know: SQLite's locks hold for it and for what
// is parked, nothing breaks, and its rows are seen before long.
func TestOutsideWriter(t *testing.T) {
	e, file := openParked(t, 3)
	const insertOne = "INSERT INTO note (author, text) VALUES ('tool', 'from outside');"
	if err := sqlite.Outside(file, insertOne); err != nil {
		t.Fatalf("a tool beside parked readers: %v", err)
	}
	if n := sqlite.Parked(e); n != 3 {
		t.Fatalf("%d are parked, want 3", n)
	}
	// It may not cut off the log that a parked reader still reads; SQLite answers so without an error.
	if err := sqlite.Outside(file, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Errorf("a checkpoint from outside: %v", err)
	}
	if info, err := os.Stat(file + "-wal"); err != nil || info.Size() == 0 {
		t.Errorf("the log was cut off under a parked reader (%v)", err)
	}
	err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		_, err := insert.Run(w, "a", "b")
		if err == nil && sqlite.Outside(file, insertOne) == nil {
			t.Error("a tool wrote within our write transaction")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sqlite.SetMaxParked(e, 10*time.Millisecond)
	park(t, e, 3)
	if err := sqlite.Outside(file, insertOne); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(time.Minute); rows(t, e) != 3; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d rows, want 3: the tool's are never seen", rows(t, e))
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if fault := sqlite.Integrity(file); fault != "" {
		t.Errorf("the file is broken: %s", fault)
	}
}

// TestPendingIsFresh: what a migration by another program did is seen at once.
func TestPendingIsFresh(t *testing.T) {
	e, file := openParked(t, 1)
	if err := sqlite.Outside(file, "INSERT INTO merlon_version_"+schema.Name()+" (version) VALUES (99)"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Pending(t.Context()); !errors.Is(err, db.ErrAhead) {
		t.Errorf("Pending on a parked connection: %v, want ErrAhead", err)
	}
}
