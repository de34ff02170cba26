package mailbox_test

import (
	"io"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/merlon-web/merlon/mailbox"
)

func TestHTML(t *testing.T) {
	got := mailbox.HTML("de", "https://club.test", "Gr\u00fc\u00dfe & <mehr>", "Guten Tag <Ann>,\r\nhier ist Ihr Link:\n \nhttps://club.test/reset/a-b?x=1&y=2\n\n\n  https://club.test.evil.test/x\nhttps://evil.test/\nSee https://club.test/x here.\n")
	body := got[strings.Index(got, "<body"):]
	body = body[strings.IndexByte(body, '>')+1:]
	want := `
<p>Guten Tag &lt;Ann&gt;,<br>
hier ist Ihr Link:</p>
<p><a href="https://club.test/reset/a-b?x=1&amp;y=2">https://club.test/reset/a-b?x=1&amp;y=2</a></p>
<p>  https://club.test.evil.test/x<br>
https://evil.test/<br>
See https://club.test/x here.</p>
</body></html>
`
	if body != want {
		t.Errorf("got %s\nwant %s", body, want)
	}
	for _, part := range []string{`<html lang="de">`, "<title>Gr\u00fc\u00dfe &amp; &lt;mehr&gt;</title>", `name="color-scheme" content="light dark"`} {
		if !strings.Contains(got, part) {
			t.Errorf("lacks %s: %s", part, got)
		}
	}
}

func TestOnlyOwnAddressesAreLinks(t *testing.T) {
	for address, want := range map[string]bool{
		"https://club.test/": true, "https://club.test/a?b#c": true, "https://club.test/@x": true,
		"https://club.test": false, "https://club.test:444/": false, "https://club.test@evil.test/": false, "http://club.test/": false,
		"https://club.testx/": false, "javascript:alert(1)": false, "//club.test/": false, "https://club.test/a b": false,
		`https://club.test/"onclick=x`: false, "https://club.test/\\evil": false, "https://club.test/\u202e": false, "HTTPS://club.test/": false,
	} {
		if got := strings.Contains(mailbox.HTML("", "https://club.test", "s", address), "<a "); got != want {
			t.Errorf("%q: a link: %v, want %v", address, got, want)
		}
	}
	if strings.Contains(mailbox.HTML("", "", "s", "/x\nhttps://club.test/"), "<a ") {
		t.Error("a link of a site without an address")
	}
	if strings.Contains(mailbox.HTML(`de" x="`, "https://club.test", "s", "x"), "lang") {
		t.Error("a language that is none")
	}
}

// No text makes another element than those of the page, another attribute, or a link that leads elsewhere; and a reader
// sees all of it.
func FuzzHTML(f *testing.F) {
	for _, s := range []string{"Hello", "<script>alert(1)</script>", "https://club.test/x", "https://club.test/\"><img src=x>", "</title><a href=//e>", "a\r\n\r\nb\x00\x1b", "&lt;b&#62;", "]]><!--", "\xff\xfe"} {
		f.Add("Subject", s)
		f.Add(s, "text")
	}
	f.Fuzz(func(t *testing.T, subject, text string) {
		const origin = "https://club.test"
		page := mailbox.HTML("en", origin, subject, text)
		attributes := map[string]string{"p": "", "a": "href", "br": "", "html": "lang", "head": "", "meta": "name content charset", "title": "", "body": "style"}
		var seen strings.Builder
		for z := html.NewTokenizer(strings.NewReader(page)); ; {
			kind := z.Next()
			if kind == html.ErrorToken {
				if z.Err() != io.EOF {
					t.Fatal(z.Err())
				}
				break
			}
			token := z.Token()
			switch kind {
			case html.CommentToken:
				t.Fatalf("a comment: %q", page)
			case html.TextToken:
				seen.WriteString(token.Data)
			case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
				allowed, ok := attributes[token.Data]
				if !ok {
					t.Fatalf("element %s: %q", token.Data, page)
				}
				for _, a := range token.Attr {
					if !strings.Contains(" "+allowed+" ", " "+a.Key+" ") {
						t.Fatalf("attribute %s: %q", a.Key, page)
					}
					if a.Key == "href" && !strings.HasPrefix(a.Val, origin+"/") {
						t.Fatalf("a link to %q", a.Val)
					}
				}
			}
		}
		for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			if !strings.Contains(seen.String(), word) {
				t.Fatalf("%q is not shown: %q", word, page)
			}
		}
	})
}
