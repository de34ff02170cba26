// Package mailpeer runs the mail server of the module internal/peer for a test, and reads what arrived there.
package mailpeer

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// A Server is one smtp-peer that runs. Its methods fail the test.
type Server struct {
	Addr string // 127.0.0.1:PORT
	Port int
	CA   string // the file with the authority of its certificate, for 127.0.0.1 and localhost

	t   testing.TB
	dir string
	end func()

	mu    sync.Mutex
	lines []string
}

// Start starts smtp-peer with these flags until the test ends. It skips the test when the program is not there.
func Start(t testing.TB, flags ...string) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir()}
	s.CA = filepath.Join(s.dir, "ca.pem")
	cmd := exec.Command(need.Peer(t, "smtp-peer"), append([]string{"-dir", s.dir, "-ca", s.CA, "-listen", net.JoinHostPort("127.0.0.1", strconv.Itoa(need.Port(t)))}, flags...)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := bufio.NewScanner(out)
	if !read.Scan() {
		t.Fatalf("smtp-peer %q said nothing", flags)
	}
	s.Addr = read.Text()
	_, port, _ := net.SplitHostPort(s.Addr)
	if s.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for read.Scan() {
			s.mu.Lock()
			s.lines = append(s.lines, read.Text())
			s.mu.Unlock()
		}
	}()
	s.end = sync.OnceFunc(func() {
		_ = in.Close()
		<-done
		_ = cmd.Wait()
	})
	t.Cleanup(s.end)
	return s
}

// Stop ends the server; its mails stay.
func (s *Server) Stop() { s.end() }

// Roots is the authority of its certificate.
func (s *Server) Roots() *x509.CertPool {
	s.t.Helper()
	text, err := os.ReadFile(s.CA)
	if err != nil {
		s.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

// Connections returns how many connections it had.
func (s *Server) Connections() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if l == "connection" {
			n++
		}
	}
	return n
}

// A Mail is what arrived: the envelope, the bytes, and what a reader's program makes of them.
type Mail struct {
	From, To   string
	Raw        []byte
	Header     netmail.Header
	Subject    string // decoded
	Text, HTML string // decoded, lines ended by \n
}

// Mails reads what has arrived so far.
func (s *Server) Mails() []Mail {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Mail
	for _, l := range s.lines {
		var n int
		var m Mail
		if _, err := fmt.Sscanf(l, "mail %d %s %s", &n, &m.From, &m.To); err != nil {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(s.dir, strconv.Itoa(n)+".eml"))
		if err != nil {
			s.t.Fatal(err)
		}
		m.Raw = raw
		if err := m.parse(); err != nil {
			s.t.Fatalf("mail %d does not parse: %v\n%s", n, err, raw)
		}
		all = append(all, m)
	}
	return all
}

// Wait waits until n mails have arrived and returns them.
func (s *Server) Wait(n int) []Mail {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if all := s.Mails(); len(all) >= n {
			return all
		}
	}
	s.t.Fatalf("%d mails arrived, want %d", len(s.Mails()), n)
	return nil
}

func (m *Mail) parse() error {
	msg, err := netmail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return err
	}
	m.Header = msg.Header
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		return err
	}
	return m.part(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body)
}

func (m *Mail) part(kind, encoding string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return err
	}
	if kind == "multipart/alternative" {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := m.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
				return err
			}
		}
	}
	if encoding != "quoted-printable" || !strings.EqualFold(params["charset"], "utf-8") {
		return fmt.Errorf("a part in %s and charset %q", encoding, params["charset"])
	}
	text, err := io.ReadAll(quotedprintable.NewReader(body))
	if err != nil {
		return err
	}
	plain := strings.ReplaceAll(string(text), "\r\n", "\n")
	switch {
	case kind == "text/plain" && m.Text == "" && m.HTML == "": // the plain text comes first
		m.Text = plain
	case kind == "text/html" && m.HTML == "":
		m.HTML = plain
	default:
		return fmt.Errorf("a surplus part of type %s", kind)
	}
	return nil
}
