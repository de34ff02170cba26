package page

import "strings"

// refused is what is printed for an address that may lead elsewhere than its place allows.
const refused = "#refused"

// The bytes of an address that stand for themselves: as a component (RFC 3986 2.3 unreserved), and in a whole address.
var component, whole = addressBytes()

func addressBytes() (component, whole [256]bool) {
	for c := 0; c < 256; c++ {
		b := byte(c)
		plain := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~", b) >= 0
		component[c] = plain
		whole[c] = plain || strings.IndexByte("!#$&*+,/:;=?@[]", b) >= 0
	}
	return component, whole
}

const lowerHex = "0123456789abcdef"

// appendComponent appends s percent-encoded: it cannot end the segment, the value or the fragment that it stands in.
func appendComponent(dst []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if component[c] {
			continue
		}
		dst = append(dst, s[from:i]...)
		dst = append(dst, '%', lowerHex[c>>4], lowerHex[c&15])
		from = i + 1
	}
	return append(dst, s[from:]...)
}

// appendAddress appends a whole address, with what could not stand in one percent-encoded, and escaped for an attribute.
// Backslashes, spaces and control characters come out encoded, so that browsers do not take them for slashes or drop them
// (WHATWG URL 4.4).
func appendAddress(dst []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '&' || c == '+':
			dst = append(append(dst, s[from:i]...), escapes[c]...)
		case whole[c], c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			continue
		default:
			dst = append(append(dst, s[from:i]...), '%', lowerHex[c>>4], lowerHex[c&15])
		}
		from = i + 1
	}
	return append(dst, s[from:]...)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// reach is where an address leads.
type reach uint8

const (
	local   reach = iota // to this site
	foreign              // to any site, by http or https
	mail                 // to a mail program
	nowhere              // to what is refused
)

// reachOf judges an address as it was given, more strictly than browsers read it: they drop leading spaces and controls,
// and tabs and line breaks everywhere; here any of them before the first slash makes an unknown scheme.
func reachOf(s string) reach {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '/':
			if i == 0 {
				// "//host" is another host, and browsers take "\" for "/". appendAddress encodes it; refuse it all the same.
				if len(s) > 1 && (s[1] == '/' || s[1] == '\\') {
					return nowhere
				}
			}
			return local
		case '\\':
			return nowhere
		case '?', '#':
			return local
		case ':':
			rest := s[i+1:]
			switch {
			case equalFold(s[:i], "http"), equalFold(s[:i], "https"):
				if len(rest) > 2 && rest[0] == '/' && rest[1] == '/' && rest[2] != '/' && rest[2] != '\\' {
					return foreign
				}
			case equalFold(s[:i], "mailto"):
				return mail
			}
			return nowhere
		}
	}
	return local
}

// equalFold compares with a lower-case ASCII word; [strings.EqualFold] also takes letters outside ASCII, as U+017F for s.
func equalFold(s, word string) bool {
	if len(s) != len(word) {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// dots reports whether a segment is one that browsers resolve away: ".", "..", and their percent-encoded spellings
// (WHATWG URL 4.4: single-dot and double-dot URL path segments). Encoded once more they are harmless to browsers, but not
// to every server behind them.
func dots(s string) bool {
	n := 0
	for i := 0; i < len(s); n++ {
		switch {
		case s[i] == '.':
			i++
		case len(s) >= i+3 && s[i] == '%' && s[i+1] == '2' && (s[i+2] == 'e' || s[i+2] == 'E'):
			i += 3
		default:
			return false
		}
	}
	return n == 1 || n == 2
}
