package targettest

import (
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"github.com/merlon-web/merlon/backup"
)

func (s *suite) delete() {
	put := s.put("a/b/c", "x")
	s.put("a/b2", "y")
	err := s.Delete(s.ctx, backup.Object{Name: put.Name})
	if errors.Is(err, backup.ErrDenied) {
		s.has(s.Target, put, "x")
		if all := s.all(s.Target, "a/b/"); len(all) != 1 || all[0].Hidden {
			s.Errorf("after a refused Delete List tells %+v", all)
		}
		s.is("Delete of a version", s.Delete(s.ctx, put), backup.ErrDenied)
		return
	}
	if err != nil {
		s.Fatal(err)
	}
	for _, t := range []backup.Target{s.Target, s.open()} {
		_, err = t.Stat(s.ctx, put.Name)
		s.is("Stat of what was deleted", err, backup.ErrNotFound)
		_, err = t.Get(s.ctx, backup.Object{Name: put.Name})
		s.is("Get of what was deleted", err, backup.ErrNotFound)
		s.has(t, backup.Object{Name: "a/b2"}, "y")
	}
	all := s.all(s.Target, "a/b/")
	if !s.Traits().Versions {
		s.is("Delete again", s.Delete(s.ctx, put), backup.ErrNotFound)
		if len(all) != 0 {
			s.Errorf("List tells %+v", all)
		}
		s.put("a/b/c", "new")
		s.has(s.Target, backup.Object{Name: put.Name}, "new")
		return
	}
	if len(all) != 1 || !all[0].Hidden || all[0].Version != put.Version {
		s.Fatalf("List tells %+v; want the version behind the marker", all)
	}
	s.has(s.Target, all[0], "x")
}

func (s *suite) locks() {
	now, err := s.Now(s.ctx)
	if err != nil {
		s.Fatal(err)
	}
	locked := options("locked")
	locked.LockUntil = now.Add(time.Hour)
	if !s.Traits().Locks {
		_, err := s.Put(s.ctx, "a/locked", strings.NewReader("locked"), locked)
		s.is("Put with a lock", err, backup.ErrNoLock)
		_, err = s.Stat(s.ctx, "a/locked")
		s.is("Stat after it", err, backup.ErrNotFound)
		s.is("Lock", s.Lock(s.ctx, s.put("a/b", "x"), now.Add(time.Hour)), backup.ErrNoLock)
		return
	}
	o, err := s.Put(s.ctx, "a/locked", strings.NewReader("locked"), locked)
	if err != nil {
		s.Fatal(err)
	}
	if o.LockUntil.Before(locked.LockUntil) {
		s.Errorf("locked until %s, asked for %s", o.LockUntil, locked.LockUntil)
	}
	t := s.open()
	if got, err := t.Stat(s.ctx, o.Name); err != nil || !got.LockUntil.Equal(o.LockUntil) {
		s.Errorf("Stat says locked until %s, %v; Put said %s", got.LockUntil, err, o.LockUntil)
	}
	s.is("Delete of a locked version", s.Delete(s.ctx, o), backup.ErrDenied)
	s.is("Lock for less long", t.Lock(s.ctx, o, now.Add(time.Minute)), backup.ErrDenied)
	longer := now.Add(2 * time.Hour)
	if err := s.Lock(s.ctx, o, longer); err != nil {
		s.Errorf("Lock for longer: %v", err)
	}
	if got, err := t.Stat(s.ctx, o.Name); err != nil || got.LockUntil.Before(longer) {
		s.Errorf("after Lock until %s Stat says %s, %v", longer, got.LockUntil, err)
	}
	s.is("Lock for as long as before", s.Lock(s.ctx, o, locked.LockUntil), backup.ErrDenied)
	s.has(t, o, "locked")
	locked.LockUntil = now.Add(-time.Hour)
	if _, err := s.Put(s.ctx, "a/past", strings.NewReader("locked"), locked); err == nil {
		s.Error("Put with a lock that ended an hour ago succeeded")
	}
}

func (s *suite) large() {
	const size, bound = 64 << 20, 24 << 20
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(&noise{}, size)); err != nil {
		s.Fatal(err)
	}
	o := backup.PutOptions{Size: size, SHA256: [32]byte(sum.Sum(nil)), Once: true}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, uint64(0)
	look := func() {
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}
	put, err := s.Put(s.ctx, "a/large", &noise{left: size, size: size, look: look}, o)
	if err != nil {
		s.Fatal(err)
	}
	r, err := s.Get(s.ctx, put)
	if err != nil {
		s.Fatal(err)
	}
	defer r.Close()
	got, part := sha256.New(), make([]byte, 256<<10)
	for {
		n, err := r.Read(part)
		got.Write(part[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			s.Fatal(err)
		}
		look()
	}
	if [32]byte(got.Sum(nil)) != o.SHA256 {
		s.Error("other bytes came back")
	}
	if most > before+bound {
		s.Errorf("the heap grew by %d MiB for an object of %d MiB, at most %d are allowed", (most-before)>>20, size>>20, bound>>20)
	}
}

// noise is a body of random bytes that is in no memory.
type noise struct {
	left, size int64
	look       func()
	from       *rand.ChaCha8
}

func (n *noise) Read(p []byte) (int, error) {
	if n.from == nil {
		n.from = rand.NewChaCha8([32]byte{1})
	}
	if n.look == nil {
		return n.from.Read(p)
	}
	n.look()
	p = p[:min(int64(len(p)), n.left)]
	n.left -= int64(len(p))
	if len(p) == 0 {
		return 0, io.EOF
	}
	return n.from.Read(p)
}

// Seek begins again, as targets do.
func (n *noise) Seek(int64, int) (int64, error) {
	n.left, n.from = n.size, nil
	return 0, nil
}
