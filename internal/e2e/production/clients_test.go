package production_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/browser"
	"github.com/merlon-web/merlon/internal/e2e/need"
)

// TestClients: curl, Chromium and Go's client read a page of the site as it is in the world, over HTTP/1.1 and over HTTP/2.
func TestClients(t *testing.T) {
	p := newPlace(t)
	p.start(t)
	address := "https://" + p.name() + "/sign-in"
	for _, h2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP 1.1", true: "HTTP 2"}[h2], func(t *testing.T) {
			t.Run("Go", func(t *testing.T) {
				res := p.ask(t, p.visitor(h2), "GET", fmt.Sprintf("https://127.0.0.1:%d/sign-in", p.port), p.name())
				if res.StatusCode != 200 || (res.ProtoMajor == 2) != h2 {
					t.Errorf("%d over %s", res.StatusCode, res.Proto)
				}
			})
			t.Run("curl", func(t *testing.T) {
				version, want := "--http1.1", "200 1.1"
				if h2 {
					version, want = "--http2", "200 2"
				}
				out, err := exec.Command(need.Program(t, "curl", "curl"), "-sS", version, "--max-time", "60", "--cacert", filepath.Join(p.dir, "cert.pem"), "--resolve", fmt.Sprintf("%s:%d:127.0.0.1", host, p.port),
					"-o", os.DevNull, "-w", "%{http_code} %{http_version}", address).CombinedOutput()
				if err != nil || string(out) != want {
					t.Errorf("%v: %s, want %s", err, out, want)
				}
			})
			t.Run("Chromium", func(t *testing.T) {
				program, _ := browser.Need(t)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir=" + t.TempDir(), "--disable-background-networking", "--disable-component-update", "--disable-sync",
					"--host-resolver-rules=MAP " + host + " 127.0.0.1 , MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", // nothing leaves the machine
					"--ignore-certificate-errors-spki-list=" + p.pin(t), "--dump-dom"}
				if !h2 {
					args = append(args, "--disable-http2")
				}
				cmd := exec.CommandContext(ctx, program, append(args, address)...)
				cmd.Env, cmd.WaitDelay = append(os.Environ(), "HOME="+t.TempDir()), 10*time.Second
				out, err := cmd.Output()
				if err != nil || !strings.Contains(string(out), `name="merlon_token"`) {
					t.Errorf("%v:\n%.2000s", err, out)
				}
			})
		})
	}
}

// pin is the hash of the certificate's key, by which Chromium takes it though its authority is nobody's.
func (p *place) pin(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}
