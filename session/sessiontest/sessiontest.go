// Package sessiontest proves implementations of [session.Store].
//
// It proves what a single process can see; that a store keeps its rows when the machine loses power is the engine's to prove.
package sessiontest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/session"
)

// Open opens an empty store, and an engine for the transactions that it is called with. A store outside the database is
// given with any engine. What it opens it closes by t.Cleanup.
type Open func(t *testing.T) (session.Store, db.Engine)

const (
	now  = int64(1_800_000_000_000_000)
	hour = int64(3_600_000_000)
)

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"an unknown key is ErrNoRow", unknown},
		{"what is inserted is got", inserted},
		{"a key is inserted once, also after it ended", insertedOnce},
		{"update needs the version before", updated},
		{"update never inserts", updateMissing},
		{"an ended row does not rise", final},
		{"end throws the data away", endErases},
		{"end all", endAll},
		{"a user's list", ofUser},
		{"the list of all", paged},
		{"the living are counted", counted},
		{"touch moves only the living", touched},
		{"dead rows are found and deleted, living ones not", dead},
		{"a rolled back transaction leaves nothing", rolledBack},
		{"many versions at once: one wins", contended},
		{"writers on their way while it ends: none revives it", revival},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, engine := open(t)
			c.run(&suite{t, store, engine})
		})
	}
}

type suite struct {
	*testing.T
	store  session.Store
	engine db.Engine
}

func (s *suite) write(do func(*db.Writer)) {
	s.Helper()
	if err := s.engine.Write(context.Background(), func(_ context.Context, w *db.Writer) error { do(w); return nil }); err != nil {
		s.Fatal(err)
	}
}

func (s *suite) get(key session.Digest) (session.Row, error) {
	r := s.engine.Read(context.Background())
	defer r.Close()
	return s.store.Get(r, key)
}

func (s *suite) mustGet(key session.Digest) session.Row {
	s.Helper()
	row, err := s.get(key)
	if err != nil {
		s.Fatal(err)
	}
	return row
}

func (s *suite) must(ok bool, err error) {
	s.Helper()
	if err != nil || !ok {
		s.Fatalf("got %v, %v; want true", ok, err)
	}
}

func (s *suite) mustNot(ok bool, err error) {
	s.Helper()
	if err != nil || ok {
		s.Fatalf("got %v, %v; want false and no error", ok, err)
	}
}

// Row returns a live row with a random key.
func row(user int64) session.Row {
	r := session.Row{User: user, Factors: 1, How: "password", Class: session.Administrator, Remember: true, Recent: now - 3, Created: now - 2, Seen: now - 1,
		Idle: now + hour, Absolute: now + 8*hour, Device: "Firefox on Linux", Network: "192.0.2.0/24", Version: 1, Data: []byte("sealed\x00")}
	_, _ = rand.Read(r.Key[:])
	return r
}

func (s *suite) add(r *session.Row) {
	s.Helper()
	s.write(func(w *db.Writer) {
		id, err := s.store.Insert(w, r)
		if err != nil || id <= 0 {
			s.Fatalf("Insert = %d, %v", id, err)
		}
		r.ID = id
	})
}

func unknown(s *suite) {
	if _, err := s.get(session.Digest{1}); !errors.Is(err, session.ErrNoRow) {
		s.Fatalf("got %v, want ErrNoRow", err)
	}
}

func inserted(s *suite) {
	want := row(7)
	s.add(&want)
	for _, i := range []int{0, 7, 8, 31} { // a key that is nearly the row's is none of its keys
		near := want.Key
		near[i] ^= 1
		if _, err := s.get(near); !errors.Is(err, session.ErrNoRow) {
			s.Errorf("byte %d of the key does not count: %v", i, err)
		}
		s.write(func(w *db.Writer) {
			other := want
			other.Key, other.Version = near, want.Version+1
			s.mustNot(s.store.Update(w, &other))
			s.mustNot(s.store.End(w, near, now, "x"))
		})
	}
	got := s.mustGet(want.Key)
	want.Device, want.Network = "", "" // Get leaves them out
	got.Device, got.Network = "", ""
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		s.Fatalf("got  %+v\nwant %+v", got, want)
	}
	clear(got.Data) // the caller's own
	if again := s.mustGet(want.Key); string(again.Data) != string(want.Data) {
		s.Errorf("who wrote over the data of one Get changed that of the next: %x", again.Data)
	}
	s.write(func(w *db.Writer) {
		if in, err := s.store.Get(w, want.Key); err != nil || in.ID != want.ID {
			s.Errorf("through a writer: %+v, %v", in, err)
		}
	})
}

func insertedOnce(s *suite) {
	r := row(7)
	s.add(&r)
	again := func() {
		err := s.engine.Write(context.Background(), func(_ context.Context, w *db.Writer) error {
			other := row(8)
			other.Key = r.Key
			_, err := s.store.Insert(w, &other)
			return err
		})
		if err == nil {
			s.Fatal("a key was inserted twice")
		}
		if got := s.mustGet(r.Key); got.User != 7 {
			s.Fatalf("the row was replaced: %+v", got)
		}
	}
	again()
	s.write(func(w *db.Writer) { s.must(s.store.End(w, r.Key, now, "x")) })
	again()
	if got := s.mustGet(r.Key); got.Ended == 0 {
		s.Fatal("the row rose")
	}
}

func updated(s *suite) {
	r := row(7)
	s.add(&r)
	up := r
	up.Version, up.Data, up.Seen, up.Idle = 2, []byte("two"), now+5, now+2*hour
	up.User, up.Absolute, up.Factors, up.Created = 99, now+99*hour, 2, 1 // not Update's to write
	s.write(func(w *db.Writer) { s.must(s.store.Update(w, &up)) })
	got := s.mustGet(r.Key)
	if got.Version != 2 || !bytes.Equal(got.Data, []byte("two")) || got.Seen != now+5 || got.Idle != now+2*hour {
		s.Fatalf("not written: %+v", got)
	}
	if got.User != 7 || got.Absolute != r.Absolute || got.Factors != 1 || got.Created != r.Created {
		s.Fatalf("Update wrote what it must not: %+v", got)
	}
	for _, version := range []int64{1, 2, 4} {
		up.Version = version
		s.write(func(w *db.Writer) { s.mustNot(s.store.Update(w, &up)) })
	}
}

func updateMissing(s *suite) {
	r := row(7)
	for _, version := range []int64{0, 1, 2} {
		r.Version = version
		s.write(func(w *db.Writer) { s.mustNot(s.store.Update(w, &r)) })
	}
	if _, err := s.get(r.Key); !errors.Is(err, session.ErrNoRow) {
		s.Fatalf("Update inserted: %v", err)
	}
}

func final(s *suite) {
	r := row(7)
	s.add(&r)
	s.write(func(w *db.Writer) { s.must(s.store.End(w, r.Key, now, "sign-out")) })
	up := r
	up.Version = 2
	s.write(func(w *db.Writer) {
		s.mustNot(s.store.Update(w, &up))
		s.mustNot(s.store.End(w, r.Key, now+1, "again"))
		if err := s.store.Touch(w, []session.Use{{Key: r.Key, First: now + 1, Seen: now + 1, Idle: now + 9*hour}}); err != nil {
			s.Error(err)
		}
	})
	if got := s.mustGet(r.Key); got.Ended != now || got.Reason != "sign-out" || got.Version != 1 || got.Idle != r.Idle {
		s.Fatalf("an ended row changed: %+v", got)
	}
	s.write(func(w *db.Writer) { s.mustNot(s.store.End(w, session.Digest{9}, now, "nobody's")) })
}

func endErases(s *suite) {
	r := row(7)
	s.add(&r)
	s.write(func(w *db.Writer) { s.must(s.store.End(w, r.Key, now, "sign-out")) })
	if got := s.mustGet(r.Key); len(got.Data) != 0 {
		s.Fatalf("an ended row still holds %d bytes", len(got.Data))
	}
}

func endAll(s *suite) {
	a, b, c := row(7), row(8), row(0)
	for _, r := range []*session.Row{&a, &b, &c} {
		s.add(r)
	}
	s.write(func(w *db.Writer) { s.must(s.store.End(w, a.Key, now-9, "before")) })
	s.write(func(w *db.Writer) {
		if n, err := s.store.EndAll(w, now, "restore"); n != 2 || err != nil {
			s.Errorf("EndAll = %d, %v; want 2", n, err)
		}
	})
	for _, r := range []*session.Row{&a, &b, &c} {
		if got := s.mustGet(r.Key); got.Ended == 0 || len(got.Data) != 0 {
			s.Errorf("still alive: %+v", got)
		}
	}
	if got := s.mustGet(a.Key); got.Reason != "before" || got.Ended != now-9 {
		s.Errorf("EndAll ended a row again: %+v", got)
	}
}

func touched(s *suite) {
	live, idle, absolute := row(7), row(7), row(7)
	idle.Idle, absolute.Absolute = now, now
	uses := []session.Use{{Key: session.Digest{1}, First: now, Seen: now, Idle: now + hour}}
	for _, r := range []*session.Row{&live, &idle, &absolute} {
		s.add(r)
		uses = append(uses, session.Use{Key: r.Key, First: now, Seen: now, Idle: now + 2*hour})
	}
	s.write(func(w *db.Writer) {
		if err := s.store.Touch(w, uses); err != nil {
			s.Error(err)
		}
	})
	if got := s.mustGet(live.Key); got.Seen != now || got.Idle != now+2*hour || got.Version != 1 {
		s.Errorf("a living row: %+v", got)
	}
	for _, r := range []session.Row{idle, absolute} {
		if got := s.mustGet(r.Key); got.Seen != r.Seen || got.Idle != r.Idle {
			s.Errorf("an expired row was touched: %+v", got)
		}
	}
	if _, err := s.get(session.Digest{1}); !errors.Is(err, session.ErrNoRow) {
		s.Errorf("Touch inserted: %v", err)
	}
	s.write(func(w *db.Writer) {
		if err := s.store.Touch(w, []session.Use{{Key: live.Key, First: now - hour, Seen: now - hour, Idle: now}}); err != nil {
			s.Error(err)
		}
	})
	if got := s.mustGet(live.Key); got.Seen != now || got.Idle != now+2*hour {
		s.Errorf("an older use went over a younger one: %+v", got)
	}
	s.write(func(w *db.Writer) { // used all the time, but nothing could be written until now
		if err := s.store.Touch(w, []session.Use{{Key: live.Key, First: now + hour, Seen: now + 4*hour, Idle: now + 5*hour}}); err != nil {
			s.Error(err)
		}
	})
	if got := s.mustGet(live.Key); got.Seen != now+4*hour || got.Idle != now+5*hour {
		s.Errorf("uses that were written late are lost: %+v", got)
	}
}

func dead(s *suite) {
	live, ended, young, idle, absolute := row(7), row(7), row(7), row(7), row(7)
	idle.Idle, absolute.Absolute = now-hour, now-hour
	for _, r := range []*session.Row{&live, &ended, &young, &idle, &absolute} {
		s.add(r)
	}
	s.write(func(w *db.Writer) {
		s.must(s.store.End(w, ended.Key, now-hour, "x"))
		s.must(s.store.End(w, young.Key, now, "x"))
	})
	r := s.engine.Read(context.Background())
	refs, err := s.store.Dead(r, "", now-1, 2)
	if err != nil || len(refs) != 2 || refs[0] >= refs[1] {
		s.Fatalf("Dead = %x, %v; want 2, rising", refs, err)
	}
	more, err := s.store.Dead(r, refs[1], now-1, 100)
	if refs = append(refs, more...); err != nil || len(refs) != 3 {
		s.Fatalf("Dead = %v, %v; want 3", refs, err)
	}
	all, err := s.store.Dead(r, "", now+99*hour, 100) // by then all are
	_ = r.Close()
	if err != nil || len(all) != 5 {
		s.Fatalf("Dead = %v, %v; want 5", all, err)
	}
	s.write(func(w *db.Writer) {
		n, err := s.store.Delete(w, all, now-1)
		if n != 3 || err != nil {
			s.Errorf("Delete = %d, %v; want 3", n, err)
		}
	})
	for _, r := range []session.Row{live, young} {
		s.mustGet(r.Key)
	}
	for _, r := range []session.Row{ended, idle, absolute} {
		if _, err := s.get(r.Key); !errors.Is(err, session.ErrNoRow) {
			s.Errorf("still there: %v", err)
		}
	}
}

func rolledBack(s *suite) {
	r, kept := row(7), row(7)
	s.add(&kept)
	stop := errors.New("stop")
	err := s.engine.Write(context.Background(), func(_ context.Context, w *db.Writer) error {
		if _, err := s.store.Insert(w, &r); err != nil {
			return err
		}
		if _, err := s.store.End(w, kept.Key, now, "x"); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		s.Fatal(err)
	}
	if _, err := s.get(r.Key); !errors.Is(err, session.ErrNoRow) {
		s.Errorf("a rolled back row is there: %v", err)
	}
	if got := s.mustGet(kept.Key); got.Ended != 0 {
		s.Error("a rolled back end holds")
	}
}

func contended(s *suite) {
	r := row(7)
	s.add(&r)
	var won atomic.Int32
	together(50, func(i int) {
		up := r
		up.Version, up.Data = 2, []byte{byte(i)}
		err := s.engine.Write(context.Background(), func(_ context.Context, w *db.Writer) error {
			ok, err := s.store.Update(w, &up)
			if ok {
				won.Add(1)
			}
			return err
		})
		if err != nil {
			s.Error(err)
		}
	})
	if won.Load() != 1 {
		s.Fatalf("%d writers of one version won, want 1", won.Load())
	}
}

func revival(s *suite) {
	r := row(7)
	s.add(&r)
	var ended atomic.Bool
	var late atomic.Int32
	together(200, func(i int) {
		err := s.engine.Write(context.Background(), func(_ context.Context, w *db.Writer) error {
			if i == 100 {
				ok, err := s.store.End(w, r.Key, now, "sign-out")
				ended.Store(ok)
				return err
			}
			was := ended.Load()
			got, err := s.store.Get(w, r.Key)
			if err != nil {
				return err
			}
			got.Version++
			ok, err := s.store.Update(w, &got)
			if ok && was {
				late.Add(1)
			}
			return err
		})
		if err != nil {
			s.Error(err)
		}
	})
	if got := s.mustGet(r.Key); got.Ended == 0 || late.Load() > 0 {
		s.Fatalf("ended %d, %d writes after the end", got.Ended, late.Load())
	}
}

func together(n int, do func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
}
