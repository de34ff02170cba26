package csrf_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/csrf"
)

type vector struct {
	ID, Title, Method, Origin, Host, Route string
	Headers                                [][2]string
	CrossOriginProtection                  string
	Expect                                 struct{ Result, Reason string }
}

func (v vector) request() *http.Request {
	r := httptest.NewRequest(v.Method, v.Origin+"/notes", nil)
	r.Host = v.Host
	for _, h := range v.Headers {
		r.Header.Add(h[0], h[1])
	}
	return r
}

func vectors(t testing.TB) []vector {
	text, err := os.ReadFile("testdata/origin-check.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestVectors(t *testing.T) {
	all := vectors(t)
	if len(all) < 50 {
		t.Fatalf("got %d vectors, want 50", len(all))
	}
	for _, v := range all {
		t.Run(v.ID, func(t *testing.T) {
			err := csrf.CheckOrigin(v.request(), []string{v.Origin}, csrf.Target{Linkable: v.Route == "linkable"})
			if v.Expect.Result == "allow" {
				if err != nil {
					t.Errorf("%s %s: got %v, want allowed", v.ID, v.Title, err)
				}
				return
			}
			r, ok := csrf.AsRefusal(err)
			if !ok || string(r.Reason) != v.Expect.Reason {
				t.Fatalf("%s %s: got %v, want refused: %s", v.ID, v.Title, err, v.Expect.Reason)
			}
			if r.Rule.ID != r.Reason.Rule().ID || !strings.Contains(err.Error(), r.Rule.ID) {
				t.Errorf("%s: the error %q does not name the rule of %s", v.ID, err, r.Reason)
			}
		})
	}
}

// TestCrossOriginProtection is the table of differences to the standard library's check: every one must be in the one
// direction only, and the standard library must still do what the vectors say it does.
func TestCrossOriginProtection(t *testing.T) {
	std := http.NewCrossOriginProtection()
	differ := 0
	for _, v := range vectors(t) {
		said := "allow"
		if std.Check(v.request()) != nil {
			said = "refuse"
		}
		if said != v.CrossOriginProtection {
			t.Errorf("%s %s: http.CrossOriginProtection says %s, the vector says that it says %s", v.ID, v.Title, said, v.CrossOriginProtection)
		}
		err := csrf.CheckOrigin(v.request(), []string{v.Origin}, csrf.Target{Linkable: v.Route == "linkable"})
		switch {
		case said == "allow" && err != nil:
			differ++
			t.Logf("%s %-52s allowed by net/http, refused here: %s", v.ID, v.Title, v.Expect.Reason)
		case said == "refuse" && err == nil:
			t.Errorf("%s %s: net/http refuses what CheckOrigin allows", v.ID, v.Title)
		}
	}
	if differ == 0 {
		t.Error("no difference found: the comparison does not compare")
	}
	t.Logf("%d of %d cases pass http.CrossOriginProtection and are refused here", differ, len(vectors(t)))
}

const own = "https://site.test"

func request(method string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, own+"/notes", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestCheckOrigin(t *testing.T) {
	linkable, embeddable := csrf.Target{Linkable: true}, csrf.Target{Embeddable: []string{"https://friend.test"}}
	for _, c := range []struct {
		name   string
		r      *http.Request
		target csrf.Target
		want   csrf.Reason // "": allowed
	}{
		{"nothing configured is open to nobody", request("POST", "Origin", ""), linkable, csrf.CrossSite},
		{"linkable does not open a POST", request("POST", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), linkable, csrf.CrossSite},
		{"embeddable does not open a POST", request("POST", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "iframe"), embeddable, csrf.Destination},
		{"destination websocket on a POST", request("POST", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "websocket"), linkable, csrf.Destination},
		{"method in lower case is another method", request("get", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), linkable, csrf.CrossSite},
		{"empty method is not GET", func() *http.Request { r := request("GET"); r.Method = ""; return r }(), linkable, csrf.NoProof},
		{"none on a POST without a mode", request("POST", "Sec-Fetch-Site", "none"), linkable, csrf.Contradiction},
		{"two modes", request("POST", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Mode", "navigate"), linkable, csrf.Duplicate},
		{"two destinations", request("GET", "Sec-Fetch-Dest", "document", "Sec-Fetch-Dest", "iframe"), linkable, csrf.Duplicate},
		{"upper-case origin", request("POST", "Origin", "https://SITE.test"), linkable, csrf.CrossSite},
		{"origin list", request("POST", "Origin", own+" "+own), linkable, csrf.CrossSite},
		{"HEAD from another site", request("HEAD", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), linkable, csrf.CrossSite},
		{"preflight from another site", request("OPTIONS", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Origin", "https://evil.test"), linkable, csrf.CrossSite},
		{"GET by an old browser's cross-origin fetch", request("GET", "Origin", "https://evil.test"), linkable, csrf.CrossSite},
		{"GET same-origin with a foreign Origin", request("GET", "Sec-Fetch-Site", "same-origin", "Origin", "https://evil.test"), linkable, csrf.Contradiction},
		{"GET none by fetch", request("GET", "Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "cors"), linkable, csrf.Contradiction},
		{"GET unknown value", request("GET", "Sec-Fetch-Site", "Same-Origin"), linkable, csrf.UnknownValue},
		{"cross-site prefetch by link", request("GET", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "empty", "Sec-Purpose", "prefetch"), linkable, csrf.CrossSite},
		{"cross-site navigation without destination", request("GET", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"), linkable, csrf.CrossSite},
		{"framed by the own site", request("GET", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"), linkable, csrf.Framed},
		{"object of another site", request("GET", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "object"), linkable, csrf.Framed},
		{"fenced frame of another site", request("GET", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "fencedframe"), linkable, csrf.Framed},
		{"embeddable is not linkable", request("GET", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), embeddable, csrf.NotLinkable},
		{"websocket without any proof", request("GET", "Upgrade", "websocket"), linkable, csrf.NoProof},
		{"websocket spelled otherwise", request("GET", "Upgrade", "foo, WebSocket"), linkable, csrf.NoProof},
		{"websocket by its key alone", request("GET", "Sec-WebSocket-Key", "x"), linkable, csrf.NoProof},
		{"websocket as a linkable navigation", request("GET", "Upgrade", "websocket", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), linkable, csrf.CrossSite},
		{"websocket over HTTP/2", request("CONNECT", "Origin", "https://evil.test"), linkable, csrf.CrossSite},

		{"embeddable framed by another site", request("GET", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"), embeddable, ""},
		{"link from a sub-domain", request("GET", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), linkable, ""},
		{"own file asked for across origins in name only", request("GET", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "font", "Origin", own), linkable, ""},
		{"own websocket, Chromium", request("GET", "Upgrade", "websocket", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "websocket", "Sec-Fetch-Dest", "empty", "Origin", own), linkable, ""},
		{"own websocket, Firefox", request("GET", "Upgrade", "websocket", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "websocket", "Sec-Fetch-Dest", "websocket", "Origin", own), linkable, ""},
		{"own websocket, old Safari", request("GET", "Upgrade", "websocket", "Origin", own), linkable, ""},
		{"h2c upgrade is no websocket", request("GET", "Upgrade", "h2c"), linkable, ""},
		{"HEAD without headers", request("HEAD"), linkable, ""},
	} {
		err := csrf.CheckOrigin(c.r, []string{own}, c.target)
		got := csrf.Reason("")
		if r, ok := csrf.AsRefusal(err); ok {
			got = r.Reason
		}
		if got != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: got %q (%v), want %q", c.name, got, err, c.want)
		}
	}
	if err := csrf.CheckOrigin(request("POST", "Origin", own), []string{"https://old.test", own}, csrf.Target{}); err != nil {
		t.Errorf("the second of two own origins: got %v, want allowed", err)
	}
	if err := csrf.CheckOrigin(request("POST", "Origin", own), nil, csrf.Target{}); err == nil {
		t.Error("no configured origin: got allowed, want refused")
	}
}

func TestNullOriginNamesItsCause(t *testing.T) {
	err := csrf.CheckOrigin(request("POST", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Origin", "null"), []string{own}, csrf.Target{})
	if err == nil || !strings.Contains(err.Error(), "Referrer-Policy: no-referrer") {
		t.Errorf("got %v, want a refusal that names Referrer-Policy: no-referrer", err)
	}
	if !strings.Contains(csrf.RuleContradiction.Explain(), "Referrer-Policy: no-referrer") {
		t.Error("the explanation of the rule does not name Referrer-Policy: no-referrer")
	}
}

func TestRefusalIsQuotedAndShort(t *testing.T) {
	err := csrf.CheckOrigin(request("POST", "Origin", "https://x\x1b[2J\nfake log line"+strings.Repeat("a", 5000)), []string{own}, csrf.Target{})
	if err == nil || strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 600 {
		t.Errorf("got %q, want one quoted, short line", err)
	}
}

func TestValidOrigin(t *testing.T) {
	for _, good := range []string{"https://site.test", "http://localhost:8080", "https://site.test:8443", "https://xn--bcher-kva.test", "http://[::1]:8080", "http://127.0.0.1:8080"} {
		if err := csrf.ValidOrigin(good); err != nil {
			t.Errorf("%s: got %v, want valid", good, err)
		}
	}
	for _, bad := range []string{
		"", "null", "site.test", "https://", "https://site.test/", "https://site.test/x", "https://site.test?x", "https://site.test#x", "https://u@site.test", "https://Site.test",
		"HTTPS://site.test", "https://site.test:443", "http://site.test:80", "https://site.test:", "https://bücher.test", "https://*.site.test", "ftp://site.test", "https:site.test", "https://a b", " https://site.test", "javascript:alert(1)",
	} {
		if csrf.ValidOrigin(bad) == nil {
			t.Errorf("%q: got valid, want an error", bad)
		}
	}
}

// FuzzCheckOrigin: whatever the headers, a changing request passes only with an own Origin or with Sec-Fetch-Site
// same-origin or none, and never with a foreign Origin.
func FuzzCheckOrigin(f *testing.F) {
	f.Add("POST", "same-origin", "navigate", "document", own, "", uint8(0))
	f.Add("GET", "cross-site", "navigate", "document", "", "", uint8(3))
	f.Add("GET", "", "websocket", "", "https://evil.test", "websocket", uint8(1))
	f.Fuzz(func(t *testing.T, method, site, mode, dest, origin, upgrade string, absent uint8) {
		r := request("GET")
		r.Method = method
		for i, h := range [][2]string{{"Sec-Fetch-Site", site}, {"Sec-Fetch-Mode", mode}, {"Sec-Fetch-Dest", dest}, {"Origin", origin}, {"Upgrade", upgrade}} {
			if absent>>i&1 == 0 {
				r.Header.Add(h[0], h[1])
			}
		}
		err := csrf.CheckOrigin(r, []string{own}, csrf.Target{Linkable: true})
		if err != nil {
			if _, ok := csrf.AsRefusal(err); !ok {
				t.Fatalf("got %T, want *Refusal", err)
			}
			return
		}
		if o, ok := r.Header["Origin"]; ok && o[0] != own && method != "GET" && method != "HEAD" && method != "OPTIONS" {
			t.Fatalf("%s with Origin %q allowed", method, o[0])
		}
		s, hasSite := r.Header["Sec-Fetch-Site"]
		if hasSite && s[0] != "same-origin" && s[0] != "none" && (method != "GET" || mode != "navigate" || dest != "document") {
			t.Fatalf("%s with Sec-Fetch-Site %q allowed", method, s[0])
		}
		if method == "POST" && !hasSite && r.Header.Get("Origin") != own {
			t.Fatal("POST without proof allowed")
		}
	})
}

func BenchmarkCheckOrigin(b *testing.B) {
	post := request("POST", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Origin", own)
	owned := []string{own}
	b.ReportAllocs()
	for b.Loop() {
		if csrf.CheckOrigin(post, owned, csrf.Target{}) != nil {
			b.Fatal("refused")
		}
	}
}
