package merlon_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
)

// A site in the world has further names: its pages are led to its own address, since forms that were shown under another one
// would be refused as forged.
func TestFurtherNamesLeadToTheOrigin(t *testing.T) {
	env := merlon.Env{Mode: merlon.Production, Data: t.TempDir(), Settings: merlon.Settings{Origin: "http://site.test", Hosts: []string{"site.test", "www.site.test"}}}
	site, err := openTestSite(env)
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer site.Close(context.Background())
	for _, c := range []struct {
		method, host, target string
		status               int
		location             string
	}{
		{"GET", "www.site.test", "/notes?x=1", 308, "http://site.test/notes?x=1"},
		{"HEAD", "www.site.test", "/nowhere", 308, "http://site.test/nowhere"},
		{"GET", "WWW.site.test:80", "/", 308, "http://site.test/"},
		{"GET", "site.test", "/", 200, ""},
		{"GET", "SITE.test", "/", 200, ""},
		{"GET", "evil.test", "/", 421, ""},
		{"POST", "www.site.test", "/notes", 403, ""},
		{"POST", "www.site.test", "/hook/x", 200, ""},
	} {
		r := httptest.NewRequest(c.method, c.target, strings.NewReader(""))
		r.Body, r.ContentLength, r.Host = http.NoBody, 0, c.host
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Location") != c.location {
			t.Errorf("%s %s of %s: %d %q, want %d %q", c.method, c.target, c.host, w.Code, w.Header().Get("Location"), c.status, c.location)
		}
	}
}

// A site in the world answers nothing without TLS: pages are led to it, the rest is refused.
func TestPlainIsLedToTLS(t *testing.T) {
	site, err := openFraming(merlon.Env{Mode: merlon.Production, Data: t.TempDir()}, "https://site.test")
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer site.Close(context.Background())
	for name, h := range map[string]http.Handler{"the site": site, "the redirect": site.Redirect()} {
		for _, c := range []struct {
			method, target, host string
			status               int
			location             string
		}{
			{"GET", "/get?q=a", "site.test", 308, "https://site.test/get?q=a"},
			{"HEAD", "/get", "site.test", 308, "https://site.test/get"},
			{"GET", "/nowhere", "site.test", 308, "https://site.test/nowhere"},
			{"GET", "/get", "evil.test", 421, ""},
			{"GET", "//evil.test/", "site.test", 404, ""},
			{"POST", "/post", "site.test", 403, ""},
			{"GET", "/post", "site.test", 403, ""}, // no page
			{"TRACE", "/get", "site.test", 405, ""},
		} {
			r := httptest.NewRequest(c.method, "http://site.test/", strings.NewReader(""))
			r.Body, r.ContentLength = http.NoBody, 0
			u, err := r.URL.Parse("http://site.test" + c.target)
			if err != nil {
				t.Fatal(err)
			}
			u.Scheme, u.Host = "", ""
			r.URL, r.RequestURI, r.Host = u, c.target, c.host
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.status || w.Header().Get("Location") != c.location || w.Header().Get("Strict-Transport-Security") != "" || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("%s: %s %s of %s: %d %v, want %d %q", name, c.method, c.target, c.host, w.Code, w.Header(), c.status, c.location)
			}
		}
	}
}
