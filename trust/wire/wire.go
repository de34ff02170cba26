// Package wire is the guard below net/http: it sees the bytes of a connection before net/http does, and refuses the requests
// of HTTP/1 whose end a proxy and this server could find at different places (request smuggling).
//
// By the time a handler runs, net/http has mended or dropped what gives such a request away: Transfer-Encoding beside
// Content-Length, line feeds without carriage return, folded lines, chunk extensions. So the guard reads each head whole,
// lets it pass or puts one of its own in its place, and follows the body to where the next head begins. What passes is
// passed on as it came, and honest clients keep their connections. HTTP/2 has other framing and passes untouched.
//
// It works alone with plain net/http:
//
//	srv := &http.Server{Handler: mux}
//	guard := wire.New(srv, wire.Config{})
//	err := srv.Serve(guard.Listener(l))
package wire

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/merlon-web/merlon/trust"
)

// Config says how a guard answers. The zero value answers in plain text and tells nobody.
type Config struct {
	// Refused answers a request that was not let through. The request that it gets is the guard's own, of no method that
	// can come over the network: of the visitor only RemoteAddr and TLS are true. The answer must have the refusal's status;
	// the connection is closed after it. Nil: [trust.Refusal.ServeHTTP].
	Refused func(http.ResponseWriter, *http.Request, *trust.Refusal)
	// Broken is told, after the handler has run, that the body of its request was broken off for its framing. The handler
	// saw an error when it read; when it answered with success all the same, the visitor got 400.
	Broken func(*http.Request, *trust.Refusal)
	// HeadTime is how long a head may take from its first byte to its last; 5 seconds if it is 0. net/http's own limit does
	// not see the second request of a connection before its head is whole.
	HeadTime time.Duration
	// Handshakes is how many connections may be in their TLS handshake at a time, 1,024 if it is 0. When one more comes the
	// oldest is closed: an honest handshake takes a round trip or two, and slow ones are in nobody's way. While a network
	// has more than a quarter of them it loses its own.
	Handshakes int
	// HandshakeTime is how long a handshake may take; 5 seconds if it is 0.
	HandshakeTime time.Duration
	// Idle is how many connections may wait for their next request at a time, 1,000 if it is 0; each takes 45 to 100 KB
	// in net/http. When one more waits, the one that has waited longest is closed as at the end of its idle time, which honest
	// clients are made for: over HTTP/2 after GOAWAY, over HTTP/1.1 if no byte of a request has come. A network that has more
	// than a quarter of them loses its own.
	Idle int
}

// A Guard makes the listeners of one server. It is safe for concurrent use.
type Guard struct {
	c    Config
	next http.Handler
}

// New puts a guard below a server, which must not serve yet: its handler, ConnContext and ConnState are wrapped. Serve only
// listeners of the guard.
func New(srv *http.Server, c Config) *Guard {
	if c.HeadTime <= 0 {
		c.HeadTime = 5 * time.Second
	}
	if c.Handshakes <= 0 {
		c.Handshakes = 1024
	}
	if c.HandshakeTime <= 0 {
		c.HandshakeTime = 5 * time.Second
	}
	if c.Idle <= 0 {
		c.Idle = 1000
	}
	g := &Guard{c: c, next: srv.Handler}
	waiting := newCrowd(c.Idle)
	if g.next == nil {
		g.next = http.DefaultServeMux
	}
	srv.Handler = g
	before := srv.ConnContext
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if before != nil {
			ctx = before(ctx, c)
		}
		switch c := c.(type) {
		case *conn:
			return context.WithValue(ctx, connKey{}, c)
		case *secure:
			return context.WithValue(ctx, connKey{}, c.conn)
		}
		return ctx // HTTP/2
	}
	state := srv.ConnState
	srv.ConnState = func(c net.Conn, to http.ConnState) {
		if state != nil {
			state(c, to)
		}
		waiting.state(c, to)
		if to == http.StateHijacked { // from here on the connection speaks what its handler speaks
			switch c := c.(type) {
			case *conn:
				c.upgraded.Store(true)
			case *secure:
				c.upgraded.Store(true)
			}
		}
	}
	return g
}

// Listener returns a listener whose connections are guarded, over plain TCP or a Unix socket.
func (g *Guard) Listener(l net.Listener) net.Listener { return &plain{Listener: l, g: g} }

type plain struct {
	net.Listener
	g    *Guard
	once sync.Once
}

// Close implements [net.Listener]. A second one is no error.
func (l *plain) Close() (err error) {
	l.once.Do(func() { err = l.Listener.Close() })
	return err
}

func (l *plain) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, headTime: l.g.c.HeadTime}, nil
}

type connKey struct{}

// ServeHTTP implements [http.Handler].
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := r.Body != nil && r.Body != http.NoBody
	if r.Method != substitute && !body {
		g.next.ServeHTTP(w, r)
		return
	}
	c, _ := r.Context().Value(connKey{}).(*conn)
	switch {
	case c == nil: // HTTP/2
		g.next.ServeHTTP(w, r)
	case r.Method == substitute: // the scanner lets no such method through: the head is the guard's own
		refusal := c.refused.Load()
		w.Header()["Connection"] = []string{"close"}
		if g.c.Refused == nil {
			refusal.ServeHTTP(w, r)
			return
		}
		g.c.Refused(w, r, refusal)
	default:
		if g.c.Broken != nil {
			defer func() {
				if refusal := c.broken.Load(); refusal != nil {
					g.c.Broken(r, refusal)
				}
			}()
		}
		g.next.ServeHTTP(w, r)
	}
}
