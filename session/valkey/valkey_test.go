package valkey_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/valkeypeer"
	"github.com/merlon-web/merlon/keyring"
	outbound "github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/session/sessiontest"
	"github.com/merlon-web/merlon/session/valkey"
	"github.com/merlon-web/merlon/sqlite"
)

func engine(t *testing.T) db.Engine {
	t.Helper()
	e := sqlite.Engine("x.db")
	if err := e.Open(context.Background(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func keys() *keyring.Subkeys { return keyring.Memory("one").For("merlon/session/row/v1") }

func store(t *testing.T, s *valkeypeer.Server, generation string) *valkey.Store {
	t.Helper()
	made, err := valkey.NewStore(s.Client(t), generation, keys())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestStore(t *testing.T) {
	sessiontest.Run(t, func(t *testing.T) (session.Store, db.Engine) {
		return store(t, valkeypeer.Start(t), "1"), engine(t)
	})
}

// TestCluster: the same on three servers that share the keys. One cluster serves all, each with a generation of its own.
func TestCluster(t *testing.T) {
	need.Time(t, "starts a cluster of three servers")
	client := valkeypeer.StartCluster(t, 3).ClusterClient(t)
	n := 0
	sessiontest.Run(t, func(t *testing.T) (session.Store, db.Engine) {
		n++
		s, err := valkey.NewStore(client, fmt.Sprint(n), keys())
		if err != nil {
			t.Fatal(err)
		}
		return s, engine(t)
	})
}

const (
	now  = int64(1_800_000_000_000_000)
	hour = int64(3_600_000_000)
)

func row(user int64) session.Row {
	r := session.Row{User: user, Factors: 1, How: "password", Created: now, Seen: now, Idle: now + hour, Absolute: now + 8*hour, Version: 1, Data: []byte("canary-data")}
	_, _ = rand.Read(r.Key[:])
	return r
}

func write(t *testing.T, e db.Engine, do func(w *db.Writer) error) {
	t.Helper()
	if err := e.Write(context.Background(), func(_ context.Context, w *db.Writer) error { return do(w) }); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, s session.Store, e db.Engine, rows ...*session.Row) {
	t.Helper()
	for _, r := range rows {
		write(t, e, func(w *db.Writer) (err error) { r.ID, err = s.Insert(w, r); return err })
	}
}

func get(t *testing.T, s session.Store, e db.Engine, key session.Digest) (session.Row, error) {
	t.Helper()
	r := e.Read(context.Background())
	defer r.Close()
	return s.Get(r, key)
}

// failing is a companion that comes last and lets no transaction commit.
type failing struct{}

var errLast = errors.New("the commit fails")

func (failing) Keep(context.Context) error { return errLast }
func (failing) Undo()                      {}

// TestUndone: rows were written and the transaction was not committed all the same. What began is gone and what changed is as before;
// what has ended stays so.
func TestUndone(t *testing.T) {
	s, e := store(t, valkeypeer.Start(t), "1"), engine(t)
	changed, ended, began := row(7), row(7), row(7)
	add(t, s, e, &changed, &ended)
	err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		up := changed
		up.Version, up.Data = 2, []byte("other")
		if ok, err := s.Update(w, &up); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if ok, err := s.End(w, ended.Key, now, "sign-out"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if _, err := s.Insert(w, &began); err != nil {
			t.Fatal(err)
		}
		w.Beside("last", func() db.Companion { return failing{} })
		return nil
	})
	if !errors.Is(err, errLast) {
		t.Fatal(err)
	}
	if got, err := get(t, s, e, changed.Key); err != nil || got.Version != 1 || string(got.Data) != "canary-data" {
		t.Errorf("what was changed: %+v, %v", got, err)
	}
	if got, err := get(t, s, e, ended.Key); err != nil || got.Ended == 0 || len(got.Data) != 0 {
		t.Errorf("what has ended: %+v, %v", got, err)
	}
	if got, err := get(t, s, e, began.Key); !errors.Is(err, session.ErrNoRow) {
		t.Errorf("what began: %+v, %v", got, err)
	}
	write(t, e, func(w *db.Writer) error {
		list, err := s.OfUser(w, 7, now, 100)
		if err != nil || len(list) != 1 || list[0].Key != changed.Key {
			t.Errorf("the list is %+v, %v", list, err)
		}
		return nil
	})
}

// TestAwayAtTheEnd: the server goes away between a sign-out and its commit. The transaction is not committed then, and answers as a
// busy database does.
func TestAwayAtTheEnd(t *testing.T) {
	server := valkeypeer.Start(t)
	s, e := store(t, server, "1"), engine(t)
	r := row(7)
	add(t, s, e, &r)
	committed := false
	err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		if ok, err := s.End(w, r.Key, now, "sign-out"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		w.OnCommit(func() { committed = true })
		server.Stop()
		return nil
	})
	if !errors.Is(err, db.ErrBusy) || committed {
		t.Errorf("got %v, committed: %v", err, committed)
	}
	if _, err := get(t, s, e, r.Key); !errors.Is(err, db.ErrBusy) {
		t.Errorf("without the server: %v", err)
	}
	server.Again()
	if got, err := get(t, s, e, r.Key); err != nil || got.Ended != 0 {
		t.Errorf("after it came back: %+v, %v", got, err)
	}
	write(t, e, func(w *db.Writer) error { _, err := s.End(w, r.Key, now, "sign-out"); return err })
	server.Stop()
	server.Again()
	if got, err := get(t, s, e, r.Key); err != nil || got.Ended == 0 {
		t.Errorf("a sign-out did not outlive the server: %+v, %v", got, err)
	}
}

// TestTwoProcesses has two stores on one server: what ends at one has ended at the other when the transaction is over, and not before.
func TestTwoProcesses(t *testing.T) {
	server, e := valkeypeer.Start(t), engine(t)
	one, two := store(t, server, "1"), store(t, server, "1")
	r := row(7)
	add(t, one, e, &r)
	write(t, e, func(w *db.Writer) error {
		if ok, err := one.End(w, r.Key, now, "sign-out"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if got, err := get(t, two, e, r.Key); err != nil || got.Ended != 0 {
			t.Errorf("before the commit the other has %+v, %v", got, err)
		}
		if got, err := one.Get(w, r.Key); err != nil || got.Ended == 0 {
			t.Errorf("within the transaction it is %+v, %v", got, err)
		}
		return nil
	})
	if got, err := get(t, two, e, r.Key); err != nil || got.Ended != now {
		t.Errorf("the other has %+v, %v", got, err)
	}
}

// TestStale: a row that somebody changed beside the transactions is not written over: the request fails, and what was ended stays so.
func TestStale(t *testing.T) {
	server, e, beside := valkeypeer.Start(t), engine(t), engine(t) // two databases: the mistake that nothing else catches
	one, two := store(t, server, "1"), store(t, server, "1")
	r := row(7)
	add(t, one, e, &r)
	err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		up := r
		up.Version, up.Data = 2, []byte("late")
		if ok, err := one.Update(w, &up); !ok || err != nil {
			t.Fatal(ok, err)
		}
		write(t, beside, func(w *db.Writer) error { _, err := two.End(w, r.Key, now, "sign-out"); return err })
		return nil
	})
	if !errors.Is(err, db.ErrBusy) {
		t.Errorf("got %v", err)
	}
	if got, err := get(t, one, e, r.Key); err != nil || got.Ended == 0 || len(got.Data) != 0 {
		t.Errorf("what has ended: %+v, %v", got, err)
	}
}

// TestOneTransaction: what a transaction has written it sees, in rows and in lists.
func TestOneTransaction(t *testing.T) {
	s, e := store(t, valkeypeer.Start(t), "1"), engine(t)
	old := row(7)
	add(t, s, e, &old)
	write(t, e, func(w *db.Writer) error {
		fresh := row(7)
		fresh.Seen++
		id, err := s.Insert(w, &fresh)
		if err != nil || id <= old.ID {
			t.Errorf("Insert = %d, %v", id, err)
		}
		if _, err := s.Insert(w, &fresh); err == nil {
			t.Error("a key was inserted twice")
		}
		list, err := s.OfUser(w, 7, now, 100)
		if err != nil || len(list) != 2 || list[1].ID != id || list[1].Data != nil {
			t.Errorf("the list is %+v, %v", list, err)
		}
		page, err := s.Page(w, 0, now, 100)
		if err != nil || len(page) != 2 || page[0].ID != id {
			t.Errorf("the page is %+v, %v", page, err)
		}
		up := fresh
		up.Version, up.Data = 2, []byte("two")
		if ok, err := s.Update(w, &up); !ok || err != nil {
			t.Errorf("Update = %v, %v", ok, err)
		}
		if got, err := s.Get(w, fresh.Key); err != nil || got.Version != 2 || string(got.Data) != "two" {
			t.Errorf("got %+v, %v", got, err)
		}
		if n, err := s.EndAll(w, now, "x"); n != 2 || err != nil {
			t.Errorf("EndAll = %d, %v", n, err)
		}
		if list, err := s.OfUser(w, 7, now, 100); err != nil || len(list) != 0 {
			t.Errorf("the list is %+v, %v", list, err)
		}
		return nil
	})
}

// TestGenerations: sessions of before a restore are nobody's after it.
func TestGenerations(t *testing.T) {
	server, e := valkeypeer.Start(t), engine(t)
	one, two := store(t, server, "1"), store(t, server, "2")
	r := row(7)
	add(t, one, e, &r)
	if _, err := get(t, two, e, r.Key); !errors.Is(err, session.ErrNoRow) {
		t.Errorf("got %v", err)
	}
	write(t, e, func(w *db.Writer) error {
		list, err := two.OfUser(w, 7, now, 10)
		if err != nil || len(list) != 0 {
			t.Errorf("the list is %+v, %v", list, err)
		}
		return nil
	})
	for _, g := range []string{"", strings.Repeat("a", 65)} {
		if _, err := valkey.NewStore(server.Client(t), g, keys()); err == nil {
			t.Errorf("a generation of %d bytes", len(g))
		}
	}
}

// TestManySteps: more sessions than one step of an index has.
func TestManySteps(t *testing.T) {
	s, e := store(t, valkeypeer.Start(t, "--appendfsync", "no"), "1"), engine(t)
	const many = 1203
	write(t, e, func(w *db.Writer) error {
		for i := range many {
			r := row(int64(i + 1))
			if _, err := s.Insert(w, &r); err != nil {
				return err
			}
		}
		return nil
	})
	r := e.Read(t.Context())
	defer r.Close()
	seen, below := 0, int64(0)
	for {
		page, err := s.Page(r, below, now, 400)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		seen, below = seen+len(page), page[len(page)-1].ID
	}
	if n, err := s.Count(r, now); seen != many || n != many || err != nil {
		t.Errorf("%d are listed and %d counted, %v; want %d", seen, n, err, many)
	}
	write(t, e, func(w *db.Writer) error { _, err := s.EndAll(w, now, "x"); return err })
	dead, err := s.Dead(r, "", now+1, 2*many)
	if err != nil || len(dead) != many {
		t.Fatalf("%d are dead, %v", len(dead), err)
	}
	write(t, e, func(w *db.Writer) error {
		n, err := s.Delete(w, dead, now+1)
		if n != many {
			t.Errorf("%d were deleted", n)
		}
		return err
	})
	if left, err := s.Dead(r, "", now+1, 10); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// far is a server that is 20 ms away: what comes together goes on together. It counts the ways there.
func far(t *testing.T, server *valkeypeer.Server) (*outbound.Client, *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var ways atomic.Int64
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("unix", server.Socket())
			if err != nil {
				_ = from.Close()
				continue
			}
			go func() { _, _ = io.Copy(from, to); _ = from.Close() }()
			go func() {
				defer to.Close()
				buf := make([]byte, 1<<16)
				for {
					n, err := from.Read(buf)
					if err != nil {
						return
					}
					time.Sleep(20 * time.Millisecond)
					ways.Add(1)
					if _, err := to.Write(buf[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	c, err := outbound.New(outbound.Config{Address: "valkey://" + l.Addr().String(), Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, &ways
}

// TestSweepIsShort: what is dead goes some at a time, not one after the other: the next writer waits for it.
func TestSweepIsShort(t *testing.T) {
	server, e := valkeypeer.Start(t, "--appendfsync", "no"), engine(t)
	near := store(t, server, "1")
	const many = 100
	write(t, e, func(w *db.Writer) error {
		for range many {
			r := row(7)
			if _, err := near.Insert(w, &r); err != nil {
				return err
			}
		}
		_, err := near.EndAll(w, now, "x")
		return err
	})
	client, ways := far(t, server)
	s, err := valkey.NewStore(client, "1", keys())
	if err != nil {
		t.Fatal(err)
	}
	r := e.Read(t.Context())
	defer r.Close()
	dead, err := s.Dead(r, "", now+1, many)
	if err != nil || len(dead) != many {
		t.Fatalf("%d are dead, %v", len(dead), err)
	}
	dead = append(dead, dead[0]) // named twice, gone once
	before := ways.Load()
	write(t, e, func(w *db.Writer) error {
		n, err := s.Delete(w, dead, now+1)
		if n != many {
			t.Errorf("%d were deleted", n)
		}
		return err
	})
	if n := ways.Load() - before; n > many*7/4 { // 80 to 105, as the pieces come; the time that this takes is the machine's, too
		t.Errorf("%d rows took %d ways to the server: in turn it is %d", many, n, 2*many)
	}
}

// TestWhatRests: rows and indexes are forgotten some time after their end, also if nobody sweeps.
func TestWhatRests(t *testing.T) {
	server := valkeypeer.Start(t)
	s, e := store(t, server, "1"), engine(t)
	r := row(7)
	add(t, s, e, &r)
	if said := server.Say(fmt.Sprintf("TTL merlon:session:{%x}:row:{1}", r.Key)); len(said) < 8 || said[0] != ':' { // 8 h + 8 days: six digits
		t.Errorf("the row lives for %q", said)
	}
	for _, name := range []string{"user:{1}", "all", "live", "over"} {
		key := "merlon:session:{1}:" + name
		if name == "user:{1}" {
			key = "merlon:session:{7}:" + name
		}
		if said := server.Say("TTL " + key); len(said) < 10 || said[0] != ':' {
			t.Errorf("the index %s lives for %q", key, said)
		}
	}
}
