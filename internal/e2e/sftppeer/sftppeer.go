// Package sftppeer runs Debian's SSH server on loopback for a test, as whoever runs the test, with a configuration, keys and
// a folder of its own.
package sftppeer

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// A Server is one sshd that runs. Its methods fail the test.
type Server struct {
	Addr    string // 127.0.0.1:PORT
	User    string
	Folder  string // an empty one, for the objects
	KeyFile string // the private key that it lets in
	HostKey string // its fingerprint, SHA256:…

	t   testing.TB
	log bytes.Buffer
	end func()
}

// Start starts a server until the test ends. It skips the test when the program is not there.
func Start(t testing.TB) *Server {
	t.Helper()
	program, err := exec.LookPath("/usr/sbin/sshd") // by its whole path: it insists, and it is on few users' PATH
	if err != nil {
		need.Missing(t, "sshd", "apt-get install openssh-server openssh-client")
	}
	if os.Getuid() == 0 {
		// Where it shuts its own process in; the service makes it, and no service runs here.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &Server{t: t, User: me.Username, Folder: filepath.Join(dir, "objects"), KeyFile: filepath.Join(dir, "key")}
	if err := os.Mkdir(s.Folder, 0o700); err != nil {
		t.Fatal(err)
	}
	s.HostKey = ssh.FingerprintSHA256(NewKey(t, filepath.Join(dir, "host")))
	public := NewKey(t, s.KeyFile)
	if err := os.WriteFile(filepath.Join(dir, "authorized"), ssh.MarshalAuthorizedKey(public), 0o600); err != nil {
		t.Fatal(err)
	}
	// Another process may take the port between; then a second is tried.
	for try := 0; ; try++ {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.Addr = free.Addr().String()
		_ = free.Close()
		if s.run(program, dir) {
			break
		}
		if try == 3 {
			t.Fatalf("sshd does not start:\n%s", &s.log)
		}
	}
	t.Cleanup(func() { s.end() })
	return s
}

// run starts the program and waits until it answers.
func (s *Server) run(program, dir string) bool {
	_, port, _ := net.SplitHostPort(s.Addr)
	config := filepath.Join(dir, "config")
	text := fmt.Sprintf("ListenAddress 127.0.0.1\nPort %s\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\nForceCommand internal-sftp\nMaxStartups 100\n",
		port, filepath.Join(dir, "host"), filepath.Join(dir, "authorized"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(program, "-D", "-e", "-f", config)
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	cmd.WaitDelay = time.Second // sessions that are open hold its output
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(gone)
	}()
	s.end = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		<-gone
	})
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if c, err := net.Dial("tcp", s.Addr); err == nil {
			_ = c.Close()
			return true
		}
		select {
		case <-gone:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.end()
	return false
}

// Stop ends the server; sessions that are open go on until they are closed.
func (s *Server) Stop() { s.end() }

// Address returns the address of a folder there.
func (s *Server) Address(folder string) string {
	return "sftp://" + s.User + "@" + s.Addr + filepath.ToSlash(folder)
}

// NewKey writes a new private key to a file of mode 0600 and returns its public half.
func NewKey(t testing.TB, file string) ssh.PublicKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
