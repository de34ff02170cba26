package fetch

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// nextAddress is how long an address of a name is waited for before the next one is tried beside it (RFC 8305, 5 and 8).
	nextAddress = 250 * time.Millisecond
	// maxAddresses is how many addresses of a name are tried: a name with more would have this site knock at all of them.
	maxAddresses = 8
	// ownLife is how long the addresses of this machine are believed: it gets others while the site is up, by DHCP or IPv6.
	ownLife = 5 * time.Second
)

// inTurns orders the addresses of a name so that the two families take turns, each in the resolver's order (RFC 8305, 4).
func inTurns(ips []netip.Addr) []netip.Addr {
	var first, other []netip.Addr
	for _, ip := range ips {
		if ip.Unmap().Is4() == ips[0].Unmap().Is4() {
			first = append(first, ip)
		} else {
			other = append(other, ip)
		}
	}
	mixed := make([]netip.Addr, 0, len(ips))
	for i := range max(len(first), len(other)) {
		mixed = append(mixed, first[min(i, len(first)):min(i+1, len(first))]...)
		mixed = append(mixed, other[min(i, len(other)):min(i+1, len(other))]...)
	}
	return mixed
}

// race connects to the addresses one after the other, each a quarter of a second after the one before or when that has failed,
// and returns the first connection. One that does not answer so takes nobody else's time.
func (c *Client) race(ctx context.Context, network string, addresses []string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	addresses = addresses[:min(len(addresses), maxAddresses)]
	ctx, stop := context.WithCancel(ctx)
	defer stop() // what is connected stays so
	done := make(chan result, len(addresses))
	next := time.NewTimer(0)
	defer next.Stop()
	started, ended := 0, 0
	defer func() {
		go func(open int) {
			for range open { // those that came too late
				if r := <-done; r.conn != nil {
					_ = r.conn.Close()
				}
			}
		}(started - ended)
	}()
	var last error
	for ended < len(addresses) {
		select {
		case <-next.C:
			if started < len(addresses) {
				go func(to string) {
					conn, err := c.connect(ctx, network, to)
					done <- result{conn, err}
				}(addresses[started])
				started++
				next.Reset(nextAddress)
			}
		case r := <-done:
			if ended++; r.err == nil {
				return r.conn, nil
			}
			last = r.err
			next.Reset(0)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, last
}

// ownList are the addresses of this machine, read again when they have grown old. It is safe for concurrent use.
type ownList struct {
	read func() ([]netip.Addr, error)
	mu   sync.Mutex
	at   time.Time
	now  []netip.Addr
}

func (o *ownList) all() ([]netip.Addr, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.at.IsZero() && time.Since(o.at) < ownLife {
		return o.now, nil
	}
	read, err := o.read()
	if err != nil {
		return nil, err
	}
	o.now, o.at = read, time.Now()
	return read, nil
}

// has reports whether an address is this machine's. When that cannot be known it is taken for one.
func (o *ownList) has(ip netip.Addr) bool {
	all, err := o.all()
	return err != nil || slices.Contains(all, ip)
}

// ownAddresses asks the system for them.
func ownAddresses() (own []netip.Addr, err error) {
	all, err := net.InterfaceAddrs()
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, p.Addr().Unmap())
		}
	}
	return own, err
}
