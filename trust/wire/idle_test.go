package wire_test

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/merlon-web/merlon/trust/wire"
)

// waiter is a client that was answered once and keeps its connection.
type waiter struct {
	net.Conn
	b *bufio.Reader
}

func (w *waiter) ask(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(w, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(w.b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
}

// gone reports whether the server ends the connection within the time, in order.
func (w *waiter) gone(t *testing.T, within time.Duration) bool {
	t.Helper()
	_ = w.SetReadDeadline(time.Now().Add(within))
	_, err := w.b.ReadByte()
	if err != io.EOF && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("instead of an end in order: %v", err)
	}
	_ = w.SetReadDeadline(time.Now().Add(time.Minute))
	return err == io.EOF
}

func (s *server) waiter(t *testing.T) *waiter {
	c := s.dial(t)
	w := &waiter{c, bufio.NewReader(c)}
	w.ask(t)
	return w
}

// TestIdle: when more connections wait than may, those go that have waited longest; whoever has just asked again has not.
func TestIdle(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		idle := make(chan net.Conn, 100)
		s := start(t, secure, http.HandlerFunc(echo), wire.Config{Idle: 4}, idle)
		var all []*waiter
		for range 4 {
			all = append(all, s.waiter(t))
			<-idle // it waits: net/http has said so
		}
		all[0].ask(t)
		<-idle
		for range 2 {
			all = append(all, s.waiter(t))
			<-idle
		}
		for _, n := range []int{1, 2} {
			if !all[n].gone(t, time.Minute) {
				t.Errorf("connection %d waits still, and is one of the two that waited longest of six", n)
			}
		}
		for _, n := range []int{0, 3, 4, 5} {
			all[n].ask(t)
			<-idle
		}
	})
}

// TestIdleNetworks: whoever has more than a quarter of the connections takes none from others.
func TestIdleNetworks(t *testing.T) {
	idle := make(chan net.Conn, 100)
	s := start(t, false, http.HandlerFunc(echo), wire.Config{Idle: 4}, idle)
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 9, 9, 9)}}).Dial("tcp", s.address)
	if err != nil {
		t.Skip("this machine has no second address of loopback: ", err)
	}
	defer c.Close()
	other := &waiter{c, bufio.NewReader(c)}
	other.ask(t)
	<-idle
	var many []*waiter
	for range 9 {
		many = append(many, s.waiter(t))
		<-idle
	}
	for n, w := range many[:6] {
		if !w.gone(t, time.Minute) {
			t.Errorf("connection %d of nine of one network waits still", n)
		}
	}
	other.ask(t) // it waited longer than all of them
}

// frame is one of HTTP/2: its type, and the stream or what stands first in it.
func frame(t *testing.T, r io.Reader) (kind byte, body []byte, err error) {
	t.Helper()
	var head [9]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	body = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(r, body)
	return head[3], body, err
}

// get opens a stream with GET / and ends it.
func get(stream uint32) []byte {
	fields := []byte{0x82, 0x87, 0x84, 0x41, 1, 'a'} // :method GET, :scheme https, :path /, :authority a (RFC 7541 A)
	return append(append([]byte{0, 0, byte(len(fields)), 1, 0x5}, binary.BigEndian.AppendUint32(nil, stream)...), fields...)
}

const (
	frameData = 0
	goAway    = 7
)

// TestIdleHTTP2: a connection of HTTP/2 is told, is answered what was on its way, and is closed then.
func TestIdleHTTP2(t *testing.T) {
	t.Parallel()
	idle := make(chan net.Conn, 100)
	s := start(t, true, http.HandlerFunc(echo), wire.Config{Idle: 1}, idle)
	dial := func() *tls.Conn {
		c, err := tls.Dial("tcp", s.address, &tls.Config{RootCAs: s.roots, ServerName: "localhost", NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		return c
	}
	until := func(c net.Conn, want byte) []byte {
		for {
			kind, body, err := frame(t, c)
			if err != nil {
				t.Fatalf("before a frame of type %d: %v", want, err)
			}
			if kind == want {
				return body
			}
		}
	}
	first := dial()
	_, _ = first.Write(get(1))
	until(first, frameData)
	<-idle                              // at its beginning
	<-idle                              // and behind the answer
	time.Sleep(1100 * time.Millisecond) // one that has hardly waited is closed without a word
	_ = dial()
	if last := binary.BigEndian.Uint32(until(first, goAway)); last != 1<<31-1 {
		t.Errorf("GOAWAY names the stream %d: what is on its way would be given up", last)
	}
	_, _ = first.Write(get(3))
	if body := until(first, frameData); string(body) != `GET / ""` {
		t.Errorf("a request that was on its way is answered %q", body)
	}
	for {
		if _, _, err := frame(t, first); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("instead of an end in order: %v", err)
		}
	}
}

// TestIdleHonest: clients that keep more connections than may wait see no error, by both protocols.
func TestIdleHonest(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		s := start(t, true, http.HandlerFunc(echo), wire.Config{Idle: 2})
		var clients []*http.Client
		for range 6 {
			tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}, ForceAttemptHTTP2: h2}
			defer tr.CloseIdleConnections()
			clients = append(clients, &http.Client{Transport: tr, Timeout: time.Minute})
		}
		end := time.Now().Add(time.Minute)
		for round := 0; round < 3 || s.opened.Load() <= 6 && time.Now().Before(end); round++ { // that one waits is noticed a moment later
			for _, c := range slices.Concat(clients, clients[:1]) {
				res, err := c.Get(s.url() + "/x")
				if err != nil {
					t.Fatalf("HTTP/2 %v, round %d: %v", h2, round, err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if (res.ProtoMajor == 2) != h2 {
					t.Fatalf("spoke %s", res.Proto)
				}
			}
		}
		if n := s.opened.Load(); n <= 6 {
			t.Errorf("HTTP/2 %v: %d connections: none was closed", h2, n)
		}
	}
}
