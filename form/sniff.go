package form

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// A fileType is a media type that can be told by its bytes. A type that is not here cannot be proven, and so not be taken.
type fileType struct {
	name       string
	extensions []string // that a file of the type may have; one without any may be of any type
	words      string   // for visitors
}

// fileTypes are all that an upload may be declared to be. SVG and HTML are programs, and archives hold what nobody has looked
// at: they are not among them.
var fileTypes = []fileType{
	{"image/jpeg", []string{"jpg", "jpeg", "jpe", "jfif"}, "JPEG"},
	{"image/png", []string{"png"}, "PNG"},
	{"image/gif", []string{"gif"}, "GIF"},
	{"application/pdf", []string{"pdf"}, "PDF"},
	{"text/csv", []string{"csv"}, "CSV"},
	{"text/plain", []string{"txt", "text", "log", "md"}, "TXT"},
}

func fileTypeOf(name string) *fileType {
	for i := range fileTypes {
		if fileTypes[i].name == name {
			return &fileTypes[i]
		}
	}
	return nil
}

func isPicture(typ string) bool { return strings.HasPrefix(typ, "image/") }

// sniff decides the type of an upload by its bytes, and returns "" when that is none of the field's types, or when the name
// says another one (OWASP ASVS 5.0 5.2.2). What the browser says of the type is not asked: it is made of the name.
func (f *field) sniff(u *upload) (string, error) {
	head := make([]byte, 512)
	n, err := u.file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return "", err
	}
	head = head[:min(int64(n), u.size)]
	extension := extensionOf(u.client)
	for _, name := range f.Types {
		t := fileTypeOf(name)
		if extension != "" && !slices.Contains(t.extensions, extension) {
			continue
		}
		switch found := http.DetectContentType(head); {
		case isPicture(name), name == "application/pdf":
			if found == name {
				return name, nil
			}
		case strings.HasPrefix(found, "text/plain;"):
			text, err := isText(u)
			if err != nil || text {
				return name, err
			}
		}
	}
	return "", nil
}

func extensionOf(name string) string {
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		return strings.ToLower(name[i+1:])
	}
	return ""
}

// isText reports whether an upload is UTF-8 from end to end, without the control characters that no text has.
func isText(u *upload) (bool, error) {
	buf, kept := make([]byte, 32<<10), 0
	in := io.NewSectionReader(u.file, 0, u.size)
	for {
		n, err := in.Read(buf[kept:])
		part := buf[:kept+n]
		if bytes.ContainsFunc(part, func(r rune) bool { return r < 0x20 && r != '\n' && r != '\r' && r != '\t' && r != '\f' || r == 0x7f }) {
			return false, nil
		}
		whole := part
		if err != io.EOF { // a letter may go on in the next read
			for i := 1; i < utf8.UTFMax && i <= len(part); i++ {
				if utf8.RuneStart(part[len(part)-i]) {
					if !utf8.FullRune(part[len(part)-i:]) {
						whole = part[:len(part)-i]
					}
					break
				}
			}
		}
		switch {
		case !utf8.Valid(whole):
			return false, nil
		case err == io.EOF:
			return true, nil
		case err != nil:
			return false, err
		}
		kept = copy(buf, part[len(whole):])
	}
}

// maxClientName is how many bytes of a file's name are kept.
const maxClientName = 255

// clientName is what is kept of the name that a browser gives: the last part of a path, whatever system it is of, without what
// cannot be seen or turns the line around. The extension stays when the name is cut.
func clientName(s string) string {
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.Map(func(r rune) rune {
		switch {
		case r < 0x20, r >= 0x7f && r < 0xa0, r == utf8.RuneError:
			return -1
		case r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff, r == 0x061c:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if s = strings.Trim(s, ". "); s == "" {
		return "file"
	}
	if len(s) <= maxClientName {
		return s
	}
	base, extension := s, ""
	if i := strings.LastIndexByte(s, '.'); i > 0 && len(s)-i <= 16 {
		base, extension = s[:i], s[i:]
	}
	base = base[:maxClientName-len(extension)]
	for !utf8.ValidString(base) {
		base = base[:len(base)-1]
	}
	return base + extension
}
