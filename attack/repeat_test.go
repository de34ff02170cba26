package attack

import (
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestRepeatable: what is told of a request sends it again, also where its body is long, is bytes on a connection, or came without TLS.
func TestRepeatable(t *testing.T) {
	at := &target{origin: &url.URL{Scheme: "https", Host: "site.test"}}
	long := post("/texts", url.Values{"Csrf": {"abc'd"}, "Text": {strings.Repeat("A", tooLarge)}, "Z": {"%s\\"}})
	if shown := long.shown(); shown.Cut != len(long.Body)-longBody || shown.Whole().Body != long.Body || shown.Whole().Cut != 0 {
		t.Errorf("%d bytes are said to be cut", shown.Cut)
	}
	if sh, err := exec.LookPath("sh"); err == nil {
		file := &Request{Method: "POST", Path: "/files", Body: "\x89PNG\r\n\x1a\n\x00'\\0 \xff%s é\n"}
		for _, q := range []*Request{long, file} {
			out, err := exec.CommandContext(t.Context(), sh, "-c", "curl() { cat; }; "+q.curl(at)).Output()
			if err != nil || string(out) != q.Body {
				t.Errorf("the command sends %d bytes of %d: %v", len(out), len(q.Body), err)
			}
		}
		if got := file.curl(at); slices.ContainsFunc([]byte(got), func(b byte) bool { return b < ' ' && b != '\n' || b > '~' }) {
			t.Errorf("the command is %q", got)
		}
	}
	if got := long.goTest(at); !strings.Contains(got, `strings.Repeat("A", 6291456)`) || len(got) > 2*longBody {
		t.Errorf("the test is\n%.500s", got)
	}
	var mixed strings.Builder
	for i := range longBody {
		mixed.WriteByte(byte('a' + i%26))
		mixed.WriteByte('-')
	}
	other := post("/texts", url.Values{"Text": {mixed.String()}})
	for name, got := range map[string]string{"curl": other.curl(at), "test": other.goTest(at)} {
		if !strings.Contains(got, "the body is cut: 2005 bytes of it are left out here") {
			t.Errorf("%s says nothing of a body that is cut:\n%.3000s", name, got)
		}
	}
	wire := &Request{Method: onWire, Path: "/", Body: "GET / HTTP/1.1\r\nHost: site.test\n\n"}
	if got := wire.goTest(at); !strings.Contains(got, "net.Dial") || strings.Contains(got, "NewRequest") {
		t.Errorf("the test of bytes is\n%s", got)
	}
	if got := wire.curl(at); got != `printf %b 'GET / HTTP/1.1\r\nHost: site.test\n\n' | nc -w 3 site.test # to the address at which the site listens` {
		t.Errorf("the command of bytes is\n%s", got)
	}
	served, ann := &target{origin: at.origin, handler: http.NotFoundHandler()}, &actor{role: "user", cookies: map[string]string{"sid": "s3cret", "lang": "en"}}
	for _, c := range []struct {
		q    *Request
		on   *target
		by   *actor
		want string
	}{
		{get("/"), at, &actor{role: "anonymous"}, ""},
		{get("/notes"), served, &actor{role: "anonymous"}, "for curl put the origin at which the site listens in the place of https://site.test"},
		{get("/notes"), at, ann, `sign in as user, and send along the cookies that a browser does then: -H 'Cookie: lang=…; sid=…', in a test r.Header.Set("Cookie", …)`},
		{get("/notes").with("Cookie", "sid=1"), at, ann, ""},
		{post("/notes", url.Values{"csrf_token": {"abc"}}).with("Cookie", "sid=1"), at, ann, "put the token that this browser is shown in the place of the one that is printed"},
		{(&Request{Method: "POST", Body: "--b\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n"}).with("Content-Type", "multipart/form-data; boundary=b").with("Cookie", "sid=1"), at, ann, "put the token that this browser is shown in the place of the one that is printed"},
		{post("/in", url.Values{"csrf_token": {"abc"}}), at, &actor{role: "anonymous"}, `load the page of the form, and send along the cookies that a browser does then: -H 'Cookie: …', in a test r.Header.Set("Cookie", …); put the token that this browser is shown in the place of the one that is printed`},
		{wire, served, ann, ""},
	} {
		if got := c.q.before(c.on, c.by); got != c.want {
			t.Errorf("%s %s as %s: first\n%s, want\n%s", c.q.Method, c.q.Path, c.by.role, got, c.want)
		}
	}
	open := get("/sign-in")
	open.Plain = true
	for name, got := range map[string]string{"curl": open.curl(at), "test": open.goTest(at)} {
		if !strings.Contains(got, "http://site.test/sign-in") {
			t.Errorf("%s sends it over TLS:\n%s", name, got)
		}
	}
}
