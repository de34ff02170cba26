package trust

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// The limits of a request's head.
const (
	MaxHeaders    = 100       // header lines
	MaxHeaderSize = 16 * 1024 // bytes of names and values, request line included
	MaxTarget     = 8 * 1024  // bytes of the request target
)

// MethodAllowed reports whether a site answers the method at all: GET, HEAD and POST, and what more names. Methods are
// case-sensitive (RFC 9110 9.1). TRACE, TRACK and CONNECT are never allowed. No header or field overrides the method.
func MethodAllowed(method string, more ...string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return true
	}
	for _, m := range more {
		if m == method {
			return !never(m)
		}
	}
	return false
}

// CheckRequest refuses requests that no browser sends and on which proxies and servers disagree. The error is a [*Refusal]:
//
//   - 405 for a method that the site does not know (more adds to GET, HEAD, POST), before anything else;
//   - 505 for another version than 1.0, 1.1, 2 and 3;
//   - 431 for more than [MaxHeaders] lines or [MaxHeaderSize] bytes, 414 for a longer target than [MaxTarget];
//   - 400 for a target that is neither a path nor an address of http or https, a path with bytes that must be escaped, a
//     query with a ";" or a broken escape, a GET or HEAD with a body, and two lengths;
//   - 415 for a compressed body;
//   - 404 for a path that is not canonical: "//", "." and "..", an escaped slash, backslash, control or letter, digit, "-", ".",
//     "_" or "~". There is no redirect to the canonical one: redirects of this kind have led to other hosts (GO-2025-3770).
//
// It allocates nothing for a request that passes.
func CheckRequest(r *http.Request, more ...string) error {
	if !MethodAllowed(r.Method, more...) {
		allow := "GET, HEAD, POST"
		for _, m := range more {
			if !never(m) && !MethodAllowed(m) {
				allow += ", " + m
			}
		}
		return &Refusal{Rule: RuleMethod, Status: http.StatusMethodNotAllowed, Allow: allow, Close: r.ContentLength != 0,
			Reason: fmt.Sprintf("method %.20q", r.Method)}
	}
	switch {
	case r.ProtoMajor == 1 && r.ProtoMinor <= 1, r.ProtoMajor == 2 && r.ProtoMinor == 0, r.ProtoMajor == 3 && r.ProtoMinor == 0:
	default:
		return refuse(RuleForm, http.StatusHTTPVersionNotSupported, true, fmt.Sprintf("version %.20q", r.Proto))
	}
	if err := checkSize(r); err != nil {
		return err
	}
	if (r.Method == http.MethodGet || r.Method == http.MethodHead) && (r.ContentLength != 0 || len(r.TransferEncoding) > 0) {
		return refuse(RuleBody, http.StatusBadRequest, true, r.Method+" with a body")
	}
	if v := r.Header["Content-Length"]; len(v) > 1 { // over HTTP/2, where net/http goes by the first (RFC 9113 8.1.1)
		return refuse(RuleForm, http.StatusBadRequest, true, fmt.Sprintf("%d lines of Content-Length", len(v)))
	}
	if v, ok := r.Header["Content-Encoding"]; ok {
		return refuse(RuleCompressed, http.StatusUnsupportedMediaType, true, fmt.Sprintf("body with Content-Encoding %.40q", v))
	}
	if err := checkTarget(r); err != nil {
		return err
	}
	if err := checkQuery(r.URL.RawQuery); err != nil {
		return err
	}
	return checkPath(r)
}

func checkSize(r *http.Request) error {
	if len(r.RequestURI) > MaxTarget || len(r.URL.RawQuery) > MaxTarget || len(r.URL.Path) > MaxTarget {
		return refuse(RuleSize, http.StatusRequestURITooLong, true, fmt.Sprintf("request target of %d bytes", len(r.RequestURI)))
	}
	lines, size := 0, len(r.RequestURI)+len(r.Host)+len(r.Method)
	if r.Host != "" {
		lines++
	}
	for name, values := range r.Header {
		lines += len(values)
		for _, v := range values {
			size += len(name) + len(v) + 4
		}
	}
	if lines > MaxHeaders || size > MaxHeaderSize {
		return refuse(RuleSize, http.StatusRequestHeaderFieldsTooLarge, true, fmt.Sprintf("head of %d lines and %d bytes", lines, size))
	}
	return nil
}

// checkTarget judges the form of the request target (RFC 9112 3.2).
func checkTarget(r *http.Request) error {
	bad := func(reason string) error { return refuse(RuleForm, http.StatusBadRequest, true, reason) }
	for i := 0; i < len(r.RequestURI); i++ {
		if c := r.RequestURI[i]; c <= 0x20 || c >= 0x7f || c == '#' {
			return bad(fmt.Sprintf("request target with the byte 0x%02x", c))
		}
	}
	u := r.URL
	switch {
	case u.Opaque != "":
		return bad("request target that is no path")
	case u.Scheme == "" && u.Host == "" && u.User == nil:
	case u.Scheme != "http" && u.Scheme != "https", u.User != nil, u.Host == "":
		return bad("request target that is no address of a site")
	case !strings.EqualFold(u.Host, r.Host):
		return bad("request target and Host disagree")
	}
	if u.Path == "*" || u.Path == "" || u.Path[0] != '/' {
		return bad("request target that is no path")
	}
	return nil
}

// checkQuery refuses what parsers read differently: a semicolon separates for some (CVE-2022-2880, golang/go#25192), a
// broken escape drops the field for some and the whole query for others.
func checkQuery(q string) error {
	for i := 0; i < len(q); i++ {
		switch c := q[i]; {
		case c == ';':
			return refuse(RuleQuery, http.StatusBadRequest, false, "query with a semicolon")
		case c == '%' && (i+2 >= len(q) || unhex(q[i+1]) < 0 || unhex(q[i+2]) < 0):
			return refuse(RuleQuery, http.StatusBadRequest, false, "query with a broken escape")
		}
	}
	return nil
}

// checkPath refuses a path that is not spelled as browsers spell it.
func checkPath(r *http.Request) error {
	bad := func(reason string) error { return refuse(RulePath, http.StatusNotFound, false, reason) }
	path := r.URL.Path
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c < 0x20 || c == 0x7f:
			return bad("path with a control")
		case c == '\\':
			return bad("path with a backslash")
		case c == '/':
			rest := path[i+1:]
			switch {
			case strings.HasPrefix(rest, "/"):
				return bad("path with an empty segment")
			case rest == "." || strings.HasPrefix(rest, "./"), rest == ".." || strings.HasPrefix(rest, "../"):
				return bad("path with a dot segment")
			}
		}
	}
	if !utf8.ValidString(path) {
		return bad("path that is not UTF-8")
	}
	raw := r.URL.RawPath // "" when the usual encoding of Path is what was sent
	for i := 0; i+2 < len(raw); i++ {
		if raw[i] != '%' {
			continue
		}
		c := unhex(raw[i+1])<<4 | unhex(raw[i+2])
		switch {
		case c == '/':
			return bad("path with an escaped slash")
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '-', c == '.', c == '_', c == '~': // unreserved (RFC 3986 2.3)
			return bad("path with an escaped letter") // two spellings of one page: rules of a proxy see only one
		}
		i += 2
	}
	return nil
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
