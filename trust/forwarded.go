package trust

import "strings"

// walkForwarded walks the elements of Forwarded (RFC 7239) from the right, as walkList does, and returns the scheme, "" if
// there is no element. The scheme is what the element says with which the walk ends: a trusted proxy wrote it about the
// client. An element that is malformed ends the walk at the last good hop, and proves no TLS.
func (p *Policy) walkForwarded(lines []string, c *Client) (proto string) {
	hops := 0
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			var element string
			element, rest, more = lastElement(rest)
			node, scheme, ok := parseElement(element)
			if hops++; !ok || hops > maxHops {
				return "http"
			}
			if proto = scheme; proto == "" {
				proto = "http"
			}
			a, ok := address(node)
			if !ok { // unknown, _hidden
				return proto
			}
			c.Addr = a
			if !p.trusts(a) {
				return proto
			}
		}
	}
	return proto
}

// lastElement cuts off what stands behind the last comma that is not within quotes. It reads from the right, where the
// trusted proxy wrote: a quote that a client left open on its own part cannot swallow the proxy's. Escaped quotes are not
// told apart: an element with a backslash is malformed to parseElement, wherever it is cut.
func lastElement(s string) (element, rest string, more bool) {
	quoted := false
	for i := len(s) - 1; i >= 0; i-- {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return s[i+1:], s[:i], true
		}
	}
	return s, "", false
}

// parseElement reads name=value pairs, strictly: each name once, values tokens or quoted, nothing behind a closing quote.
func parseElement(s string) (node, proto string, ok bool) {
	s = strings.Trim(s, " \t")
	if s == "" {
		return "", "", false
	}
	var sawNode, sawProto bool
	for s != "" {
		name, rest, found := strings.Cut(s, "=")
		if !found {
			return "", "", false
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			end := 1
			for end < len(rest) && rest[end] != '"' {
				if rest[end] == '\\' {
					return "", "", false // no address needs an escape
				}
				end++
			}
			if end == len(rest) {
				return "", "", false
			}
			value, rest = rest[1:end], rest[end+1:]
			if rest != "" && rest[0] != ';' {
				return "", "", false
			}
		} else {
			end := strings.IndexByte(rest, ';')
			if end < 0 {
				end = len(rest)
			}
			value, rest = rest[:end], rest[end:]
			if value == "" || strings.ContainsAny(value, " \t\"=,\\") {
				return "", "", false
			}
		}
		switch {
		case strings.EqualFold(name, "for"):
			if sawNode {
				return "", "", false
			}
			node, sawNode = value, true
		case strings.EqualFold(name, "proto"):
			if sawProto {
				return "", "", false
			}
			proto, sawProto = value, true
		case name == "" || strings.ContainsAny(name, " \t\",;"):
			return "", "", false
		}
		if s = strings.TrimLeft(strings.TrimPrefix(rest, ";"), " \t"); s == "" && rest != "" {
			return "", "", false
		}
	}
	return node, proto, true
}
