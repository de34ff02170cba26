package header

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFileName bounds a file name in bytes; most file systems end at 255.
const maxFileName = 200

// SetAttachment marks an answer as a file to be saved, never to be shown, and suggests a name, which may come from a
// visitor: see [Attachment].
func SetAttachment(h http.Header, name string) { h["Content-Disposition"] = []string{Attachment(name)} }

// Attachment returns a Content-Disposition of type attachment (RFC 6266) that any file name may be given to: of a path the
// last part stays, what is no letter of a file name becomes _ (controls, quotes, * ? < > |, bidi controls), dots and
// spaces at the ends go, and nothing left is "file". Names beyond ASCII stand as filename* (RFC 8187) beside an ASCII one.
func Attachment(name string) string {
	name = cleanFileName(name)
	var b strings.Builder
	b.WriteString(`attachment; filename="`)
	plain := true
	for _, r := range name {
		// % is decoded by some browsers in this form
		if r >= utf8.RuneSelf || r == '%' {
			plain = false
			b.WriteByte('_')
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	if plain {
		return b.String()
	}
	b.WriteString("; filename*=UTF-8''")
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(name); i++ {
		if c := name[i]; attrByte(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// attrByte is attr-char of RFC 8187 3.2.1.
func attrByte(c byte) bool { return tokenByte(c) && c != '*' && c != '\'' && c != '%' }

func cleanFileName(s string) string {
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	var b strings.Builder
	for _, r := range s {
		if unsafeInFileName(r) {
			r = '_'
		}
		b.WriteRune(r)
	}
	s = strings.TrimFunc(b.String(), func(r rune) bool { return r == '.' || unicode.IsSpace(r) })
	if s == "" {
		return "file"
	}
	base, _, _ := strings.Cut(s, ".")
	switch strings.ToUpper(strings.TrimSpace(base)) { // devices of Windows, whatever the extension
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "COM0", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8",
		"COM9", "LPT0", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9":
		s = "_" + s
	}
	return shorten(s)
}

func unsafeInFileName(r rune) bool {
	switch {
	case r == utf8.RuneError, unicode.IsControl(r), strings.ContainsRune(`"*?<>|`, r):
		return true
	case r == 0x2028, r == 0x2029, unicode.Is(unicode.Bidi_Control, r), r == 0xfeff, r >= 0xe0000 && r <= 0xe007f:
		return true // what hides or turns round an extension
	}
	return false
}

// shorten cuts a name to maxFileName bytes and keeps a short extension.
func shorten(s string) string {
	if len(s) <= maxFileName {
		return s
	}
	ext := ""
	if i := strings.LastIndexByte(s, '.'); i > 0 && len(s)-i <= 16 {
		s, ext = s[:i], s[i:]
	}
	s = s[:maxFileName-len(ext)]
	for len(s) > 0 && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return strings.TrimRight(s, ". ") + ext
}
