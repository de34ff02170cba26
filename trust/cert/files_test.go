package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pairOf is a certificate for names that is valid between two times, and its key, as PEM.
func pairOf(t *testing.T, serial int64, from, until time.Time, names ...string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: names, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
}

// TestWorseFiles: while the site runs a certificate that is worse than the one that is shown does not take its place, and is
// told; where nothing is better it does.
func TestWorseFiles(t *testing.T) {
	now := time.Now()
	long := now.Add(-100 * day)
	for _, c := range []struct {
		name  string
		first []byte
		next  []byte
		want  int64
		said  string // in an error of the log
	}{
		{"renewed", pairOf(t, 1, now.Add(-day), now.Add(day), "site.test", "www.site.test"), pairOf(t, 2, now.Add(-day), now.Add(90*day), "site.test", "www.site.test"), 2, ""},
		{"renewed under a wildcard", pairOf(t, 1, now.Add(-day), now.Add(day), "www.site.test", "site.test"), pairOf(t, 2, now.Add(-day), now.Add(90*day), "*.site.test", "site.test"), 2, ""},
		{"a wildcard renewed", pairOf(t, 1, now.Add(-day), now.Add(day), "*.site.test", "site.test"), pairOf(t, 2, now.Add(-day), now.Add(90*day), "*.site.test", "site.test"), 2, ""},
		{"without a name that is no host of the site", pairOf(t, 1, now.Add(-day), now.Add(day), "site.test", "www.site.test", "old.site.test"), pairOf(t, 2, now.Add(-day), now.Add(90*day), "site.test", "www.site.test"), 2, ""},
		{"a host for a wildcard", pairOf(t, 1, now.Add(-day), now.Add(day), "site.test", "*.site.test"), pairOf(t, 2, now.Add(-day), now.Add(90*day), "site.test", "www.site.test"), 2, ""},
		{"with one host less, after the end of the one that is shown", pairOf(t, 1, long, now.Add(-day), "site.test", "www.site.test"), pairOf(t, 2, now.Add(-day), now.Add(90*day), "site.test"), 2, "host=www.site.test"},
		{"of another host", pairOf(t, 1, now.Add(-day), now.Add(day), "site.test"), pairOf(t, 2, now.Add(-day), now.Add(90*day), "other.test"), 1, RuleNames.ID},
		{"without a further host", pairOf(t, 1, now.Add(-day), now.Add(day), "site.test", "www.site.test"), pairOf(t, 2, now.Add(-day), now.Add(90*day), "site.test"), 1, RuleNames.ID},
		{"one that has ended", pairOf(t, 1, now.Add(-day), now.Add(day), "site.test"), pairOf(t, 2, long, now.Add(-day), "site.test"), 1, RuleEnded.ID},
		{"one that has not begun", pairOf(t, 1, now.Add(-day), now.Add(day), "site.test"), pairOf(t, 2, now.Add(day), now.Add(90*day), "site.test"), 1, RuleEnded.ID},
		{"both have ended", pairOf(t, 1, long, now.Add(-2*day), "site.test"), pairOf(t, 2, long, now.Add(-day), "site.test"), 2, RuleEnded.ID},
	} {
		file := filepath.Join(t.TempDir(), "both.pem")
		if err := os.WriteFile(file, c.first, 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		f, err := OpenFiles(file, file, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})), "site.test", "www.site.test")
		if err != nil {
			t.Fatal(err)
		}
		f.clock = func() time.Time { return now.Add(time.Minute) }
		if err := os.WriteFile(file, c.next, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = os.Chtimes(file, now.Add(time.Hour), now.Add(time.Hour))
		if got := serialOf(t, f); got != c.want {
			t.Errorf("%s: certificate %d is shown, want %d", c.name, got, c.want)
		}
		if !strings.Contains(log.String(), c.said) || c.said == "" && log.Len() > 0 {
			t.Errorf("%s: the log says %q, want %q", c.name, &log, c.said)
		}
	}
}
