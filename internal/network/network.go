// Package network says which addresses belong together, in one way for all that count, name or show them.
//
// What it protects from: two guards that disagree on who is one client, so that an address that is written in two ways, or
// the many addresses of one customer, have a limit each. It does not know who has several networks.
package network

import "net/netip"

// Line is the network that one client commands: an IPv4 address, or the /64 of IPv6, of which a customer has at least one
// whole. IPv4 inside IPv6 is IPv4, and a zone is left out. No address has the zero prefix.
func Line(a netip.Addr) netip.Prefix { return cut(a, 32, 64) }

// Place is the wider network around it: the /24 of IPv4, the /48 of IPv6. It is what a provider hands out at one place.
func Place(a netip.Addr) netip.Prefix { return cut(a, 24, 48) }

// Name is a prefix in words, "" for the zero one.
func Name(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

func cut(a netip.Addr, v4, v6 int) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := v6
	if a.Is4() {
		bits = v4
	}
	p, _ := a.Prefix(bits) // the zero prefix for the zero address
	return p
}
