package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

func TestBrokenWriterIsReplaced(t *testing.T) {
	e, _ := open(t)
	for i := range 3 {
		add(t, e, "a", fmt.Sprint(i))
		sqlite.BreakWriter(e)
		if _, _, idle, all := sqlite.Idle(e); idle != 0 || all != 0 {
			t.Errorf("%d of %d writers are idle after it broke, want none at all", idle, all)
		}
	}
	add(t, e, "a", "again")
	if n := rows(t, e); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
}

// TestBrokenWriterLetsTheNextIn breaks the writer while others wait: each of them opens another.
func TestBrokenWriterLetsTheNextIn(t *testing.T) {
	e, _ := open(t)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { sqlite.BreakWriter(e) })
		wg.Go(func() { add(t, e, "a", "b") })
	}
	wg.Wait()
	if n := rows(t, e); n != 10 {
		t.Errorf("%d rows, want 10", n)
	}
}

func TestAllReadersInUse(t *testing.T) {
	e, _ := open(t)
	sqlite.SetWait(e, 30*time.Millisecond)
	var held []*db.Reader
	var err error
	for range 1000 {
		r := e.Read(t.Context())
		if _, err = count.One(r); err != nil {
			break
		}
		held = append(held, r)
	}
	if !errors.Is(err, db.ErrBusy) || len(held) < 4 {
		t.Errorf("with %d readers open: %v, want ErrBusy", len(held), err)
	}
	sqlite.SetWait(e, time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := count.One(e.Read(ctx)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a reader ended with %v, want DeadlineExceeded", err)
	}
	got := make(chan error)
	go func() {
		r := e.Read(t.Context())
		defer r.Close()
		_, err := count.One(r)
		got <- err
	}()
	time.Sleep(5 * time.Millisecond)
	held[0].Close()
	if err := <-got; err != nil {
		t.Errorf("when one was closed: %v", err)
	}
	for _, r := range held {
		r.Close()
	}
}

func TestCloseNamesReadersThatLeak(t *testing.T) {
	e, dir := open(t)
	sqlite.SetWait(e, 20*time.Millisecond)
	r := e.Read(t.Context())
	if _, err := count.One(r); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); !errors.Is(err, db.ErrBusy) || !strings.Contains(err.Error(), "1 reader") {
		t.Errorf("Close beside an open reader: %v, want ErrBusy", err)
	}
	if err := sqlite.Engine("x.db").Open(t.Context(), dir, schema); !errors.Is(err, db.ErrLocked) {
		t.Errorf("the lock was given back while a reader reads: %v", err)
	}
	if _, err := count.One(r); err != nil {
		t.Errorf("the reader that was open goes on: %v", err)
	}
	r.Close()
}

// TestMigrationRenewsConnections migrates an engine that has served already: what was prepared for the old tables is not
// used again.
func TestMigrationRenewsConnections(t *testing.T) {
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), t.TempDir(), schema); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r := e.Read(t.Context())
	if _, err := count.One(r); err == nil {
		t.Error("a table was there before its migration")
	}
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if readers, _, writers, _ := sqlite.Idle(e); readers != 0 || writers != 0 {
		t.Errorf("%d readers and %d writers from before the migration are kept", readers, writers)
	}
	add(t, e, "a", "b")
	if n := rows(t, e); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

// TestStatementThatRollsBack has SQLite roll the transaction back by itself: what the handler does after the error would
// be committed by itself, and is refused.
func TestStatementThatRollsBack(t *testing.T) {
	s := db.From(files, "testdata/migrations").Named("rolls")
	ins := db.Exec(s, "INSERT INTO note (id, author, text) VALUES ($1, 'a', 'b')")
	orRollback := db.Exec(s, "INSERT OR ROLLBACK INTO note (id, author, text) VALUES ($1, 'a', 'b')")
	number := db.Query[int64](s, "SELECT count(*) FROM note")
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), t.TempDir(), s); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		if _, err := ins.Run(w, 1); err != nil {
			t.Error(err)
		}
		if _, err := orRollback.Run(w, 1); !db.IsUnique(err) {
			t.Errorf("got %v, want a unique violation", err)
		}
		if _, err := ins.Run(w, 2); err == nil || !strings.Contains(err.Error(), db.RuleRolledBack.ID) {
			t.Errorf("a statement after the rollback: %v, want %s", err, db.RuleRolledBack.ID)
		}
		return nil // the handler swallows all of it
	})
	if err == nil || !strings.Contains(err.Error(), db.RuleRolledBack.ID) {
		t.Errorf("Write: %v, want %s", err, db.RuleRolledBack.ID)
	}
	r := e.Read(t.Context())
	defer r.Close()
	if n, err := number.One(r); err != nil || n != 0 {
		t.Errorf("%d rows, %v; want none", n, err)
	}
}

func TestAcceptedLossesAreNone(t *testing.T) {
	// A file that is gone under the engine (an owner cleaned the folder) is an error for the next connection, not a new
	// empty database.
	e, dir := open(t)
	add(t, e, "a", "b")
	for name := range look(t, dir) {
		if name != "x.db.lock" {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	sqlite.BreakWriter(e)
	err := e.Write(t.Context(), func(context.Context, *db.Writer) error { return nil })
	if err == nil {
		t.Error("a database was made anew in the place of the one that is gone")
	}
}

func TestWritersComeInTheirOrder(t *testing.T) {
	e, _ := open(t)
	const writers = 10
	var served []int // by one writer at a time
	var wg sync.WaitGroup
	until := func(waiting int) {
		for sqlite.Waiting(e) != waiting {
			time.Sleep(100 * time.Microsecond)
		}
	}
	err := e.Write(t.Context(), func(context.Context, *db.Writer) error {
		for i := range writers {
			wg.Go(func() {
				err := e.Write(t.Context(), func(context.Context, *db.Writer) error {
					served = append(served, i)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			until(i + 1)
			if i%3 == 0 { // one who leaves disturbs nobody
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					until(i + 2)
					cancel()
				}()
				if err := e.Write(ctx, func(context.Context, *db.Writer) error { return nil }); !errors.Is(err, context.Canceled) {
					t.Errorf("one who left: %v", err)
				}
				until(i + 1)
			}
		}
		return nil
	})
	wg.Wait()
	if want := "[0 1 2 3 4 5 6 7 8 9]"; err != nil || fmt.Sprint(served) != want {
		t.Errorf("served %v, %v; want %s", served, err, want)
	}
}
