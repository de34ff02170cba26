// Package sftppeer runs Debian's SSH server on loopback for a test, as whoever runs the test, with a configuration, keys and
// a folder of its own.
package sftppeer

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"

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

	run *need.Served
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
	s := &Server{User: me.Username, Folder: filepath.Join(dir, "objects"), KeyFile: filepath.Join(dir, "key")}
	if err := os.Mkdir(s.Folder, 0o700); err != nil {
		t.Fatal(err)
	}
	s.HostKey = ssh.FingerprintSHA256(NewKey(t, filepath.Join(dir, "host")))
	public := NewKey(t, s.KeyFile)
	if err := os.WriteFile(filepath.Join(dir, "authorized"), ssh.MarshalAuthorizedKey(public), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config")
	s.run = need.Serve(t, "sshd", func(addr string) *exec.Cmd {
		_, port, _ := net.SplitHostPort(addr)
		text := fmt.Sprintf("ListenAddress 127.0.0.1\nPort %s\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\nForceCommand internal-sftp\nMaxStartups 100\n",
			port, filepath.Join(dir, "host"), filepath.Join(dir, "authorized"))
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return exec.Command(program, "-D", "-e", "-f", config)
	}, func(addr string) bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	s.Addr = s.run.Addr
	return s
}

// Stop ends the server; sessions that are open go on until they are closed.
func (s *Server) Stop() { s.run.End() }

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
