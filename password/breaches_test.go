package password_test

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/outbound/fetch"
	"github.com/merlon-web/merlon/password"
)

// The real SHA-1 sums of two words, at a real server on loopback.
func TestBreaches(t *testing.T) {
	asked := ""
	listener, pattern := listen(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path + " " + r.Header.Get("Add-Padding")
		switch r.URL.Path {
		case "/range/5BAA6":
			fmt.Fprint(rw, "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:9659365\r\n")
		case "/range/AAF4C":
			fmt.Fprint(rw, "61DDCC5E8A2DABEDE0F3B482CD9AEA9434D:0\r\n") // padding
		default:
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	server.Listener.Close()
	server.Listener = listener
	server.StartTLS()
	defer server.Close()
	at := netip.MustParseAddrPort(server.Listener.Addr().String())
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client, err := fetch.New(fetch.Config{Hosts: []string{"127.0.0.1"}, Roots: roots, InsecurePrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, InsecureReason: "the test's own server",
		InsecurePorts: []string{at.String()}})
	if err != nil {
		t.Fatal(err)
	}
	list := password.NewBreaches(client, pattern)
	for _, c := range []struct {
		password string
		has      bool
		fails    bool
	}{{"password", true, false}, {"hello", false, false}, {"correct horse battery staple", false, true}} {
		has, err := list.Has(t.Context(), c.password)
		if has != c.has || (err != nil) != c.fails {
			t.Errorf("%q: %t, %v", c.password, has, err)
		}
		if !strings.HasSuffix(asked, " true") || len(asked) != len("/range/5BAA6 true") {
			t.Errorf("%q: the other site was told %q", c.password, asked)
		}
	}
}

// Addresses are constants, so the port is the first that is free of three.
func listen(t *testing.T) (net.Listener, fetch.Pattern) {
	t.Helper()
	for port, pattern := range map[string]fetch.Pattern{
		"127.0.0.1:28443": fetch.At("https://127.0.0.1:28443/range/{}"),
		"127.0.0.1:28444": fetch.At("https://127.0.0.1:28444/range/{}"),
		"127.0.0.1:28445": fetch.At("https://127.0.0.1:28445/range/{}"),
	} {
		if l, err := net.Listen("tcp", port); err == nil {
			return l, pattern
		}
	}
	t.Fatal("none of three ports is free")
	return nil, fetch.Pattern{}
}
