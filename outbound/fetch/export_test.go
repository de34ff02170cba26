package fetch

import (
	"context"
	"net"
	"net/netip"
)

// Replace puts a test's own names and connections in the place of the network's.
func (c *Client) Replace(own []netip.Addr, lookup func(context.Context, string) ([]netip.Addr, error), connect func(context.Context, string, string) (net.Conn, error)) {
	c.own, c.lookup, c.connect = &ownList{read: func() ([]netip.Addr, error) { return own, nil }}, lookup, connect
}

// ReplaceOwn puts a test's own list of this machine's addresses in the place of the system's, and returns what makes it old.
func (c *Client) ReplaceOwn(read func() ([]netip.Addr, error)) (age func()) {
	c.own = &ownList{read: read}
	return func() {
		c.own.mu.Lock()
		defer c.own.mu.Unlock()
		c.own.at = c.own.at.Add(-ownLife)
	}
}

// RefusesIP is what the last look before a connection says.
func (c *Client) RefusesIP(ip netip.Addr) string { return c.refusesIP(ip) }

// Connect is what makes the connections, the last look included.
func (c *Client) Connect(ctx context.Context, network, address string) (net.Conn, error) {
	return c.connect(ctx, network, address)
}
