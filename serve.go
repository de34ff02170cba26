package merlon

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/trust"
	"github.com/merlon-web/merlon/trust/wire"
)

// The limits of the server (OWASP ASVS 5.0 13.1.2: slow clients, header floods, HTTP/2 rapid reset).
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	writeByteTimeout  = 10 * time.Second // of HTTP/2, anew with each byte that a client takes
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	maxStreams        = 100       // of one connection of HTTP/2 at a time
	maxRequests       = 1000      // of one connection; then the visitor is asked to take a new one
	maxIdle           = 1000      // connections that wait for a next request, 45 to 100 KB each: the site stays below 200 MB, whoever opens them
	maxFrame          = 16 << 10  // of HTTP/2: a connection keeps a buffer of the largest it has read
	maxUnread         = 256 << 10 // of a connection of HTTP/2: what its client may send ahead of the handlers
	drainTime         = 10 * time.Second
	drainFirst        = time.Second            // of it, while new connections are still taken
	drainNew          = 2 * time.Second        // how long a connection that has sent nothing yet is waited for
	drainLast         = 200 * time.Millisecond // and the last of those that may speak HTTP/2, at the least
)

// Serve answers on a listener until ctx is done, then finishes the requests that are running, for at most 10 seconds. What
// is not done by then is cut off, which the log tells and is no error. It does not close the site: see [Site.Close].
func (s *Site) Serve(ctx context.Context, l net.Listener) error {
	s.Listening(l.Addr())
	return s.serve(ctx, l, func(g *wire.Guard) net.Listener { return g.Listener(l) })
}

// ServeTLS is [Site.Serve] with TLS. The configuration has the certificates; HTTP/2 and HTTP/1.1 are offered by it
// (NextProtos).
func (s *Site) ServeTLS(ctx context.Context, l net.Listener, config *tls.Config) error {
	s.ListeningTLS(l.Addr())
	return s.serve(ctx, l, func(g *wire.Guard) net.Listener { return g.TLSListener(l, config) })
}

func (s *Site) serve(ctx context.Context, l net.Listener, guarded func(*wire.Guard) net.Listener) error {
	if s.running.Load() == nil {
		return errors.New("merlon: Serve: the site was not started; call Start before it")
	}
	srv := s.Server()
	var open opened
	srv.ConnState = open.state
	l = guarded(s.Guard(srv))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopped, failed := make(chan error, 1), make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
			stopped <- s.drain(context.WithoutCancel(ctx), srv, l, &open)
		case <-failed:
			stopped <- nil
		}
	}()
	err := srv.Serve(l)
	if ctx.Err() == nil { // the listener gave up: nothing is left to drain
		close(failed)
		return err
	}
	return <-stopped
}

// drain ends a server without breaking off what it has accepted. For a moment it goes on accepting and closes each
// connection behind its answer; then it listens no more, and what was accepted is answered; only then net/http is told,
// which drops a request that it has read and not yet handed on when it is.
func (s *Site) drain(ctx context.Context, srv *http.Server, l net.Listener, open *opened) error {
	s.draining.Store(true)
	defer s.draining.Store(false)
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	if s.env.Mode == Production {
		wait(ctx, drainFirst, func() bool { return false })
	}
	_ = l.Close()
	handshakes, _ := l.(interface{ Handshaking(time.Duration) int })
	calm := 0 // twice: a connection may be on its way from the one to the other
	wait(ctx, drainTime, func() bool {
		if calm++; handshakes != nil && handshakes.Handshaking(drainNew) > 0 || !open.quiet() {
			calm = 0
		}
		return calm == 2
	})
	err := srv.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	// One visitor who does not send on, or does not read, must not make an end of this site that was asked for a failure.
	s.log.Warn("what was not done within the time of the end was cut off", "connections", open.busy(), "seconds", drainTime.Seconds())
	return srv.Close()
}

// wait polls until done, for at most the time.
func wait(ctx context.Context, most time.Duration, done func() bool) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// opened counts the connections that have sent a request and wait for its answer, or are new and may do so any moment.
type opened struct {
	mu   sync.Mutex
	new  map[net.Conn]time.Time
	act  map[net.Conn]bool
	last time.Time // when one was new that may speak HTTP/2: it is idle before its first request
}

func (o *opened) state(c net.Conn, to http.ConnState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.new == nil {
		o.new, o.act = map[net.Conn]time.Time{}, map[net.Conn]bool{}
	}
	delete(o.new, c)
	delete(o.act, c)
	switch to {
	case http.StateNew:
		now := time.Now()
		o.new[c] = now
		if _, sealed := c.(interface{ ConnectionState() tls.ConnectionState }); sealed {
			o.last = now
		}
	case http.StateActive:
		o.act[c] = true
	}
}

// busy returns how many connections wait for an answer: by HTTP/1.1 each is one request.
func (o *opened) busy() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.act)
}

// quiet reports whether nobody waits for an answer. A connection that was opened ahead, as browsers do, is not waited for.
func (o *opened) quiet() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, since := range o.new {
		if time.Since(since) < drainNew {
			return false
		}
	}
	return len(o.act) == 0 && time.Since(o.last) > drainLast
}

// Guard puts the guard below net/http under a server of [Site.Server], which then serves the guard's listeners. Without it
// requests are answered whose end a proxy could find elsewhere: see [wire.RuleFraming]. [Site.Serve] does it by itself.
func (s *Site) Guard(srv *http.Server) *wire.Guard {
	return wire.New(srv, wire.Config{Refused: s.refuseWire, Broken: s.brokenWire, HeadTime: readHeaderTimeout, Idle: maxIdle})
}

// refuseWire answers what the guard did not let through. Of the visitor only the address and the scheme are known.
func (s *Site) refuseWire(rw http.ResponseWriter, r *http.Request, refusal *trust.Refusal) {
	buf := buffers.Get().(*[]byte)
	w := &walk{ResponseWriter: rw, site: s, run: s.running.Load(), r: r, ctx: r.Context(), buf: (*buf)[:0], now: s.clock()}
	defer s.observe(w)()
	w.lang = w.negotiate()
	defer w.end(buf)
	header.Strict.Apply(rw.Header())
	if w.run == nil {
		w.fail(refusal.Status, nil)
		return
	}
	w.ctx = event.With(w.ctx, w)
	w.client, _ = w.run.trust.Request(r) // the host is not the visitor's: only the address counts
	w.refuseTrust(refusal)
}

// brokenWire records a body whose framing was refused while it was read: the handler has answered.
func (s *Site) brokenWire(r *http.Request, refusal *trust.Refusal) {
	run := s.running.Load()
	if run == nil {
		return
	}
	e := event.New(refusal.Rule, event.Refused, slog.String("reason", refusal.Reason))
	client, _ := run.trust.Request(r)
	e.Time, e.Method, e.Client = s.clock(), r.Method, client.Addr
	run.record(e)
}

// connection counts the requests of one connection.
type connection struct{ requests atomic.Int64 }

type connectionKey struct{}

// lastOfMany has the connection closed behind the answer when it has had its share of requests: over HTTP/2 net/http sends
// GOAWAY for it, and takes no further stream. So nothing that a connection holds grows for ever, and who is spread over
// several processes is spread anew (CVE-2023-44487: a connection that opens and resets streams does not go on for ever).
func (s *Site) lastOfMany(w *walk) {
	if c, ok := w.r.Context().Value(connectionKey{}).(*connection); ok && c.requests.Add(1) >= maxRequests {
		w.ResponseWriter.Header()["Connection"] = []string{"close"}
	}
}

// Server returns an http.Server with the site's limits, for programs that listen by themselves; see [Site.Guard].
func (s *Site) Server() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes - 4096, // net/http adds 4,096
		DisableGeneralOptionsHandler: true,
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, new(connection))
		},
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams, MaxReadFrameSize: maxFrame,
			MaxReceiveBufferPerConnection: maxUnread, MaxReceiveBufferPerStream: maxUnread / 2,
			// Without it who reads nothing holds the writer of a connection, and with it handlers and bodies, for ever: the
			// time of an answer ends a stream, by a frame that waits behind what is not read.
			WriteByteTimeout: writeByteTimeout},
		ErrorLog: log.New(serverLog{s}, "", 0),
	}
}
