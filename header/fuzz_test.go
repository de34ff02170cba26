package header_test

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/merlon-web/merlon/header"
)

// FuzzAttachment: any name gives one printable ASCII line that clients parse to a plain file name.
func FuzzAttachment(f *testing.F) {
	for _, c := range load[cell](f, "cells-headers-lines.json") {
		if s, ok := c.Input.(string); ok {
			f.Add(s)
		}
	}
	f.Add("\u202e\xff%41;=\"\\/..")
	f.Fuzz(func(t *testing.T, name string) {
		got := header.Attachment(name)
		kind, params, err := mime.ParseMediaType(got)
		file := params["filename"]
		if err != nil || kind != "attachment" || len(params) != 1 || file == "" || len(file) > 210 || !utf8.ValidString(file) {
			t.Fatalf("%q: %s: %q %q %v", name, got, kind, params, err)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r < 0x20 || r > 0x7e }) || strings.ContainsAny(file, "/\\\"\r\n\x00<>|*?") ||
			strings.HasPrefix(file, ".") || strings.HasSuffix(file, ".") {
			t.Fatalf("%q: %s: file %q", name, got, file)
		}
		if again := header.Attachment(file); again != got {
			t.Fatalf("%q: not stable: %s, then %s", name, got, again)
		}
		if err := header.SetNamed(http.Header{}, "X-Copy", got); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
	})
}

// FuzzLocation: what is accepted stays on the site, as Go and as a browser resolve it.
func FuzzLocation(f *testing.F) {
	for _, s := range []string{"/", "/notes?q=1#top", "//evil.test", "/\\evil.test", "/\t/evil.test", "/..//evil.test", "/%2f/evil.test", "https://evil.test", "/a:b", "/%zz"} {
		f.Add(s)
	}
	base, _ := url.Parse("https://site.test/sign-in")
	f.Fuzz(func(t *testing.T, path string) {
		h := http.Header{}
		if err := header.SetLocation(h, path); err != nil {
			if len(h) != 0 {
				t.Fatal("a refused value was set")
			}
			return
		}
		browser := strings.ReplaceAll(strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(strings.TrimSpace(path)), "\\", "/")
		for _, s := range []string{path, browser} {
			u, err := base.Parse(s)
			if err != nil || u.Scheme != "https" || u.Host != "site.test" || u.User != nil || strings.HasPrefix(s, "//") {
				t.Fatalf("%q leads to %v, %v", path, u, err)
			}
		}
	})
}
