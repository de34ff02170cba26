package static

import (
	"bytes"
	"path"
	"strings"
)

// kind is one type of file that may be served.
type kind struct {
	contentType []string
	policy      []string
	text        bool   // UTF-8, worth compressing
	css         bool   // its references are rewritten
	media       bool   // served in ranges
	save        bool   // saved, never shown
	magic       string // what the content begins with, at offset
	offset      int
}

// The policies of answers that a browser opens as a page of their own. An SVG can hold script and style; sandboxed it has
// neither script nor an origin, and still shows as an image and a favicon (tried in Chromium and Firefox).
var (
	policyPlain = []string{"default-src 'none'; frame-ancestors 'none'"}
	policyInert = []string{"sandbox; default-src 'none'; frame-ancestors 'none'"}
	policySVG   = []string{"sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
)

// kindOf returns the type of a file by its extension, nil if it is not on the list. The list is closed: a type that browsers
// run or show as a page (HTML, XML, Flash) is not on it.
func kindOf(name string) *kind {
	k := kind{policy: policyInert}
	is := func(contentType string) { k.contentType = []string{contentType} }
	switch path.Ext(name) {
	case ".css":
		is("text/css; charset=utf-8")
		k.text, k.css, k.policy = true, true, policyPlain
	case ".js", ".mjs":
		is("text/javascript; charset=utf-8")
		k.text, k.policy = true, policyPlain // a sandboxed worker would have no origin
	case ".json", ".map":
		is("application/json")
		k.text = true
	case ".webmanifest":
		is("application/manifest+json")
		k.text = true
	case ".txt":
		is("text/plain; charset=utf-8")
		k.text = true
	case ".vtt":
		is("text/vtt; charset=utf-8")
		k.text = true
	case ".svg":
		is("image/svg+xml; charset=utf-8")
		k.text, k.policy = true, policySVG
	case ".png":
		is("image/png")
		k.magic = "\x89PNG\r\n\x1a\n"
	case ".jpg", ".jpeg":
		is("image/jpeg")
		k.magic = "\xff\xd8\xff"
	case ".gif":
		is("image/gif")
		k.magic = "GIF8"
	case ".webp":
		is("image/webp")
		k.magic, k.offset = "WEBP", 8
	case ".avif":
		is("image/avif")
		k.magic, k.offset = "ftypavi", 4
	case ".ico":
		is("image/x-icon")
		k.magic = "\x00\x00\x01\x00"
	case ".woff2":
		is("font/woff2")
		k.magic = "wOF2"
	case ".woff":
		is("font/woff")
		k.magic = "wOFF"
	case ".ttf":
		is("font/ttf")
		k.magic = "\x00\x01\x00\x00"
	case ".otf":
		is("font/otf")
		k.magic = "OTTO"
	case ".mp4":
		is("video/mp4")
		k.media, k.magic, k.offset = true, "ftyp", 4
	case ".webm":
		is("video/webm")
		k.media, k.magic = true, "\x1aE\xdf\xa3"
	case ".mp3":
		is("audio/mpeg")
		k.media = true
	case ".ogg":
		is("audio/ogg")
		k.media, k.magic = true, "OggS"
	case ".pdf":
		is("application/pdf")
		k.save, k.magic = true, "%PDF-"
	default:
		return nil
	}
	return &k
}

const knownTypes = ".css .js .mjs .json .map .webmanifest .txt .vtt .svg .png .jpg .jpeg .gif .webp .avif .ico .woff2 .woff .ttf .otf .mp4 .webm .mp3 .ogg .pdf"

// fits reports whether the content begins as the extension says.
func (k *kind) fits(content []byte) bool {
	return k.magic == "" || len(content) >= k.offset && bytes.HasPrefix(content[k.offset:], []byte(k.magic))
}

// stem cuts a name into what stands before and after the place of its hash: "css/site", ".css".
func stem(name string) (before, after string) {
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext), ext
}
