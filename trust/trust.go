// Package trust decides what of a request's envelope is believed: which host it is for, which client sent it, whether that
// client used TLS; and it refuses requests whose form no browser sends.
//
// It works alone with plain net/http; see [Policy.Handler]. It stands behind net/http, so what that has already mended or
// dropped it cannot see: Transfer-Encoding beside Content-Length, bare line feeds and their like need a guard on the
// connection: trust/wire. It says nothing about who the visitor is.
package trust

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/network"
)

// Config says what a site believes. The zero value does not start: a site has a name.
type Config struct {
	// Hosts are the names that the site answers to, compared whole: "example.org", "www.example.org", "bücher.example",
	// "[2001:db8::1]", "example.org:8443". Without a port the one of the scheme is meant; ":*" is any port and stands only
	// with names of this machine, see [DevelopmentHosts].
	Hosts []string
	// Proxies are the peers whose ClientHeader is believed: "192.0.2.1", "10.0.0.0/8", "2001:db8::/32", or "unix" for a
	// Unix socket. Nobody by default. A proxy must write the header itself and never pass on the client's own.
	Proxies []string
	// ClientHeader is the one header in which those proxies name the client: "X-Forwarded-For" and "Forwarded" are walked
	// from the right past trusted addresses; any other, such as "X-Real-IP" or "CF-Connecting-IP", holds one address. It
	// must be given with Proxies; without them it is not looked at.
	ClientHeader string
}

// A Policy judges requests by a [Config]. It is immutable but for the one mark of [Client].First, and safe for concurrent
// use.
type Policy struct {
	hosts   map[string][]host
	proxies []netip.Prefix
	unix    bool
	header  string // canonical; "" without proxies
	kind    headerKind

	unbelieved atomic.Pointer[Unbelieved]
}

// Unbelieved is the first forwarding header that came from a peer who is no trusted proxy.
type Unbelieved struct {
	Header string
	Peer   netip.Addr
}

// New returns the policy of a configuration. A setting that cannot be used is an error, a [check.Faults] with all of them.
func New(c Config) (*Policy, error) {
	p := &Policy{hosts: make(map[string][]host)}
	var faults check.Faults
	if len(c.Hosts) == 0 {
		faults = append(faults, RuleHostSetting.Finding("hosts", "no host is configured", "name the host that visitors type, such as example.org"))
	}
	for _, s := range c.Hosts {
		h, fault := parseHostSetting(s)
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		p.hosts[h.name] = append(p.hosts[h.name], h)
	}
	for _, s := range c.Proxies {
		if s == "unix" {
			p.unix = true
			continue
		}
		prefix, fault := parseProxySetting(s)
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		p.proxies = append(p.proxies, prefix)
	}
	if c.ClientHeader != "" {
		if fault := checkClientHeader(c.ClientHeader); fault != nil {
			faults = append(faults, *fault)
		}
	}
	if len(c.Proxies) > 0 {
		if c.ClientHeader == "" {
			faults = append(faults, RuleHeaderSetting.Finding("client header", "proxies are named, but not the header in which they name the client",
				"name it, X-Forwarded-For for most, and see that the proxy writes it itself"))
		}
		p.header = http.CanonicalHeaderKey(c.ClientHeader)
		p.kind = kindOf(p.header)
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// A Client is who sent a request, as far as that can be known, and how.
type Client struct {
	Addr  netip.Addr // never 4-in-6, never with a zone; of a Unix socket without a header: 127.0.0.1
	HTTPS bool       // TLS ended in this process, or a trusted proxy says that it ended there
	Host  string     // the configured name, in lower-case ASCII, without port
	Port  uint16     // the port, when it is not the scheme's

	// Proxied: the peer is a trusted proxy.
	Proxied bool
	// Unbelieved is the forwarding header that came from somebody who is no trusted proxy, "" if none: it was not looked
	// into. First is true for the first such request of the [Policy] only, so that one event can be recorded.
	Unbelieved string
	First      bool

	origin string
	socket bool // came over a Unix socket, by HTTP/1.0 as from a proxy that names nobody, or nobody knows how
}

// Origin returns the origin by which the client addressed the site, as browsers spell it: "https://example.org". The name
// is one of the configured ones; the port is the request's only where the setting says any port.
func (c Client) Origin() string {
	if c.origin != "" {
		return c.origin
	}
	scheme := "http://"
	if c.HTTPS {
		scheme = "https://"
	}
	if c.Port == 0 {
		return scheme + c.Host
	}
	return scheme + c.Host + ":" + strconv.Itoa(int(c.Port))
}

// Local reports whether the client is a program on this machine that came by TCP and without any proxy that left a trace.
// A proxy on this machine that adds no header at all looks the same: name it in [Config].Proxies.
func (c Client) Local() bool {
	return c.Addr.IsLoopback() && !c.Proxied && !c.socket && c.Unbelieved == ""
}

// Network returns the network that one client commands: the IPv4 address, or the /64 of IPv6, of which a customer has at
// least one whole.
func (c Client) Network() netip.Prefix { return network.Line(c.Addr) }

// Request judges the envelope of a request: its host, its client, its scheme. The error is a [*Refusal]: 400 for a host
// that is malformed, 421 for one that is not this site's.
func (p *Policy) Request(r *http.Request) (Client, error) {
	var c Client
	peer, trusted, ok := p.peer(r.RemoteAddr)
	if !ok {
		return c, refuse(RulePeer, http.StatusBadRequest, true, fmt.Sprintf("peer %.60q is no address", r.RemoteAddr))
	}
	c.Addr, c.HTTPS, c.socket = peer, r.TLS != nil, socket(r.RemoteAddr) || !r.ProtoAtLeast(1, 1)
	if trusted {
		c.Proxied = true
		p.forwarded(r.Header, &c)
	} else if name := strange(r.Header, p.header); name != "" {
		c.Unbelieved = name
		c.First = p.unbelieved.Load() == nil && p.unbelieved.CompareAndSwap(nil, &Unbelieved{name, peer})
	}
	if err := p.host(r, &c); err != nil {
		return c, err
	}
	return c, nil
}

// Sender returns whose request it is, as far as that can be known of one that is refused: the peer, or whom a trusted proxy
// names. The zero address: nobody knows.
func (p *Policy) Sender(r *http.Request) netip.Addr {
	peer, trusted, ok := p.peer(r.RemoteAddr)
	if !ok {
		return netip.Addr{}
	}
	c := Client{Addr: peer}
	if trusted {
		p.forwarded(r.Header, &c)
	}
	return c.Addr
}

// Unbelieved returns the first forwarding header that was not believed since start, nil if there was none.
func (p *Policy) Unbelieved() *Unbelieved { return p.unbelieved.Load() }
