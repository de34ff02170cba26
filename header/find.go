package header

import (
	"net/http"
	"strings"
)

// maxPairs bounds the cookies of one request; browsers keep at most 180 for a site. Over it all count as absent: a request
// is never half-read.
const maxPairs = 200

// Find returns the value of the one cookie of that name, compared byte by byte, the prefix included. There is none if it is
// absent, empty, or there twice: a browser holds one __Host- cookie of a name, so a second was put there by somebody else
// and neither is taken (cookie tossing). Nor if the value has a byte that is no cookie-octet: quotes are not stripped,
// nothing is decoded. Nor if the request has more than 200 cookies.
//
// Lines of the Cookie header count as one (RFC 9113 8.2.3). A malformed neighbour spoils nothing but itself. Names keep
// whatever stands before their "=", so that no other space than U+0020 in front and no $Version gives a sub-domain's cookie
// our name (PortSwigger, Cookie Chaos). Find allocates nothing.
//
// The value is the visitor's word until a key or a look-up has proven it.
func Find(r *http.Request, name string) (value string, ok bool) {
	if name == "" {
		return "", false
	}
	pairs := 0
	for _, line := range r.Header["Cookie"] {
		for more := true; more; {
			var pair string
			pair, line, more = strings.Cut(line, ";")
			if pairs++; pairs > maxPairs {
				return "", false
			}
			for len(pair) > 0 && pair[0] == ' ' {
				pair = pair[1:]
			}
			if len(pair) <= len(name) || pair[len(name)] != '=' || pair[:len(name)] != name {
				continue
			}
			if ok {
				return "", false
			}
			value, ok = pair[len(name)+1:], true
		}
	}
	if value == "" || badOctet(value) >= 0 {
		return "", false
	}
	return value, true
}
