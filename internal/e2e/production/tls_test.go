package production_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// accepted are findings of testssl.sh above INFO that are no fault of the listener, each with its reason.
var accepted = map[string]string{
	"cert_revocation": "the authority is the test's own, and names no place for revocations",
	"engine_problem":  "of the OpenSSL that testssl.sh runs here",
	"RC4":             "the OpenSSL that testssl.sh runs here cannot ask for it; sslscan can, and gets none",
}

// TestScanners: testssl.sh and sslscan find nothing of LOW or above on the listener, but for what is the private authority's.
func TestScanners(t *testing.T) {
	if !need.Long() {
		t.Skip("takes minutes: MERLON_TEST_LONG=1")
	}
	testssl, sslscan := need.Program(t, "testssl", "testssl.sh"), need.Program(t, "sslscan", "sslscan")
	p := newPlace(t)
	p.start(t)
	address := fmt.Sprintf("127.0.0.1:%d", p.port)

	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Minute) // testssl.sh takes ten alone on two processors
	defer cancel()
	out, err := exec.CommandContext(ctx, sslscan, "--no-colour", "--sni-name="+host, address).CombinedOutput()
	if err != nil {
		t.Fatalf("sslscan: %v\n%s", err, out)
	}
	for _, line := range strings.Split(string(out), "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && regexp.MustCompile(`^(SSLv2|SSLv3|TLSv1\.0|TLSv1\.1)$`).MatchString(fields[0]) && fields[1] != "disabled",
			len(fields) == 2 && regexp.MustCompile(`^TLSv1\.[23]$`).MatchString(fields[0]) && fields[1] != "enabled":
			t.Errorf("sslscan: %s", line)
		case len(fields) > 4 && (fields[0] == "Preferred" || fields[0] == "Accepted"):
			if !regexp.MustCompile(`^(TLS_(AES|CHACHA20)|ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM|CHACHA20))`).MatchString(fields[4]) {
				t.Errorf("sslscan: a suite that is not sealed: %s", line)
			}
		case strings.Contains(line, "vulnerable to") && !strings.Contains(line, "not vulnerable to"):
			t.Errorf("sslscan: %s", line)
		}
	}
	if !strings.Contains(string(out), "TLS_AES_128_GCM_SHA256") {
		t.Errorf("sslscan saw no suite of TLS 1.3:\n%s", out)
	}

	began, report := time.Now(), filepath.Join(t.TempDir(), "testssl.json")
	cmd := exec.CommandContext(ctx, testssl, "--quiet", "--color", "0", "--warnings", "off", "--nodns", "min", "--phone-out", "--sneaky", "--fast", "--ip", "127.0.0.1", "--jsonfile", report,
		"--add-ca", filepath.Join(p.dir, "cert.pem"), "--openssl-timeout", "5", fmt.Sprintf("https://%s:%d/", host, p.port))
	cmd.Env = append(os.Environ(), "TERM=dumb")
	cmd.Dir = t.TempDir()
	text, err := cmd.CombinedOutput()
	raw, readErr := os.ReadFile(report)
	if readErr != nil {
		t.Fatalf("testssl: %v %v\n%s", err, readErr, text)
	}
	var findings []struct{ ID, Severity, Finding string }
	if err := json.Unmarshal(raw, &findings); err != nil {
		t.Fatalf("testssl's report: %v\n%s", err, raw)
	}
	count := map[string]int{}
	for _, f := range findings {
		count[f.Severity]++
		if !slices.Contains([]string{"LOW", "MEDIUM", "HIGH", "CRITICAL", "WARN", "FATAL"}, f.Severity) {
			continue
		}
		id, _, _ := strings.Cut(f.ID, " ")
		if reason, ok := accepted[id]; ok {
			t.Logf("%s %s: %s (%s)", f.Severity, f.ID, f.Finding, reason)
			continue
		}
		t.Errorf("testssl: %s %s: %s", f.Severity, f.ID, f.Finding)
	}
	t.Logf("testssl: %v in %v", count, time.Since(began).Round(time.Second))
	if count["OK"] < 20 {
		t.Errorf("testssl looked at little: %v\n%s", count, text)
	}
}
