package backup

import (
	"context"
	"crypto/ed25519"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

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
