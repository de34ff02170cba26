package cli

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func TestUsesOf(t *testing.T) {
	tcp := func(ports ...int) (all []net.Addr) {
		for i, port := range ports {
			all = append(all, &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(i+1)), Port: port})
		}
		return all
	}
	for name, c := range map[string]struct {
		names string
		at    []net.Addr
		want  string // or the beginning of the error
	}{
		"one":                     {"", tcp(443), "site"},
		"in their order":          {"", tcp(443, 80, 8081), "site redirect health"},
		"of a unit without names": {"club.socket:club.socket", tcp(443, 80), "site redirect"},
		"IPv4 and IPv6":           {"club.socket:club.socket", tcp(443, 443), "site site"},
		"both of each":            {"", tcp(443, 443, 80, 80), "site site redirect redirect"},
		"files have no port":      {"", []net.Addr{&net.UnixAddr{Name: "a"}, &net.UnixAddr{Name: "b"}}, "site redirect"},
		"named":                   {"redirect:site", tcp(80, 443), "redirect site"},
		"two of a name":           {"site:site:redirect", tcp(443, 444, 80), "site site redirect"},
		"some named":              {"club.socket:site", tcp(80, 443), "the one at 127.0.0.1:80 has no name"},
		"fewer names":             {"site", tcp(443, 80), "the one at 127.0.0.2:80 has no name"},
		"health for everybody":    {"", append(tcp(443, 80), &net.TCPAddr{IP: net.IPv4zero, Port: 8443}), "the one at 0.0.0.0:8443 would be for the health pages"},
		"too many":                {"", tcp(1, 2, 3, 4), "there are more than a site"},
	} {
		got, err := usesOf(strings.Split(c.names, ":"), c.at)
		said := strings.Join(got, " ")
		if err != nil {
			said = err.Error()
		}
		if said != c.want && (err == nil || !strings.HasPrefix(said, c.want)) {
			t.Errorf("%s: %q, want %q", name, said, c.want)
		}
	}
}

// noted is a listener that says when it has accepted.
type noted struct {
	net.Listener
	did chan struct{}
}

func (n noted) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err == nil {
		n.did <- struct{}{}
	}
	return c, err
}

func listeners(t *testing.T) (all []net.Listener, did chan struct{}) {
	t.Helper()
	did = make(chan struct{}, 8)
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		all = append(all, noted{l, did})
	}
	return all, did
}

func visit(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Of several listeners as one none is left out, and who was accepted before the end is not turned away.
func TestTogether(t *testing.T) {
	all, did := listeners(t)
	if alone := together(all[:1]); alone != all[0] {
		t.Errorf("one listener alone became a %T", alone)
	}
	j := together(all)
	if j.Addr() != all[0].Addr() {
		t.Errorf("the address is %s", j.Addr())
	}
	accepted := func(want net.Listener) {
		t.Helper()
		c, err := j.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.LocalAddr().String() != want.Addr().String() {
			t.Errorf("%s was accepted, not %s", c.LocalAddr(), want.Addr())
		}
	}
	for _, l := range []net.Listener{all[2], all[0], all[1], all[2]} {
		visit(t, l)
		<-did
		accepted(l)
	}
	visit(t, all[1])
	<-did
	if err := errors.Join(j.Close(), j.Close()); err != nil {
		t.Error(err)
	}
	accepted(all[1])
	if _, err := j.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("behind Close: %v", err)
	}
}

// Whom nobody accepts behind Close is hung up on, and nothing goes on waiting.
func TestTogetherAbandoned(t *testing.T) {
	t.Parallel()
	all, did := listeners(t)
	j := together(all)
	c := visit(t, all[1])
	<-did
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the visitor reads: %v", err)
	}
	if _, err := j.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("then: %v", err)
	}
}
