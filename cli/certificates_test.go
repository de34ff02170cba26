package cli

import (
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
		{"an address", []string{"192.0.2.1", "[2001:db8::1]:443", "localhost"}, "", nil},
		{"an authority of one's own", []string{"shop.lan:8443", "shop.lan"}, "https://ca.lan/dir", []string{"shop.lan"}},
	} {
		s := settings{Site: siteSettings{Hosts: c.hosts}, TLS: tlsSettings{Directory: c.directory}}
		if got := s.certified(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
