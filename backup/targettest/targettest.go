// Package targettest holds what every backup.Target must do, for whoever writes one.
//
//	func TestConformance(t *testing.T) {
//		targettest.Run(t, func(t *testing.T) targettest.Place { … })
//	}
package targettest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/backup"
)

// A Place opens one and the same place anew at each call, as the next run of a site does; the place is empty at the first.
// What it opens is closed by the suite.
type Place func() backup.Target

// Run holds a target against the contract of backup.Target. New makes an empty place for a test. What Traits promise is
// demanded; what an account may not do (deleting) is taken as refused when the target says so.
func Run(t *testing.T, new func(t *testing.T) Place) {
	for _, c := range []struct {
		name string
		test func(*suite)
	}{
		{"what is put comes back", (*suite).putAndGet},
		{"an object may be empty", (*suite).empty},
		{"once is once", (*suite).once},
		{"of several at once one wins", (*suite).race},
		{"without once the new one takes the place", (*suite).over},
		{"a body that is not as announced leaves nothing", (*suite).wrong},
		{"what is not there is not found", (*suite).missing},
		{"names that lead elsewhere are refused", (*suite).names},
		{"a list is whole and in order", (*suite).list},
		{"a list may be left early", (*suite).leave},
		{"what is cancelled ends", (*suite).cancelled},
		{"deleting", (*suite).delete},
		{"locks", (*suite).locks},
		{"the store has a clock", (*suite).clock},
		{"64 MiB in bounded memory", (*suite).large},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &suite{T: t, place: new(t)}
			s.Target = s.open()
			s.ctx = t.Context()
			c.test(s)
		})
	}
}

// A suite is one test with its place.
type suite struct {
	*testing.T
	backup.Target
	place Place
	ctx   context.Context
}

// open opens the place once more.
func (s *suite) open() backup.Target {
	t := s.place()
	s.Cleanup(func() {
		if err := t.Close(); err != nil {
			s.Errorf("Close: %v", err)
		}
	})
	return t
}

// options announces a body truly.
func options(body string) backup.PutOptions {
	return backup.PutOptions{Size: int64(len(body)), SHA256: sha256.Sum256([]byte(body)), Once: true}
}

func (s *suite) put(name, body string) backup.Object {
	s.Helper()
	o, err := s.Put(s.ctx, name, strings.NewReader(body), options(body))
	if err != nil {
		s.Fatalf("Put %s: %v", name, err)
	}
	if o.Name != name || o.Size != int64(len(body)) || o.Hidden || o.Stored.IsZero() {
		s.Errorf("Put %s of %d bytes returned %+v", name, len(body), o)
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256([]byte(body))); o.SHA256 != "" && o.SHA256 != sum || s.Traits().Hashes && o.SHA256 == "" {
		s.Errorf("Put %s returned the hash %q, want %s", name, o.SHA256, sum)
	}
	return o
}

func (s *suite) has(t backup.Target, o backup.Object, want string) {
	s.Helper()
	r, err := t.Get(s.ctx, o)
	if err != nil {
		s.Errorf("Get %s %q: %v", o.Name, o.Version, err)
		return
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != want {
		s.Errorf("Get %s %q: %.40q, %v; want %.40q", o.Name, o.Version, got, err, want)
	}
}

func (s *suite) all(t backup.Target, prefix string) (all []backup.Object) {
	s.Helper()
	for o, err := range t.List(s.ctx, prefix) {
		if err != nil {
			s.Fatalf("List %q: %v", prefix, err)
		}
		all = append(all, o)
	}
	return all
}

// is holds an error against its kind.
func (s *suite) is(what string, err, kind error) {
	s.Helper()
	if !errors.Is(err, kind) {
		s.Errorf("%s: %v; want one that wraps %q", what, err, kind)
	}
}

func (s *suite) putAndGet() {
	const name, body = "4f1c9a2be07d6633/d/00000001-20261124T030004Z/data.age", "sealed bytes\x00\xff"
	put := s.put(name, body)
	for _, t := range []backup.Target{s.Target, s.open()} {
		got, err := t.Stat(s.ctx, name)
		if err != nil || got.Size != put.Size || got.Version != put.Version || got.Hidden {
			s.Errorf("Stat: %+v, %v; Put returned %+v", got, err, put)
		}
		s.has(t, got, body)
		s.has(t, backup.Object{Name: name}, body)
		if t.String() == "" || t.String() != s.Target.String() || t.Traits() != s.Target.Traits() {
			s.Errorf("opened again it is %s %+v, not %s %+v", t, t.Traits(), s.Target, s.Target.Traits())
		}
	}
	if s.Traits().Versions && put.Version == "" {
		s.Error("versions are promised, and Put returned none")
	}
	wrong := put
	wrong.Size += 5
	if r, err := s.Get(s.ctx, wrong); err == nil {
		_, err = io.ReadAll(r)
		_ = r.Close()
		if err == nil {
			s.Error("an object of another size than was asked for was read to its end")
		}
	}
}

func (s *suite) empty() {
	s.put("a/empty", "")
	s.has(s.Target, backup.Object{Name: "a/empty"}, "")
	if all := s.all(s.Target, "a/"); len(all) != 1 || all[0].Size != 0 {
		s.Errorf("List: %+v", all)
	}
}

func (s *suite) once() {
	s.put("a/manifest.json", "first")
	for _, t := range []backup.Target{s.Target, s.open()} {
		for _, body := range []string{"second", "first"} {
			_, err := t.Put(s.ctx, "a/manifest.json", strings.NewReader(body), options(body))
			s.is("Put over an existing one", err, backup.ErrExists)
		}
		s.has(t, backup.Object{Name: "a/manifest.json"}, "first")
	}
	if all := s.all(s.Target, ""); len(all) != 1 || all[0].Hidden {
		s.Errorf("after refused puts List tells %+v", all)
	}
}

func (s *suite) race() {
	const runners = 8
	bodies, errs := make([]string, runners), make([]error, runners)
	start, done := make(chan struct{}), make(chan struct{})
	for i := range runners {
		bodies[i] = fmt.Sprintf("body of %d", i)
		t := s.Target
		if i%2 == 1 {
			t = s.open()
		}
		go func() {
			defer func() { done <- struct{}{} }()
			<-start
			_, errs[i] = t.Put(s.ctx, "a/b/one", strings.NewReader(bodies[i]), options(bodies[i]))
		}()
	}
	close(start)
	for range runners {
		<-done
	}
	var won []string
	for i, err := range errs {
		if err == nil {
			won = append(won, bodies[i])
		} else {
			s.is("a loser", err, backup.ErrExists)
		}
	}
	if len(won) != 1 {
		s.Fatalf("%d of %d puts of one name succeeded", len(won), runners)
	}
	s.has(s.Target, backup.Object{Name: "a/b/one"}, won[0])
	if all := s.all(s.Target, ""); len(all) != 1 {
		s.Errorf("List tells %+v", all)
	}
}

func (s *suite) over() {
	first := s.put("a/settings", "first")
	o := options("the second")
	o.Once = false
	second, err := s.Put(s.ctx, "a/settings", strings.NewReader("the second"), o)
	if err != nil {
		s.Fatal(err)
	}
	s.has(s.Target, backup.Object{Name: "a/settings"}, "the second")
	all := s.all(s.open(), "a/")
	if !s.Traits().Versions {
		if len(all) != 1 || all[0].Hidden {
			s.Errorf("List: %+v", all)
		}
		return
	}
	if len(all) != 2 || !all[0].Hidden || all[1].Hidden || all[0].Version != first.Version || all[1].Version != second.Version {
		s.Fatalf("List: %+v; want the version %q hidden, then %q", all, first.Version, second.Version)
	}
	s.has(s.Target, all[0], "first")
	s.has(s.Target, all[1], "the second")
}

func (s *suite) wrong() {
	body := strings.Repeat("0123456789abcdef", 4096)
	for _, c := range []struct {
		name string
		body io.ReadSeeker
		size int64
	}{
		{"short", strings.NewReader(body[1:]), int64(len(body))},
		{"long", strings.NewReader(body + "x"), int64(len(body))},
		{"changed", strings.NewReader("x" + body[1:]), int64(len(body))},
		{"nothing", strings.NewReader(""), int64(len(body))},
		{"something for nothing", strings.NewReader("x"), 0},
		{"unknown", strings.NewReader(body), -1},
		{"broken", &brokenReader{strings.NewReader(body), 1000}, int64(len(body))},
	} {
		o := options(body)
		if o.Size = c.size; c.size == 0 {
			o = options("")
		}
		name := "a/" + strings.ReplaceAll(c.name, " ", "-")
		_, err := s.Put(s.ctx, name, c.body, o)
		if want := backup.ErrDamaged; c.name == "broken" {
			s.is(c.name, err, errBroken)
		} else {
			s.is(c.name, err, want)
		}
		_, err = s.Stat(s.ctx, name)
		s.is("Stat after "+c.name, err, backup.ErrNotFound)
	}
	if all := s.all(s.open(), ""); len(all) != 0 {
		s.Errorf("List tells %+v", all)
	}
	// Over an existing one: the old stays.
	s.put("a/kept", "kept")
	o := options("other")
	o.Once, o.SHA256[0] = false, o.SHA256[0]^1
	_, err := s.Put(s.ctx, "a/kept", strings.NewReader("other"), o)
	s.is("a wrong one over a right one", err, backup.ErrDamaged)
	s.has(s.Target, backup.Object{Name: "a/kept"}, "kept")
}

var errBroken = errors.New("targettest: the disk of the body is broken")

// A brokenReader fails after some bytes.
type brokenReader struct {
	*strings.Reader
	good int
}

func (b *brokenReader) Read(p []byte) (int, error) {
	if at := int(b.Size()) - b.Len(); at >= b.good {
		return 0, errBroken
	}
	return b.Reader.Read(p[:min(len(p), 100)])
}

func (s *suite) missing() {
	s.put("a/b", "x")
	for _, name := range []string{"b", "a/c", "a/b2", "c/d/e"} {
		_, err := s.Stat(s.ctx, name)
		s.is("Stat "+name, err, backup.ErrNotFound)
		_, err = s.Get(s.ctx, backup.Object{Name: name})
		s.is("Get "+name, err, backup.ErrNotFound)
	}
	if all := s.all(s.Target, "c/"); len(all) != 0 {
		s.Errorf("List tells %+v", all)
	}
}

func (s *suite) names() {
	for _, name := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden", "a/.b", "a b", "a\x00b", "ä", "a\\b", "C:a", "a?b", "a%2e", "a\nb",
		strings.Repeat("n", 129), strings.Repeat("n/", 300) + "n"} {
		_, err := s.Put(s.ctx, name, strings.NewReader("x"), options("x"))
		s.is(fmt.Sprintf("Put %.20q", name), err, backup.ErrName)
		if _, err := s.Stat(s.ctx, name); err == nil {
			s.Errorf("Stat %.20q found something", name)
		}
		if r, err := s.Get(s.ctx, backup.Object{Name: name}); err == nil {
			_ = r.Close()
			s.Errorf("Get %.20q found something", name)
		}
		if err := s.Delete(s.ctx, backup.Object{Name: name}); err == nil {
			s.Errorf("Delete %.20q succeeded", name)
		}
	}
	// The longest that is allowed.
	long := strings.Repeat(strings.Repeat("n", 126)+"/", 4) + "data"
	s.put(long, "x")
	s.has(s.Target, backup.Object{Name: long}, "x")
}

func (s *suite) list() {
	// Not in order, and with neighbours of the slash: '-' and '.' sort before it, digits and letters behind.
	names := []string{"s/w/00000002-x/data.age", "s/h-x", "s/h/00000001-a/data.age", "s/h/00000001-a/manifest.json", "s/h.x", "s/h0", "s/h/00000001-a-b/data.age", "s2/format", "s/chain/00000000-genesis.json", "s/H/x"}
	for _, name := range names {
		s.put(name, name)
	}
	t := s.open()
	for _, prefix := range []string{"", "s/", "s", "s/h", "s/h/", "s/h/00000001-a", "s/h/00000001-a/", "s/h/00000001-a/data.age", "t", "s/x/"} {
		want := 0
		for _, name := range names {
			if strings.HasPrefix(name, prefix) {
				want++
			}
		}
		last := ""
		all := s.all(t, prefix)
		for _, o := range all {
			if !strings.HasPrefix(o.Name, prefix) || o.Name <= last || o.Size != int64(len(o.Name)) || o.Stored.IsZero() || o.Hidden {
				s.Errorf("List %q: %+v after %q", prefix, o, last)
			}
			last = o.Name
		}
		if len(all) != want {
			s.Errorf("List %q tells %d objects, want %d", prefix, len(all), want)
		}
	}
}

func (s *suite) leave() {
	for _, name := range []string{"a/1", "a/2", "a/3", "b/1"} {
		s.put(name, "x")
	}
	for o, err := range s.List(s.ctx, "") {
		if err != nil || o.Name != "a/1" {
			s.Errorf("List: %+v, %v", o, err)
		}
		break
	}
	s.put("a/4", "x")
}

func (s *suite) cancelled() {
	put := s.put("a/b", "x")
	ctx, cancel := context.WithCancelCause(s.ctx)
	reason := errors.New("targettest: enough")
	// In the middle of a body.
	body := bytes.Repeat([]byte("x"), 8<<20)
	o := backup.PutOptions{Size: int64(len(body)), SHA256: sha256.Sum256(body), Once: true}
	_, err := s.Put(ctx, "a/half", &calls{ReadSeeker: bytes.NewReader(body), at: 1 << 20, call: func() { cancel(reason) }}, o)
	if err == nil || !errors.Is(err, reason) && !errors.Is(err, context.Canceled) {
		s.Errorf("Put whose context is cancelled: %v", err)
	}
	_, err = s.Stat(s.ctx, "a/half")
	s.is("Stat after it", err, backup.ErrNotFound)
	ended := func(what string, err error) {
		s.Helper()
		if !errors.Is(err, reason) && !errors.Is(err, context.Canceled) {
			s.Errorf("%s: %v; want the context's error", what, err)
		}
	}
	_, err = s.Stat(ctx, "a/b")
	ended("Stat", err)
	_, err = s.Now(ctx)
	ended("Now", err)
	r, err := s.Get(ctx, put)
	if err == nil {
		_, err = io.ReadAll(r)
		_ = r.Close()
	}
	ended("Get", err)
	err = nil
	for _, e := range s.List(ctx, "") {
		err = e
	}
	ended("List", err)
	ended("Delete", s.Delete(ctx, put))
	s.has(s.Target, put, "x")
}

// calls calls something when so many bytes are read.
type calls struct {
	io.ReadSeeker
	at   int
	call func()
}

func (c *calls) Read(p []byte) (int, error) {
	n, err := c.ReadSeeker.Read(p[:min(len(p), 64<<10)])
	if c.at -= n; c.at <= 0 {
		c.call()
	}
	return n, err
}

func (s *suite) clock() {
	before := time.Now()
	now, err := s.Now(s.ctx)
	if err != nil {
		s.Fatal(err)
	}
	// The store of a test runs on this machine.
	if now.Before(before.Add(-5*time.Second)) || now.After(time.Now().Add(5*time.Second)) {
		s.Errorf("the store's clock says %s, this machine's %s", now, before)
	}
	if all := s.all(s.Target, ""); len(all) != 0 {
		s.Errorf("asking the time left %+v", all)
	}
}
