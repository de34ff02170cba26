package need_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// A recorder is a testing.TB that notes how it was ended. Fatalf and Skipf end the goroutine, as the real ones do.
type recorder struct {
	testing.TB
	outcome, text string
}

func (r *recorder) Helper() {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.outcome, r.text = "failed", fmt.Sprintf(format, args...)
	runtime.Goexit()
}
func (r *recorder) Skipf(format string, args ...any) {
	r.outcome, r.text = "skipped", fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func record(f func(testing.TB)) *recorder {
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r
}

func TestAbsentProgram(t *testing.T) {
	for _, c := range []struct {
		name string
		all  string
		ask  func(testing.TB)
		want string
		text string
	}{
		{"a program is skipped by name", "", func(t testing.TB) { need.Program(t, "no-such-program", "some-package") }, "skipped", "apt-get install some-package"},
		{"a program fails when all must run", "1", func(t testing.TB) { need.Program(t, "no-such-program", "some-package") }, "failed", "MERLON_TEST_ALL=1"},
		{"a peer is skipped by name", "", func(t testing.TB) { need.Peer(t, "no-such-peer") }, "skipped", "make peers"},
		{"a peer fails when all must run", "1", func(t testing.TB) { need.Peer(t, "no-such-peer") }, "failed", "no-such-peer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("MERLON_TEST_ALL", c.all)
			r := record(c.ask)
			if r.outcome != c.want || !strings.Contains(r.text, c.text) {
				t.Errorf("got %q %q, want %q with %q", r.outcome, r.text, c.want, c.text)
			}
		})
	}
}

func TestPresentProgram(t *testing.T) {
	if path := need.Program(t, "sh", "dash"); !filepath.IsAbs(path) {
		t.Errorf("Program returned %q, want an absolute path", path)
	}
	if path := need.Peer(t, "sh"); !filepath.IsAbs(path) { // not in internal/peer/bin: found on PATH
		t.Errorf("Peer returned %q, want an absolute path", path)
	}
}

func TestRootHoldsThisModule(t *testing.T) {
	if _, err := os.Stat(filepath.Join(need.Root(t), "internal", "e2e", "need", "need.go")); err != nil {
		t.Error(err)
	}
}
