package trust

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
)

type headerKind uint8

const (
	kindSingle headerKind = iota // one address
	kindList                     // X-Forwarded-For
	kindForwarded
)

// maxHops bounds the walk through trusted addresses.
const maxHops = 32

func kindOf(header string) headerKind {
	switch header {
	case "X-Forwarded-For":
		return kindList
	case "Forwarded":
		return kindForwarded
	}
	return kindSingle
}

func parseProxySetting(s string) (netip.Prefix, *check.Finding) {
	bad := func(what, do string) (netip.Prefix, *check.Finding) {
		f := RuleProxySetting.Finding("proxies", fmt.Sprintf("%.80q: %s", s, what), do)
		return netip.Prefix{}, &f
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return bad("no address and no network", "write its address or network, as in 192.0.2.1 or 10.0.0.0/8; names move, and who answers for them is not you")
		}
		if a.Zone() != "" {
			return bad("an address with a zone", "leave the zone out")
		}
		prefix = netip.PrefixFrom(a, a.BitLen())
	}
	if prefix != prefix.Masked() {
		return bad("an address within a network", fmt.Sprintf("write %q for the network or %q for the one address", prefix.Masked(), prefix.Addr()))
	}
	if prefix.Addr().Is4In6() {
		if prefix.Bits() < 96 {
			return bad("all of IPv4", "write the IPv4 network")
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	least := 16
	if prefix.Addr().Is4() {
		least = 8
	} else if a := prefix.Addr(); a.IsPrivate() || a.IsLinkLocalUnicast() {
		least = 7
	}
	if prefix.Bits() < least {
		return bad("a network of strangers: everybody in it could choose their own address", "name the proxies' own addresses")
	}
	return prefix, nil
}

// notClient are headers that the client itself writes, or that say something else.
var notClient = []string{"Host", "Cookie", "Authorization", "Origin", "Referer", "User-Agent", "Accept", "Via", "From",
	"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Prefix", "X-Forwarded-Ssl"}

func checkClientHeader(s string) *check.Finding {
	ok := s != "" && len(s) <= 64
	for i := 0; i < len(s) && ok; i++ {
		c := s[i]
		ok = c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	if ok && !slices.Contains(notClient, http.CanonicalHeaderKey(s)) {
		return nil
	}
	f := RuleHeaderSetting.Finding("client header", fmt.Sprintf("%.60q names no client", s), "write the one header that your proxy writes itself: X-Forwarded-For, Forwarded, X-Real-IP …")
	return &f
}

// socket reports the remote address of a Unix socket, which is none: "@", "" or a path.
func socket(remote string) bool { return remote == "" || remote[0] == '@' || remote[0] == '/' }

// peer reads a remote address.
func (p *Policy) peer(remote string) (a netip.Addr, trusted, ok bool) {
	if socket(remote) {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), p.unix, true
	}
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return a, false, false
	}
	a = ap.Addr().Unmap().WithZone("")
	return a, p.trusts(a), true
}

func (p *Policy) trusts(a netip.Addr) bool {
	for i := range p.proxies {
		if p.proxies[i].Contains(a) {
			return true
		}
	}
	return false
}

// strange returns the name of a forwarding header that is there although nobody may send one.
func strange(h http.Header, configured string) string {
	for _, name := range [...]string{"X-Forwarded-For", "Forwarded", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-Ip",
		"Via", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip"} {
		if _, ok := h[name]; ok {
			return name
		}
	}
	if configured != "" {
		if _, ok := h[configured]; ok {
			return configured
		}
	}
	return ""
}

// forwarded sets address and scheme from the headers of a trusted peer. What the peer says of the scheme counts also when
// TLS ended here: it knows how the client came.
func (p *Policy) forwarded(h http.Header, c *Client) {
	if p.kind == kindForwarded {
		if proto := p.walkForwarded(h["Forwarded"], c); proto != "" {
			c.HTTPS = strings.EqualFold(proto, "https")
		}
		return
	}
	switch lines := h[p.header]; {
	case p.kind == kindList:
		p.walkList(lines, c)
	case len(lines) == 1: // twice: two writers, neither is believed
		if a, ok := address(strings.Trim(lines[0], " \t")); ok {
			c.Addr = a
		}
	}
	if proto, ok := h["X-Forwarded-Proto"]; ok {
		c.HTTPS = len(proto) == 1 && strings.EqualFold(strings.Trim(proto[0], " \t"), "https")
	}
}

// walkList walks X-Forwarded-For from the right: each proxy appends the address that it saw, so the right-most word is the
// trusted peer's, and what stands left of the first stranger is that stranger's own invention.
func (p *Policy) walkList(lines []string, c *Client) {
	hops := 0
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			var word string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				word, rest = rest[comma+1:], rest[:comma]
			} else {
				word, more = rest, false
			}
			a, ok := address(strings.Trim(word, " \t"))
			if hops++; !ok || hops > maxHops {
				return // the last good hop stays
			}
			c.Addr = a
			if !p.trusts(a) {
				return
			}
		}
	}
}

// address reads one address, with or without port, and makes one spelling of it: an address that could be written in two
// ways would have two limits.
func address(s string) (netip.Addr, bool) {
	if len(s) > 64 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
			a, err = netip.ParseAddr(s[1 : len(s)-1])
			if err == nil && !a.Is6() {
				return netip.Addr{}, false
			}
		} else {
			var ap netip.AddrPort
			ap, err = netip.ParseAddrPort(s)
			a = ap.Addr()
		}
	}
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}
