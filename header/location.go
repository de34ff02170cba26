package header

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// SetLocation puts the target of a redirect on an answer: a path of this site. What [CheckLocation] refuses is refused.
func SetLocation(h http.Header, path string) error {
	if err := CheckLocation(path); err != nil {
		return err
	}
	h["Location"] = []string{path}
	return nil
}

// CheckLocation reports whether a browser that is sent to path stays on this site: it begins with one slash, its second
// character is neither a slash nor a backslash, and it holds no backslash, space, control or non-ASCII byte at all, since
// browsers drop tabs and line breaks and read a backslash as a slash (WHATWG URL). Whether there is such a page is for the
// router to say. The error is a [check.Finding].
func CheckLocation(path string) error {
	why := ""
	switch {
	case path == "" || path[0] != '/':
		why = "does not begin with a slash"
	case len(path) > 1 && (path[1] == '/' || path[1] == '\\'):
		why = "names another host"
	case len(path) > maxValue:
		why = "is too long"
	default:
		for i := 0; i < len(path) && why == ""; i++ {
			if c := path[i]; c <= 0x20 || c >= 0x7f || c == '\\' {
				why = fmt.Sprintf("holds the byte 0x%02x", c)
			}
		}
	}
	if why == "" {
		if u, err := url.Parse(path); err != nil {
			why = "is no address"
		} else if u.Host != "" || u.Scheme != "" || u.User != nil || u.Opaque != "" {
			why = "names another host"
		}
	}
	if why == "" {
		return nil
	}
	return RuleLocation.Finding("", fmt.Sprintf("redirect to %.80q: it %s", path, why),
		"redirect to a constant path with escaped values; another origin needs SetForeignLocation")
}

// SetForeignLocation sends a visitor to another origin: the origin is a constant, as in "https://pay.example", the path is
// held to the rule of [SetLocation]. After a POST, Chromium follows it only if the page that showed the form names that
// origin in [Policy].Form.
func SetForeignLocation(h http.Header, origin constant, path string) error {
	if !validOrigin(string(origin), "https") {
		return RuleLocation.Finding("", fmt.Sprintf("redirect to the origin %.80q", string(origin)),
			"write it as https://host or https://host:port, in lower case, without a path")
	}
	if err := CheckLocation(path); err != nil {
		return err
	}
	h["Location"] = []string{string(origin) + path}
	return nil
}

// validOrigin reports whether s is scheme://host[:port] in its shortest spelling, with one of the schemes. Plain http is an
// origin only on this machine.
func validOrigin(s string, schemes ...string) bool {
	scheme, host, ok := strings.Cut(s, "://")
	if !ok {
		return false
	}
	name, port, hasPort := host, "", false
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		name, port, hasPort = host[:i], host[i+1:], true
	}
	if hasPort && !validPort(port) {
		return false
	}
	if !validName(name) {
		return false
	}
	for _, want := range schemes {
		if scheme == want {
			return true
		}
	}
	return scheme == "http" && loopbackName(name)
}

func validPort(s string) bool {
	if s == "" || len(s) > 5 || s[0] == '0' {
		return false
	}
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n <= 65535
}

// validName reports a host name in lower-case ASCII, or [IPv6]. No wildcard: a policy names hosts.
func validName(s string) bool {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		for i := 1; i < len(s)-1; i++ {
			if c := s[i]; c != ':' && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
		return len(s) > 4
	}
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

func loopbackName(s string) bool {
	return s == "localhost" || strings.HasSuffix(s, ".localhost") || s == "127.0.0.1" || s == "[::1]"
}
