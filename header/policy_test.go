package header_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/header"
)

func TestZeroPolicyIsTheStrictest(t *testing.T) {
	const want = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'"
	if got := (header.Policy{}).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got := header.Policy{Report: header.ReportPath}.String()
	if want := want + "; report-uri /_merlon/csp"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPolicyOpensWhatIsNamed(t *testing.T) {
	p := header.Policy{
		Script:       header.Sources{Self: true, Hashes: []string{header.Hash([]byte("x()"))}},
		Style:        header.Sources{Hashes: []string{header.Hash(nil)}},
		Img:          header.Sources{Self: true, Origins: []string{"https://img.example:8443"}},
		Connect:      header.Sources{Origins: []string{"wss://live.example"}},
		Form:         []string{"https://pay.example"},
		Ancestors:    []string{"https://partner.example", "http://localhost:8080"},
		TrustedTypes: []string{"htmx", "default"},
	}
	const want = "default-src 'none'; script-src 'self' 'sha256-0XHdPH3T22pj7odztDADBZVMhBUuDNpZ5g9MQErHJN8='; " +
		"style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; img-src 'self' https://img.example:8443; connect-src wss://live.example; " +
		"form-action 'self' https://pay.example; frame-ancestors https://partner.example http://localhost:8080; base-uri 'none'; " +
		"require-trusted-types-for 'script'; trusted-types htmx default"
	got := p.String()
	if got = strings.Replace(got, header.Hash([]byte("x()")), "sha256-0XHdPH3T22pj7odztDADBZVMhBUuDNpZ5g9MQErHJN8=", 1); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if f := p.Faults("x"); len(f) != 0 {
		t.Error(f)
	}
}

// Each of these would open the page; each is a fault, and none reaches the header.
func TestPolicyRefusesWhatOpens(t *testing.T) {
	strict := (header.Policy{}).String()
	for _, evil := range []string{
		"*", "https:", "http:", "data:", "blob:", "'unsafe-inline'", "'unsafe-eval'", "'strict-dynamic'", "'nonce-x'", "'self'", "https://*.example", "https://a.example/",
		"https://a.example/path", "http://a.example", "//a.example", "a.example", "https://a.example; script-src *", "https://a.example script-src",
		"https://a.example,x", "https://A.example", "https://a.example:0", "https://a.example:*", "https://a.example:99999", "https://a@b.example", "https://", "",
		"https://a..example", "https://-a.example", "https://é.example", "javascript:x", "https://[::1", "https://[g]", "wss://a.example", "filesystem:", "\nhttps://a.example",
	} {
		for name, p := range map[string]header.Policy{
			"img":       {Img: header.Sources{Origins: []string{evil}}},
			"font":      {Font: header.Sources{Origins: []string{evil}}},
			"media":     {Media: header.Sources{Origins: []string{evil}}},
			"frame":     {Frame: header.Sources{Origins: []string{evil}}},
			"script":    {Script: header.Sources{Origins: []string{evil}}},
			"style":     {Style: header.Sources{Origins: []string{evil}}},
			"hash":      {Script: header.Sources{Hashes: []string{evil}}},
			"manifest":  {Manifest: header.Sources{Origins: []string{evil}}},
			"worker":    {Worker: header.Sources{Origins: []string{evil}}},
			"form":      {Form: []string{evil}},
			"ancestors": {Ancestors: []string{evil}},
		} {
			if f := p.Faults("page.html"); len(f) == 0 || f[0].Where != "page.html" {
				t.Errorf("%s %q: no fault", name, evil)
			}
			if got := p.String(); got != strict {
				t.Errorf("%s %q: got %s, want the strict policy", name, evil, got)
			}
		}
	}
	for _, evil := range []string{"*", "'allow-duplicates'", "a b", "a;b", "", "'none'", strings.Repeat("x", 65)} {
		p := header.Policy{TrustedTypes: []string{evil}}
		if len(p.Faults("")) == 0 || p.String() != strict {
			t.Errorf("trusted types %q: %s", evil, p)
		}
	}
	for _, evil := range []string{"https://evil.example/", "//evil.example", "/a; script-src *", "/a b", "report"} {
		p := header.Policy{Report: evil}
		if len(p.Faults("")) == 0 || p.String() != strict {
			t.Errorf("report %q: %s", evil, p)
		}
	}
	if p := (header.Policy{Img: header.Sources{Hashes: []string{header.Hash(nil)}}}); len(p.Faults("")) == 0 || p.String() != strict {
		t.Error("a hash for images was taken")
	}
	for _, evil := range []string{"sha256-x", "md5-" + strings.Repeat("A", 22) + "==", "sha256-" + strings.Repeat("A", 43), "sha512-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", "sha256-47DEQpj8HBSa+/TImW+5\nJCeuQeRkm5NMpJWZG3hSuFU="} {
		p := header.Policy{Script: header.Sources{Hashes: []string{evil}}}
		if len(p.Faults("")) == 0 || p.String() != strict {
			t.Errorf("hash %q: %s", evil, p)
		}
	}
}

func TestTwentyHashesAreEnough(t *testing.T) {
	var p header.Policy
	for i := range 21 {
		p.Script.Hashes = append(p.Script.Hashes, header.Hash([]byte{byte(i)}))
		f := p.Faults("")
		if i < 20 && len(f) != 0 || i == 20 && (len(f) != 1 || f[0].ID != header.RuleHashes.ID) {
			t.Errorf("%d hashes: %v", i+1, f)
		}
	}
}

func TestMergeIsAUnionAndLeavesItsPartsAlone(t *testing.T) {
	a := header.Policy{Script: header.Sources{Hashes: make([]string, 1, 4)}, Report: "/a"}
	a.Script.Hashes[0] = header.Hash([]byte("a"))
	b := header.Policy{Script: header.Sources{Self: true, Hashes: []string{header.Hash([]byte("b")), a.Script.Hashes[0]}}, Img: header.Sources{Self: true}, Form: []string{"https://pay.example"}, Report: "/b"}
	m := a.Merge(b)
	if !m.Script.Self || len(m.Script.Hashes) != 2 || !m.Img.Self || m.Report != "/a" || len(m.Form) != 1 {
		t.Errorf("got %+v", m)
	}
	m.Script.Hashes[0] = "changed"
	if a.Script.Hashes[0] == "changed" || a.Script.Self || len(a.Script.Hashes) != 1 {
		t.Errorf("a was changed: %+v", a)
	}
	if got := (header.Policy{}).Merge(b); got.String() != b.String() {
		t.Errorf("got %s, want %s", got, b)
	}
}

func TestStrictPassesItsOwnInspection(t *testing.T) {
	h := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	header.Strict.Apply(h)
	if f := header.Inspect("GET /", h, false); len(f) != 0 {
		t.Error(f)
	}
	if f := header.Inspect("GET /", h, true); len(f) != 1 {
		t.Errorf("over TLS: %v, want HSTS to be missing", f)
	}
	header.SetHSTS(h, "example.org", true)
	if f := header.Inspect("GET /", h, true); len(f) != 0 {
		t.Error(f)
	}
	for name := range h {
		if name == "Content-Type" || name == "Origin-Agent-Cluster" || name == "Cache-Control" { // their absence alone is no hole
			continue
		}
		w := h.Clone()
		delete(w, name)
		if f := header.Inspect("GET /", w, true); len(f) == 0 {
			t.Errorf("without %s nothing was found", name)
		}
	}
	if h.Get("Referrer-Policy") == "no-referrer" || h.Get("X-XSS-Protection") != "" || h.Get("Server") != "" {
		t.Errorf("got %v", h)
	}
	if strings.Contains(h.Get("Permissions-Policy"), "self") || !strings.Contains(h.Get("Permissions-Policy"), "camera=()") {
		t.Errorf("got %s", h.Get("Permissions-Policy"))
	}
}

func TestInspectFindsWhatIsWeak(t *testing.T) {
	strict := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	header.Strict.Apply(strict)
	header.SetHSTS(strict, "example.org", true)
	csp := header.Strict.Policy()
	for title, change := range map[string]func(http.Header){
		"unsafe-inline":                  func(h http.Header) { h.Set("Content-Security-Policy", csp+"; script-src 'unsafe-inline'") },
		"a wildcard":                     func(h http.Header) { h.Set("Content-Security-Policy", csp+"; img-src *") },
		"a scheme":                       func(h http.Header) { h.Set("Content-Security-Policy", csp+"; script-src https:") },
		"a second directive in capitals": func(h http.Header) { h.Set("Content-Security-Policy", "Default-Src *; "+csp) },
		"a nonce":                        func(h http.Header) { h.Set("Content-Security-Policy", csp+"; script-src 'nonce-abc'") },
		"default-src self":               func(h http.Header) { h.Set("Content-Security-Policy", "default-src 'self'; "+csp) },
		"two policies":                   func(h http.Header) { h["Content-Security-Policy"] = []string{csp, csp} },
		"no trusted types": func(h http.Header) {
			h.Set("Content-Security-Policy", strings.Replace(csp, "require-trusted-types-for 'script'", "", 1))
		},
		"form-action of another": func(h http.Header) {
			h.Set("Content-Security-Policy", strings.Replace(csp, "form-action 'self'", "form-action https://evil.example", 1))
		},
		"HSTS that ends at once":  func(h http.Header) { h.Set("Strict-Transport-Security", "max-age=0") },
		"HSTS of a month":         func(h http.Header) { h.Set("Strict-Transport-Security", "includeSubDomains; Max-Age=2592000") },
		"a feature for everybody": func(h http.Header) { h.Set("Permissions-Policy", "camera=*") },
		"a feature for another": func(h http.Header) {
			h.Set("Permissions-Policy", `geolocation=(), camera=(self "https://evil.example")`)
		},
		"scripts of another":     func(h http.Header) { h.Set("Content-Security-Policy", csp+"; script-src https://evil.example") },
		"scripts of a bare host": func(h http.Header) { h.Set("Content-Security-Policy", csp+"; script-src-elem 'self' evil.example") },
		"framed by itself and another": func(h http.Header) {
			h.Set("Content-Security-Policy", strings.Replace(csp, "frame-ancestors 'none'", "frame-ancestors 'self' https://evil.example", 1))
		},
		"any trusted type": func(h http.Header) {
			h.Set("Content-Security-Policy", strings.Replace(csp, "; trusted-types 'none'", "", 1))
		},
		"trusted types twice": func(h http.Header) {
			h.Set("Content-Security-Policy", strings.Replace(csp, "trusted-types 'none'", "trusted-types a 'allow-duplicates'", 1))
		},
		"no-referrer": func(h http.Header) { h.Set("Referrer-Policy", "no-referrer") },
		"unsafe-url":  func(h http.Header) { h.Set("Referrer-Policy", "unsafe-url") },
		"CORS":        func(h http.Header) { h.Set("Access-Control-Allow-Origin", "*") },
		"no charset":  func(h http.Header) { h.Set("Content-Type", "text/html") },
		"cookie and cache": func(h http.Header) {
			h.Set("Cache-Control", "public")
			_ = header.SetCookie(h, header.Cookie{Name: "__Host-a", Value: "b"})
		},
		"cookie with a domain": func(h http.Header) {
			h.Set("Set-Cookie", "__Host-a=b; Path=/; Secure; HttpOnly; SameSite=Lax; Domain=example.org")
		},
		"cookie without HttpOnly":  func(h http.Header) { h.Set("Set-Cookie", "__Host-a=b; Path=/; Secure; SameSite=Lax") },
		"cookie without Secure":    func(h http.Header) { h.Set("Set-Cookie", "__Host-a=b; Path=/; HttpOnly; SameSite=Lax") },
		"cookie without SameSite":  func(h http.Header) { h.Set("Set-Cookie", "__Host-a=b; Path=/; Secure; HttpOnly") },
		"cookie for another path":  func(h http.Header) { h.Set("Set-Cookie", "__Host-a=b; Path=/x; Secure; HttpOnly; SameSite=Lax") },
		"cookie without a prefix":  func(h http.Header) { h.Set("Set-Cookie", "a=b; Path=/; Secure; HttpOnly; SameSite=Lax") },
		"cookie that is malformed": func(h http.Header) { h.Set("Set-Cookie", "=;") },
	} {
		h := strict.Clone()
		change(h)
		if f := header.Inspect("GET /", h, true); len(f) == 0 {
			t.Errorf("%s: nothing was found", title)
		}
	}
	h := strict.Clone()
	if err := header.SetCookie(h, header.Cookie{Name: "__Host-a", Value: "b"}); err != nil || len(header.Inspect("", h, false)) != 0 {
		t.Errorf("an honest cookie: %v %v", err, header.Inspect("", h, false))
	}
}

func TestFramingIsOpenedByOriginAndReason(t *testing.T) {
	f, faults := header.New(header.Options{Frames: []header.Frame{{Origin: "https://partner.example", Reason: "their page shows our map"}}}, "GET /map")
	if len(faults) != 0 {
		t.Fatal(faults)
	}
	h := http.Header{}
	header.Strict.Apply(h)
	f.Apply(h)
	if _, ok := h["X-Frame-Options"]; ok || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors https://partner.example;") {
		t.Errorf("got %v", h)
	}
	if f := header.Inspect("", h, false); len(f) != 0 {
		t.Error(f)
	}
	f, faults = header.New(header.Options{Policy: header.Policy{Ancestors: []string{"https://partner.example"}}}, "")
	if len(faults) != 1 || !strings.Contains(f.Policy(), "frame-ancestors 'none'") {
		t.Errorf("an ancestor without a reason: %v, %s", faults, f.Policy())
	}
	for _, frame := range []header.Frame{{Origin: "https://partner.example"}, {Origin: "*", Reason: "all"}, {Origin: "https://*.example", Reason: "all"}} {
		f, faults := header.New(header.Options{Frames: []header.Frame{frame}}, "")
		h := http.Header{}
		f.Apply(h)
		if len(faults) == 0 || h.Get("X-Frame-Options") != "DENY" || !strings.Contains(f.Policy(), "frame-ancestors 'none'") {
			t.Errorf("%+v: %v, %v", frame, faults, h)
		}
	}
}

func TestOptionsOpenOneThingEach(t *testing.T) {
	f, faults := header.New(header.Options{Features: []string{"publickey-credentials-get"}, Cache: header.NoCache, Vary: []string{"cookie", "Sec-Fetch-Site"}, AllowPopups: true, AllowEmbedding: true, HSTS: true}, "")
	if len(faults) != 0 {
		t.Fatal(faults)
	}
	h := http.Header{}
	f.Apply(h)
	for name, want := range map[string]string{"Cache-Control": "no-cache", "Vary": "Cookie, Sec-Fetch-Site", "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
		"Cross-Origin-Resource-Policy": "cross-origin", "Strict-Transport-Security": "max-age=63072000; includeSubDomains"} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := h.Get("Permissions-Policy"); !strings.Contains(got, "publickey-credentials-get=(self)") || strings.Count(got, "self") != 1 {
		t.Errorf("got %s", got)
	}
	_, faults = header.New(header.Options{Features: []string{"camera=*"}, Vary: []string{"a b"}}, "GET /")
	if len(faults) != 2 || faults[0].Where != "GET /" {
		t.Errorf("got %v, want two faults", faults)
	}
}

func TestOverGivesTheSameHeaders(t *testing.T) {
	a, _ := header.New(header.Options{Vary: []string{"Cookie"}, HSTS: true}, "")
	b, _ := header.New(header.Options{Cache: header.NoCache, Policy: header.Policy{Img: header.Sources{Self: true}}, Frames: []header.Frame{{Origin: "https://a.example", Reason: "r"}}}, "")
	for _, base := range []*header.Fixed{header.Strict, a, b} {
		for _, own := range []*header.Fixed{header.Strict, header.Inert, a, b} {
			whole, both := http.Header{}, http.Header{}
			own.Apply(whole)
			base.Apply(both)
			own.Over(base).Apply(both)
			if len(whole) != len(both) {
				t.Errorf("got %v, want %v", both, whole)
			}
			for k := range whole {
				if !slices.Equal(whole[k], both[k]) {
					t.Errorf("%s: got %v, want %v", k, both[k], whole[k])
				}
			}
		}
	}
}

// The slices are shared: what one answer does to its headers must not reach the next.
func TestSharedSlicesAreNotWrittenThrough(t *testing.T) {
	h := http.Header{}
	header.Strict.Apply(h)
	header.SetHSTS(h, "example.org", true)
	header.ClearSiteData(h)
	for name := range h {
		h.Add(name, "evil")
		h.Set(name, "evil")
	}
	again := http.Header{}
	header.Strict.Apply(again)
	header.SetHSTS(again, "example.org", true)
	header.ClearSiteData(again)
	for name, v := range again {
		if len(v) != 1 || v[0] == "evil" {
			t.Errorf("%s: %v", name, v)
		}
	}
}

func TestHandlerCoversErrorsToo(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	})
	for _, path := range []string{"/", "/nothing"} {
		w := httptest.NewRecorder()
		header.Handler(mux).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if f := header.Inspect(path, w.Header(), false); len(f) != 0 {
			t.Error(f)
		}
		w = httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil)) // without the guard
		if f := header.Inspect(path, w.Header(), false); len(f) == 0 {
			t.Errorf("%s: the bare handler passes", path)
		}
	}
	h := http.Header{"Content-Type": {"image/svg+xml"}}
	header.Inert.Apply(h)
	if f := header.Inspect("", h, false); len(f) != 0 || !strings.HasPrefix(header.Inert.Policy(), "sandbox;") {
		t.Errorf("inert: %v, %s", f, header.Inert.Policy())
	}
}

// FuzzPolicy: no source, however odd, ends its directive or opens another.
func FuzzPolicy(f *testing.F) {
	for _, s := range []string{"https://a.example", "*", "'unsafe-inline'", "https://a.example; script-src *", header.Hash(nil), "htmx", "/_merlon/csp"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		one := []string{s}
		all := header.Sources{Hashes: one, Origins: one}
		p := header.Policy{Script: all, Style: all, Img: all, Font: all, Media: all, Connect: all, Manifest: all, Worker: all, Frame: all,
			Form: one, Ancestors: one, TrustedTypes: one, Report: s}
		got := p.String()
		seen := map[string]bool{}
		for d := range strings.SplitSeq(got, "; ") {
			name, rest, _ := strings.Cut(d, " ")
			if seen[name] || strings.ContainsAny(d, ";,\r\n") || strings.Contains(rest, "  ") {
				t.Fatalf("%q: %s", s, got)
			}
			seen[name] = true
			for w := range strings.FieldsSeq(rest) {
				if w != s && w != "'"+s+"'" && w != "'self'" && w != "'none'" && w != "'script'" {
					t.Fatalf("%q: source %q in %s", s, w, got)
				}
				if name != "trusted-types" && name != "report-uri" && (strings.Contains(w, "*") || strings.HasSuffix(w, ":") || strings.Contains(w, "unsafe")) && !strings.Contains(w, "://") {
					t.Fatalf("%q opens: %s", s, got)
				}
			}
		}
	})
}
