package mailbox

import (
	"html"
	"net/url"
	"strings"
)

// HTML makes a page of a mail's text, for the readers' programs that show one: paragraphs, and links of the addresses that
// stand alone on their line and belong to the site. It says what the text says and nothing else: no image, nothing that is
// fetched, nothing that tells who has read it. Colours are the reader's own, light or dark.
//
// origin is the site's address ("https://example.org"): another's address stays text, so that what a visitor put into a mail
// is no link in the site's name.
func HTML(lang, origin, subject, text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/4 + 512)
	b.WriteString(`<!doctype html><html`)
	if lang != "" && langTag.MatchString(lang) {
		b.WriteString(` lang="` + lang + `"`)
	}
	b.WriteString(`><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
		`<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark"><title>`)
	b.WriteString(escape(subject))
	b.WriteString(`</title></head><body style="margin:0 auto;padding:1.5em;max-width:36em;font:1em/1.5 system-ui,sans-serif;overflow-wrap:break-word">`)
	for paragraph := range strings.SplitSeq(plainLines(text), "\n\n") {
		paragraph = strings.Trim(paragraph, "\n")
		if strings.TrimSpace(paragraph) == "" {
			continue
		}
		b.WriteString("\n<p>")
		for i, line := range strings.Split(paragraph, "\n") {
			if i > 0 {
				b.WriteString("<br>\n")
			}
			if address := strings.TrimSpace(line); ownAddress(origin, address) {
				b.WriteString(`<a href="` + escape(address) + `">` + escape(address) + `</a>`)
			} else {
				b.WriteString(escape(strings.TrimRight(line, " \t")))
			}
		}
		b.WriteString("</p>")
	}
	b.WriteString("\n</body></html>\n")
	return b.String()
}

// plainLines gives lines one ending, and takes trailing space from lines that are nothing else, so that they part paragraphs.
func plainLines(text string) string {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
	for i, l := range lines {
		if strings.TrimSpace(l) == "" {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}

// ownAddress reports whether an address is one of the site's, written so that every program reads it alike: printable ASCII
// without quotes, brackets or backslashes.
func ownAddress(origin, address string) bool {
	if rest, ok := strings.CutPrefix(address, origin); origin == "" || !ok || !strings.HasPrefix(rest, "/") {
		return false // "https://example.org.evil.test" begins with the origin too
	}
	for i := range len(address) {
		if c := address[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"'<>\\^`{|}", c) >= 0 {
			return false
		}
	}
	site, err := url.Parse(origin)
	u, err2 := url.Parse(address)
	return err == nil && err2 == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Scheme == site.Scheme && u.Host == site.Host && u.User == nil
}

// escape makes text of anything. Control characters have no business on a page.
func escape(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' || r >= 0x7f && r <= 0x9f {
			return ' '
		}
		return r
	}, s))
}
