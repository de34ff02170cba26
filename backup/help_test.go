package backup

import (
	"context"
	"crypto/ed25519"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/merlon-web/merlon/journal"
)

// Put implements Target.
func (h hooked) Put(ctx context.Context, name string, body io.ReadSeeker, o PutOptions) (Object, error) {
	h.before(name)
	return h.Target.Put(ctx, name, body, o)
}

func pid() string { return strconv.Itoa(os.Getpid()) }

// events are the ids of the newest events.
func (s *testSite) events() (ids string) {
	s.t.Helper()
	r := s.site.House().Engine.Read(context.Background())
	defer r.Close()
	found, err := journal.List(r, journal.Filter{Limit: 100})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range found {
		ids += e.ID + " "
	}
	return ids
}

// chmodAll gives copied files the modes that the site demands.
func chmodAll(t testing.TB, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// thief is the key of the next point, which whoever takes the server has.
func (s *testSite) thief() ed25519.PrivateKey {
	s.t.Helper()
	k, err := homeOf(s.data).readSigners()
	if err != nil {
		s.t.Fatal(err)
	}
	return k.current()
}

// memory is the scheme of a store in memory.
func memory(v *versions) []Scheme {
	return []Scheme{{Name: "mem", Open: func(context.Context, *url.URL, Settings) (Target, error) { return v, nil }}}
}

// setUpOn begins a chain at a store in memory.
func (s *testSite) setUpOn(v *versions) {
	s.t.Helper()
	recovery, err := NewRecovery()
	if err != nil {
		s.t.Fatal(err)
	}
	s.recovery = recovery
	setup := &Setup{Format: setupFormat, Site: newSite(), Created: stamp(s.site.House().Clock()), Target: "mem://store"}
	if err := begin(context.Background(), homeOf(s.data), &Store{target: v, site: setup.Site}, setup, recovery, time.Time{}); err != nil {
		s.t.Fatal(err)
	}
}

// advance moves the clocks of the site and the store.
func (s *testSite) advance(v *versions, d time.Duration) {
	s.offset.add(d)
	v.at = time.Now().Add(s.offset.is())
}

// quiet makes points until nothing has changed: the site itself writes now and then.
func (s *testSite) quiet() {
	s.t.Helper()
	for range 5 {
		if made := s.plain(); made.Skipped {
			return
		}
	}
	s.t.Fatal("each run makes a point, though nothing changes")
}

// plain is a run that makes a point if something has changed.
func (s *testSite) plain() *Made {
	s.t.Helper()
	made, err := s.part.runner.run(s.t.Context(), wish{})
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

// keep writes the state.
func (s *testSite) keep(st *state) {
	s.t.Helper()
	if err := homeOf(s.data).write(stateFile, st); err != nil {
		s.t.Fatal(err)
	}
}
