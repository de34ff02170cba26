package form

import "unicode/utf8"

// appendText appends s so that it is text and nothing else, in element content and in a quoted attribute: the five
// characters of [html.EscapeString], and a carriage return, which a parser would turn into a line feed. NUL, the other
// control characters that HTML forbids and bytes that are not UTF-8 become U+FFFD.
func appendText(dst []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 || r < 0xa0 {
				dst = append(append(dst, s[from:i]...), "\uFFFD"...)
				from = i + size
			}
			i += size
			continue
		}
		i++
		with := ""
		switch c {
		case '&':
			with = "&amp;"
		case '<':
			with = "&lt;"
		case '>':
			with = "&gt;"
		case '"':
			with = "&#34;"
		case '\'':
			with = "&#39;"
		case '\r':
			with = "&#13;"
		case '\t', '\n':
			continue
		default:
			if c >= 0x20 && c != 0x7f {
				continue
			}
			with = "\uFFFD"
		}
		dst = append(append(dst, s[from:i-1]...), with...)
		from = i
	}
	return append(dst, s[from:]...)
}
