package cli

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSeat: of processes that share a folder one has the socket, and its end leaves it to the next, also when it died; a process that has
// the data to itself takes what a dead one has left.
func TestSeat(t *testing.T) { // not beside others: it counts what the process has open
	path := filepath.Join(t.TempDir(), controlName())
	answers := func() bool {
		c, err := net.Dial("unix", path)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
	sit := func(s *seat) (l net.Listener, stop func()) {
		t.Helper()
		l, err := s.take()
		if err != nil {
			t.Fatal(err)
		}
		srv, stopped := &http.Server{}, make(chan struct{})
		go s.keep(srv, l, stopped)
		return l, func() { close(stopped); _ = srv.Close(); s.leave() }
	}
	one, endOne := sit(&seat{path: path, shared: true, pause: 20 * time.Millisecond})
	two, endTwo := sit(&seat{path: path, shared: true, pause: 20 * time.Millisecond})
	if one == nil || two != nil || !answers() {
		t.Fatalf("the first has %v, the second %v", one, two)
	}
	endOne()
	for end := time.Now().Add(time.Minute); !answers(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the second does not take the place of the first")
		}
	}
	before, _ := filepath.Glob("/proc/self/fd/*") // none where there is no such folder
	// Who takes the file away leaves no socket that nobody reaches.
	for range 3 {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); !answers(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the socket does not come back")
			}
		}
	}
	if files, _ := filepath.Glob("/proc/self/fd/*"); len(files) > len(before)+1 { // the runtime may open one of its own
		t.Errorf("%d files are open, %d were with one socket", len(files), len(before))
	}
	endTwo()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = dead.Close()
	for _, shared := range []bool{true, false} {
		l, end := sit(&seat{path: path, shared: shared, pause: time.Second})
		if l == nil || !answers() {
			t.Errorf("shared %v: a dead one's is not taken", shared)
		}
		end()
	}
}
