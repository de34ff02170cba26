package trust_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/trust"
)

func TestCheckRequest(t *testing.T) {
	for _, c := range []struct {
		method, target string
		status         int
	}{
		{"GET", "/", 200}, {"HEAD", "/notes/7?q=a+b&c=%2F%3B", 200}, {"POST", "/a/b.c/~d/;e", 200}, {"GET", "/b%C3%BCcher", 200}, {"GET", "/a%20b", 200}, {"GET", "/a%25b", 200},
		{"GET", "/files/javascript:alert(1)", 200}, {"GET", "/a...b/...", 200}, {"GET", "/.well-known/x", 200}, {"GET", "/a/", 200}, {"GET", "/~user", 200}, {"GET", "/search?q={a|b}^'()\"", 200},
		{"GET", "http://example.com/", 200}, {"GET", "https://example.com/a?b", 200},
		{"TRACE", "/", 405}, {"TRACK", "/", 405}, {"CONNECT", "/", 405}, {"OPTIONS", "/", 405}, {"PUT", "/", 405}, {"DELETE", "/", 405}, {"PATCH", "/", 405}, {"QUERY", "/", 405}, {"PROPFIND", "/", 405}, {"get", "/", 405}, {"POSTX", "/", 405},
		{"GET", "//", 404}, {"GET", "//evil.test", 404}, {"GET", "/a//b", 404}, {"GET", "/a//", 404}, {"GET", "/.", 404}, {"GET", "/..", 404}, {"GET", "/a/./b", 404}, {"GET", "/a/../b", 404}, {"GET", "/a/..", 404},
		{"GET", "/%2e%2e/a", 404}, {"GET", "/%2E", 404}, {"GET", "/.%2e/a", 404}, {"GET", "/a%2fb", 404}, {"GET", "/a%2Fb", 404}, {"GET", "/%2f%2fevil.test", 404}, {"GET", "/a%5cb", 404}, {"GET", "/a%00", 404}, {"GET", "/a%0d%0aX:y", 404}, {"GET", "/a%7f", 404},
		{"GET", "/a%09b", 404}, {"GET", "/%61dmin", 404}, {"GET", "/adm%49n", 404}, {"GET", "/a%2db", 404}, {"GET", "/a%5Fb", 404}, {"GET", "/a%2ejs", 404}, {"GET", "/%31", 404}, {"GET", "/%ff", 404}, {"GET", "/%c0%ae%c0%ae/", 404}, {"GET", "/a%C3", 404},
		{"GET", "/?a=1;b=2", 400}, {"GET", "/?;", 400}, {"GET", "/?q=%zz", 400}, {"GET", "/?q=%", 400}, {"GET", "/?q=%4", 400}, {"GET", "/?q=%4g", 400}, {"GET", "/?%u0041", 400},
		{"GET", "/?" + strings.Repeat("a", 8192), 414}, {"GET", "/" + strings.Repeat("a", 8192), 414}, {"GET", "/?" + strings.Repeat("a", 8190), 200},
	} {
		r := httptest.NewRequest(c.method, c.target, nil)
		got := 200
		if err := trust.CheckRequest(r); err != nil {
			refusal := err.(*trust.Refusal)
			got = refusal.Status
			if refusal.Rule.ID == "" || refusal.Reason == "" || !strings.Contains(err.Error(), refusal.Rule.ID) || (got == 405) != (refusal.Allow != "") {
				t.Errorf("%s %.60s: %+v lacks something", c.method, c.target, refusal)
			}
		}
		if got != c.status {
			t.Errorf("%s %.60s: %d, want %d", c.method, c.target, got, c.status)
		}
	}
}

// Every character that means the same escaped or not has one spelling (RFC 3986 2.3, 6.2.2.2), in either case of the escape, also beside
// escapes that are needed.
func TestUnreservedHaveOneSpelling(t *testing.T) {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	for c := range 0x80 {
		for _, form := range []string{"/a%%%02Xb", "/a%%%02xb", "/%%20%%%02X"} {
			target := fmt.Sprintf(form, c)
			err := trust.CheckRequest(httptest.NewRequest("GET", target, nil))
			if strings.ContainsRune(unreserved, rune(c)) && err == nil {
				t.Errorf("%s passes, a second spelling of %q", target, rune(c))
			} else if strings.ContainsRune(` "%<>^`+"`{|}?#", rune(c)) && err != nil {
				t.Errorf("%s: %v: it has no other spelling", target, err)
			}
		}
	}
}

func TestCheckRequestFields(t *testing.T) {
	for title, c := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"nothing":                      {func(*http.Request) {}, 200},
		"GET with a length":            {func(r *http.Request) { r.ContentLength = 1 }, 400},
		"GET of unknown length":        {func(r *http.Request) { r.ContentLength = -1 }, 400},
		"GET with an encoding":         {func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }, 400},
		"HEAD with a length":           {func(r *http.Request) { r.Method, r.ContentLength = "HEAD", 1 }, 400},
		"POST with a length":           {func(r *http.Request) { r.Method, r.ContentLength = "POST", 1 }, 200},
		"POST, compressed":             {func(r *http.Request) { r.Method = "POST"; r.Header.Set("Content-Encoding", "gzip") }, 415},
		"POST, Content-Encoding empty": {func(r *http.Request) { r.Method = "POST"; r.Header.Set("Content-Encoding", "") }, 415},
		"HTTP/1.2":                     {func(r *http.Request) { r.Proto, r.ProtoMinor = "HTTP/1.2", 2 }, 505},
		"HTTP/2":                       {func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 2, 0 }, 200},
		"HTTP/2.1":                     {func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 2, 1 }, 505},
		"HTTP/0.9":                     {func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 0, 9 }, 505},
		"HTTP/3":                       {func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 3, 0 }, 200},
		"a fragment":                   {func(r *http.Request) { r.RequestURI = "/a#b" }, 400},
		"a raw byte":                   {func(r *http.Request) { r.RequestURI = "/\xe9" }, 400},
		"another host in the target":   {func(r *http.Request) { r.URL.Scheme, r.URL.Host = "http", "evil.test" }, 400},
		"userinfo in the target":       {func(r *http.Request) { r.URL.Scheme, r.URL.Host, r.URL.User = "http", r.Host, url.User("a") }, 400},
		"ftp":                          {func(r *http.Request) { r.URL.Scheme, r.URL.Host = "ftp", r.Host }, 400},
		"a scheme alone":               {func(r *http.Request) { r.URL.Scheme = "http" }, 400},
		"opaque":                       {func(r *http.Request) { r.URL = &url.URL{Scheme: "http", Opaque: "x"} }, 400},
		"a star":                       {func(r *http.Request) { r.URL.Path, r.RequestURI = "*", "*" }, 400},
		"no path":                      {func(r *http.Request) { r.URL.Path = "" }, 400},
		"99 lines and Host":            {func(r *http.Request) { r.Header["X"] = make([]string, 99) }, 200},
		"100 lines and Host":           {func(r *http.Request) { r.Header["X"] = make([]string, 100) }, 431},
		"16 KiB of one value":          {func(r *http.Request) { r.Header.Set("X", strings.Repeat("a", 16384)) }, 431},
		"a long name":                  {func(r *http.Request) { r.Header.Set(strings.Repeat("a", 16384), "") }, 431},
		"15 KiB of one value":          {func(r *http.Request) { r.Header.Set("X", strings.Repeat("a", 15000)) }, 200},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		c.change(r)
		got := 200
		if err := trust.CheckRequest(r); err != nil {
			got = err.(*trust.Refusal).Status
		}
		if got != c.status {
			t.Errorf("%s: %d, want %d", title, got, c.status)
		}
	}
}

func TestARefusedBodyEndsTheConnection(t *testing.T) {
	for length, end := range map[int64]bool{0: false, 2: true, -1: true} {
		r := httptest.NewRequest("PUT", "/", nil)
		r.ContentLength = length
		w := httptest.NewRecorder()
		trust.CheckRequest(r).(*trust.Refusal).ServeHTTP(w, r)
		if got := w.Header().Get("Connection") == "close"; got != end || w.Code != 405 {
			t.Errorf("a body of %d: %d, close %v, want %v", length, w.Code, got, end)
		}
	}
}

func TestNoHeaderOverridesTheMethod(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"example.com"}})
	r := httptest.NewRequest("POST", "/?_method=DELETE", nil)
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		r.Header.Set(name, "DELETE")
	}
	method := ""
	p.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { method = r.Method })).ServeHTTP(httptest.NewRecorder(), r)
	if method != "POST" {
		t.Errorf("method %q, want POST", method)
	}
}

// On HTTP/2 there is no guard on the connection: what the policy counts is all there is.
func TestHTTP2(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"example.com"}})
	server := httptest.NewUnstartedServer(p.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := trust.From(r.Context())
		fmt.Fprint(w, r.Proto, " ", c.Origin())
	})))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	client := server.Client() // dials the server for example.com
	do := func(change func(*http.Request)) (int, string) {
		r, err := http.NewRequest("GET", server.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "example.com:443"
		change(r)
		res, err := client.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	if status, body := do(func(*http.Request) {}); status != 200 || body != "HTTP/2.0 https://example.com" {
		t.Errorf("honest: %d %q", status, body)
	}
	for title, c := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"101 headers": {func(r *http.Request) {
			for range 101 {
				r.Header.Add("X", "a")
			}
		}, 431},
		"another host":    {func(r *http.Request) { r.Host = "evil.test" }, 421},
		"GET with a body": {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("x")); r.ContentLength = 1 }, 400},
		"GET with a body of unknown length": {func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("x")))
			r.ContentLength = -1
		}, 400},
		"a semicolon": {func(r *http.Request) { r.URL.RawQuery = "a;b" }, 400},
		"TRACE":       {func(r *http.Request) { r.Method = "TRACE" }, 405},
		"two slashes": {func(r *http.Request) { r.URL.Path = "//a" }, 404},
	} {
		if status, body := do(c.change); status != c.status {
			t.Errorf("%s: %d %q, want %d", title, status, body, c.status)
		}
	}
}

func realistic() *http.Request {
	r := request("example.org", "198.51.100.7:50000")
	r.TLS = &tls.ConnectionState{}
	r.RequestURI = "/notes/7?page=2"
	r.URL = &url.URL{Path: "/notes/7", RawQuery: "page=2"}
	for i, name := range []string{"User-Agent", "Accept", "Accept-Language", "Accept-Encoding", "Cookie", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User", "Upgrade-Insecure-Requests", "Priority", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform"} {
		r.Header.Set(name, strings.Repeat("x", 10+i*5))
	}
	return r
}

func BenchmarkRequest(b *testing.B) {
	b.ReportAllocs()
	p := mustNew(b, trust.Config{Hosts: []string{"example.org", "www.example.org"}})
	r := realistic()
	for b.Loop() {
		if _, err := p.Request(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRequestThroughAProxy(b *testing.B) {
	b.ReportAllocs()
	p := mustNew(b, trust.Config{Hosts: []string{"example.org"}, Proxies: []string{"10.0.0.0/8"}, ClientHeader: "X-Forwarded-For"})
	r := realistic()
	r.RemoteAddr, r.TLS = "10.0.0.5:1000", nil
	r.Header.Set("X-Forwarded-For", "1.2.3.4, 198.51.100.7, 10.0.0.6")
	r.Header.Set("X-Forwarded-Proto", "https")
	for b.Loop() {
		if _, err := p.Request(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRequestForwarded(b *testing.B) {
	b.ReportAllocs()
	p := mustNew(b, trust.Config{Hosts: []string{"example.org"}, Proxies: []string{"10.0.0.0/8"}, ClientHeader: "Forwarded"})
	r := realistic()
	r.RemoteAddr, r.TLS = "10.0.0.5:1000", nil
	r.Header.Set("Forwarded", `for=1.2.3.4, for=198.51.100.7;proto=https, for="10.0.0.6:80"`)
	for b.Loop() {
		if _, err := p.Request(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckRequest(b *testing.B) {
	b.ReportAllocs()
	r := realistic()
	for b.Loop() {
		if err := trust.CheckRequest(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHostileList(b *testing.B) {
	b.ReportAllocs()
	p := mustNew(b, trust.Config{Hosts: []string{"example.org"}, Proxies: []string{"10.0.0.0/8"}, ClientHeader: "X-Forwarded-For"})
	r := realistic()
	r.RemoteAddr = "10.0.0.5:1000"
	r.Header.Set("X-Forwarded-For", strings.Repeat("10.0.0.7, ", 1600)+"10.0.0.7")
	for b.Loop() {
		if _, err := p.Request(r); err != nil {
			b.Fatal(err)
		}
	}
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"example.org"}, Proxies: []string{"10.0.0.0/8"}, ClientHeader: "X-Forwarded-For"})
	direct, proxied, odd := realistic(), realistic(), realistic()
	proxied.RemoteAddr = "10.0.0.5:1000"
	proxied.Header.Set("X-Forwarded-For", "1.2.3.4, 198.51.100.7, 10.0.0.6")
	proxied.Header.Set("X-Forwarded-Proto", "https")
	odd.Host = "EXAMPLE.org:443"
	for title, r := range map[string]*http.Request{"direct": direct, "proxied": proxied, "odd": odd} {
		if n := testing.AllocsPerRun(100, func() {
			if c, err := p.Request(r); err != nil || c.Origin() != "https://example.org" {
				t.Fatal(c, err)
			}
		}); n != 0 {
			t.Errorf("%s: Request allocates %v times, want 0", title, n)
		}
		if n := testing.AllocsPerRun(100, func() { _ = trust.CheckRequest(r) }); n != 0 {
			t.Errorf("%s: CheckRequest allocates %v times, want 0", title, n)
		}
	}
}

// FuzzClient: the address is the peer's own unless the peer is trusted; then it is one that stands in the header right of
// every untrusted one, and what a client writes in front changes nothing.
func FuzzClient(f *testing.F) {
	f.Add("198.51.100.7:1", "1.2.3.4", "https", uint8(0))
	f.Add("10.0.0.5:1", "1.2.3.4, 198.51.100.7, 10.0.0.6", "http", uint8(0))
	f.Add("10.0.0.5:1", `for=1.2.3.4;x="`, "https", uint8(1))
	f.Add("[::ffff:10.0.0.5]:1", "[2001:db8::7]:80", "", uint8(2))
	f.Add("@", "::ffff:1.2.3.4", "https, http", uint8(0))
	names := []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"}
	var trusting, alone []*trust.Policy
	for _, name := range names {
		trusting = append(trusting, mustNew(f, trust.Config{Hosts: []string{"site.test"}, Proxies: []string{"10.0.0.0/8"}, ClientHeader: name}))
		alone = append(alone, mustNew(f, trust.Config{Hosts: []string{"site.test"}, ClientHeader: name}))
	}
	f.Fuzz(func(t *testing.T, peer, header, proto string, kind uint8) {
		i := int(kind) % len(names)
		r := request("site.test", peer)
		r.Header[names[i]] = []string{header}
		r.Header["X-Forwarded-Proto"] = []string{proto}
		ap, err := netip.ParseAddrPort(peer)
		own := ap.Addr().Unmap().WithZone("")

		c, cerr := alone[i].Request(r)
		if cerr == nil && (c.HTTPS || c.Proxied || err == nil && c.Addr != own) {
			t.Fatalf("without proxies: %+v from %q", c, peer)
		}
		c, cerr = trusting[i].Request(r)
		if cerr != nil {
			return
		}
		trusted := err == nil && netip.MustParsePrefix("10.0.0.0/8").Contains(own)
		if c.Addr.Is4In6() || c.Addr.Zone() != "" || !c.Addr.IsValid() || c.Proxied != trusted {
			t.Fatalf("%+v from %q", c, peer)
		}
		if !trusted {
			if c.HTTPS || err == nil && c.Addr != own {
				t.Fatalf("%+v from the stranger %q", c, peer)
			}
			return
		}
		// the proxy appends a real hop to whatever the client sent: that hop is the client
		real := map[string]string{"X-Forwarded-For": "198.51.100.9", "Forwarded": "for=198.51.100.9;proto=http", "X-Real-Ip": ""}[names[i]]
		if real == "" {
			return
		}
		r.Header[names[i]] = []string{header + ", " + real}
		delete(r.Header, "X-Forwarded-Proto")
		c, cerr = trusting[i].Request(r)
		if cerr != nil || c.Addr != netip.MustParseAddr("198.51.100.9") || c.HTTPS {
			t.Fatalf("%q before the proxy's word gives %+v, %v", header, c, cerr)
		}
	})
}

// FuzzHost: only the configured names are accepted, spelled as a browser could spell them.
func FuzzHost(f *testing.F) {
	for _, s := range []string{"site.test", "SITE.Test:443", "site.test:80", "site.test.", "[2001:db8::1]", "[2001:0db8::0:1]:443", "localhost:8080", "site.test@evil.test", "site.test:443\"><x", "ſite.test", "[::ffff:1.2.3.4]"} {
		f.Add(s, true)
	}
	p := mustNew(f, trust.Config{Hosts: []string{"site.test", "[2001:db8::1]", "localhost:*"}})
	f.Fuzz(func(t *testing.T, host string, secure bool) {
		r := request(host, "192.0.2.1:1")
		port := "80"
		if secure {
			r.TLS, port = &tls.ConnectionState{}, "443"
		}
		c, err := p.Request(r)
		if err != nil {
			return
		}
		if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("/@\\%?#\"<>", r) }) {
			t.Fatalf("%q accepted", host)
		}
		u, err := url.Parse("http://" + host + "/")
		if err != nil || u.User != nil {
			t.Fatalf("%q accepted, but url.Parse says %v", host, err)
		}
		name := strings.ToLower(u.Hostname())
		if a, err := netip.ParseAddr(name); err == nil {
			name = a.String()
		}
		got := u.Port()
		if got == "" {
			got = port
		}
		switch {
		case name == "site.test" && c.Host == "site.test" && got == port:
		case name == "2001:db8::1" && c.Host == "[2001:db8::1]" && got == port:
		case name == "localhost" && c.Host == "localhost":
		default:
			t.Fatalf("%q accepted as %q, port %s", host, c.Host, got)
		}
		if o, err := url.Parse(c.Origin()); err != nil || o.Host == "" || o.Path != "" || !strings.HasPrefix(o.Host, c.Host) {
			t.Fatalf("origin %q", c.Origin())
		}
	})
}

// FuzzPath: what passes is what path.Clean and url agree on, so that no router or file system sees another path.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/", "/a/b", "//a", "/a/../b", "/%2e%2e", "/a%2fb", "/%61", "/%7Ea", "/a%00", "/\\a", "/a;b", "/?a;b", "/?%zz", "/a%25b", "http://site.test/a", "/é", "*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		r := request("site.test", "192.0.2.1:1")
		r.RequestURI, r.URL = target, u
		if u.Host != "" {
			r.Host = u.Host
		}
		if trust.CheckRequest(r) != nil {
			return
		}
		p := u.Path
		clean := path.Clean(p)
		if strings.HasSuffix(p, "/") && clean != "/" {
			clean += "/"
		}
		if p != clean || p[0] != '/' || strings.ContainsAny(p, "\\\x00\r\n\t") {
			t.Fatalf("%q passes as %q, clean is %q", target, p, clean)
		}
		if strings.Count(u.EscapedPath(), "/") != strings.Count(p, "/") {
			t.Fatalf("%q hides a slash", target)
		}
		if escaped := u.EscapedPath(); strings.Contains(strings.ToUpper(escaped), "%7E") {
			t.Fatalf("%q passes, a second spelling", target)
		}
		if _, err := url.ParseQuery(u.RawQuery); err != nil {
			t.Fatalf("%q: query: %v", target, err)
		}
		if bytes.ContainsAny([]byte(target), "\r\n \x00") {
			t.Fatalf("%q passes", target)
		}
	})
}
