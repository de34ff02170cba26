package fetch_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/outbound/fetch"
)

// site starts a real TLS server on loopback whose certificate is good for the names and addresses of the vectors.
func site(t *testing.T, h http.Handler) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"api.test", "two.test", "rebind.test", "other.test", "self.test"}, IPAddresses: []net.IP{net.ParseIP("8.8.8.8"), net.ParseIP("127.0.0.1")}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, roots
}

type vector struct {
	ID, Title, Kind, IP, URL string
	Resolves                 map[string][][]string
	Redirects                []string
	AllowHosts               []string `json:"allow_hosts"`
	Own                      []string
	Env                      map[string]string
	Expect                   struct {
		Connect any
		To      []string
		Never   []string
		Reason  string
	}
}

func vectors(t *testing.T) (all []vector) {
	t.Helper()
	text, err := os.ReadFile("testdata/addresses.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 88 {
		t.Fatal(err, len(all))
	}
	return all
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			if v.Kind == "ip" {
				testIP(t, v)
			} else {
				testURL(t, v)
			}
		})
	}
}

func testIP(t *testing.T, v vector) {
	c, err := fetch.New(fetch.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ip, err := netip.ParseAddr(v.IP)
	connects := err == nil && c.RefusesIP(ip) == ""
	if connects != v.Expect.Connect {
		t.Errorf("%s: %s connects: %t", v.Title, v.IP, connects)
	}
}

func testURL(t *testing.T, v vector) {
	for name, value := range v.Env {
		t.Setenv(name, value)
	}
	server, roots := site(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if len(v.Redirects) > 0 && r.URL.Path == "/r" {
			http.Redirect(rw, r, v.Redirects[0], http.StatusFound)
		}
	}))
	c, err := fetch.New(fetch.Config{Hosts: v.AllowHosts, Roots: roots, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var own []netip.Addr
	for _, ip := range v.Own {
		own = append(own, netip.MustParseAddr(ip))
	}
	var mu sync.Mutex
	var to []string
	asked := map[string]int{}
	c.Replace(own, func(_ context.Context, host string) (ips []netip.Addr, err error) {
		mu.Lock()
		defer mu.Unlock()
		answers := v.Resolves[host]
		if len(answers) == 0 {
			return nil, &net.DNSError{Name: host, IsNotFound: true}
		}
		for _, ip := range answers[min(asked[host], len(answers)-1)] {
			ips = append(ips, netip.MustParseAddr(ip))
		}
		asked[host]++
		return ips, nil
	}, func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		to = append(to, address)
		mu.Unlock()
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	})
	for range max(1, len(v.Resolves["rebind.test"])) { // each a request of its own: what was kept is closed
		_, err = c.Get(t.Context(), v.URL)
		server.CloseClientConnections()
	}
	for _, address := range to {
		if ap, err := netip.ParseAddrPort(address); err != nil || !fetch.Public(ap.Addr()) || slices.Contains(v.Expect.Never, address) {
			t.Errorf("%s: connected to %s", v.Title, address)
		}
	}
	failed, isError := errors.AsType[*fetch.Error](err)
	switch {
	case len(v.Resolves["rebind.test"]) > 0:
		if !slices.Equal(to, []string{"93.184.216.34:443"}) || !isError || failed.Reason != fetch.ReasonAddress {
			t.Errorf("%s: connected to %s, then %v", v.Title, to, err)
		}
	case v.Expect.Connect == true:
		if err != nil || !slices.Equal(to, v.Expect.To) {
			t.Errorf("%s: connected to %s, %v, want %s", v.Title, to, err, v.Expect.To)
		}
	case v.Expect.Connect == false:
		if !isError || len(v.Redirects) == 0 && len(to) > 0 {
			t.Errorf("%s: connected to %s, %v", v.Title, to, err)
		} else if want := v.Expect.Reason; want != "" && failed.Reason != want && v.ID != "addr-056" { // that one leads from https to http as well, which is seen first
			t.Errorf("%s: refused for %q, want %q", v.Title, failed.Reason, want)
		}
	}
}

// open returns a client that may ask the test's own server, by its real address.
func open(t *testing.T, c fetch.Config, h http.HandlerFunc) (*fetch.Client, string) {
	t.Helper()
	server, roots := site(t, h)
	at := netip.MustParseAddrPort(server.Listener.Addr().String())
	c.Roots, c.InsecurePrivate, c.InsecureReason = roots, []netip.Prefix{netip.PrefixFrom(at.Addr(), 32)}, "the test's own server"
	client, err := fetch.New(c)
	if err != nil {
		t.Fatal(err)
	}
	client.Replace(nil, func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{at.Addr()}, nil },
		func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, at.String())
		})
	return client, "https://api.test"
}

func TestAnswer(t *testing.T) {
	client, at := open(t, fetch.Config{}, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-Saw", r.Method+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("X-Key")+" "+r.UserAgent())
		rw.WriteHeader(http.StatusTeapot)
		fmt.Fprint(rw, r.URL)
	})
	address, err := fetch.At("https://api.test/range/{}/x?q={}&r={}").With("a/../b c", "d&e", "")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(t.Context(), fetch.Request{Address: address, Body: []byte("{}"), Type: "application/json", Header: http.Header{"X-Key": {"k"}}})
	if err != nil || answer.Status != http.StatusTeapot || string(answer.Body) != "/range/a%2F..%2Fb%20c/x?q=d%26e&r=" || answer.Header.Get("X-Saw") != "POST application/json k Merlon" {
		t.Errorf("%+v, %v", answer, err)
	}
	if answer, err = client.Get(t.Context(), at); err != nil || answer.Header.Get("X-Saw") != "GET   Merlon" {
		t.Errorf("%+v, %v", answer, err)
	}
	_, err = client.Do(t.Context(), fetch.Request{Address: at, Header: http.Header{"X-Key": {"a\r\nHost: b"}}})
	if found, ok := errors.AsType[check.Finding](err); !ok || found.ID != fetch.RuleHeader.ID {
		t.Errorf("a header with a line break: %v", err)
	}
}

func TestBounds(t *testing.T) {
	answer := func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/endless":
			for range 1 << 20 {
				if _, err := rw.Write(make([]byte, 1<<10)); err != nil {
					return
				}
			}
		case "/slow":
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // an answer now could still be taken by who has just given up
		case "/loop":
			http.Redirect(rw, r, "/loop", http.StatusFound)
		case "/head":
			for i := range 100 {
				rw.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 1<<10))
			}
		}
	}
	for path, reason := range map[string]string{"/endless": "size", "/slow": "timeout", "/loop": fetch.ReasonRedirect, "/head": ""} {
		timeout := time.Minute
		if reason == "timeout" {
			timeout = 300 * time.Millisecond
		}
		client, at := open(t, fetch.Config{MaxBytes: 1000, Timeout: timeout}, answer)
		_, err := client.Get(t.Context(), at+path)
		if failed, ok := errors.AsType[*fetch.Error](err); !ok || failed.Reason != reason {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// What a request carries for one host does not go to another.
func TestOwnHeadersStay(t *testing.T) {
	var leaked atomic.Int32
	client, at := open(t, fetch.Config{}, func(rw http.ResponseWriter, r *http.Request) {
		if r.Host != "api.test" {
			leaked.Add(1)
		}
		if r.URL.Path == "/" {
			http.Redirect(rw, r, "https://other.test/x", http.StatusTemporaryRedirect)
		}
	})
	for _, r := range []fetch.Request{{Address: at + "/", Header: http.Header{"X-Key": {"secret"}}}, {Address: at + "/", Body: []byte("secret")}} {
		_, err := client.Do(t.Context(), r)
		if failed, ok := errors.AsType[*fetch.Error](err); !ok || failed.Reason != fetch.ReasonRedirect || leaked.Load() > 0 {
			t.Errorf("%v, leaked %d times", err, leaked.Load())
		}
	}
	if answer, err := client.Get(t.Context(), at+"/"); err != nil || answer.Address != "https://other.test/x" {
		t.Errorf("a request without anything of its own: %+v, %v", answer, err)
	}
}

// The last look stands by itself: without all the others, the dialer's own control refuses a real connection to loopback.
func TestRealDialer(t *testing.T) {
	reached := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer server.Close()
	client, err := fetch.New(fetch.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{server.URL, "https://localhost", "https://127.0.0.1/", "https://[::1]/", "https://localhost.localdomain/"} {
		if _, err := client.Get(t.Context(), address); err == nil || reached {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, network := range []string{"tcp", "tcp4"} {
		conn, err := client.Connect(t.Context(), network, server.Listener.Addr().String())
		if failed, ok := errors.AsType[*fetch.Error](err); !ok || failed.Reason != fetch.ReasonOwn && failed.Reason != fetch.ReasonAddress {
			t.Errorf("the dialer itself: %v, %v", conn, err)
		}
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]fetch.Config{
		"private without reason": {InsecurePrivate: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		"port without a host":    {InsecurePorts: []string{":8443"}, InsecureReason: "a test"},
		"port of another form":   {InsecurePorts: []string{"api.test:08443"}, InsecureReason: "a test"},
		"port without reason":    {InsecurePorts: []string{"api.test:8443"}},
		"host with a scheme":     {Hosts: []string{"https://api.test"}},
		"host in capitals":       {Hosts: []string{"API.test"}},
	} {
		if _, err := fetch.New(c); err == nil || !strings.Contains(err.Error(), "fetch_test.go:") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, values := range [][]string{{}, {"a", "b"}, {".."}, {"."}, {""}} {
		if at, err := fetch.At("https://api.test/{}").With(values...); err == nil {
			t.Errorf("%q: %s", values, at)
		}
	}
	if at, err := fetch.At("https://{}/x").With("evil.test"); err == nil {
		t.Errorf("a host from data: %s", at)
	}
	for _, r := range fetch.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
	}
}

// Whatever a visitor types: nothing is connected to but public addresses, whatever its name leads to.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"https://8.8.8.8/", "https://127.1/", "https://[::ffff:7f00:1]/", "https://api.test@127.0.0.1/", "https://127.0.0.1.nip.test/"} {
		f.Add(s, []byte{127, 0, 0, 1})
	}
	for _, v := range []string{"https://0x7f.1/", "http:///x", "https://a.test:0443/"} {
		f.Add(v, []byte("0123456789abcdef"))
	}
	client, err := fetch.New(fetch.Config{HTTP: true})
	if err != nil {
		f.Fatal(err)
	}
	stop := errors.New("stopped before the network")
	f.Fuzz(func(t *testing.T, address string, leads []byte) {
		client.Replace(nil, func(context.Context, string) ([]netip.Addr, error) {
			if ip, ok := netip.AddrFromSlice(leads); ok {
				return []netip.Addr{ip}, nil
			}
			return nil, stop
		}, func(_ context.Context, _, to string) (net.Conn, error) {
			at, err := netip.ParseAddrPort(to)
			if err != nil || !fetch.Public(at.Addr()) || at.Addr().IsLoopback() || at.Addr().IsPrivate() || at.Port() != 443 && at.Port() != 80 {
				t.Errorf("%q connects to %s", address, to)
			}
			return nil, stop
		})
		if _, err := client.Get(t.Context(), address); err == nil {
			t.Errorf("%q was fetched", address)
		}
	})
}
