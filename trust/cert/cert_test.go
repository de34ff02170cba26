package cert

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
)

// made writes a self-signed certificate for a name and returns its files.
func made(t *testing.T, dir, name string, serial int64) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * day)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return certFile, keyFile
}

func serialOf(t *testing.T, s Source) int64 {
	t.Helper()
	c, err := s.Get(&tls.ClientHelloInfo{ServerName: "site.test"})
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf.SerialNumber.Int64()
}

func TestFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := made(t, dir, "site.test", 1)
	var log bytes.Buffer
	f, err := OpenFiles(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	f.clock = func() time.Time { return now }
	f.looked = now
	made(t, dir, "site.test", 2)
	later := now.Add(time.Hour) // file systems' clocks are coarse
	_ = os.Chtimes(certFile, later, later)
	if got := serialOf(t, f); got != 1 {
		t.Errorf("at once: certificate %d: the files were looked at for each handshake", got)
	}
	now = now.Add(lookEvery)
	if got := serialOf(t, f); got != 2 {
		t.Errorf("after %v: certificate %d, want the new one", lookEvery, got)
	}
	if err := os.WriteFile(certFile, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lookEvery)
	if got := serialOf(t, f); got != 2 || !strings.Contains(log.String(), RuleFiles.ID) {
		t.Errorf("with a broken file: certificate %d, want the one from before and a line in the log:\n%s", got, &log)
	}
	made(t, dir, "site.test", 3)
	_ = os.Chtimes(certFile, later.Add(time.Hour), later.Add(time.Hour))
	now = now.Add(lookEvery)
	if got := serialOf(t, f); got != 3 {
		t.Errorf("mended: certificate %d, want the newest", got)
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	for name, spoil := range map[string]func(certFile, keyFile string){
		"no file":            func(certFile, _ string) { _ = os.Remove(certFile) },
		"another key":        func(certFile, keyFile string) { made(t, t.TempDir(), "x", 9) },
		"key open to others": func(_, keyFile string) { _ = os.Chmod(keyFile, 0o644) },
		"no certificate":     func(certFile, _ string) { _ = os.WriteFile(certFile, []byte("no"), 0o600) },
	} {
		certFile, keyFile := made(t, t.TempDir(), "site.test", 1)
		if name == "another key" {
			_, keyFile = made(t, t.TempDir(), "site.test", 2)
		}
		spoil(certFile, keyFile)
		var faults check.Faults
		if _, err := OpenFiles(certFile, keyFile, slog.Default()); !errors.As(err, &faults) || faults[0].ID != RuleFiles.ID {
			t.Errorf("%s: %v, want %s", name, err, RuleFiles.ID)
		} else if what := faults[0].What; !strings.Contains(what, filepath.Dir(certFile)) && !strings.Contains(what, keyFile) || strings.Count(what, certFile) > 1 || strings.Count(what, keyFile) > 1 || strings.Contains(what, "tls: ") {
			t.Errorf("%s: does not say once of which file: %s", name, what)
		}
	}
}

func TestAge(t *testing.T) {
	end := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		life, left time.Duration
		want       string
	}{
		{90 * day, 89 * day, ""}, {90 * day, 31 * day, ""}, {90 * day, 30 * day, RuleAge.ID}, {90 * day, 15 * day, RuleAge.ID},
		{90 * day, 14 * day, RuleLate.ID}, {90 * day, 7 * day, RuleLate.ID}, {90 * day, 2 * day, RuleLate.ID},
		{90 * day, day, RuleEnded.ID}, {90 * day, time.Second, RuleEnded.ID}, {90 * day, 0, RuleEnded.ID}, {90 * day, -400 * day, RuleEnded.ID},
		{90 * day, 91 * day, RuleEnded.ID}, // not valid yet
		{6 * day, 5 * day, ""}, {6 * day, 49 * time.Hour, ""}, {6 * day, 47 * time.Hour, RuleAge.ID}, {6 * day, 35 * time.Hour, RuleLate.ID}, {6 * day, 11 * time.Hour, RuleEnded.ID},
	} {
		f, found := Age(&x509.Certificate{DNSNames: []string{"site.test"}, NotBefore: end.Add(-c.life), NotAfter: end}, end.Add(-c.left))
		if f.ID != c.want || found != (c.want != "") {
			t.Errorf("%v of %v left: %q, want %q", c.left, c.life, f.ID, c.want)
		}
	}
	// The week is told apart from the fortnight.
	leaf := &x509.Certificate{NotBefore: end.Add(-90 * day), NotAfter: end}
	two, _ := Age(leaf, end.Add(-13*day))
	one, _ := Age(leaf, end.Add(-6*day))
	if two.What == one.What || !strings.Contains(one.What, "within a week") {
		t.Errorf("%q and %q", two.What, one.What)
	}
}

func TestChecksFindWhatIsOld(t *testing.T) {
	certFile, keyFile := made(t, t.TempDir(), "site.test", 1)
	f, err := OpenFiles(certFile, keyFile, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	for left, want := range map[time.Duration]string{80 * day: "", 20 * day: RuleAge.ID, 10 * day: RuleLate.ID, -day: RuleEnded.ID} {
		report := check.Run(context.Background(), Checks(f, func() time.Time { return time.Now().Add(90*day - left) })...)
		found := report.Findings(check.Low)
		if len(report) != 4 || len(found) > 1 || (want == "") != (len(found) == 0) || want != "" && found[0].ID != want {
			t.Errorf("%v left: %v, want %q of 4 checks", left, found, want)
		}
	}
}

func TestNamesAreHeldAgainstTheHosts(t *testing.T) {
	certFile, keyFile := made(t, t.TempDir(), "site.test", 1)
	f, err := OpenFiles(certFile, keyFile, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	found := check.Run(t.Context(), NameCheck(f, []string{"site.test", "www.site.test", "192.0.2.7"})).Findings(check.High)
	if len(found) != 2 || !strings.Contains(found[0].What, "does not name www.site.test; it names site.test") || !strings.Contains(found[1].What, "192.0.2.7") {
		t.Errorf("found %v", found)
	}
	a, err := NewACME(ACMEConfig{Hosts: []string{"www.site.test"}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if found := check.Run(t.Context(), NameCheck(a, []string{"www.site.test"})).Findings(check.Low); len(found) > 0 {
		t.Errorf("before the authority has answered: %v", found)
	}
}

// handshake lets a client meet the configuration.
func handshake(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if s := tls.Server(c, server); s.Handshake() == nil {
			_, _ = io.Copy(io.Discard, s)
		}
	}()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", l.Addr().String(), client)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	return c.ConnectionState(), nil
}

func TestConfig(t *testing.T) {
	certFile, keyFile := made(t, t.TempDir(), "site.test", 1)
	f, err := OpenFiles(certFile, keyFile, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(f.now.Leaf)
	for _, c := range []struct {
		name     string
		min, max uint16
		suites   []uint16
		want     bool
	}{
		{"TLS 1.3", tls.VersionTLS13, tls.VersionTLS13, nil, true},
		{"TLS 1.2", tls.VersionTLS12, tls.VersionTLS12, nil, true},
		{"TLS 1.2 with CBC", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256}, false},
		{"TLS 1.1", tls.VersionTLS10, tls.VersionTLS11, nil, false},
	} {
		state, err := handshake(t, Config(f), &tls.Config{RootCAs: roots, ServerName: "site.test", MinVersion: c.min, MaxVersion: c.max, CipherSuites: c.suites, NextProtos: []string{"h2", "http/1.1"}})
		if (err == nil) != c.want {
			t.Errorf("%s: %v, want it to connect: %v", c.name, err, c.want)
		}
		if err == nil && state.NegotiatedProtocol != "h2" {
			t.Errorf("%s: protocol %q, want h2", c.name, state.NegotiatedProtocol)
		}
	}
	for _, id := range Config(f).CipherSuites {
		if name := tls.CipherSuiteName(id); !strings.Contains(name, "ECDHE") || !strings.Contains(name, "GCM") && !strings.Contains(name, "POLY1305") {
			t.Errorf("suite %s", name)
		}
	}
}

// The local authority is this machine's, and vouches for this machine only.
func TestLocalAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	now := time.Now()
	l, err := OpenLocal(dir, "shop", now)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenLocal(dir, "blog", now)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(l.Authority)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatal("the authority's file has no certificate")
	}
	for _, name := range []string{"shop.localhost", "localhost", "127.0.0.1", "::1"} {
		if _, err := l.cert.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := again.cert.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "blog.localhost"}); err != nil {
		t.Errorf("another site, the same authority: %v", err)
	}
	for file, mode := range map[string]os.FileMode{authorityKeyFile: 0o600, AuthorityFile: 0o644} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v, want mode %04o", file, info.Mode(), err, mode)
		}
	}
	// What somebody makes with the stolen key is refused.
	ca, key, err := openAuthority(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, forged := range []*x509.Certificate{{DNSNames: []string{"bank.example"}}, {DNSNames: []string{"localhost.bank.example"}}, {IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)}}} {
		forged.SerialNumber, forged.NotBefore, forged.NotAfter = big.NewInt(5), now.Add(-time.Hour), now.Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, forged, ca, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := x509.ParseCertificate(der)
		if _, err := c.Verify(x509.VerifyOptions{Roots: roots}); err == nil {
			t.Errorf("a certificate for %v %v is accepted", forged.DNSNames, forged.IPAddresses)
		}
	}
	// Old, it is made anew.
	if _, err := OpenLocal(dir, "shop", now.Add(authorityLife)); err != nil {
		t.Fatal(err)
	}
	if renewed, _ := os.ReadFile(l.Authority); bytes.Equal(renewed, text) {
		t.Error("an authority at its end was kept")
	}
}

func TestACMEWithoutHosts(t *testing.T) {
	var faults check.Faults
	if _, err := NewACME(ACMEConfig{Dir: t.TempDir()}); !errors.As(err, &faults) || faults[0].ID != RuleACME.ID {
		t.Errorf("%v, want %s", err, RuleACME.ID)
	}
}

// No connection gets a ticket, and so none is resumed; with tickets both are, and the test can fail.
func TestNoTickets(t *testing.T) {
	certFile, keyFile := made(t, t.TempDir(), "site.test", 1)
	f, err := OpenFiles(certFile, keyFile, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(f.now.Leaf)
	server, loose := Config(f), Config(f)
	loose.SessionTicketsDisabled = false
	for _, c := range []struct {
		version uint16
		server  *tls.Config
		want    bool
	}{{tls.VersionTLS12, server, false}, {tls.VersionTLS13, server, false}, {tls.VersionTLS12, loose, true}, {tls.VersionTLS13, loose, true}} {
		version, server, want := c.version, c.server, c.want
		cache := tls.NewLRUClientSessionCache(4)
		resumed := false
		for range 2 {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				s := tls.Server(c, server)
				_, _ = io.WriteString(s, "hello")
				_ = s.Close()
			}()
			c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "site.test", MinVersion: version, MaxVersion: version, ClientSessionCache: cache})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.ReadAll(c) // the ticket of TLS 1.3 comes after the handshake
			resumed = c.ConnectionState().DidResume
			_ = c.Close()
			_ = l.Close()
		}
		if resumed != want {
			t.Errorf("version %x: resumed %v, want %v", version, resumed, want)
		}
	}
}
