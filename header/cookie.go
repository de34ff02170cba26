package header

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/merlon-web/merlon/internal/place"
)

// CookiePrefix begins the name of every cookie. Browsers keep such a cookie only if it is Secure, for the whole host, and
// without Domain, so that no sub-domain and no plain-http page can set or overwrite it (RFC 6265bis 4.1.3.2).
const CookiePrefix = "__Host-"

// maxCookie bounds a cookie with its name and attributes, in bytes; browsers drop larger ones without a word.
const maxCookie = 4096

// maxCookieAge is what browsers cut a cookie's life to (RFC 6265bis 5.6.2).
const maxCookieAge = 400 * 24 * time.Hour

// A Cookie is a cookie to be set. It is always Secure, HttpOnly, SameSite, for the whole path and this host alone: there are
// no fields for what must not differ.
//
// It holds its value as it is, and a browser's owner can change it. A site keeps an identifier or sealed data in it, as
// room session and merlon.NewCookie do.
type Cookie struct {
	Name   string        // with the prefix __Host-, compared byte by byte when it comes back
	Value  string        // cookie octets of RFC 6265: printable ASCII without space, quote, comma, semicolon, backslash
	MaxAge time.Duration // rounded up to seconds, at most 400 days; 0: until the browser is closed; negative: delete it
	Strict bool          // SameSite=Strict: not sent when a link of another site leads here; otherwise Lax
}

// SetCookie puts a cookie on an answer, in place of an earlier one of that name. A name without the prefix, a name or value
// with other bytes than a cookie's, more than 4,096 bytes in all, or more than 400 days are refused; the error is a
// [check.Finding].
func SetCookie(h http.Header, c Cookie) error {
	return setCookie(h, c, false)
}

// ClearCookie deletes a cookie in the browser, with the attributes that it was set with.
func ClearCookie(h http.Header, name string) error {
	return setCookie(h, Cookie{Name: name, MaxAge: -1}, false)
}

func setCookie(h http.Header, c Cookie, script bool) error {
	if err := checkCookieName(c.Name); err != nil {
		return err
	}
	if c.MaxAge < 0 {
		c.Value = ""
	}
	if i := badOctet(c.Value); i >= 0 {
		return RuleCookie.Finding("", fmt.Sprintf("cookie %q: byte 0x%02x at %d of its value", c.Name, c.Value[i], i),
			"encode the value, as base64.RawURLEncoding does")
	}
	if c.MaxAge > maxCookieAge {
		return RuleCookie.Finding("", fmt.Sprintf("cookie %q: a life of %v", c.Name, c.MaxAge), "browsers keep a cookie for 400 days at most: name a shorter time")
	}
	var b strings.Builder
	b.Grow(len(c.Name) + len(c.Value) + 80)
	b.WriteString(c.Name)
	b.WriteByte('=')
	b.WriteString(c.Value)
	b.WriteString("; Path=/")
	switch {
	case c.MaxAge > 0:
		b.WriteString("; Max-Age=")
		b.WriteString(strconv.FormatInt(int64((c.MaxAge+time.Second-1)/time.Second), 10))
	case c.MaxAge < 0:
		b.WriteString("; Max-Age=0")
	}
	b.WriteString("; Secure")
	if !script {
		b.WriteString("; HttpOnly")
	}
	if c.Strict {
		b.WriteString("; SameSite=Strict")
	} else {
		b.WriteString("; SameSite=Lax")
	}
	if b.Len() > maxCookie {
		return RuleCookie.Finding("", fmt.Sprintf("cookie %q: %d bytes", c.Name, b.Len()),
			fmt.Sprintf("keep it to %d bytes; data belongs into the database, an identifier into the cookie", maxCookie))
	}
	// RFC 6265 4.1.1: one Set-Cookie a name, and browsers do not agree on which of two counts.
	var lines []string
	for _, line := range h["Set-Cookie"] {
		if !(strings.HasPrefix(line, c.Name) && strings.HasPrefix(line[len(c.Name):], "=")) {
			lines = append(lines, line)
		}
	}
	h["Set-Cookie"] = append(lines, b.String())
	return nil
}

func checkCookieName(name string) error {
	if !strings.HasPrefix(name, CookiePrefix) || len(name) == len(CookiePrefix) {
		return RuleCookie.Finding("", fmt.Sprintf("cookie name %.80q without the prefix %s", name, CookiePrefix),
			fmt.Sprintf("call it %s…: only then do browsers keep others from setting it", CookiePrefix))
	}
	if !token(name) {
		return RuleCookie.Finding("", fmt.Sprintf("cookie name %.80q is no token (RFC 6265 4.1.1)", name),
			"use letters, digits and -")
	}
	return nil
}

// badOctet returns where s has a byte that is no cookie-octet of RFC 6265 4.1.1, -1 if nowhere.
func badOctet(s string) int {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= 0x20 || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\' {
			return i
		}
	}
	return -1
}

// A ScriptCookie is a cookie that scripts of the page can read and write. It lacks HttpOnly and nothing else.
type ScriptCookie struct{ name, reason, where string }

// InsecureScriptCookie declares a cookie that scripts may read: a colour scheme, never an identifier, since a script that
// an attacker brings in reads it as well. The name has the prefix __Host-; the reason is a sentence, printed by `check` with
// the place of the declaration. Declare it once, as a package variable: anywhere else it panics, since check would not see
// it. A name or reason that cannot stand is an error of [ScriptCookie.Set].
//
//go:noinline
func InsecureScriptCookie(name, reason constant) *ScriptCookie {
	at := place.Caller(1)
	if !at.Once {
		panic(at.At + ": header: InsecureScriptCookie is called while the program runs: check lists what is declared, and would not see it; declare it as a package variable")
	}
	c := &ScriptCookie{name: string(name), reason: string(reason), where: at.At}
	scriptCookies.Add(at, c)
	return c
}

var scriptCookies place.Registry[*ScriptCookie]

// ScriptCookies returns all that the program declares by [InsecureScriptCookie], for reports.
func ScriptCookies() []*ScriptCookie { return scriptCookies.All() }

// Name returns the cookie's name.
func (c *ScriptCookie) Name() string { return c.name }

// Reason returns why scripts may read it.
func (c *ScriptCookie) Reason() string { return c.reason }

// Where returns file:line of its declaration.
func (c *ScriptCookie) Where() string { return c.where }

// Set puts the cookie on an answer, under the rules of [SetCookie].
func (c *ScriptCookie) Set(h http.Header, value string, maxAge time.Duration) error {
	if strings.TrimSpace(c.reason) == "" {
		return RuleScriptCookie.Finding(c.where, fmt.Sprintf("script cookie %q without a reason", c.name), "say in a sentence why a script must read it")
	}
	return setCookie(h, Cookie{Name: c.name, Value: value, MaxAge: maxAge}, true)
}

// Find returns the cookie's value in a request: the visitor's word, like a form field.
func (c *ScriptCookie) Find(r *http.Request) (string, bool) { return Find(r, c.name) }
