package cli

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The folder of the socket is this user's alone, also when it was there before and open to all; what is no folder is refused.
func TestPrivateFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	for _, before := range []os.FileMode{0, 0o777} {
		if before != 0 {
			if err := os.Chmod(path, before); err != nil {
				t.Fatal(err)
			}
		}
		if err := privateFolder(path); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode() != os.ModeDir|0o700 {
			t.Errorf("with mode %v before: %v, %v", before, info.Mode(), err)
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, elsewhere); err != nil {
		t.Skip("no links on this system")
	}
	if err := privateFolder(elsewhere); err == nil || !strings.Contains(err.Error(), "is no folder") {
		t.Errorf("a link is taken for the folder: %v", err)
	}
}

// Who connects as another user is hung up on: here the site pretends to be somebody else.
func TestOnlyTheOwnUserGivesOrders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	me := os.Getuid()
	if !mayOrder(s, me) {
		t.Error("the own user may give no orders")
	}
	if got, want := mayOrder(s, me+1), me == 0 || !tellsPeers; got != want { // root may always
		t.Errorf("another user: %v, want %v", got, want)
	}
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	if mayOrder(here, me) == tellsPeers {
		t.Error("what is no socket is believed")
	}
}
