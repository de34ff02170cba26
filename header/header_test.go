package header_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/header"
)

func TestRulesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range header.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
		if seen[r.ID] || !strings.HasPrefix(r.ID, "MRL-HDR-") {
			t.Errorf("id %s is used twice or not of this room", r.ID)
		}
		seen[r.ID] = true
		if n := strings.Count(r.Explain(), "\n"); n > 40 {
			t.Errorf("%s: explain has %d lines, want at most 40", r.ID, n)
		}
	}
}

func TestSetRefusesWhatHasARuleOfItsOwn(t *testing.T) {
	for _, name := range []string{
		"Set-Cookie", "set-cookie", "Content-Length", "Transfer-Encoding", "Connection", "Host", "Trailer", "Upgrade",
		"Content-Security-Policy", "CONTENT-SECURITY-POLICY-REPORT-ONLY", "X-Frame-Options", "Strict-Transport-Security",
		"Access-Control-Allow-Origin", "access-control-allow-credentials", "Cache-Control", "Vary", "Refresh",
		"Clear-Site-Data", "Content-Disposition", "X-XSS-Protection", "Service-Worker-Allowed", "Sec-Fetch-Site",
		"Content-Type", "X-Accel-Redirect", "X-Sendfile", "Link", "Alt-Svc", "NEL",
		"", "a b", "a:b", "é", "X-\x00", strings.Repeat("x", 200),
	} {
		h := http.Header{}
		err := header.SetNamed(h, name, "x")
		var f check.Finding
		if !errors.As(err, &f) || f.ID != header.RuleName.ID || len(h) != 0 {
			t.Errorf("SetNamed(%.40q) = %v, header %v; want a finding of %s", name, err, h, header.RuleName.ID)
		}
	}
	h := http.Header{"X-Note": {"old"}}
	if err := header.Set(h, "x-note", "new\twith tab"); err != nil || len(h["X-Note"]) != 1 || h.Get("X-Note") != "new\twith tab" {
		t.Errorf("Set: %v, %v", h, err)
	}
	if err := header.Set(h, "X-Note", strings.Repeat("a", 8193)); err == nil {
		t.Error("a value of 8,193 bytes was set")
	}
	if h.Get("X-Note") != "new\twith tab" {
		t.Error("a refused value changed the header")
	}
}

// The attack of HDR-1 over a real connection: net/http mends line breaks into spaces, so the value of the setter is that
// the answer is refused and not garbled; the raw bytes are looked at.
func TestNoLineBreakReachesTheWire(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := header.Set(w.Header(), "X-Note", r.URL.Query().Get("note")); err != nil {
			http.Error(w, "refused", 500)
		}
	}))
	defer server.Close()
	for query, want := range map[string]int{"hello": 200, "a%0d%0aSet-Cookie:x=y": 500, "%e5%98%8a%e5%98%8dSet-Cookie:x=y": 500, "a%00": 500} {
		res, err := http.Get(server.URL + "/?note=" + query)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want || res.Header.Get("Set-Cookie") != "" {
			t.Errorf("note=%s: status %d, headers %v; want %d", query, res.StatusCode, res.Header, want)
		}
	}
}

func TestForeignLocation(t *testing.T) {
	h := http.Header{}
	if err := header.SetForeignLocation(h, "https://pay.example", "/order?id=7"); err != nil || h.Get("Location") != "https://pay.example/order?id=7" {
		t.Errorf("got %v, %v", h, err)
	}
	for _, path := range []string{"", ".evil.example/", "@evil.example/", ":8443/", "//evil.example", "/\\evil", "/a\r\nb", "/a b", "/é"} {
		h := http.Header{}
		if err := header.SetForeignLocation(h, "https://pay.example", path); err == nil || len(h) != 0 {
			t.Errorf("path %q was set: %v", path, h)
		}
	}
	for _, err := range []error{
		header.SetForeignLocation(h, "http://pay.example", "/"), header.SetForeignLocation(h, "https://pay.example/", "/"),
		header.SetForeignLocation(h, "https://*.example", "/"), header.SetForeignLocation(h, "javascript:", "/"),
		header.SetForeignLocation(h, "https://a@pay.example", "/"), header.SetForeignLocation(h, "https://PAY.example", "/"),
	} {
		if err == nil {
			t.Error("an odd origin was taken")
		}
	}
}

func TestAttachmentNames(t *testing.T) {
	for in, want := range map[string]string{
		"a/b\\c.txt":                      `attachment; filename="c.txt"`,
		".htaccess":                       `attachment; filename="htaccess"`,
		"evil.exe. . ":                    `attachment; filename="evil.exe"`,
		"nul":                             `attachment; filename="_nul"`,
		"Com1.txt":                        `attachment; filename="_Com1.txt"`,
		"a\u202egnp.exe":                  `attachment; filename="a_gnp.exe"`,
		"\xff\xfe":                        `attachment; filename="__"`,
		"a;b=c.txt":                       `attachment; filename="a;b=c.txt"`,
		"ü.txt":                           `attachment; filename="_.txt"; filename*=UTF-8''%C3%BC.txt`,
		" \u00a0.. ":                      `attachment; filename="file"`,
		strings.Repeat("x", 300):          `attachment; filename="` + strings.Repeat("x", 200) + `"`,
		strings.Repeat("x", 300) + ".pdf": `attachment; filename="` + strings.Repeat("x", 196) + `.pdf"`,
	} {
		if got := header.Attachment(in); got != want {
			t.Errorf("Attachment(%.40q) = %s, want %s", in, got, want)
		}
	}
}

func TestClearSiteDataKeepsTheDeviceCookie(t *testing.T) {
	h := http.Header{}
	header.ClearSiteData(h)
	if got := h.Get("Clear-Site-Data"); got != `"storage"` {
		t.Errorf("got %s, want \"storage\" alone: \"cookies\" would delete the device cookie", got)
	}
}

func TestVary(t *testing.T) {
	h := http.Header{}
	header.AddVary(h, "cookie", "Sec-Fetch-Site", "Cookie", "bad name")
	header.AddVary(h, "COOKIE", "Origin")
	if got := h["Vary"]; len(got) != 1 || got[0] != "Cookie, Sec-Fetch-Site, Origin" {
		t.Errorf("got %q", got)
	}
	h = http.Header{"Vary": {"*"}}
	if header.AddVary(h, "Cookie"); h.Get("Vary") != "*" {
		t.Errorf("got %q", h["Vary"])
	}
	h = http.Header{"Vary": {"A", "B"}}
	if header.AddVary(h); len(h["Vary"]) != 1 || h.Get("Vary") != "A, B" {
		t.Errorf("got %q", h["Vary"])
	}
}

func TestHSTSOnlyOnPublicNamesOverTLS(t *testing.T) {
	for host, public := range map[string]bool{
		"example.org": true, "www.example.org": true, "site.test": true, "xn--bcher-kva.example": true,
		"localhost": false, "shop.localhost": false, "127.0.0.1": false, "[::1]": false, "[2001:db8::1]": false, "203.0.113.7": false,
		"intranet": false, "nas.local": false, "a.home.arpa": false, "x.internal": false, "router.lan": false, "": false, ".": false, "example.org.": false,
	} {
		if got := header.PublicName(host); got != public {
			t.Errorf("PublicName(%q) = %v, want %v", host, got, public)
		}
		h := http.Header{}
		header.SetHSTS(h, host, true)
		if got := h.Get("Strict-Transport-Security") != ""; got != public {
			t.Errorf("HSTS on %q: %v, want %v", host, got, public)
		}
		h = http.Header{}
		if header.SetHSTS(h, host, false); len(h) != 0 {
			t.Errorf("HSTS on %q over plain http", host)
		}
	}
}

func TestSetType(t *testing.T) {
	h := http.Header{}
	if header.SetType(h, "text/plain; charset=utf-8"); h.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("got %v", h)
	}
}

func TestCacheClasses(t *testing.T) {
	for c, want := range map[header.Cache]string{header.NoStore: "no-store", header.NoCache: "no-cache", header.Immutable: "public, max-age=31536000, immutable", 99: "no-store"} {
		h := http.Header{"Expires": {"x"}, "Pragma": {"x"}}
		if header.SetCache(h, c); h.Get("Cache-Control") != want || len(h) != 1 {
			t.Errorf("class %d: %v, want %q alone", c, h, want)
		}
	}
}
