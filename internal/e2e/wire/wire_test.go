// Package wire_test holds the guard below net/http against clients that people have: they keep their connections.
package wire_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
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
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/browser"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/trust/wire"
)

func TestMain(m *testing.M) { browser.Main(m) }

const page = `<!doctype html><html lang="en"><head><title>wire</title></head><body><h1>wire</h1></body></html>`

// serve answers a page, echoes what is posted, and counts connections. root is its certificate, "" over plain HTTP.
func serve(t *testing.T, secure bool) (address, root string, opened *atomic.Int64) {
	t.Helper()
	opened = new(atomic.Int64)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%d bytes, %v, %s\n", len(body), err, r.Proto)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, page)
	}), ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}}
	g := wire.New(srv, wire.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = "http://" + l.Addr().String()
	guarded := g.Listener(l)
	if secure {
		address = "https://" + l.Addr().String()
		var config *tls.Config
		config, root = certificate(t)
		guarded = g.TLSListener(l, config)
	}
	done := make(chan struct{})
	go func() { _ = srv.Serve(guarded); close(done) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return address, root, opened
}

func certificate(t *testing.T) (*tls.Config, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wire"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"h2", "http/1.1"}}, file
}

func TestCurlKeepsItsConnection(t *testing.T) {
	curl := need.Program(t, "curl", "curl")
	long := filepath.Join(t.TempDir(), "long")
	if err := os.WriteFile(long, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		secure  bool
		version string
		proto   string
	}{
		{"plain", false, "--http1.1", "HTTP/1.1"},
		{"TLS with HTTP/1.1", true, "--http1.1", "HTTP/1.1"},
		{"TLS with HTTP/2", true, "--http2", "HTTP/2.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, root, opened := serve(t, c.secure)
			var args []string
			request := func(path string, more ...string) {
				if args != nil {
					args = append(args, "--next")
				}
				args = append(args, "-sS", c.version)
				if root != "" {
					args = append(args, "--cacert", root)
				}
				args = append(append(args, more...), address+path)
			}
			request("/a", "--data-binary", "@"+long) // waits for 100 Continue in HTTP/1.1
			if c.version == "--http1.1" {
				request("/b", "--data-binary", "@"+long, "-H", "Transfer-Encoding: chunked")
			} else {
				request("/b", "--data-binary", "@"+long)
			}
			request("/c", "--data-binary", "x=y")
			out, err := exec.Command(curl, args...).CombinedOutput()
			want := fmt.Sprintf("%d bytes, <nil>, %s\n", 3<<20, c.proto)
			want += want + fmt.Sprintf("3 bytes, <nil>, %s\n", c.proto)
			if err != nil || string(out) != want {
				t.Fatalf("%v\n%s\nwant\n%s", err, out, want)
			}
			if opened.Load() != 1 {
				t.Errorf("%d connections, want 1", opened.Load())
			}
		})
	}
}

func TestBrowserKeepsItsConnection(t *testing.T) {
	address, _, opened := serve(t, false)
	tab := browser.Open(t)
	if got := tab.Go(address + "/"); got.Status != 200 {
		t.Fatal(got)
	}
	answer := browser.Eval[string](tab, `(async () => {
		let all = ""
		for (let i = 0; i < 20; i++) {
			all += await (await fetch("/post", {method: "POST", body: "x".repeat(i * 5000)})).text()
			await (await fetch("/get")).text()
		}
		return all
	})()`)
	if n := strings.Count(answer, "<nil>, HTTP/1.1"); n != 20 {
		t.Errorf("%d of 20 posts were answered: %s", n, answer)
	}
	if n := opened.Load(); n > 6 { // the page's, the icon's, and some opened ahead
		t.Errorf("41 requests by %d connections", n)
	}
}
