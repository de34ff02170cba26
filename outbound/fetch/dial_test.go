package fetch_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/outbound/fetch"
)

// A name has an address that never answers, a private one, one that refuses and one that is open: the open one is reached,
// long before the time of a request is over, and a connection that comes too late is closed.
func TestASilentAddressTakesNoTime(t *testing.T) {
	server, roots := site(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusTeapot) }))
	client, err := fetch.New(fetch.Config{Timeout: time.Minute, Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	silent, shut, good, private := netip.MustParseAddr("8.8.4.4"), netip.MustParseAddr("2606:4700::1111"), netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("10.0.0.1")
	var mu sync.Mutex
	var asked []netip.Addr
	late, other := net.Pipe()
	client.Replace(nil, func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{silent, private, good, shut}, nil
	},
		func(ctx context.Context, network, to string) (net.Conn, error) {
			ip := netip.MustParseAddrPort(to).Addr()
			mu.Lock()
			asked = append(asked, ip)
			mu.Unlock()
			switch ip {
			case silent:
				<-ctx.Done() // somebody else has won
				return late, nil
			case shut:
				return nil, errors.New("refused")
			}
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		})
	began := time.Now()
	answer, err := client.Get(t.Context(), "https://api.test")
	if err != nil || answer.Status != http.StatusTeapot || time.Since(began) > 30*time.Second {
		t.Errorf("%+v, %v, after %v", answer, err, time.Since(began))
	}
	if _, err := other.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection that came too late is open: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []netip.Addr{silent, shut, good}; !slices.Equal(asked, want) {
		t.Errorf("asked %v, want %v: the families in turns, and nobody who is not public", asked, want)
	}
}

// All addresses fail: the error is theirs, and none is asked twice; of a name with hundreds of addresses eight are asked.
func TestAllAddressesFail(t *testing.T) {
	client, err := fetch.New(fetch.Config{})
	if err != nil {
		t.Fatal(err)
	}
	many := make([]netip.Addr, 0, 200)
	for i := range 200 {
		many = append(many, netip.AddrFrom4([4]byte{8, 8, 8, byte(i)}))
	}
	var mu sync.Mutex
	asked := 0
	refused := errors.New("refused")
	client.Replace(nil, func(context.Context, string) ([]netip.Addr, error) { return many, nil }, func(context.Context, string, string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		return nil, refused
	})
	if _, err := client.Get(t.Context(), "https://api.test"); !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if asked != 8 {
		t.Errorf("%d addresses were asked, want 8", asked)
	}
}

// An address that the machine gets while the site is up is its own from then on; a list that cannot be read opens nothing.
func TestOwnAddressesAreReadAgain(t *testing.T) {
	client, err := fetch.New(fetch.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ip := netip.MustParseAddr("8.8.8.8")
	var list []netip.Addr
	var fault error
	reads := 0
	age := client.ReplaceOwn(func() ([]netip.Addr, error) { reads++; return list, fault })
	for range 100 {
		if got := client.RefusesIP(ip); got != "" {
			t.Fatalf("a public address is refused: %s", got)
		}
	}
	if reads != 1 {
		t.Errorf("the list was read %d times in a moment, want once", reads)
	}
	list = []netip.Addr{ip}
	age()
	if got := client.RefusesIP(ip); got != fetch.ReasonOwn {
		t.Errorf("an address of this machine: %q", got)
	}
	list, fault = nil, errors.New("no file descriptors")
	age()
	if got := client.RefusesIP(ip); got != fetch.ReasonOwn {
		t.Errorf("when the own addresses cannot be read: %q", got)
	}
}

// A port that is opened for one host is shut for every other.
func TestAPortIsOneHosts(t *testing.T) {
	client, err := fetch.New(fetch.Config{InsecurePorts: []string{"api.test:8443"}, InsecureReason: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stopped before the network")
	client.Replace(nil, func(context.Context, string) ([]netip.Addr, error) { return nil, stop }, nil)
	for address, reason := range map[string]string{
		"https://api.test:8443/": fetch.ReasonResolve, "https://API.test:8443/": fetch.ReasonResolve, "https://api.test/": fetch.ReasonResolve,
		"https://two.test:8443/": fetch.ReasonPort, "https://api.test:8444/": fetch.ReasonPort, "https://api.test:08443/": fetch.ReasonPort,
		"https://8.8.8.8:8443/": fetch.ReasonPort,
	} {
		_, err := client.Get(t.Context(), address)
		if failed, ok := errors.AsType[*fetch.Error](err); !ok || failed.Reason != reason {
			t.Errorf("%s: %v, want %s", address, err, reason)
		}
	}
}
