package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// An authority is asked for names, not for names with ports, and a public one not for those of this machine.
func TestCertifiedNames(t *testing.T) {
	for _, c := range []struct {
		name      string
		hosts     []string
		directory string
		want      []string
	}{
		{"as they are", []string{"example.org", "www.example.org"}, "", []string{"example.org", "www.example.org"}},
		{"with a port", []string{"example.org", "example.org:8443"}, "", []string{"example.org"}},
		{"only with a port", []string{"Example.org:8443"}, "", []string{"example.org"}},
		{"letters beyond ASCII", []string{"Bücher.example.org:8443", "xn--bcher-kva.example.org"}, "", []string{"xn--bcher-kva.example.org"}},
		{"an address", []string{"192.0.2.1", "[2001:db8::1]:443", "localhost"}, "", nil},
		{"an authority of one's own", []string{"shop.lan:8443", "shop.lan"}, "https://ca.lan/dir", []string{"shop.lan"}},
	} {
		s := settings{Site: siteSettings{Hosts: c.hosts}, TLS: tlsSettings{Directory: c.directory}}
		if got := s.certified(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// What systemd hands over goes before the files that are named, which are root's.
func TestPairOfCredentials(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	s := typed{settings: settings{TLS: tlsSettings{Mode: "files", Cert: "/root/cert.pem", Key: "/root/key.pem"}}, at: map[string]string{}}
	if certFile, keyFile := s.pair(); certFile != "/root/cert.pem" || keyFile != "/root/key.pem" {
		t.Errorf("without credentials: %q, %q", certFile, keyFile)
	}
	for _, name := range []string{"tls-cert", "tls-key"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if certFile, keyFile := s.pair(); certFile != filepath.Join(dir, "tls-cert") || keyFile != filepath.Join(dir, "tls-key") {
			t.Errorf("with credentials: %q, %q", certFile, keyFile)
		}
		s.TLS.Cert, s.TLS.Key = "", "" // need not be named then
		if s.judge(); s.err() != nil {
			t.Error(s.err())
		}
	}
}
