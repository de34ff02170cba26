package fetch

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Why an address is not fetched: the reason of an [*Error].
const (
	ReasonParse    = "parse"    // it is no address, or one that programs read differently
	ReasonScheme   = "scheme"   // neither https nor, where it is allowed, http
	ReasonUserinfo = "userinfo" // it has a user: evil@host looks like another host
	ReasonHost     = "host"     // its host is not on the list, or is no name of the public network
	ReasonPort     = "port"     // another port than the scheme's own
	ReasonAddress  = "address"  // it is, or leads to, an address that is not public
	ReasonOwn      = "own-address"
	ReasonResolve  = "resolve"  // nobody knows the name
	ReasonRedirect = "redirect" // it leads on too often, or to where a request with data must not go
)

// maxAddress bounds an address, in bytes.
const maxAddress = 4096

// read parses an address and judges what can be judged before its name is looked up.
func (c *Client) read(address string) (*url.URL, error) {
	refuse := func(reason, what string) (*url.URL, error) {
		return nil, &Error{Reason: reason, what: what}
	}
	if len(address) > maxAddress {
		return refuse(ReasonParse, fmt.Sprintf("the address has more than %d bytes", maxAddress))
	}
	if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return refuse(ReasonParse, "the address has a space, a control character or a backslash, which programs read differently")
	}
	u, err := url.Parse(address)
	if err != nil {
		return refuse(ReasonParse, "the address cannot be read")
	}
	return u, c.judge(u)
}

// judge is asked for each address, also those that others lead to.
func (c *Client) judge(u *url.URL) error {
	port := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	host := strings.ToLower(u.Hostname())
	switch {
	case port == "", u.Scheme == "http" && !c.c.HTTP:
		return &Error{Reason: ReasonScheme, what: fmt.Sprintf("the scheme %.20q is not fetched", u.Scheme)}
	case u.User != nil:
		return &Error{Reason: ReasonUserinfo, what: "the address has a user in it"}
	case host == "" || u.Opaque != "":
		return &Error{Reason: ReasonHost, what: "the address names no host"}
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if !c.listed(host) {
			return &Error{Reason: ReasonHost, what: "the host is not one of those that are named"}
		}
		if reason := c.refusesIP(ip); reason != "" {
			return &Error{Reason: reason, what: "the address is not one of the public network"}
		}
	} else if !isName(host) || !c.listed(host) {
		return &Error{Reason: ReasonHost, what: "the host is no name of the public network, or not one of those that are named"}
	}
	if u.Port() != "" && u.Port() != port && !c.opens(host, u.Port()) || strings.HasSuffix(u.Host, ":") {
		return &Error{Reason: ReasonPort, what: fmt.Sprintf("only port %s is fetched from", port)}
	}
	return nil
}

// opens reports whether a host is asked at a port that is not its scheme's.
func (c *Client) opens(host, port string) bool {
	return slices.Contains(c.c.InsecurePorts, net.JoinHostPort(host, port))
}

// isPort reports whether a text is a port in the one spelling that it has.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == s
}

func (c *Client) listed(host string) bool {
	return len(c.c.Hosts) == 0 || slices.Contains(c.c.Hosts, host)
}

// isName reports whether a host is a name of the public network in lower-case letters: labels of a-z, 0-9 and -, of which the
// last is no number in any spelling that some resolver takes for an address (WHATWG URL, "ends in a number"; CVE-2021-29923).
func isName(host string) bool {
	if len(host) > 253 || host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, 6.3
		return false
	}
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(labels) > 1 && strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}

// refusesIP returns why an address is not connected to, "" when it may be.
func (c *Client) refusesIP(ip netip.Addr) string {
	switch ip = ip.Unmap(); {
	case slices.ContainsFunc(c.c.InsecurePrivate, func(p netip.Prefix) bool { return p.Contains(ip) }):
		return ""
	case !Public(ip):
		if c.own.has(ip) {
			return ReasonOwn
		}
		return ReasonAddress
	case c.own.has(ip):
		return ReasonOwn
	}
	return ""
}

// Public reports whether an address is one of the public network: what the IANA registries of special-purpose addresses set apart is not,
// nor what leads back into a network by translation (NAT64, 6to4, Teredo), nor the address by which Azure's machines reach their host.
func Public(ip netip.Addr) bool {
	if ip.Zone() != "" || !ip.IsValid() {
		return false
	}
	ip = ip.Unmap()
	if ip.Is4() {
		return !slices.ContainsFunc(special4, func(p netip.Prefix) bool { return p.Contains(ip) })
	}
	return global6.Contains(ip) && !slices.ContainsFunc(special6, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// The IANA IPv4 and IPv6 Special-Purpose Address Registries, as of 2026.
var (
	special4 = prefixes("0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 " +
		"192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32")
	global6  = netip.MustParsePrefix("2000::/3")
	special6 = prefixes("2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20")
)

func prefixes(list string) (all []netip.Prefix) {
	for p := range strings.FieldsSeq(list) {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}
