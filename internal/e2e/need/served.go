package need

import (
	"bytes"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

// serveTime is how long a program may take until it answers.
const serveTime = 2 * time.Minute

// A Served is a program that serves on loopback for a test.
type Served struct {
	Addr string // 127.0.0.1:PORT
	Cmd  *exec.Cmd
	Log  *bytes.Buffer // read it when the program has ended
	End  func()        // kills it and waits; again: nothing
}

// Serve starts a program on a free port and waits until it answers, until the test ends. Another process may take the port
// between; then another is tried.
func Serve(t testing.TB, name string, command func(addr string) *exec.Cmd, answers func(addr string) bool) *Served {
	t.Helper()
	for try := 0; ; try++ {
		s := &Served{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(Port(t))), Log: new(bytes.Buffer)}
		s.Cmd = command(s.Addr)
		s.Cmd.Stdout, s.Cmd.Stderr = s.Log, s.Log
		s.Cmd.WaitDelay = time.Second // children that it leaves hold its output
		if err := s.Cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if s.wait(answers) {
			t.Cleanup(s.End)
			return s
		}
		if try == 3 {
			t.Fatalf("%s does not start:\n%s", name, s.Log)
		}
	}
}

// wait reports whether it answers in time; else it has ended.
func (s *Served) wait(answers func(addr string) bool) bool {
	gone := make(chan struct{})
	go func() {
		_ = s.Cmd.Wait()
		close(gone)
	}()
	s.End = sync.OnceFunc(func() {
		_ = s.Cmd.Process.Kill()
		<-gone
	})
	for end := time.Now().Add(serveTime); time.Now().Before(end); {
		if answers(s.Addr) {
			return true
		}
		select {
		case <-gone:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.End()
	return false
}
