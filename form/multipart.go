package form

import (
	"bytes"
	"strings"
)

// Limits of what stands before the first boundary, which no browser sends, and of a part's header block, which is a few short lines.
const (
	maxPreamble   = 1 << 10
	maxPartHeader = 4 << 10
	maxPartLines  = 8
)

// multipart splits a multipart/form-data body (RFC 7578) as browsers send it, and refuses what parsers read in different
// ways: bare line feeds, folded headers, names given twice, encodings of a part, a boundary with something behind it, bytes
// after the end, a missing end. What stands before the first boundary, a kilobyte at most, is skipped, as RFC 2046 asks.
func (b *Body) multipart(buf []byte, boundary string, limits Limits) *Refusal {
	delimiter := []byte("\r\n--" + boundary)
	buf, refusal := behindPreamble(buf, delimiter)
	if refusal != nil {
		return refusal
	}
	for {
		// buf stands behind a boundary.
		if bytes.HasPrefix(buf, []byte("--")) {
			if rest := buf[2:]; len(rest) > 0 && string(rest) != "\r\n" {
				return malformed("the multipart body goes on after its end")
			}
			return nil
		}
		if !bytes.HasPrefix(buf, []byte("\r\n")) {
			return malformed("a multipart boundary is not on a line of its own")
		}
		buf = buf[2:]
		var e entry
		if e, buf, refusal = partHeader(buf); refusal != nil {
			return refusal
		}
		if bytes.HasPrefix(buf, delimiter[2:]) {
			return malformed(boundaryInPlace)
		}
		i := bytes.Index(buf, delimiter)
		if i < 0 {
			return malformed("the multipart body has no end")
		}
		if bytes.Contains(buf[:i], delimiter[1:]) {
			return malformed("a multipart boundary is behind a bare line feed")
		}
		e.value = textOf(buf[:i])
		if refusal := b.add(e, limits); refusal != nil {
			return refusal
		}
		buf = buf[i+len(delimiter):]
	}
}

// behindPreamble returns what stands behind the first boundary.
func behindPreamble(buf, delimiter []byte) ([]byte, *Refusal) {
	start := bytes.Index(buf, delimiter[2:])
	switch {
	case start < 0:
		return nil, malformed("the multipart body has no boundary")
	case start > maxPreamble:
		return nil, malformed("the multipart body begins with more than a kilobyte before its first boundary")
	case start > 0 && !bytes.HasSuffix(buf[:start], delimiter[:2]):
		// Parsers that also take bare line feeds would find a boundary in such a preamble.
		return nil, malformed("the first multipart boundary is not on a line of its own")
	}
	return buf[start+len(delimiter)-2:], nil
}

// boundaryInPlace is told of a boundary that some parsers take for one and others for a value.
const boundaryInPlace = "a multipart boundary stands where the value of a field begins"

// partHeader reads the header lines of a part up to the empty one.
func partHeader(buf []byte) (e entry, rest []byte, refusal *Refusal) {
	disposed, typed := false, ""
	for lines := 0; ; lines++ {
		i := bytes.IndexByte(buf[:min(len(buf), maxPartHeader)], '\n')
		if i < 1 || buf[i-1] != '\r' || lines > maxPartLines {
			return e, nil, malformed("a multipart part has no header as browsers send it")
		}
		line := buf[:i-1]
		buf = buf[i+1:]
		if len(line) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte{':'})
		if !ok || !isHeaderName(name) || !isHeaderValue(value) {
			return e, nil, malformed("a header line of a multipart part cannot be read")
		}
		switch text := strings.Trim(textOf(value), " \t"); strings.ToLower(textOf(name)) {
		case "content-disposition":
			if disposed {
				return e, nil, malformed("a multipart part has two Content-Disposition lines")
			}
			disposed = true
			if refusal := e.disposition(text); refusal != nil {
				return e, nil, refusal
			}
		case "content-type":
			if typed != "" {
				return e, nil, malformed("a multipart part has two Content-Type lines")
			}
			typed = text + " "
		case "content-transfer-encoding", "content-encoding":
			return e, nil, malformed("a multipart part is encoded once more")
		}
	}
	switch {
	case !disposed:
		return e, nil, malformed("a multipart part has no Content-Disposition")
	case typed != "" && !e.file && !plainText(typed):
		return e, nil, malformed("a multipart field is in another type or charset than text in UTF-8")
	}
	return e, buf, nil
}

// isHeaderName: a token of RFC 9110 5.6.2.
func isHeaderName(b []byte) bool {
	for _, c := range b {
		if !isAlnum(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return len(b) > 0
}

// isHeaderValue: no control character but the tab, RFC 9110 5.5.
func isHeaderValue(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func plainText(typed string) bool {
	switch strings.ToLower(strings.ReplaceAll(typed, " ", "")) {
	case "text/plain", "text/plain;charset=utf-8", `text/plain;charset="utf-8"`:
		return true
	}
	return false
}

// disposition reads form-data; name="…"[; filename="…"] and nothing else (RFC 7578 4.2; WHATWG HTML 4.10.21.8).
func (e *entry) disposition(s string) *Refusal {
	kind, rest, _ := strings.Cut(s, ";")
	if !strings.EqualFold(strings.TrimRight(kind, " \t"), "form-data") {
		return malformed("a multipart part is not form-data")
	}
	named := false
	for rest = strings.Trim(rest, " \t"); rest != ""; {
		key, value, ok := strings.Cut(rest, "=")
		if !ok {
			return malformed("a multipart part's Content-Disposition cannot be read")
		}
		if value, rest, ok = parameter(value); !ok {
			return malformed("a multipart part's Content-Disposition cannot be read")
		}
		switch strings.ToLower(key) {
		case "name":
			// Browsers write a quotation mark in a name as %22; a backslash is read in different ways, and no field has one.
			if named || strings.IndexByte(value, '\\') >= 0 {
				return malformed("a multipart part has two names, or one with a backslash")
			}
			named, e.name = true, value
		case "filename":
			if e.file {
				return malformed("a multipart part has two file names")
			}
			e.file, e.filename = true, value
		default: // filename* too: RFC 7578 4.2 forbids it
			return malformed("a multipart part's Content-Disposition has a parameter that forms do not have")
		}
	}
	if !named {
		return malformed("a multipart part has no name")
	}
	return nil
}

// parameter reads one value, quoted or a token, and the semicolon behind it.
func parameter(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		value = strings.TrimRight(value, " \t")
		if value == "" || strings.ContainsAny(value, "\" \t\\,=<>@[]{}()?/:") {
			return "", "", false
		}
		return value, strings.TrimLeft(rest, " \t"), true
	}
	end := -1
	for i := 1; i < len(s) && end < 0; i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++ // only file names have these, and those are not used
		case s[i] == '"':
			end = i
		}
	}
	if end < 0 {
		return "", "", false
	}
	value, rest = s[1:end], strings.TrimLeft(s[end+1:], " \t")
	if rest == "" {
		return value, "", true
	}
	if rest[0] != ';' {
		return "", "", false
	}
	return value, strings.TrimLeft(rest[1:], " \t"), true
}

// validBoundary: RFC 2046 5.1.1, 1 to 70 characters, no space at the end; here no space at all, as no browser has one.
func validBoundary(s string) bool {
	if s == "" || len(s) > 70 {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && strings.IndexByte("'()+_,-./:=?", s[i]) < 0 {
			return false
		}
	}
	return true
}
