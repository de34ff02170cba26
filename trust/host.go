package trust

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/merlon-web/merlon/check"
)

// host is one configured name.
type host struct {
	name          string // lower-case ASCII; IPv6 in brackets, shortest spelling
	port          uint16 // 0: the scheme's
	any           bool   // any port
	plain, secure string // its origins, if there is no port
}

// DevelopmentHosts returns the names under which a site in development is reached, with any port: NAME.localhost, which
// browsers resolve to this machine and where its cookies are apart from other sites', localhost, 127.0.0.1 and [::1].
func DevelopmentHosts(name string) []string {
	hosts := []string{"localhost:*", "127.0.0.1:*", "[::1]:*"}
	if name != "" {
		hosts = append([]string{strings.ToLower(name) + ".localhost:*"}, hosts...)
	}
	return hosts
}

func parseHostSetting(s string) (host, *check.Finding) {
	bad := func(what, do string) (host, *check.Finding) {
		f := RuleHostSetting.Finding("hosts", fmt.Sprintf("%.80q: %s", s, what), do)
		return host{}, &f
	}
	if i := strings.Index(s, "://"); i >= 0 {
		return bad("an address, not a host", fmt.Sprintf("write %q", strings.TrimRight(s[i+3:], "/")))
	}
	if strings.Contains(s, "/") || strings.ContainsAny(s, " \t@?#%\\") {
		return bad("no host name", "write the name alone, as in example.org")
	}
	if strings.Contains(s, "*.") || s == "*" {
		return bad("a wildcard would let a stranger's name in", "write each name")
	}
	name, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && i > strings.LastIndexByte(s, ']') {
		name, port = s[:i], s[i+1:]
		if port == "" {
			return bad("a colon without a port", fmt.Sprintf("write %q", name))
		}
		if strings.Contains(name, ":") && name[0] != '[' {
			return bad("an IPv6 address without brackets", fmt.Sprintf("write %q", "["+s+"]"))
		}
	}
	if strings.HasSuffix(name, ".") {
		return bad("a name with a dot at its end is another host to browsers", fmt.Sprintf("write %q", strings.TrimRight(name, ".")))
	}
	var h host
	switch {
	case strings.HasPrefix(name, "["):
		a, err := netip.ParseAddr(strings.TrimSuffix(name[1:], "]"))
		if err != nil || !strings.HasSuffix(name, "]") || !a.Is6() || a.Zone() != "" {
			return bad("no IPv6 address", "write it in brackets, as in [2001:db8::1]")
		}
		h.name = "[" + a.String() + "]"
	default:
		ascii, err := idna.Lookup.ToASCII(name)
		if isASCII(name) { // names as they are, underscores and all; what is not ASCII must be a domain name of IDNA 2008
			ascii, err = strings.ToLower(name), nil
		}
		if err != nil || !hostName(ascii) {
			return bad("no host name", "write letters, digits, - and dots, as in example.org")
		}
		if numeric(ascii) {
			if a, err := netip.ParseAddr(ascii); err != nil || !a.Is4() {
				return bad("no IPv4 address, but browsers read it as one", "write four numbers, as in 192.0.2.1")
			}
		}
		h.name = ascii
	}
	switch {
	case port == "*":
		if !loopback(h.name) {
			return bad("any port of a public name is any service on that machine", "write the port, or leave it out")
		}
		h.any = true
	case port != "":
		n, ok := parsePort(port)
		if !ok || n == 0 {
			return bad("no port", "write a number from 1 to 65535")
		}
		h.port = n
	}
	h.plain, h.secure = "http://"+h.name, "https://"+h.name
	return h, nil
}

// ASCIIName returns a host's name as browsers send it and certificates name it: in lower case, and of letters beyond ASCII
// their form by IDNA 2008 (bücher.example is xn--bcher-kva.example). What is no such name is returned in lower case as it is.
func ASCIIName(name string) string {
	if !isASCII(name) {
		if ascii, err := idna.Lookup.ToASCII(name); err == nil {
			return ascii
		}
	}
	return strings.ToLower(name)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// hostName reports a name of letters, digits, - and _ in labels, in lower case.
func hostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := 0; i < len(label); i++ {
			if c := label[i]; c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	return true
}

// numeric reports whether browsers take the name for an IPv4 address: its last label is a number, hexadecimal too (WHATWG
// URL, ends in a number).
func numeric(s string) bool {
	last := s[strings.LastIndexByte(s, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	return strings.HasPrefix(last, "0x") && strings.Trim(last[2:], "0123456789abcdef") == ""
}

func loopback(name string) bool {
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || name == "127.0.0.1" || name == "[::1]"
}

func parsePort(s string) (uint16, bool) {
	if s == "" || len(s) > 5 || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil
}

// host finds the configured name of a request, which must be spelled as a browser spells it but for letter case and the
// default port.
func (p *Policy) host(r *http.Request, c *Client) error {
	if again := r.Header["Host"]; again != nil && (len(again) != 1 || again[0] != r.Host) {
		return refuse(RuleHost, http.StatusBadRequest, true, "two hosts that disagree")
	}
	name, port, ok := splitHost(r.Host)
	if !ok {
		return refuse(RuleHost, http.StatusBadRequest, true, fmt.Sprintf("host %.80q is malformed", r.Host))
	}
	var buf [256]byte
	key := buf[:0]
	if name[0] == '[' {
		a, err := netip.ParseAddr(name[1 : len(name)-1])
		if err != nil || !a.Is6() || a.Zone() != "" {
			return refuse(RuleHost, http.StatusBadRequest, true, fmt.Sprintf("host %.80q is malformed", r.Host))
		}
		key = append(key, '[')
		key = a.AppendTo(key)
		key = append(key, ']')
	} else {
		for i := 0; i < len(name); i++ {
			b := name[i]
			if b >= 'A' && b <= 'Z' {
				b |= 0x20
			}
			key = append(key, b)
		}
	}
	standard := uint16(80)
	if c.HTTPS {
		standard = 443
	}
	if port == 0 {
		port = standard
	}
	for i := range p.hosts[string(key)] {
		h := &p.hosts[string(key)][i]
		switch {
		case h.any:
		case h.port == 0 && port == standard:
		case h.port == port:
		default:
			continue
		}
		c.Host = h.name
		if port != standard {
			c.Port = port
		} else if c.HTTPS {
			c.origin = h.secure
		} else {
			c.origin = h.plain
		}
		return nil
	}
	return refuse(RuleHost, http.StatusMisdirectedRequest, false, fmt.Sprintf("host %.80q is not this site's", r.Host))
}

// splitHost cuts a Host into name and port, 0 if it has none. It accepts only letters, digits, - . and _ or a bracketed
// address: no escapes, no userinfo, nothing beyond ASCII that folds to a letter.
func splitHost(s string) (name string, port uint16, ok bool) {
	if s == "" || len(s) > 255 {
		return "", 0, false
	}
	name = s
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 3 {
			return "", 0, false
		}
		name = s[:end+1]
		for i := 1; i < end; i++ {
			if c := s[i]; c != ':' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return "", 0, false
			}
		}
	} else {
		if i := strings.IndexByte(s, ':'); i >= 0 {
			name = s[:i]
		}
		if name == "" {
			return "", 0, false
		}
		for i := 0; i < len(name); i++ {
			if c := name[i]; c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return "", 0, false
			}
		}
	}
	rest := s[len(name):]
	if rest == "" {
		return name, 0, true
	}
	if rest[0] != ':' {
		return "", 0, false
	}
	port, ok = parsePort(rest[1:])
	return name, port, ok && port != 0
}
