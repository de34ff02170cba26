// Package valkeypeer starts a Redis or Valkey server of this machine for a test: on loopback, in a folder of its own, ended with
// the test.
package valkeypeer

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/outbound/valkey"
)

// A Server is one that a test started. It is not safe for concurrent use.
type Server struct {
	Address string // "valkey://127.0.0.1:PORT"
	Port    int
	Dir     string

	t       testing.TB
	program string
	options []string
	command *exec.Cmd
	ended   chan struct{}
	out     bytes.Buffer
}

// Start starts a server with options of its command line beside those of a sound one, which keeps a log and throws nothing
// away: "--requirepass", "canary".
func Start(t testing.TB, options ...string) *Server {
	t.Helper()
	program, err := exec.LookPath("valkey-server")
	if err != nil {
		program = need.Program(t, "redis-server", "redis-server")
	}
	dir, err := os.MkdirTemp("", "valkey") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{t: t, program: program, Dir: dir}
	t.Cleanup(s.Stop)
	for range 5 { // another may take the port first
		s.Port = need.Port(t)
		s.Address = fmt.Sprintf("valkey://127.0.0.1:%d", s.Port)
		s.options = append([]string{"--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--dir", s.Dir, "--unixsocket", s.Socket(), "--daemonize", "no",
			"--save", "", "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"}, options...)
		if s.begin() {
			return s
		}
	}
	t.Fatalf("%s does not start:\n%s", program, s.out.String())
	return nil
}

// StartCluster starts a cluster of servers that share the slots, without copies of each other, and returns the first.
func StartCluster(t testing.TB, servers int) *Server {
	t.Helper()
	all := make([]*Server, servers)
	for i := range all {
		all[i] = Start(t, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(need.Port(t)), "--cluster-node-timeout", "30000")
		first, last := i*16384/servers, (i+1)*16384/servers-1
		all[i].Say(fmt.Sprintf("CLUSTER ADDSLOTSRANGE %d %d", first, last))
	}
	for i, s := range all[1:] {
		s.Say(fmt.Sprintf("CLUSTER SET-CONFIG-EPOCH %d", i+2))
		s.Say(fmt.Sprintf("CLUSTER MEET 127.0.0.1 %d %s", all[0].Port, all[0].options[slices.Index(all[0].options, "--cluster-port")+1]))
	}
	for range 12000 {
		ready := 0
		for _, s := range all {
			if said := s.Say("CLUSTER INFO"); strings.Contains(said, "cluster_state:ok") && strings.Contains(said, fmt.Sprintf("cluster_known_nodes:%d\r", servers)) {
				ready++
			}
		}
		if ready == servers {
			return all[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the cluster is not ready:\n%s", all[0].Say("CLUSTER INFO"))
	return nil
}

// Say sends a line to the server by its socket, past the room, and returns the first 4 KiB of its answer.
func (s *Server) Say(line string) string {
	s.t.Helper()
	conn, err := net.Dial("unix", s.Socket())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write([]byte(line + "\r\n")); err != nil {
		s.t.Fatal(err)
	}
	answer := make([]byte, 4096)
	n, err := conn.Read(answer)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(answer[:n])
}

// ClusterClient is [Server.Client] for a server of a cluster.
func (s *Server) ClusterClient(t testing.TB) *valkey.Client {
	t.Helper()
	c, err := valkey.New(valkey.Config{Address: s.Address, Cluster: true, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Socket returns the path of the server's socket.
func (s *Server) Socket() string { return filepath.Join(s.Dir, "socket") }

// Again starts a server that was stopped, with what it kept.
func (s *Server) Again() {
	s.t.Helper()
	if !s.begin() {
		s.t.Fatalf("%s does not start again:\n%s", s.program, s.out.String())
	}
}

// begin starts the server and reports whether it answers; if not it has ended.
func (s *Server) begin() bool {
	s.t.Helper()
	s.command = exec.Command(s.program, s.options...)
	s.command.Stdout, s.command.Stderr = &s.out, &s.out
	if err := s.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	s.ended = ended
	go func(c *exec.Cmd) { _ = c.Wait(); close(ended) }(s.command)
	for range 12000 {
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
		if conn, err := net.Dial("unix", s.Socket()); err == nil {
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			answer := make([]byte, 64)
			_, _ = conn.Write([]byte("PING\r\n"))
			n, _ := conn.Read(answer)
			conn.Close()
			if got := string(answer[:n]); got == "+PONG\r\n" || strings.HasPrefix(got, "-NOAUTH") {
				return true
			}
		}
	}
	s.Stop()
	return false
}

// Stop kills the server, as a power failure of its process would.
func (s *Server) Stop() {
	if s.command != nil && s.command.Process != nil {
		_ = s.command.Process.Kill()
		<-s.ended
		s.command = nil
	}
}

// patience is how long a test's client waits: on a machine that is busy with others a server is, too.
const patience = 30 * time.Second

// Client returns a client of the server, closed with the test.
func (s *Server) Client(t testing.TB) *valkey.Client {
	t.Helper()
	c, err := valkey.New(valkey.Config{Address: s.Address, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
