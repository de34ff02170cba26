// Package header writes the response headers that a browser's protections hang on: the content security policy, the strict
// set that every answer carries, cookies that cannot be set carelessly, and a setter through which no value from a visitor
// can end a line.
//
// It works alone with plain net/http; see [Handler]. It does not protect from a handler that writes to the [http.Header]
// map itself, and a policy in the browser is the second line: what a page prints is room page's.
package header

import (
	"fmt"
	"net/http"
	"strings"
)

// constant is the type of what must be written in the program's source.
type constant string

// maxValue bounds one header value in bytes: proxies drop answers whose head is larger than 8 KiB.
const maxValue = 8192

// Set puts a header of the program's own choice on an answer, replacing an earlier one. The value may hold what a visitor
// sent: anything but printable ASCII, space and tab is refused (RFC 9110 5.5, CWE-113), and so is a value of more than
// 8,192 bytes. A Location is held to the rule of [SetLocation].
//
// Headers with a rule of their own are refused by name, with the function that sets them: Set-Cookie, those of [Strict],
// those that frame the message, those that open the site to other origins (CORS). The error is a [check.Finding].
func Set(h http.Header, name constant, value string) error {
	return setNamed(h, string(name), value)
}

func setNamed(h http.Header, name, value string) error {
	if !token(name) {
		return RuleName.Finding("", fmt.Sprintf("header name %.60q is no token (RFC 9110 5.1)", name),
			"write the name as a constant of letters, digits and -")
	}
	key := http.CanonicalHeaderKey(name)
	if way, ok := reserved(key); ok {
		return RuleName.Finding("", fmt.Sprintf("header %q is not set by hand", key), way)
	}
	if key == "Location" {
		return SetLocation(h, value)
	}
	if err := checkValue(key, value); err != nil {
		return err
	}
	h[key] = []string{value}
	return nil
}

// SetType says what an answer is. Give a text its charset: "text/plain; charset=utf-8". The type is a constant of the
// program, since a type from a visitor makes a page of whatever the visitor sent.
func SetType(h http.Header, contentType constant) { h["Content-Type"] = []string{string(contentType)} }

func checkValue(name, value string) error {
	if len(value) > maxValue {
		return RuleValue.Finding("", fmt.Sprintf("header %q: a value of %d bytes", name, len(value)),
			fmt.Sprintf("keep it to %d bytes; what is longer belongs into the body", maxValue))
	}
	for i := 0; i < len(value); i++ {
		if c := value[i]; (c < 0x20 && c != '\t') || c >= 0x7f {
			return RuleValue.Finding("", fmt.Sprintf("header %q: byte 0x%02x at %d of its value", name, c, i),
				"send text of visitors in the body, or percent-encode it; a file name goes through SetAttachment")
		}
	}
	return nil
}

// reserved names the headers that have a rule of their own, and the way to them.
func reserved(key string) (way string, ok bool) {
	switch key {
	case "Set-Cookie":
		return "use SetCookie, which cannot forget Secure, HttpOnly, SameSite and the __Host- prefix", true
	case "Cache-Control", "Pragma", "Expires":
		return "use SetCache", true
	case "Content-Type":
		return "use SetType: what a browser makes of the answer is the program's to say (mistake TRUST-6)", true
	case "X-Sendfile", "X-Lighttpd-Send-File", "X-Litespeed-Location", "X-Reproxy-Url":
		return "serve the file yourself: proxies obey this header with any file of the machine", true
	case "Link", "Speculation-Rules", "Alt-Svc", "Report-To", "Reporting-Endpoints", "Nel":
		return "write links into the page, and the report path into Policy: this header makes browsers load from or report to any address", true
	case "Content-Disposition":
		return "use SetAttachment, which makes the file name safe", true
	case "Clear-Site-Data":
		return "use ClearSiteData", true
	case "Vary":
		return "use AddVary, which keeps what others have said", true
	case "Refresh":
		return "answer a redirect: a Refresh leads to any address without a check", true
	case "Content-Security-Policy", "Content-Security-Policy-Report-Only", "X-Frame-Options", "X-Content-Type-Options",
		"Referrer-Policy", "Permissions-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
		"Cross-Origin-Embedder-Policy", "Origin-Agent-Cluster", "Strict-Transport-Security", "X-Xss-Protection",
		"X-Permitted-Cross-Domain-Policies", "Document-Policy", "Service-Worker-Allowed":
		return "open one thing by name in Options and compile it with New", true
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length",
		"Host", "Date":
		return "leave it to net/http, which frames the message", true
	}
	if strings.HasPrefix(key, "Access-Control-") {
		return "no header opens this site to another origin; give that origin a route of its own", true
	}
	if strings.HasPrefix(key, "X-Accel-") {
		return "serve the file yourself: nginx obeys this header with any file of the machine", true
	}
	if strings.HasPrefix(key, "Proxy-") || strings.HasPrefix(key, "Sec-") {
		return "leave it to proxies and browsers", true
	}
	return "", false
}

// token reports whether s is a token of RFC 9110 5.6.2, of at most 128 bytes.
func token(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !tokenByte(s[i]) {
			return false
		}
	}
	return true
}

func tokenByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
