package wire_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/trust"
	"github.com/merlon-web/merlon/trust/wire"
)

// echo answers a body with itself, and ignores what goes wrong when it reads.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %q", r.Method, r.URL.Path, body)
}

type server struct {
	address string
	roots   *x509.CertPool
	secure  bool
	opened  atomic.Int64
}

// start serves a handler behind the guard, and tells when a connection waits for its next request.
func start(t testing.TB, secure bool, h http.Handler, c wire.Config, idle ...chan net.Conn) *server {
	t.Helper()
	s := &server{secure: secure, roots: x509.NewCertPool()}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 12 << 10, DisableGeneralOptionsHandler: true}
	srv.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.opened.Add(1)
		}
	}
	g := wire.New(srv, c)
	guarded := srv.ConnState
	srv.ConnState = func(c net.Conn, state http.ConnState) {
		guarded(c, state)
		if state == http.StateIdle && len(idle) > 0 {
			idle[0] <- c
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	if secure {
		l = g.TLSListener(l, s.certificate(t))
	} else {
		l = g.Listener(l)
	}
	done := make(chan struct{})
	go func() { _ = srv.Serve(l); close(done) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return s
}

func (s *server) certificate(t testing.TB) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost", "site.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	s.roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"h2", "http/1.1"}}
}

func (s *server) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if s.secure {
		c = tls.Client(c, &tls.Config{RootCAs: s.roots, ServerName: "localhost", NextProtos: []string{"http/1.1"}})
	}
	return c
}

func (s *server) url() string {
	if s.secure {
		return "https://" + s.address
	}
	return "http://" + s.address
}

func both(t *testing.T, f func(t *testing.T, secure bool)) {
	t.Run("plain", func(t *testing.T) { t.Parallel(); f(t, false) })
	t.Run("tls", func(t *testing.T) { t.Parallel(); f(t, true) })
}

// answers reads all answers of a connection until the server closes it.
func answers(t testing.TB, c net.Conn) (all []string) {
	t.Helper()
	for b := bufio.NewReader(c); ; {
		if _, err := b.Peek(1); err != nil {
			if err != io.EOF {
				t.Errorf("the connection was not closed in order: %v", err)
			}
			return all
		}
		res, err := http.ReadResponse(b, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%d %s", res.StatusCode, body))
	}
}

type vector struct {
	ID, Title, Raw string
	Guard          bool
	Repeat         struct {
		Marker, Text string
		Times        int
	}
	Expect struct {
		Status  any
		Answers int
	}
}

// The cases that only the guard can see, against a handler without any guard of its own that ignores every error.
func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("../testdata/http-framing.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []vector
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	// Bodies: net/http sees the fault, but a handler that ignores its error answers 200.
	bodies := []string{"http-026", "http-027", "http-028", "http-029", "http-088"}
	both(t, func(t *testing.T, secure bool) {
		var told atomic.Int64
		s := start(t, secure, http.HandlerFunc(echo), wire.Config{Broken: func(_ *http.Request, f *trust.Refusal) {
			if f.Rule.ID == wire.RuleFraming.ID {
				told.Add(1)
			}
		}})
		ran := 0
		for _, c := range cases {
			if !c.Guard && !slices.Contains(bodies, c.ID) {
				continue
			}
			ran++
			text := strings.Replace(c.Raw, c.Repeat.Marker, strings.Repeat(c.Repeat.Text, c.Repeat.Times), 1)
			for _, behind := range []string{"", "GET /smuggled HTTP/1.1\r\nHost: site.test\r\n\r\n"} {
				conn := s.dial(t)
				go func() { _, _ = io.WriteString(conn, text+behind) }()
				got := answers(t, conn)
				if len(got) != 1 || !slices.Contains(strings.Split(fmt.Sprint(c.Expect.Status), " or "), got[0][:3]) {
					t.Errorf("%s: %s: answers %q, want one of status %v", c.ID, c.Title, got, c.Expect.Status)
				}
			}
		}
		if ran < 16 {
			t.Errorf("%d cases ran, want at least 16", ran)
		}
		if told.Load() != 2*int64(len(bodies)+1) { // and the chunk extension
			t.Errorf("%d broken bodies were told of, want %d", told.Load(), 2*(len(bodies)+1))
		}
	})
}

// Without the guard the same bytes get through: the cases prove it and not net/http.
func TestVectorsWithoutTheGuard(t *testing.T) {
	raw, err := os.ReadFile("../testdata/http-framing.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []vector
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(echo)}
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()
	for _, c := range cases {
		if !c.Guard {
			continue
		}
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, strings.Replace(c.Raw, c.Repeat.Marker, strings.Repeat(c.Repeat.Text, c.Repeat.Times), 1))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != 200 {
			t.Errorf("%s: %s: is refused without the guard too: %v %v", c.ID, c.Title, res, err)
		}
		_ = conn.Close()
	}
}

// Honest requests of every shape share one connection.
func TestKeepAlive(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		s := start(t, secure, http.HandlerFunc(echo), wire.Config{})
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}}
		defer client.CloseIdleConnections()
		reused := 0
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
			if i.Reused {
				reused++
			}
		}})
		long := strings.Repeat("merlon ", 40_000)
		n := 0
		for range 3 {
			for _, body := range []io.Reader{nil, strings.NewReader("a"), strings.NewReader(long), io.MultiReader(strings.NewReader("chunked "), strings.NewReader(long))} {
				method, want := http.MethodPost, ""
				switch body := body.(type) {
				case nil:
					method = http.MethodGet
				case *strings.Reader:
					want = long[:min(body.Len(), len(long))]
					if body.Len() == 1 {
						want = "a"
					}
				default:
					want = "chunked " + long
				}
				r, _ := http.NewRequestWithContext(ctx, method, s.url()+"/"+strconv.Itoa(n), body)
				res, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				got, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if string(got) != fmt.Sprintf("%s /%d %q", method, n, want) {
					t.Fatalf("request %d: %.80s", n, got)
				}
				n++
			}
		}
		if reused != n-1 || s.opened.Load() != 1 {
			t.Errorf("%d of %d requests came over a connection that was there, %d connections were opened", reused, n, s.opened.Load())
		}
	})
}

// Requests that were sent at once are answered in their order, the refused one last, after a slow one.
func TestPipelining(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		waiting, goOn := make(chan struct{}), make(chan struct{})
		s := start(t, secure, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				close(waiting)
				<-goOn
				if r.Context().Err() != nil {
					t.Error("the request before the refused one was given up")
				}
			}
			echo(w, r)
		}), wire.Config{})
		c := s.dial(t)
		_, _ = io.WriteString(c, "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"+
			"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nho"+
			"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
		<-waiting
		_, _ = io.WriteString(c, "GET /bad HTTP/1.1\nHost: a\n\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
		time.AfterFunc(50*time.Millisecond, func() { close(goOn) }) // the guard may see the bad head before it, or after
		want := []string{`200 POST /a "hi"`, `200 POST /b "ho"`, `200 GET /slow ""`, "400 400 Bad Request\n"}
		if got := answers(t, c); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A message means the same however its bytes arrive.
func TestByteByByte(t *testing.T) {
	s := start(t, false, http.HandlerFunc(echo), wire.Config{})
	c := s.dial(t)
	for i := range "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n" {
		if _, err := io.WriteString(c, "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"[i:i+1]); err != nil {
			break // refused before its end
		}
	}
	want := []string{`200 POST /a "hi"`, `200 GET /b ""`, "400 400 Bad Request\n"}
	if got := answers(t, c); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The second head of a connection has a limit of its own: net/http's begins when it sees the first byte.
func TestSlowHead(t *testing.T) {
	s := start(t, false, http.HandlerFunc(echo), wire.Config{HeadTime: 50 * time.Millisecond})
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
	b := bufio.NewReader(c)
	read := func() {
		res, err := http.ReadResponse(b, nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
	}
	read()
	time.Sleep(100 * time.Millisecond) // an idle connection is none of it
	_, _ = io.WriteString(c, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n")
	read()
	_, _ = io.WriteString(c, "GET /c HTTP/1.1\r\nHost:")
	began := time.Now()
	if more, err := io.ReadAll(b); err != nil || len(more) > 0 {
		t.Errorf("got %q %v", more, err)
	}
	if time.Since(began) > 5*time.Second {
		t.Error("the connection was kept for net/http's time")
	}
}

// Slow handshakes keep nobody out, and are bounded.
func TestHandshakes(t *testing.T) {
	s := start(t, true, http.HandlerFunc(echo), wire.Config{Handshakes: 8, HandshakeTime: time.Minute})
	var slow []net.Conn
	for range 30 {
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		slow = append(slow, c)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	res, err := client.Get(s.url())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.ProtoMajor != 2 {
		t.Errorf("answered by %s, want HTTP/2", res.Proto)
	}
	for i, c := range slow[:22] { // the oldest of 31 but 8, and the honest one has left
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("slow connection %d was not closed: %v", i, err)
		}
	}
}

// TestHandshakesNetworks: whoever has more than a quarter of the handshakes closes none of others', nor does a third who comes
// meanwhile.
func TestHandshakesNetworks(t *testing.T) {
	s := start(t, true, http.HandlerFunc(echo), wire.Config{Handshakes: 8, HandshakeTime: time.Minute})
	from := func(last byte) net.Conn {
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 9, 9, last)}}).Dial("tcp", s.address)
		if err != nil {
			t.Skip("this machine has no second address of loopback: ", err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		return c
	}
	honest := []net.Conn{from(1)}
	for range 30 {
		_ = from(9)
	}
	honest = append(honest, from(2), from(3)) // the second and the third come when the queue is full
	for range 30 {
		_ = from(9)
	}
	for n, c := range honest {
		if err := tls.Client(c, &tls.Config{RootCAs: s.roots, ServerName: "localhost"}).Handshake(); err != nil {
			t.Errorf("honest connection %d beside sixty of one network: %v", n, err)
		}
	}
}

func TestHandshakeTime(t *testing.T) {
	s := start(t, true, http.HandlerFunc(echo), wire.Config{HandshakeTime: 50 * time.Millisecond})
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a handshake that never begins is not closed: %v", err)
	}
}

// Plain HTTP on the port of TLS is told so.
func TestPlainOnTLS(t *testing.T) {
	s := start(t, true, http.HandlerFunc(echo), wire.Config{})
	res, err := http.Get("http://" + s.address)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != 400 || !strings.Contains(string(body), "https://") {
		t.Errorf("%d %q", res.StatusCode, body)
	}
}

// A handler sees the TLS of a guarded connection, and nobody reaches it by the method of the guard's own request.
func TestRequestIsWhole(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		s := start(t, secure, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s tls=%v", r.Method, r.TLS != nil)
		}), wire.Config{Refused: func(w http.ResponseWriter, r *http.Request, f *trust.Refusal) {
			w.WriteHeader(f.Status)
			fmt.Fprintf(w, "refused %s tls=%v", f.Rule.ID, r.TLS != nil)
		}})
		for request, want := range map[string]string{
			"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n":                                    fmt.Sprintf("200 GET tls=%v", secure),
			"refused / HTTP/1.1\r\nHost: refused.invalid\r\nConnection: close\r\n\r\n":                  fmt.Sprintf("400 refused MRL-WIRE-002 tls=%v", secure),
			"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n": fmt.Sprintf("400 refused MRL-WIRE-001 tls=%v", secure),
		} {
			c := s.dial(t)
			_, _ = io.WriteString(c, request)
			if got := answers(t, c); len(got) != 1 || got[0] != want {
				t.Errorf("%q: %q, want %q", request, got, want)
			}
		}
	})
}

// Whoever takes a connection over reads what its peer sends, which is no longer HTTP.
func TestHijack(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		s := start(t, secure, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, b, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n")
			line, err := b.ReadString('\n')
			_, _ = fmt.Fprintf(c, "%q %v\n", line, err)
		}), wire.Config{})
		c := s.dial(t)
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n")
		b := bufio.NewReader(c)
		res, err := http.ReadResponse(b, nil)
		if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(res, err)
		}
		_, _ = io.WriteString(c, "\x00 no HTTP\n")
		if line, _ := b.ReadString('\n'); line != `"\x00 no HTTP\n" <nil>`+"\n" {
			t.Errorf("got %q", line)
		}
	})
}
