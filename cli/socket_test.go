package cli

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// What lies where a socket is to be made goes only if it is a dead process's socket.
func TestClearSocket(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "site")
	if err := clearSocket(file); err != nil {
		t.Errorf("nothing is there: %v", err)
	}
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := clearSocket(file); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
	if text, _ := os.ReadFile(file); string(text) != "precious" {
		t.Errorf("the file was touched: %q", text)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if err := clearSocket(link); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a link: %v", err)
	}

	live := filepath.Join(dir, "live")
	l, err := net.Listen("unix", live)
	if err != nil {
		t.Fatal(err)
	}
	if err := clearSocket(live); err == nil || !strings.Contains(err.Error(), "another program listens there") {
		t.Errorf("a live socket: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()
	if err := clearSocket(live); err != nil {
		t.Errorf("a dead socket: %v", err)
	}
	if _, err := os.Lstat(live); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dead socket is still there: %v", err)
	}
}

// A site that ends after it was given an order is not told as one that is up and takes none.
func TestASiteThatEndsUnderACommand(t *testing.T) {
	p := &program{data: t.TempDir(), out: io.Discard, err: io.Discard}
	path := controlPath(p.data)
	if path == "" {
		t.Skip("the path of the temporary folder is too long for a socket")
	}
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	locked := &failure{ExitCannot, db.ErrLocked}
	var f *failure
	if _, err := p.ask(t.Context(), order{Name: "x"}, locked); !errors.As(err, &f) || !errors.Is(err, db.ErrLocked) {
		t.Errorf("nobody listens: %v", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096)) // the order
			_ = c.Close()
		}
	}()
	if _, err := p.ask(t.Context(), order{Name: "x"}, locked); !errors.As(err, &f) || f.code != ExitCannot || errors.Is(err, db.ErrLocked) || !strings.Contains(err.Error(), "may have been carried out") {
		t.Errorf("the site ends under the command: %v", err)
	}
}

// A site whose socket has another name is found: in its service the kernel's was hidden from it.
func TestASocketOfAnotherName(t *testing.T) {
	p := &program{data: t.TempDir(), out: io.Discard, err: io.Discard}
	own := controlPath(p.data)
	if own == "" {
		t.Skip("the path of the temporary folder is too long for a socket")
	}
	if err := os.Mkdir(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(filepath.Dir(own), "control-00000000.sock"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, `{"Exit":0}`) })}
	defer srv.Close()
	go func() { _ = srv.Serve(l) }()
	if _, err := p.ask(t.Context(), order{Name: "x"}, db.ErrLocked); err != nil {
		t.Errorf("the running site is not reached: %v", err)
	}
}

// A site that listens on a Unix socket is reached by its group too, as by the server in front of it, whatever the umask.
func TestListenModeOfASocket(t *testing.T) {
	file := filepath.Join(t.TempDir(), "site")
	l, err := (&world{program: &program{}}).listen("site", "unix:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if info, err := os.Lstat(file); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket's mode: %v %v", info.Mode(), err)
	}
}

// The environment of a command is that of the site in the world where the settings name it, unless the data was last
// served under development.
func TestCommandEnv(t *testing.T) {
	t.Chdir(t.TempDir())
	p := &program{data: "data", out: io.Discard, err: io.Discard, brief: true}
	mode := func() (merlon.Mode, string) {
		t.Helper()
		env, err := p.commandEnv(merlon.Development)
		if err != nil {
			t.Fatal(err)
		}
		if env.Settings.Mail.Address != "" || env.Settings.AccessLog {
			t.Errorf("a command that sends nothing has a mail server, or logs requests: %+v", env.Settings)
		}
		return env.Mode, env.Settings.Origin
	}
	if m, origin := mode(); m != merlon.Development || origin != "" {
		t.Errorf("without settings: %v %q", m, origin)
	}
	if err := os.WriteFile(settingsName, []byte("[site]\nhost = \"example.org\"\n[mail]\naddress = \"smtps://u@mail.example.org:465\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if m, origin := mode(); m != merlon.Production || origin != "https://example.org" {
		t.Errorf("with settings: %v %q", m, origin)
	}
	if err := os.MkdirAll(filepath.Dir(p.markPath()), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, development := range []bool{true, false, false} {
		if err := p.mark(development); err != nil {
			t.Fatal(err)
		}
		if m, _ := mode(); (m == merlon.Development) != development {
			t.Errorf("last served under development %v: %v", development, m)
		}
	}
	if env, err := p.commandEnv(merlon.Drill); err != nil || env.Mode != merlon.Drill || env.Settings.Origin != "" {
		t.Errorf("a drill: %v %q %v", env.Mode, env.Settings.Origin, err)
	}
	p.sends = true
	if env, err := p.commandEnv(merlon.Development); err != nil || env.Settings.Mail.Address == "" {
		t.Errorf("mail test has no server: %v", err)
	}
	if err := os.WriteFile(settingsName, []byte("[site]\nhots = \"example.org\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.commandEnv(merlon.Development); err == nil || !strings.Contains(err.Error(), "did you mean site.host?") {
		t.Errorf("a misspelled key: %v", err)
	}
}

// A command that takes longer than the site waits is broken off when the site ends.
func TestShutdownIsBounded(t *testing.T) {
	began := make(chan struct{})
	ended := make(chan struct{})
	srv := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		close(ended)
	})}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(l) }()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-began
	endWithin(srv, 10)
	<-ended
}
