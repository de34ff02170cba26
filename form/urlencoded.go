package form

import "bytes"

// urlencoded decodes an application/x-www-form-urlencoded body (WHATWG URL 5.1) in place: decoding never makes it longer.
// Unlike WHATWG it refuses a semicolon, which older parsers take for a separator, and a percent sign that begins no escape.
func (b *Body) urlencoded(buf []byte, limits Limits) *Refusal {
	if bytes.IndexByte(buf, ';') >= 0 {
		return malformed("the body has a semicolon between its fields")
	}
	for len(buf) > 0 {
		var pair []byte
		if i := bytes.IndexByte(buf, '&'); i >= 0 {
			pair, buf = buf[:i], buf[i+1:]
		} else {
			pair, buf = buf, nil
		}
		if len(pair) == 0 {
			continue
		}
		name, value, _ := bytes.Cut(pair, []byte{'='})
		name, ok := unescape(name)
		value, ok2 := unescape(value)
		if !ok || !ok2 {
			return malformed("the body has a percent sign that begins no escape")
		}
		if refusal := b.add(entry{name: textOf(name), value: textOf(value)}, limits); refusal != nil {
			return refusal
		}
	}
	return nil
}

// unescape decodes in place.
func unescape(b []byte) ([]byte, bool) {
	i := bytes.IndexAny(b, "%+")
	if i < 0 {
		return b, true
	}
	n := i
	for ; i < len(b); i++ {
		c := b[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(b) {
				return nil, false
			}
			high, low := unhex(b[i+1]), unhex(b[i+2])
			if high > 15 || low > 15 {
				return nil, false
			}
			c = high<<4 | low
			i += 2
		}
		b[n] = c
		n++
	}
	return b[:n], true
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
