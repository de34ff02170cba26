// Package production_test holds serve --production as an owner meets it: a program of its own, its settings, its signals.
package production_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

const host = "club.site.test"

func TestMain(m *testing.M) {
	if spec := os.Getenv(slowEnv); spec != "" {
		slowClients(spec)
		return
	}
	os.Exit(need.Main(m))
}

func club(t *testing.T) string { return need.Built(t, "examples/club") }

// place is a folder with the settings and the certificate of a site.
type place struct {
	dir                 string
	port, plain, health int
	roots               *x509.CertPool
	extraFiles          []*os.File
	env                 []string
	cmd                 *exec.Cmd
	out                 lines
	done                chan struct{}
	err                 error
}

func newPlace(t *testing.T) *place {
	t.Helper()
	need.Time(t, "runs the built club as in production")
	p := &place{dir: t.TempDir(), port: need.Port(t), plain: need.Port(t), health: need.Port(t), roots: x509.NewCertPool()}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	p.roots.AddCert(leaf)
	secret, _ := x509.MarshalPKCS8PrivateKey(key)
	p.write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	p.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	p.write(t, "merlon.toml", p.settings())
	return p
}

// settings are those of a sound site. The port is the site's own, which an owner has at 443.
func (p *place) settings() string {
	return fmt.Sprintf(`[site]
host = %q
origin = "https://%s:%d"

[serve]
listen = "127.0.0.1:%d"
redirect = "127.0.0.1:%d"
health = "127.0.0.1:%d"
pre_drain = "100ms"
# what a test has not: a mail server, and the newest Go
skip = ["MRL-SMTP-011=a test", "MRL-BACK-001=a test", "MRL-BUILD-001=a test", "MRL-BUILD-002=a test"]

[tls]
mode = "files"
cert = "cert.pem"
key = "key.pem"
`, host, host, p.port, p.port, p.plain, p.health)
}

func (p *place) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a command to its end.
func (p *place) run(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	cmd := exec.Command(club(t), args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, &stdout, &stderr
	cmd.Env = append([]string{"HOME=" + p.dir, "PATH=" + os.Getenv("PATH")}, p.env...)
	err := cmd.Run()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// lines are what a program printed to stderr.
type lines struct {
	sync.Mutex
	all []string
}

func (l *lines) text() string {
	l.Lock()
	defer l.Unlock()
	return strings.Join(l.all, "\n")
}

// start runs serve --production until the site is ready.
func (p *place) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(club(t), "serve", "--production")
	p.cmd.Dir, p.cmd.ExtraFiles = p.dir, p.extraFiles
	p.cmd.Env = append([]string{"HOME=" + p.dir, "PATH=" + os.Getenv("PATH")}, p.env...)
	if len(p.extraFiles) > 0 { // LISTEN_PID is the process's own: as systemd sets it between fork and exec
		p.cmd.Path, p.cmd.Args = "/bin/sh", []string{"sh", "-c", `LISTEN_PID=$$ exec "$0" serve --production`, club(t)}
		p.cmd.Env = append(p.cmd.Env, fmt.Sprintf("LISTEN_FDS=%d", len(p.extraFiles)))
	}
	errs, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout = io.Discard
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.done = make(chan struct{})
	go func() {
		for s := bufio.NewScanner(errs); s.Scan(); {
			p.out.Lock()
			p.out.all = append(p.out.all, s.Text())
			p.out.Unlock()
		}
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	for end := time.Now().Add(2 * time.Minute); p.state(t, "/readyz") != 200; time.Sleep(10 * time.Millisecond) {
		select {
		case <-p.done:
			t.Fatalf("serve --production has ended: %v\n%s", p.err, p.out.text())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("serve --production is not ready\n%s", p.out.text())
		}
	}
}

func (p *place) kill() {
	select {
	case <-p.done:
	default:
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// end tells the site to end and waits for it.
func (p *place) end(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(2 * time.Minute):
		t.Fatal("the site does not end")
	}
	if p.err != nil {
		t.Errorf("after SIGTERM: %v\n%s", p.err, p.out.text())
	}
}

// state is the status of a health page, 0 when nobody answers.
func (p *place) state(t *testing.T, path string) int {
	res, err := (&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Get(fmt.Sprintf("http://127.0.0.1:%d%s", p.health, path))
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// visitor is a client who finds the site's name here. It follows no redirect.
func (p *place) visitor(h2 bool) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.roots}, ForceAttemptHTTP2: h2}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	transport.DialContext = dialer.DialContext
	transport.TLSClientConfig.ServerName = host
	return &http.Client{Timeout: 30 * time.Second, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask sends one request to an address here, with the site's name.
func (p *place) ask(t *testing.T, client *http.Client, method, address, name string, more ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequest(method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = name
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res
}

// logged checks that each line of the log is one JSON document, and returns those with an id.
func (p *place) logged(t *testing.T) (ids []string) {
	t.Helper()
	for line := range strings.Lines(p.out.text()) {
		var v struct {
			Msg, ID string
			Time    time.Time
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil || v.Msg == "" || v.Time.IsZero() {
			t.Errorf("a line of the log is no JSON: %q %v", line, err)
		}
		if v.ID != "" {
			ids = append(ids, v.ID)
		}
	}
	return ids
}

func tlsOf(c *http.Client) *tls.Config { return c.Transport.(*http.Transport).TLSClientConfig }

// develop starts a command and returns what it prints until it says how to stop it.
func (p *place) develop(t *testing.T, args ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(club(t), args...)
	cmd.Dir, cmd.Env = p.dir, []string{"HOME=" + p.dir, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	for s := bufio.NewScanner(out); s.Scan(); {
		printed.WriteString(s.Text() + "\n")
		if strings.Contains(s.Text(), "Ctrl-C") {
			break
		}
	}
	return cmd, printed.String()
}

// address is where a path of the site is reached, and name what the site is called.
func (p *place) address(path string) string {
	return fmt.Sprintf("https://127.0.0.1:%d%s", p.port, path)
}

func (p *place) name() string { return fmt.Sprintf("%s:%d", host, p.port) }
