package form

import (
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/merlon-web/merlon/secret"
)

// read judges one typed value of a field and returns it as it will be stored, or the id of the message that says what is
// wrong with it. An empty result without a problem is a value that was not given.
func (f *field) read(s string) (clean, problem string) {
	switch f.Kind {
	case KindText, KindEmail, KindURL:
		s, problem = cleanText(s, false)
	case KindLines:
		s, problem = cleanText(s, true)
	case KindPassword:
		// Verified exactly as received (ASVS 6.2.8): not trimmed; but what is not text cannot have been typed.
		switch {
		case !utf8.ValidString(s):
			problem = MsgEncoding
		case strings.IndexByte(s, 0) >= 0:
			problem = MsgControl
		}
	case KindCheckbox:
		if s != "on" {
			return "", MsgChoice
		}
		return s, ""
	case KindChoice:
		return s, f.readChoice(s)
	case KindDate, KindDateTime:
		return s, f.readDate(s)
	default:
		return s, f.readNumber(s)
	}
	if problem != "" || s == "" {
		return s, problem
	}
	// max counts code points; of valid UTF-8 those are at most four bytes each, so bytes are limited with them.
	switch n := utf8.RuneCountInString(s); {
	case f.Max > 0 && n > f.Max:
		return s, MsgTooLong
	case n < f.Min:
		return s, MsgTooShort
	case f.Kind == KindEmail && !validEmail(s):
		return s, MsgEmail
	case f.Kind == KindURL && !validURL(s):
		return s, MsgURL
	}
	return s, ""
}

// cleanText trims a text, makes "\n" of every line break, and refuses what nobody types: bytes that are not UTF-8, control
// characters, and line breaks in a text of one line.
func cleanText(s string, lines bool) (string, string) {
	if !utf8.ValidString(s) {
		return s, MsgEncoding
	}
	s = strings.TrimSpace(s)
	if lines {
		s = lineFeeds(s)
	}
	problem := ""
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 0x20 && c < 0x7f || c == '\t':
		case c == '\n' || c == '\r':
			if !lines {
				return s, MsgLineBreak
			}
		case c < 0x20 || c == 0x7f || c == 0xc2 && s[i+1] < 0xa0: // C0, DEL; C1 is C2 80…C2 9F
			problem = MsgControl
		case c == 0xe2 && s[i+1] == 0x80 && (s[i+2] == 0xa8 || s[i+2] == 0xa9): // U+2028, U+2029
			if !lines {
				return s, MsgLineBreak
			}
		}
	}
	return s, problem
}

// lineFeeds makes "\n" of "\r\n" and "\r".
func lineFeeds(s string) string {
	i := strings.IndexByte(s, '\r')
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for ; i >= 0; i = strings.IndexByte(s, '\r') {
		b.WriteString(s[:i])
		b.WriteByte('\n')
		s = strings.TrimPrefix(s[i+1:], "\n")
	}
	b.WriteString(s)
	return b.String()
}

func (f *field) readChoice(s string) string {
	if s == "" || f.Offered { // offered choices are compared when they are offered
		return ""
	}
	for i := range f.Choices {
		if f.Choices[i].Value == s {
			return ""
		}
	}
	return MsgChoice
}

func (f *field) readDate(s string) string {
	if s == "" {
		return ""
	}
	t, ok := readTime(f.Kind, s)
	switch {
	case !ok && f.Kind == KindDate:
		return MsgDate
	case !ok:
		return MsgDateTime
	case f.Low != "" && t.Before(f.lowTime):
		return MsgTooEarly
	case f.High != "" && t.After(f.highTime):
		return MsgTooLate
	}
	return ""
}

// readTime reads a valid date string or a valid local date and time string (WHATWG HTML 2.3.5), years 0001 to 9999.
func readTime(k Kind, s string) (time.Time, bool) {
	layout := "2006-01-02"
	if k == KindDateTime {
		layout = "2006-01-02T15:04"
		if len(s) == len("2006-01-02T15:04:05") {
			layout = "2006-01-02T15:04:05"
		}
	}
	if len(s) != len(layout) { // time.Parse would take fractions and single digits
		return time.Time{}, false
	}
	t, err := time.Parse(layout, s)
	return t, err == nil && t.Year() >= 1
}

func (f *field) readNumber(s string) string {
	if s == "" {
		return ""
	}
	switch f.Kind {
	case KindInt:
		n, problem := readInt(s)
		switch {
		case problem != "":
			return problem
		case n < f.lowInt:
			return MsgTooSmall
		case n > f.highInt:
			return MsgTooLarge
		}
	case KindUint:
		if s[0] == '-' {
			if _, problem := readInt(s); problem != "" {
				return problem
			}
			if strings.Trim(s, "-0") != "" {
				return MsgTooSmall
			}
			s = "0" // -0
		}
		n, problem := readUint(s)
		switch {
		case problem != "":
			return problem
		case n < f.lowUint:
			return MsgTooSmall
		case n > f.highUint:
			return MsgTooLarge
		}
	case KindFloat:
		n, err := parseFloat(s)
		switch {
		case err != nil && n == 0:
			return MsgNumber
		case n < f.lowFloat: // an overflow is an infinity
			return MsgTooSmall
		case n > f.highFloat:
			return MsgTooLarge
		}
	}
	return ""
}

// readInt reads ASCII digits with an optional minus and nothing else: no plus, spaces, underscores, exponent, other digits.
func readInt(s string) (int64, string) {
	digits := strings.TrimPrefix(s, "-")
	if !isDigits(digits) {
		return 0, MsgNumber
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, MsgNumber
	}
	return n, ""
}

func readUint(s string) (uint64, string) {
	if !isDigits(s) {
		return 0, MsgNumber
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, MsgNumber
	}
	return n, ""
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 400
}

// isDecimal reports whether s is -?digits, -?digits.digits or -?.digits: what number controls send, less the exponent.
func isDecimal(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(s, ".")
	if !point {
		return isDigits(whole)
	}
	return (whole == "" || isDigits(whole)) && isDigits(fraction)
}

// validEmail is the pattern of WHATWG HTML 4.10.5.1.5, and no dash in front: a mail program could take it for a flag
// (CVE-2016-10033).
func validEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || local[0] == '-' || len(local) > 64 {
		return false
	}
	for i := range len(local) {
		if c := local[i]; !isAlnum(c) && strings.IndexByte(".!#$%&'*+/=?^_`{|}~-", c) < 0 {
			return false
		}
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !isAlnum(c) && c != '-' {
				return false
			}
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// validURL admits absolute http and https addresses that Go and browsers read alike: no user before the host, no backslash
// (a slash to browsers), no spaces, no escapes in the host.
func validURL(s string) bool {
	if strings.ContainsAny(s, "\\ \t") {
		return false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Opaque != "" || u.Hostname() == "" {
		return false
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n > 65535 {
			return false
		}
	}
	return strings.HasPrefix(u.Host, "[") || !strings.ContainsAny(u.Host, "%<>\"'`{}|^[]@!$&()*+,;=~")
}

// set stores a clean value that read has passed.
func (f *field) set(v reflect.Value, clean string) {
	switch {
	case f.isTime:
		t, _ := readTime(f.Kind, clean)
		v.Set(reflect.ValueOf(t))
	case f.isSecret:
		v.Set(reflect.ValueOf(secret.New(clean)))
	case f.kind == reflect.String:
		v.SetString(clean)
	case f.kind == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		n, _ := strconv.ParseInt(clean, 10, 64)
		v.SetInt(n)
	case v.CanUint():
		n, _ := strconv.ParseUint(strings.TrimPrefix(clean, "-"), 10, 64)
		v.SetUint(n)
	default:
		n, _ := strconv.ParseFloat(clean, int(bitsOf(f.kind)))
		v.SetFloat(n)
	}
}

// text is the inverse of set: what a control shows for a value, "" for one that need not be given.
func (f *field) text(v reflect.Value) string {
	switch {
	case f.isSecret:
		return ""
	case f.isTime:
		t := v.Interface().(time.Time)
		switch {
		case t.IsZero():
			return ""
		case f.Kind == KindDate:
			return t.Format("2006-01-02")
		case t.Second() != 0:
			return t.Format("2006-01-02T15:04:05")
		}
		return t.Format("2006-01-02T15:04")
	case f.kind == reflect.String:
		return v.String()
	case f.kind == reflect.Bool:
		if v.Bool() {
			return "on"
		}
		return ""
	}
	// A zero that may be left out is shown as nothing, which means the same; so is one that its limits forbid.
	if v.IsZero() && (!f.Required || f.readNumber("0") != "") && f.Kind != KindSealed && !f.List {
		return ""
	}
	switch {
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	}
	return strconv.FormatFloat(v.Float(), 'f', -1, int(bitsOf(f.kind)))
}
