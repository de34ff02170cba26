package header

import (
	"net/http"
	"strings"
)

// A Cache says who may keep an answer. The zero value is nobody.
type Cache uint8

// The classes of caching (RFC 9111).
const (
	NoStore   Cache = iota // nobody keeps it: whatever depends on a session or sets a cookie, and every error (mistake CACHE-1)
	NoCache                // anybody keeps it and asks before each use: public pages with an ETag
	Immutable              // kept for a year and never asked for again: files whose name holds their hash
)

var cacheValues = [...][]string{{"no-store"}, {"no-cache"}, {"public, max-age=31536000, immutable"}}

// String returns the value of Cache-Control; an unknown class is no-store.
func (c Cache) String() string { return c.slice()[0] }

func (c Cache) slice() []string {
	if int(c) >= len(cacheValues) {
		c = NoStore
	}
	return cacheValues[c]
}

// SetCache puts a caching class on an answer, without allocation.
func SetCache(h http.Header, c Cache) {
	h["Cache-Control"] = c.slice()
	delete(h, "Expires")
	delete(h, "Pragma")
}

// AddVary adds request headers to what the answer depends on, each once. A name that is no token is left out.
func AddVary(h http.Header, names ...string) {
	lines := h["Vary"]
	all := strings.Join(lines, ", ")
	changed := len(lines) > 1
	for _, name := range names {
		if !token(name) || listed(all, name) {
			continue
		}
		if all != "" {
			all += ", "
		}
		all += http.CanonicalHeaderKey(name)
		changed = true
	}
	if changed && all != "" {
		h["Vary"] = []string{all} // a new slice: the old one may be shared
	}
}

func listed(list, name string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.EqualFold(one, name) {
			return true
		}
	}
	return false
}

// ClearSiteData tells the browser to drop what scripts of this site have stored. It does not name "cookies": that would
// delete the device cookie, which keeps strangers from locking the account's owner out; the session's cookie is cleared by
// [ClearCookie]. Nor "cache": signed-in pages are not stored.
func ClearSiteData(h http.Header) { h["Clear-Site-Data"] = clearSiteData }

var clearSiteData = []string{`"storage"`}

const hsts = "max-age=63072000; includeSubDomains" // two years; OWASP ASVS 3.4.1 asks for one

var hstsValue = []string{hsts}

// SetHSTS tells the browser to use TLS for two years, sub-domains included (RFC 6797). It does nothing unless the request
// came over TLS to a [PublicName]: browsers must ignore it over plain http and on addresses, and a developer's localhost is
// shared by many sites. It allocates nothing.
func SetHSTS(h http.Header, host string, https bool) {
	if https && PublicName(host) {
		h["Strict-Transport-Security"] = hstsValue
	}
}

// PublicName reports whether host, without port, is a name that the public could reach: it has a dot, is no address, and is
// not under localhost, local, internal, home.arpa or lan.
func PublicName(host string) bool {
	dot := strings.LastIndexByte(host, '.')
	if dot <= 0 || host[0] == '[' {
		return false
	}
	last := host[dot+1:]
	if last == "" || last[0] >= '0' && last[0] <= '9' { // IPv4, or a trailing dot
		return false
	}
	for _, private := range [...]string{"localhost", "local", "internal", "lan"} {
		if strings.EqualFold(last, private) {
			return false
		}
	}
	return !(len(host) >= 10 && strings.EqualFold(host[len(host)-10:], ".home.arpa"))
}
