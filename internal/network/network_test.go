package network_test

import (
	"net/netip"
	"testing"

	"github.com/merlon-web/merlon/internal/network"
)

func TestLineAndPlace(t *testing.T) {
	for _, c := range []struct{ addr, line, place string }{
		{"192.0.2.7", "192.0.2.7/32", "192.0.2.0/24"},
		{"::ffff:192.0.2.7", "192.0.2.7/32", "192.0.2.0/24"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"},
		{"fe80::1%eth0", "fe80::/64", "fe80::/48"},
		{"", "", ""},
	} {
		a, _ := netip.ParseAddr(c.addr)
		if line, place := network.Name(network.Line(a)), network.Name(network.Place(a)); line != c.line || place != c.place {
			t.Errorf("%q: %q and %q, want %q and %q", c.addr, line, place, c.line, c.place)
		}
	}
}
