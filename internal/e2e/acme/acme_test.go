// Package acme_test holds certificates by ACME against pebble, an authority for tests.
package acme_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/trust/cert"
	"github.com/merlon-web/merlon/trust/wire"
)

const host = "shop.acme.test"

// names answers every question for an address with this machine's, over TCP as pebble asks.
func names(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go name(c)
		}
	}()
	return l.Addr().String()
}

func name(c net.Conn) {
	defer c.Close()
	b := make([]byte, 2)
	if _, err := io.ReadFull(c, b); err != nil {
		return
	}
	b = make([]byte, binary.BigEndian.Uint16(b))
	var m dnsmessage.Message
	if _, err := io.ReadFull(c, b); err != nil || m.Unpack(b) != nil || len(m.Questions) != 1 {
		return
	}
	q := m.Questions[0]
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	if q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
	}
	if out, err := m.Pack(); err == nil {
		_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
	}
}

// authority is a pebble that can be stopped and started again.
type authority struct {
	dir, dns, listen, directory string
	own                         *x509.CertPool
	env                         []string
	cmd                         *exec.Cmd
}

func newAuthority(t *testing.T, tlsPort int, life time.Duration, env ...string) *authority {
	t.Helper()
	need.Peer(t, "pebble")
	a := &authority{dir: t.TempDir(), dns: names(t), own: x509.NewCertPool(), env: env}
	a.listen = "127.0.0.1:" + strconv.Itoa(need.Port(t))
	a.directory = "https://" + a.listen + "/dir"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pebble"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	a.own.AddCert(leaf)
	secret, _ := x509.MarshalPKCS8PrivateKey(key)
	a.write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	a.write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	config, _ := json.Marshal(map[string]any{"pebble": map[string]any{"listenAddress": a.listen, "managementListenAddress": "127.0.0.1:" + strconv.Itoa(need.Port(t)),
		"certificate": "cert.pem", "privateKey": "key.pem", "httpPort": need.Port(t), "tlsPort": tlsPort, "retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles": map[string]any{"default": map[string]any{"description": "d", "validityPeriod": int(life.Seconds())}}}})
	a.write(t, "pebble.json", config)
	t.Cleanup(func() { a.stop() })
	return a
}

func (a *authority) write(t *testing.T, name string, text []byte) {
	if err := os.WriteFile(filepath.Join(a.dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a *authority) start(t *testing.T) {
	t.Helper()
	a.cmd = exec.Command(need.Peer(t, "pebble"), "-config", "pebble.json", "-dnsserver", a.dns)
	a.cmd.Dir = a.dir
	a.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + a.dir, "PEBBLE_VA_NOSLEEP=1"}, a.env...)
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.own}}}
	defer client.CloseIdleConnections()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if res, err := client.Get(a.directory); err == nil {
			res.Body.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal("pebble does not answer")
		}
	}
}

func (a *authority) stop() {
	if a.cmd != nil {
		_ = a.cmd.Process.Kill()
		_ = a.cmd.Wait()
		a.cmd = nil
	}
}

func (a *authority) source(t *testing.T, dir string) *cert.ACME {
	t.Helper()
	s, err := cert.NewACME(cert.ACMEConfig{Hosts: []string{host}, Dir: dir, Directory: a.directory, Roots: a.own, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// site serves a source and returns how a visitor fares, who trusts whoever signed.
func site(t *testing.T, port int, s cert.Source) (visit func() (*x509.Certificate, error), stop func()) {
	t.Helper()
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })}
	g := wire.New(srv, wire.Config{HandshakeTime: time.Minute})
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = srv.Serve(g.TLSListener(l, cert.Config(s))); close(done) }()
	stop = func() { _ = srv.Close(); <-done }
	t.Cleanup(stop)
	return func() (*x509.Certificate, error) {
		// The root of pebble is made anew at each start: what is looked at is the name, the time and that TLS is spoken.
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Minute}, "tcp", l.Addr().String(), &tls.Config{ServerName: host, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		if err != nil {
			return nil, err
		}
		defer c.Close()
		leaf := c.ConnectionState().PeerCertificates[0]
		return leaf, errors.Join(leaf.VerifyHostname(host), within(leaf))
	}, stop
}

func within(leaf *x509.Certificate) error {
	if now := time.Now(); now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return errors.New("the certificate is not valid now: " + leaf.NotAfter.String())
	}
	return nil
}

func TestIssue(t *testing.T) {
	for name, env := range map[string][]string{
		"honest nonces":          {"PEBBLE_WFE_NONCEREJECT=0"},
		"every third is refused": {"PEBBLE_WFE_NONCEREJECT=33"},
	} {
		t.Run(name, func(t *testing.T) {
			port, dir := need.Port(t), filepath.Join(t.TempDir(), "certificates")
			a := newAuthority(t, port, 90*24*time.Hour, env...)
			a.start(t)
			s := a.source(t, dir)
			visit, _ := site(t, port, s)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			if n := s.Fetch(ctx); n != 1 {
				t.Fatalf("%d certificates, want 1", n)
			}
			if _, err := visit(); err != nil {
				t.Fatal(err)
			}
			if leaves := s.Leaves(t.Context()); len(leaves) != 1 || leaves[0].DNSNames[0] != host {
				t.Errorf("certificates at rest: %v", leaves)
			}
			_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				want := fs.FileMode(0o600)
				if d.IsDir() {
					want = 0o700
				}
				if info, err := d.Info(); err != nil || info.Mode().Perm() != want {
					t.Errorf("%s: mode %v, want %04o", path, info.Mode(), want)
				}
				return err
			})
		})
	}
}

// While the authority is away nobody gets to the site without TLS, and what it gave before is shown on; when it is back
// there is a certificate.
func TestOutage(t *testing.T) {
	port, dir := need.Port(t), filepath.Join(t.TempDir(), "certificates")
	a := newAuthority(t, port, 90*24*time.Hour, "PEBBLE_WFE_NONCEREJECT=0")
	visit, stop := site(t, port, a.source(t, dir))
	if leaf, err := visit(); err == nil {
		t.Fatalf("with no authority there is a certificate: %v", leaf)
	}
	stop()
	a.start(t)
	visit, stop = site(t, port, a.source(t, dir)) // as after a restart; without one it is asked again after a minute
	first, err := visit()
	if err != nil {
		t.Fatalf("the authority is back: %v", err)
	}
	stop()
	a.stop()
	visit, _ = site(t, port, a.source(t, dir))
	again, err := visit()
	if err != nil || again.SerialNumber.Cmp(first.SerialNumber) != 0 {
		t.Errorf("with the authority away again: %v, want the certificate at rest", err)
	}
}

// TestRenewal lives through certificates of three minutes, an outage among them. Only the long form has the time.
func TestRenewal(t *testing.T) {
	if !need.Long() {
		t.Skip("takes five minutes: MERLON_TEST_LONG=1")
	}
	port, dir := need.Port(t), filepath.Join(t.TempDir(), "certificates")
	a := newAuthority(t, port, 3*time.Minute, "PEBBLE_WFE_NONCEREJECT=20")
	a.start(t)
	source := a.source(t, dir)
	visit, _ := site(t, port, source)
	if _, err := visit(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan struct{})
	go func() { source.Keep(ctx); close(kept) }()
	defer func() { cancel(); <-kept }()
	serials, began := map[string]bool{}, time.Now()
	var back time.Time // the authority is there again
	var renewed time.Duration
	before := 0
	for time.Since(began) < 5*time.Minute {
		leaf, err := visit()
		if err != nil {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		serials[leaf.SerialNumber.String()] = true
		if len(serials) > before && !back.IsZero() && renewed == 0 {
			renewed = time.Since(back)
		}
		switch passed := time.Since(began); {
		case passed > 100*time.Second && passed < 130*time.Second: // the first is due at two minutes
			a.stop()
		case a.cmd == nil && passed > 130*time.Second:
			a.start(t)
			back, before = time.Now(), len(serials)
		}
		time.Sleep(2 * time.Second)
	}
	if len(serials) < 2 {
		t.Errorf("%d certificates in five minutes, want at least 2", len(serials))
	}
	t.Logf("%d certificates in five minutes; the first with the new authority %v after it was back", len(serials), renewed.Round(time.Second))
	if renewed == 0 || renewed > time.Minute {
		t.Errorf("renewed %v after the authority was back, want a minute at the most", renewed)
	}
}
