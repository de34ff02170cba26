package static_test

import (
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/static"
)

//go:embed all:testdata
var files embed.FS

var site = static.From(files, "testdata/site").Under("static")

func TestRulesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range static.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
		if seen[r.ID] || !strings.HasPrefix(r.ID, "MRL-STATIC-") {
			t.Errorf("id %s is used twice or not of this room", r.ID)
		}
		seen[r.ID] = true
		if n := strings.Count(r.Explain(), "\n"); n > 40 {
			t.Errorf("%s: explain has %d lines, want at most 40", r.ID, n)
		}
	}
}

func ask(h http.Handler, method, target string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAddresses(t *testing.T) {
	if f := site.Faults(); f != nil {
		t.Fatal(f)
	}
	for _, name := range site.Names() {
		address, integrity, ok := site.Address("/static/" + name)
		if !ok || !regexp.MustCompile(`^/static/[a-z/]+\.[0-9a-f]{16}\.[a-z0-9]+$`).MatchString(address) {
			t.Errorf("%s: %q, %v", name, address, ok)
		}
		if again, _, _ := site.Address(name); again != address {
			t.Errorf("%s: by name %q, by address %q", name, again, address)
		}
		res := ask(site, "GET", address)
		body := text(t, res)
		sum := sha256.Sum256([]byte(body))
		if want := "sha256-" + base64.StdEncoding.EncodeToString(sum[:]); res.StatusCode != 200 || integrity != want || !strings.Contains(address, fmt.Sprintf("%x", sum[:8])) {
			t.Errorf("%s: %d, integrity %s, want %s", name, res.StatusCode, integrity, want)
		}
		if got := res.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %s", address, got)
		}
		plain := ask(site, "GET", "/static/"+name)
		if got := plain.Header.Get("Cache-Control"); got != "no-cache" || text(t, plain) != body || plain.Header.Get("ETag") != res.Header.Get("ETag") {
			t.Errorf("%s plain: %d %s", name, plain.StatusCode, got)
		}
	}
	for in, fragment := range map[string]string{"/static/icons.svg#home": "#home", "icons.svg#a?b": "#a?b", "icons.svg#": "#"} {
		if got, _, ok := site.Address(in); !ok || !strings.HasSuffix(got, ".svg"+fragment) {
			t.Errorf("Address(%q) = %q", in, got)
		}
	}
	for _, in := range []string{"", "/", "/static/", "nothing.css", "/static/app.js?v=1", "//evil.test/app.js", "/other/app.js", "/static//app.js", "css", "css/", "../app.js", "/static/css/../app.js"} {
		if got, _, ok := site.Address(in); ok {
			t.Errorf("Address(%q) = %q", in, got)
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	types := map[string]string{
		"app.js": "text/javascript; charset=utf-8", "css/base.css": "text/css; charset=utf-8", "logo.svg": "image/svg+xml; charset=utf-8", "img/pixel.png": "image/png",
		"favicon.ico": "image/x-icon", "fonts/body.woff2": "font/woff2", "data.json": "application/json", "robots.txt": "text/plain; charset=utf-8", "film.mp4": "video/mp4", "paper.pdf": "application/pdf",
	}
	for name, want := range types {
		res := ask(site, "GET", "/static/"+name)
		if got := res.Header.Get("Content-Type"); got != want || site.Type(name) != want {
			t.Errorf("%s: type %q, want %q", name, got, want)
		}
	}
	targets := []string{"/static/", "/static/nothing.css", "/static/css", "/static/css/", "/static/../static_test.go", "/static/%2e%2e/rules.go", "/static/app%2ejs", "/static/css%2fbase.css", "/static//app.js", "/static/App.js", "/static/app.0000000000000000.js", "/static/app.js/", "/x", "/"}
	for _, target := range targets {
		if res := ask(site, "GET", target); res.StatusCode != 404 || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Location") != "" {
			t.Errorf("%s: %d %v", target, res.StatusCode, res.Header)
		}
	}
	for _, name := range site.Names() {
		targets = append(targets, "/static/"+name)
	}
	for _, target := range targets {
		for _, method := range []string{"GET", "HEAD", "POST", "TRACE", "OPTIONS"} {
			res := ask(site, method, target)
			for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"} {
				if got := res.Header.Get(header); got != want {
					t.Errorf("%s %s: %s %q, want %q", method, target, header, got, want)
				}
			}
			csp := res.Header.Get("Content-Security-Policy")
			if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || res.Header.Get("Content-Type") == "" || res.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s: %v", method, target, res.Header)
			}
			if method != "GET" && method != "HEAD" && (res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD") {
				t.Errorf("%s %s: %d", method, target, res.StatusCode)
			}
		}
	}
	if csp := ask(site, "GET", "/static/logo.svg").Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox; ") || strings.Contains(csp, "script-src") {
		t.Errorf("an SVG is not inert: %s", csp)
	}
	if got := ask(site, "GET", "/static/paper.pdf").Header.Get("Content-Disposition"); got != "attachment" {
		t.Errorf("a PDF: %q", got)
	}
}

func TestStyleSheetsNameHashedFiles(t *testing.T) {
	css := text(t, ask(site, "GET", "/static/css/base.css"))
	at := func(name string) string { a, _, _ := site.Address(name); return a }
	for _, want := range []string{
		`/* url(nothing.png) in a comment is none */`, `@charset "utf-8";`, `@import "` + at("css/reset.css") + `" layer(base);`, `@import url("` + at("print.css") + `") print;`,
		`font-family: "Body; url(no.png)"`, `url( '` + at("fonts/body.woff2") + `' ) format("woff2")`, `url(` + at("img/pixel.png") + `) no-repeat`, `content: "url(no.png)"`,
		`url(` + at("icons.svg") + `#home)`, `url(#own)`, `URL(` + at("img/pixel.png") + `), pointer`, `url("data:image/png;base64,AAAA")`, `@namespace svg url(http://www.w3.org/2000/svg);`,
		`image-set(url("` + at("img/pixel.png") + `") 1x, url('` + at("logo.svg") + `') 2x)`, `"\"url(no.png)"`,
	} {
		if !strings.Contains(css, want) {
			t.Errorf("lacks %s", want)
		}
	}
	// each address that it names is served
	for _, m := range regexp.MustCompile(`/static/[a-z0-9/.]+`).FindAllString(css, -1) {
		if res := ask(site, "GET", m); res.StatusCode != 200 || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d", m, res.StatusCode)
		}
	}
	found := check.Run(t.Context(), site.Checks()...).Findings(check.Low)
	if len(found) != 1 || found[0].ID != static.RuleInline.ID || !strings.Contains(found[0].Where, "base.css:8") {
		t.Errorf("data: addresses: %v", found)
	}
}

func TestFaults(t *testing.T) {
	bad := static.From(files, "testdata/bad")
	f := bad.Faults()
	for _, want := range []struct{ where, id, what string }{
		{"testdata/bad/help.html", "MRL-STATIC-001", "show as a page"},
		{"testdata/bad/feed.xml", "MRL-STATIC-001", "show as a page"},
		{"testdata/bad/.hidden.css", "MRL-STATIC-002", "hidden"},
		{"testdata/bad/UPPER.PNG", "MRL-STATIC-001", "capitals"},
		{"testdata/bad/odd name.css", "MRL-STATIC-002", "odd letters"},
		{"testdata/bad/a..css", "MRL-STATIC-002", "odd letters"},
		{"testdata/bad/README", "MRL-STATIC-001", "without an extension"},
		{"testdata/bad/program.exe", "MRL-STATIC-001", ".exe"},
		{"testdata/bad/pointer.png", "MRL-STATIC-001", "no image/png"},
		{"testdata/bad/latin.css", "MRL-STATIC-001", "UTF-8"},
		{"testdata/bad/broken.css:1", "MRL-STATIC-004", `"god.css"`},
		{"testdata/bad/broken.css:2", "MRL-STATIC-004", "another host"},
		{"testdata/bad/broken.css:3", "MRL-STATIC-004", "another host"},
		{"testdata/bad/broken.css:4", "MRL-STATIC-004", "not under /bad/"},
		{"testdata/bad/broken.css:5", "MRL-STATIC-004", "no such file"},
		{"testdata/bad/broken.css:6", "MRL-STATIC-004", "image-set"},
		{"testdata/bad/broken.css:7", "MRL-STATIC-004", "escapes"},
		{"testdata/bad/broken.css:8", "MRL-STATIC-004", "escapes"},
		{"testdata/bad/broken.css:9", "MRL-STATIC-004", "another host"},
		{"testdata/bad/broken.css:10", "MRL-STATIC-004", "no such file"},
	} {
		if !slices.ContainsFunc(f, func(f check.Finding) bool {
			return f.Where == want.where && f.ID == want.id && strings.Contains(f.What, want.what) && f.Do != ""
		}) {
			t.Errorf("lacks %+v", want)
		}
	}
	if len(f) != 20 {
		t.Errorf("%d faults, want 20:\n%v", len(f), f)
	}
	if !strings.Contains(f.Error(), "did you mean good.css?") {
		t.Errorf("no nearest name in\n%v", f)
	}
	for _, target := range []string{"/bad/help.html", "/bad/.hidden.css", "/bad/program.exe", "/bad/UPPER.PNG", "/bad/pointer.png", "/bad/README"} {
		if res := ask(bad, "GET", target); res.StatusCode != 404 {
			t.Errorf("%s: %d", target, res.StatusCode)
		}
	}
	if res := ask(bad, "GET", "/bad/good.css"); res.StatusCode != 200 {
		t.Errorf("a good file beside bad ones: %d", res.StatusCode)
	}
	loop := static.From(files, "testdata/loop").Faults()
	if len(loop) != 2 || !strings.Contains(loop.Error(), "import each other") {
		t.Errorf("got %v, want two loops", loop)
	}
	for _, f := range []*static.Files{static.From(files, "nothing"), static.From(embed.FS{}, "static"), static.From(files, "testdata/site").Under("../x"), static.From(files, "testdata/site").Under(""), static.From(files, "testdata/site").Under("a//b"), static.From(files, ".")} {
		if len(f.Faults()) == 0 {
			t.Errorf("%s: no fault", f.Prefix())
		}
	}
}

func TestConditionalRequests(t *testing.T) {
	etag := ask(site, "GET", "/static/app.js").Header.Get("ETag")
	packed := ask(site, "GET", "/static/app.js", "Accept-Encoding", "gzip").Header.Get("ETag")
	if etag == "" || packed == "" || etag == packed {
		t.Fatalf("ETags %q and %q", etag, packed)
	}
	for _, c := range []struct {
		match, coding string
		status        int
	}{
		{etag, "", 304}, {"W/" + etag, "", 304}, {`"x", ` + etag, "", 304}, {"*", "", 304}, {packed, "gzip", 304}, {` "a" ,W/"b",` + etag + " ", "", 304},
		{packed, "", 200}, {etag, "gzip", 200}, {`"x"`, "", 200}, {strings.Trim(etag, `"`), "", 200}, {"", "", 200}, {`"`, "", 200}, {etag[:len(etag)-1], "", 200},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			res := ask(site, method, "/static/app.js", "If-None-Match", c.match, "Accept-Encoding", c.coding)
			if res.StatusCode != c.status {
				t.Errorf("%s If-None-Match %q, %q: %d, want %d", method, c.match, c.coding, res.StatusCode, c.status)
			}
			if res.StatusCode == 304 && (text(t, res) != "" || res.Header.Get("ETag") == "" || res.Header.Get("Vary") != "Accept-Encoding" || res.Header.Get("Cache-Control") != "no-cache" || res.Header.Get("Content-Encoding") != "") {
				t.Errorf("304: %v", res.Header)
			}
		}
	}
}

func TestCompression(t *testing.T) {
	plain := text(t, ask(site, "GET", "/static/css/base.css"))
	for coding, packed := range map[string]bool{
		"gzip": true, "GZIP": true, "gzip, deflate, br, zstd": true, "br;q=1.0, gzip;q=0.5": true, "*": true, "x-gzip": true, "deflate, *;q=0.1": true, "gzip;q=0.001": true,
		"": false, "identity": false, "br": false, "gzip;q=0": false, "gzip;q=0.000": false, "gzip; q=0.0": false, "*;q=0": false, "gzip;q=0, *": false, "gzipped": false, "*, gzip;q=0": false,
	} {
		res := ask(site, "GET", "/static/css/base.css", "Accept-Encoding", coding)
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != packed || res.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: packed %v, want %v; %v", coding, got, packed, res.Header)
			continue
		}
		body := io.Reader(res.Body)
		if res.ContentLength >= int64(len(plain)) != !packed {
			t.Errorf("%q: length %d", coding, res.ContentLength)
		}
		if packed {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		if b, err := io.ReadAll(body); err != nil || string(b) != plain {
			t.Errorf("%q: %d bytes, %v", coding, len(b), err)
		}
	}
	for _, name := range []string{"img/pixel.png", "css/reset.css", "film.mp4"} { // images, and what is too short to gain
		if res := ask(site, "GET", "/static/"+name, "Accept-Encoding", "gzip"); res.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s is packed", name)
		}
	}
	head := ask(site, "HEAD", "/static/app.js", "Accept-Encoding", "gzip")
	get := ask(site, "GET", "/static/app.js", "Accept-Encoding", "gzip")
	if text(t, head) != "" || head.Header.Get("Content-Length") != get.Header.Get("Content-Length") || head.Header.Get("Content-Length") == "" {
		t.Errorf("HEAD: %v, GET: %v", head.Header, get.Header)
	}
}

func TestMediaInRanges(t *testing.T) {
	res := ask(site, "GET", "/static/film.mp4", "Range", "bytes=12-15")
	if body := text(t, res); res.StatusCode != 206 || body != "0123" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
	}
	if res := ask(site, "GET", "/static/film.mp4", "Range", "bytes=99999-"); res.StatusCode != 416 {
		t.Errorf("%d", res.StatusCode)
	}
	if res := ask(site, "GET", "/static/film.mp4", "If-None-Match", ask(site, "GET", "/static/film.mp4").Header.Get("ETag")); res.StatusCode != 304 {
		t.Errorf("%d", res.StatusCode)
	}
	if res := ask(site, "GET", "/static/app.js", "Range", "bytes=0-3"); res.StatusCode != 200 {
		t.Errorf("a script in ranges: %d", res.StatusCode)
	}
}

func TestRootFiles(t *testing.T) {
	for name, want := range map[string]string{"favicon.ico": "image/x-icon", "robots.txt": "text/plain; charset=utf-8"} {
		h, ok := site.Root(name)
		if !ok {
			t.Fatalf("%s: none", name)
		}
		res := ask(h, "GET", "/"+name)
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != want || res.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d %v", name, res.StatusCode, res.Header)
		}
		if res := ask(h, "POST", "/"+name); res.StatusCode != 405 {
			t.Errorf("POST %s: %d", name, res.StatusCode)
		}
	}
	for _, name := range []string{"apple-touch-icon.png", "app.js", "", "../rules.go"} {
		if _, ok := site.Root(name); ok {
			t.Errorf("%q is a root file", name)
		}
	}
}

func TestACookieIsNeverCached(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Set-Cookie", "a=b")
	address, _, _ := site.Address("app.js")
	site.ServeHTTP(w, httptest.NewRequest("GET", address, nil))
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("got %q", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	fresh := static.From(files, "testdata/site").Under("static")
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for _, name := range []string{"app.js", "css/base.css", "logo.svg"} {
				a, _, _ := fresh.Address(name)
				if res := ask(fresh, "GET", a, "Accept-Encoding", "gzip"); res.StatusCode != 200 || res.ContentLength <= 0 {
					t.Errorf("%s: %d", a, res.StatusCode)
				}
			}
		})
	}
	wg.Wait()
}

func TestSlicesAreNotWrittenThrough(t *testing.T) {
	for range 2 {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, httptest.NewRequest("GET", "/static/app.js", nil))
		for name, v := range w.Header() {
			if len(v) != 1 || v[0] == "evil" {
				t.Errorf("%s: %v", name, v)
			}
			w.Header().Add(name, "evil")
		}
	}
}

func TestAnswersPassTheInspectionOfHeaders(t *testing.T) {
	for _, name := range append(site.Names(), "nothing.css", "") {
		if f := header.Inspect("/static/"+name, ask(site, "GET", "/static/"+name).Header, false); len(f) != 0 {
			t.Error(f)
		}
	}
}

func TestUnderAfterUse(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the prefix changed under way")
		}
	}()
	site.Names()
	site.Under("other")
}

func TestReloadWithoutAFolder(t *testing.T) {
	changed, err := site.Reload() // the folder is this one: nothing changed
	if changed || err != nil {
		t.Errorf("got %v, %v", changed, err)
	}
	if _, err := static.From(files, "testdata/nothing").Reload(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
