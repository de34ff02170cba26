package mailbox

import (
	"fmt"
	"strings"
)

// An Address is one recipient: local part and domain, nothing else. It is made only by [ParseAddress], so that a mail
// cannot be given a text that holds two addresses, a line break or an option of a mail program. The zero Address is none.
type Address struct{ text string }

// String returns the address, "" for the zero one.
func (a Address) String() string { return a.text }

// Domain returns what stands behind the @.
func (a Address) Domain() string { return a.text[strings.LastIndexByte(a.text, '@')+1:] }

// Longest parts of an address, in bytes (RFC 5321, 4.5.3.1, and erratum 1690 of RFC 3696; RFC 1035, 2.3.4).
const (
	maxLocal   = 64
	maxLabel   = 63
	maxAddress = 254
)

// ParseAddress reads an addr-spec of letters, digits and !#$%&'*+-/=?^_`{|}~ with single dots (RFC 5322 dot-atom), and a
// domain name in ASCII. It refuses what mail programs read in more than one way: names and brackets around it, quotes,
// comments, address literals, a leading dash (CVE-2016-10033), a domain without a dot (but localhost) or with digits only
// at its end. A domain of other letters is to be in its xn-- form, as browsers send it from <input type=email>. The
// domain is put in lower case. The error is a [check.Finding] and does not repeat the address.
func ParseAddress(s string) (Address, error) {
	if why := fault(s); why != "" {
		return Address{}, RuleAddress.Finding("", "the mail address is refused: "+why, "ask for one address such as ann@example.org")
	}
	at := strings.IndexByte(s, '@')
	return Address{s[:at+1] + strings.ToLower(s[at+1:])}, nil
}

func fault(s string) string {
	if len(s) > maxAddress {
		return fmt.Sprintf("it has more than %d bytes", maxAddress)
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || strings.Contains(domain, "@") {
		return "it has not exactly one @"
	}
	switch {
	case local == "" || len(local) > maxLocal:
		return fmt.Sprintf("the part before the @ has not 1 to %d bytes", maxLocal)
	case local[0] == '-':
		return "it begins with a dash"
	case local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, ".."):
		return "the part before the @ has a dot at its end or two in a row"
	}
	for i := 0; i < len(local); i++ {
		if c := local[i]; !letter(c) && !digit(c) && strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", c) < 0 {
			return "the part before the @ holds a character that mail programs do not all take"
		}
	}
	return domainFault(domain)
}

func domainFault(domain string) string {
	labels := strings.Split(domain, ".")
	for _, l := range labels {
		if l == "" || len(l) > maxLabel || l[0] == '-' || l[len(l)-1] == '-' {
			return "a part of the domain is empty, too long, or has a dash at its end"
		}
		for i := 0; i < len(l); i++ {
			if c := l[i]; !letter(c) && !digit(c) && c != '-' {
				return "the domain holds other characters than letters, digits and dashes (write it in its xn-- form)"
			}
		}
	}
	last := labels[len(labels)-1]
	if len(labels) == 1 && !strings.EqualFold(last, "localhost") {
		return "the domain has no dot"
	}
	for i := 0; i < len(last); i++ {
		if !digit(last[i]) {
			return ""
		}
	}
	return "the domain is a number"
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
