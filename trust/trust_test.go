package trust_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/trust"
)

func TestRulesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range trust.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
		if seen[r.ID] || !strings.HasPrefix(r.ID, "MRL-TRUST-") {
			t.Errorf("id %s is used twice or not of this room", r.ID)
		}
		seen[r.ID] = true
		if n := strings.Count(r.Explain(), "\n"); n > 40 {
			t.Errorf("%s: explain has %d lines, want at most 40", r.ID, n)
		}
	}
}

func load[T any](t testing.TB, name string) []T {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var cases []T
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatalf("%s has no case", name)
	}
	return cases
}

type hostCase struct {
	ID, Title, Header, Peer, Start string
	Hosts, Proxies                 []string
	TLS                            bool
	Headers                        [][2]string
	Expect                         struct {
		Host           string
		Client, Scheme any
	}
}

func (c hostCase) request() *http.Request {
	r := &http.Request{Method: "GET", URL: &url.URL{Path: "/"}, RequestURI: "/", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, RemoteAddr: c.Peer}
	for _, h := range c.Headers {
		if h[0] == "Host" {
			r.Host = h[1]
		} else {
			r.Header.Add(h[0], h[1])
		}
	}
	if c.TLS {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	return r
}

func TestHostAndProxyVectors(t *testing.T) {
	for _, c := range load[hostCase](t, "hosts-proxies.json") {
		t.Run(c.ID, func(t *testing.T) {
			p, err := trust.New(trust.Config{Hosts: c.Hosts, Proxies: c.Proxies, ClientHeader: c.Header})
			if c.Start == "refused" {
				var f check.Faults
				if !errors.As(err, &f) || len(f) == 0 {
					t.Errorf("%s: %s: starts, %v", c.ID, c.Title, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %s: does not start: %v", c.ID, c.Title, err)
			}
			client, err := p.Request(c.request())
			if c.Expect.Host == "refuse" {
				var refusal *trust.Refusal
				if !errors.As(err, &refusal) || refusal.Status != 400 && refusal.Status != 421 {
					t.Errorf("%s: %s: got %+v, %v, want it refused", c.ID, c.Title, client, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %s: %v", c.ID, c.Title, err)
			}
			switch want := c.Expect.Client.(type) {
			case string:
				if client.Addr.String() != want {
					t.Errorf("%s: %s: client %s, want %s", c.ID, c.Title, client.Addr, want)
				}
			case []any:
				t.Fatalf("%s: a list of clients: write it", c.ID)
			}
			if want, ok := c.Expect.Scheme.(string); ok && client.HTTPS != (want == "https") {
				t.Errorf("%s: %s: HTTPS %v, want scheme %s", c.ID, c.Title, client.HTTPS, want)
			}
		})
	}
}

func mustNew(t testing.TB, c trust.Config) *trust.Policy {
	t.Helper()
	p, err := trust.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSettingsThatDoNotStart(t *testing.T) {
	ok := []string{"site.test"}
	for title, c := range map[string]trust.Config{
		"no host":                   {},
		"an address":                {Hosts: []string{"https://site.test"}},
		"a path":                    {Hosts: []string{"site.test/shop"}},
		"a wildcard":                {Hosts: []string{"*.site.test"}},
		"a star":                    {Hosts: []string{"*"}},
		"empty":                     {Hosts: []string{""}},
		"a dot at the end":          {Hosts: []string{"site.test."}},
		"two dots":                  {Hosts: []string{"site..test"}},
		"userinfo":                  {Hosts: []string{"a@site.test"}},
		"a space":                   {Hosts: []string{"site .test"}},
		"a colon alone":             {Hosts: []string{"site.test:"}},
		"a port too large":          {Hosts: []string{"site.test:65536"}},
		"port 0":                    {Hosts: []string{"site.test:0"}},
		"any port of a public name": {Hosts: []string{"site.test:*"}},
		"IPv6 without brackets":     {Hosts: []string{"2001:db8::1"}},
		"IPv6 with a zone":          {Hosts: []string{"[fe80::1%eth0]"}},
		"half a bracket":            {Hosts: []string{"[2001:db8::1"}},
		"a bracket alone":           {Hosts: []string{"["}},
		"an IPv4 address in octal":  {Hosts: []string{"0127.0.0.1"}},
		"an IPv4 address of a part": {Hosts: []string{"2130706433"}},
		"a hexadecimal last label":  {Hosts: []string{"site.0x7f"}},
		"a name of IDNA's refusal":  {Hosts: []string{"bü_cher.test"}},
		"a bidi mix":                {Hosts: []string{"a\u202eb.test"}},
		"everything":                {Hosts: ok, Proxies: []string{"::/0"}, ClientHeader: "Forwarded"},
		"half of everything":        {Hosts: ok, Proxies: []string{"0.0.0.0/1", "128.0.0.0/1"}, ClientHeader: "X-Forwarded-For"},
		"IPv4 as mapped":            {Hosts: ok, Proxies: []string{"::ffff:0:0/96"}, ClientHeader: "X-Forwarded-For"},
		"all public IPv6":           {Hosts: ok, Proxies: []string{"2000::/3"}, ClientHeader: "X-Forwarded-For"},
		"an address in a network":   {Hosts: ok, Proxies: []string{"10.0.0.5/8"}, ClientHeader: "X-Forwarded-For"},
		"a zone":                    {Hosts: ok, Proxies: []string{"fe80::1%eth0"}, ClientHeader: "X-Forwarded-For"},
		"a range":                   {Hosts: ok, Proxies: []string{"10.0.0.1-10.0.0.9"}, ClientHeader: "X-Forwarded-For"},
		"a proxy with a port":       {Hosts: ok, Proxies: []string{"10.0.0.1:80"}, ClientHeader: "X-Forwarded-For"},
		"no header":                 {Hosts: ok, Proxies: []string{"10.0.0.1"}},
		"a header with a space":     {Hosts: ok, Proxies: []string{"10.0.0.1"}, ClientHeader: "X Forwarded For"},
		"a header with underscores": {Hosts: ok, Proxies: []string{"10.0.0.1"}, ClientHeader: "X_Forwarded_For"},
		"two headers":               {Hosts: ok, Proxies: []string{"10.0.0.1"}, ClientHeader: "X-Real-IP, X-Forwarded-For"},
		"the client's own header":   {Hosts: ok, Proxies: []string{"10.0.0.1"}, ClientHeader: "user-agent"},
		"the host's header":         {Hosts: ok, Proxies: []string{"10.0.0.1"}, ClientHeader: "X-Forwarded-Host"},
	} {
		p, err := trust.New(c)
		var f check.Faults
		if p != nil || !errors.As(err, &f) || len(f) == 0 {
			t.Errorf("%s: starts: %v", title, err)
			continue
		}
		for _, one := range f {
			if one.Severity != check.High || one.Where == "" || one.Do == "" {
				t.Errorf("%s: %+v lacks something", title, one)
			}
		}
	}
	if _, err := trust.New(trust.Config{Hosts: []string{"", "*"}, Proxies: []string{"x"}, ClientHeader: "Cookie"}); len(err.(check.Faults)) != 4 {
		t.Errorf("got %v, want all four at once", err)
	}
}

func TestHonestSettingsStart(t *testing.T) {
	for _, c := range []trust.Config{
		{Hosts: []string{"example.org", "WWW.example.org", "my_app", "203.0.113.7", "[2001:DB8::1]:8443", "straße.example", "a.b.c.d.example"}},
		{Hosts: trust.DevelopmentHosts("shop")},
		{Hosts: trust.DevelopmentHosts("")},
		{Hosts: []string{"site.test"}, Proxies: []string{"10.0.0.0/8", "192.0.2.1", "::1", "fc00::/7", "2400:cb00::/32", "::ffff:10.1.0.0/112", "unix"}, ClientHeader: "cf-connecting-ip"},
	} {
		if _, err := trust.New(c); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func request(host, peer string, headers ...string) *http.Request {
	c := hostCase{Peer: peer, Headers: [][2]string{{"Host", host}}}
	for i := 0; i < len(headers); i += 2 {
		c.Headers = append(c.Headers, [2]string{headers[i], headers[i+1]})
	}
	return c.request()
}

func TestDevelopmentHostsTakeAnyPort(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: trust.DevelopmentHosts("Shop")})
	for host, origin := range map[string]string{
		"shop.localhost:8080": "http://shop.localhost:8080", "SHOP.localhost": "http://shop.localhost", "localhost:1": "http://localhost:1", "127.0.0.1:65535": "http://127.0.0.1:65535",
		"[::1]:8080": "http://[::1]:8080", "[0:0:0:0:0:0:0:1]:8080": "http://[::1]:8080", "localhost:80": "http://localhost", "localhost:443": "http://localhost:443",
	} {
		c, err := p.Request(request(host, "127.0.0.1:5"))
		if err != nil || c.Origin() != origin || !c.Local() {
			t.Errorf("%s: origin %q, local %v, %v; want %q", host, c.Origin(), c.Local(), err, origin)
		}
	}
	for _, host := range []string{"other.localhost:8080", "example.org", "localhost:0", "localhost:", "localhost:08080", "localhost:+80", "127.0.0.2", "[::2]", "shop.localhost.evil.test", "[::1%lo]:80", "[::ffff:127.0.0.1]", "localhost:8080:8080", "[::1]x", "[]", "[:]"} {
		if c, err := p.Request(request(host, "127.0.0.1:5")); err == nil {
			t.Errorf("%s was taken: %+v", host, c)
		}
	}
}

func TestStatusOfARefusedHost(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"site.test", "other.test:8443"}})
	for host, status := range map[string]int{"evil.test": 421, "site.test:8080": 421, "": 400, "a b": 400, "site.test:x": 400, "site.test@evil.test": 400, "other.test": 421, "other.test:8443": 200, "site.test:443": 421, "site.test:80": 200, strings.Repeat("a", 300): 400} {
		_, err := p.Request(request(host, "192.0.2.1:5"))
		got := 200
		if r, ok := err.(*trust.Refusal); ok {
			got = r.Status
			if r.Rule.ID != trust.RuleHost.ID {
				t.Errorf("%q: rule %s", host, r.Rule.ID)
			}
		}
		if got != status {
			t.Errorf("%q: %d, want %d", host, got, status)
		}
	}
	r := request("site.test", "192.0.2.1:5")
	r.Header["Host"] = []string{"evil.test"}
	if _, err := p.Request(r); err == nil {
		t.Error("two hosts that disagree were taken")
	}
}

func TestOrigins(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"site.test", "site.test:8443", "[2001:db8::1]", "bücher.test"}})
	for _, c := range []struct {
		host   string
		tls    bool
		origin string
	}{
		{"site.test", true, "https://site.test"}, {"Site.Test:443", true, "https://site.test"}, {"site.test", false, "http://site.test"},
		{"site.test:8443", true, "https://site.test:8443"}, {"[2001:db8:0::1]", true, "https://[2001:db8::1]"}, {"xn--bcher-kva.test", true, "https://xn--bcher-kva.test"},
	} {
		r := hostCase{Peer: "192.0.2.1:5", TLS: c.tls, Headers: [][2]string{{"Host", c.host}}}.request()
		client, err := p.Request(r)
		if err != nil || client.Origin() != c.origin {
			t.Errorf("%s: %q, %v, want %q", c.host, client.Origin(), err, c.origin)
		}
	}
}

func TestSingleValueHeader(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"site.test"}, Proxies: []string{"10.0.0.1"}, ClientHeader: "CF-Connecting-IP"})
	for _, c := range []struct {
		title, want string
		peer        string
		headers     []string
	}{
		{"one", "198.51.100.7", "10.0.0.1:1", []string{"CF-Connecting-IP", "198.51.100.7"}},
		{"spaces", "198.51.100.7", "10.0.0.1:1", []string{"CF-Connecting-IP", " 198.51.100.7 "}},
		{"twice", "10.0.0.1", "10.0.0.1:1", []string{"CF-Connecting-IP", "198.51.100.7", "CF-Connecting-IP", "198.51.100.7"}},
		{"a list", "10.0.0.1", "10.0.0.1:1", []string{"CF-Connecting-IP", "1.2.3.4, 198.51.100.7"}},
		{"garbage", "10.0.0.1", "10.0.0.1:1", []string{"CF-Connecting-IP", "x"}},
		{"another header", "10.0.0.1", "10.0.0.1:1", []string{"X-Forwarded-For", "198.51.100.7"}},
		{"a stranger", "10.0.0.2", "10.0.0.2:1", []string{"CF-Connecting-IP", "198.51.100.7"}},
		{"a zone", "10.0.0.1", "10.0.0.1:1", []string{"CF-Connecting-IP", "fe80::1%eth0"}},
		{"bracketed", "2001:db8::7", "10.0.0.1:1", []string{"CF-Connecting-IP", "[2001:db8::7]:5"}},
		{"bracketed IPv4", "10.0.0.1", "10.0.0.1:1", []string{"CF-Connecting-IP", "[198.51.100.7]"}},
		{"long", "10.0.0.1", "10.0.0.1:1", []string{"CF-Connecting-IP", strings.Repeat("1", 500)}},
	} {
		client, err := p.Request(request("site.test", c.peer, c.headers...))
		if err != nil || client.Addr.String() != c.want {
			t.Errorf("%s: %s, %v, want %s", c.title, client.Addr, err, c.want)
		}
	}
}

// A client cannot hide what the proxy writes behind a quote of its own, nor make it say TLS.
func TestForwardedCannotBeQuotedAway(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"site.test"}, Proxies: []string{"10.0.0.0/8"}, ClientHeader: "Forwarded"})
	for _, evil := range []string{
		`for="`, `for=1.2.3.4;x="`, `for=1.2.3.4;x=\"`, `for=1.2.3.4;x="\`, `"`, `""`, `,`, `\`, `for=10.9.9.9;proto=https`, `for="1.2.3.4, for=`, `for=1.2.3.4;by="a\",b`,
		`for=1.2.3.4;proto=https`, `proto=https`, ``, ` `, `=`, `;`,
	} {
		for _, real := range []string{`for=198.51.100.7`, `for=198.51.100.7;proto=http`, `for="198.51.100.7:80";by="x,y";proto=http`, `FOR=198.51.100.7; proto=http`} {
			want := "198.51.100.7"
			for _, r := range []*http.Request{
				request("site.test", "10.0.0.1:1", "Forwarded", evil+", "+real),
				request("site.test", "10.0.0.1:1", "Forwarded", evil, "Forwarded", real),
			} {
				client, err := p.Request(r)
				if err != nil || client.Addr.String() != want || client.HTTPS {
					t.Errorf("%s, %s: %s, HTTPS %v, %v; want %s over http", evil, real, client.Addr, client.HTTPS, err, want)
				}
			}
		}
	}
	for _, c := range []struct{ header, want string }{
		{`for=198.51.100.7;for=1.2.3.4`, "10.0.0.1"}, {`for="198.51.100.7"x`, "10.0.0.1"}, {`for=198.51.100.7;`, "10.0.0.1"}, {`for = 198.51.100.7`, "10.0.0.1"},
		{`for=unknown`, "10.0.0.1"}, {`for=2001:db8::7`, "2001:db8::7"}, {`for="[2001:db8::7]"`, "2001:db8::7"}, {`for=198.51.100.7, for=10.0.0.3`, "198.51.100.7"}, {`for=1.2.3.4, for=x, for=10.0.0.3`, "10.0.0.3"},
		{strings.Repeat("for=10.0.0.3, ", 100) + "for=10.0.0.3", "10.0.0.3"}, {`for=198.51.100.7,`, "10.0.0.1"},
		{`for="198.51.100.7"x=y`, "10.0.0.1"}, {`for=198.51.100.7;host="a\",for=1.2.3.4"`, "10.0.0.1"}, {`for=198.51.100.7;host="x\",\"y,for=1.2.3.4;z=\""`, "10.0.0.1"},
		{"for=1.2.3.4, " + strings.Repeat("for=10.0.0.3, ", 40) + "for=10.0.0.3", "10.0.0.3"},
	} {
		client, err := p.Request(request("site.test", "10.0.0.1:1", "Forwarded", c.header))
		if err != nil || client.Addr.String() != c.want {
			t.Errorf("%s: %s, %v, want %s", c.header, client.Addr, err, c.want)
		}
	}
}

// Who has many trusted addresses in front of its own has invented them, or has a chain that nobody runs.
func TestTheWalkIsBounded(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"site.test"}, Proxies: []string{"10.0.0.0/8"}, ClientHeader: "X-Forwarded-For"})
	for n, want := range map[int]string{31: "1.2.3.4", 32: "10.0.0.3", 500: "10.0.0.3"} {
		c, err := p.Request(request("site.test", "10.0.0.1:1", "X-Forwarded-For", "1.2.3.4"+strings.Repeat(", 10.0.0.3", n)))
		if err != nil || c.Addr.String() != want {
			t.Errorf("%d hops: %s, %v, want %s", n, c.Addr, err, want)
		}
	}
}

func TestMalformedForwardedProvesNoTLS(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"site.test"}, Proxies: []string{"10.0.0.1"}, ClientHeader: "Forwarded"})
	for header, https := range map[string]bool{"for=198.51.100.7;proto=https": true, "for=198.51.100.7": false, "for=x;;": false, "for=198.51.100.7;proto=https;": false} {
		r := request("site.test", "10.0.0.1:1", "Forwarded", header)
		r.TLS = &tls.ConnectionState{}
		if c, err := p.Request(r); err != nil || c.HTTPS != https {
			t.Errorf("%s: HTTPS %v, %v, want %v", header, c.HTTPS, err, https)
		}
	}
}

func TestSchemeIsTheVisitorsNotTheProxys(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"site.test"}, Proxies: []string{"10.0.0.1"}, ClientHeader: "X-Forwarded-For"})
	r := request("site.test", "10.0.0.1:1", "X-Forwarded-For", "198.51.100.7", "X-Forwarded-Proto", "http")
	r.TLS = &tls.ConnectionState{}
	if c, err := p.Request(r); err != nil || c.HTTPS {
		t.Errorf("a visitor over http is HTTPS because the proxy speaks TLS to us: %+v, %v", c, err)
	}
	for value, https := range map[string]bool{"https": true, "HTTPS": true, " https ": true, "https,https": false, "": false, "https\t": true, "httpss": false} {
		c, err := p.Request(request("site.test", "10.0.0.1:1", "X-Forwarded-Proto", value))
		if err != nil || c.HTTPS != https {
			t.Errorf("%q: %v, %v, want %v", value, c.HTTPS, err, https)
		}
	}
}

func TestUnbelievedHeadersAreToldOnce(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"site.test"}, Proxies: []string{"10.0.0.1"}, ClientHeader: "X-Client"})
	if len(check.Run(t.Context(), p.Checks()...).Findings(check.Low)) != 0 || p.Unbelieved() != nil {
		t.Error("a finding before any request")
	}
	if c, _ := p.Request(request("site.test", "127.0.0.1:1")); c.Unbelieved != "" || !c.Local() {
		t.Errorf("an honest request: %+v", c)
	}
	if c, _ := p.Request(request("site.test", "10.0.0.1:1", "X-Client", "127.0.0.1")); c.Unbelieved != "" || c.Local() {
		t.Errorf("through the proxy: %+v; it is no local client, whatever the proxy says", c)
	}
	for i, name := range []string{"X-Forwarded-For", "X-Forwarded-For", "Forwarded", "X-Forwarded-Host", "X-Real-IP", "X-Client"} {
		c, err := p.Request(request("site.test", "127.0.0.1:1", name, "1.2.3.4"))
		if err != nil || c.Unbelieved != http.CanonicalHeaderKey(name) || c.First != (i == 0) || c.Local() || c.Addr.String() != "127.0.0.1" {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if u := p.Unbelieved(); u == nil || u.Header != "X-Forwarded-For" || u.Peer != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("got %+v", u)
	}
	f := check.Run(t.Context(), p.Checks()...).Findings(check.Low)
	if len(f) != 1 || f[0].ID != trust.RuleUnbelieved.ID {
		t.Errorf("got %v, want one finding", f)
	}
}

func TestPeersWithoutAnAddress(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"site.test"}, Proxies: []string{"10.0.0.1"}, ClientHeader: "X-Forwarded-For"})
	for _, peer := range []string{"198.51.100.7", "x", "1.2.3.4:x", "[::1]", "1.2.3.4, 5.6.7.8"} {
		if c, err := p.Request(request("site.test", peer)); err == nil {
			t.Errorf("%q was taken for an address: %+v", peer, c)
		}
	}
	for _, peer := range []string{"@", "", "/run/site.sock"} { // a Unix socket that nobody named: believed in nothing
		c, err := p.Request(request("site.test", peer, "X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https"))
		if err != nil || c.Addr.String() != "127.0.0.1" || c.HTTPS || c.Proxied || c.Local() {
			t.Errorf("%q: %+v, %v", peer, c, err)
		}
		if c, err := p.Request(request("site.test", peer)); err != nil || c.Local() {
			t.Errorf("%q is local: %+v, %v", peer, c, err)
		}
	}
	c, err := p.Request(request("site.test", "[fe80::1%eth0]:1"))
	if err != nil || c.Addr.Zone() != "" || c.Addr.String() != "fe80::1" {
		t.Errorf("a zone: %+v, %v", c, err)
	}
}

func TestNetworks(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"site.test"}})
	for peer, want := range map[string]string{
		"198.51.100.7:1":          "198.51.100.7/32",
		"[2001:db8:1:2:3::7]:1":   "2001:db8:1:2::/64",
		"[::ffff:198.51.100.7]:1": "198.51.100.7/32",
	} {
		c, err := p.Request(request("site.test", peer))
		if got := c.Network().String(); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", peer, got, err, want)
		}
	}
	if (trust.Client{}).Network().IsValid() {
		t.Error("a client without an address has a network")
	}
}

func TestHandlerPassesTheClientOn(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"example.com"}})
	var got trust.Client
	h := p.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got, _ = trust.From(r.Context()) }), "PUT")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("PUT", "/", nil))
	if w.Code != 200 || got.Host != "example.com" || got.Addr.String() != "192.0.2.1" {
		t.Errorf("%d, %+v", w.Code, got)
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("TRACE", "/", nil))
	if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD, POST, PUT" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if _, ok := trust.From(t.Context()); ok {
		t.Error("a client from nowhere")
	}
	for _, m := range []string{"TRACE", "TRACK", "CONNECT", "PRI", "get", ""} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("method %q can be served", m)
				}
			}()
			p.Handler(h, m)
		}()
		if trust.MethodAllowed(m, m) {
			t.Errorf("MethodAllowed(%q)", m)
		}
	}
}
