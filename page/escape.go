package page

import "unsafe"

// escapes is what html/template writes for the bytes that end text or quoted values, in text, RCDATA and attributes alike.
// "+" is among them since the days of UTF-7.
var escapes = [256]string{
	0:    "\uFFFD",
	'"':  "&#34;",
	'&':  "&amp;",
	'\'': "&#39;",
	'+':  "&#43;",
	'<':  "&lt;",
	'>':  "&gt;",
}

// special marks the bytes of escapes.
var special = [256]bool{0: true, '"': true, '&': true, '\'': true, '+': true, '<': true, '>': true}

// appendHTML appends s so that it is text and nothing else: between tags, in title and textarea, in a quoted attribute.
func appendHTML(dst []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); i++ {
		if !special[s[i]] {
			continue
		}
		dst = append(dst, s[from:i]...)
		dst = append(dst, escapes[s[i]]...)
		from = i + 1
	}
	return append(dst, s[from:]...)
}

// view is the bytes as a string, without a copy: it must not outlive the next change of b.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// idPrefix stands before a name that data chose. It keeps it from hiding a name of the browser's, such as "document" (OWASP
// DOM Clobbering).
const idPrefix = "u-"

// appendEnum appends s if it is one of the values, else the first of them.
func appendEnum(dst []byte, s string, values []string) []byte {
	for _, v := range values {
		if v == s {
			return appendHTML(dst, v)
		}
	}
	return appendHTML(dst, values[0])
}
