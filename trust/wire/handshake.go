package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// TLSListener returns a listener whose connections have finished their TLS handshake when they are accepted, so that one
// slow client keeps nobody waiting. Those that agreed on HTTP/2 are handed on as they are, the others are guarded. The
// configuration names the protocols in NextProtos. A listener that is closed takes no more connections; handshakes that are
// on their way may finish, and Accept returns those connections before it says that it is closed.
func (g *Guard) TLSListener(l net.Listener, config *tls.Config) net.Listener {
	t := &tlsListener{Listener: l, g: g, config: config, pending: newQueue[greeting](g.c.Handshakes), ready: make(chan net.Conn), failed: make(chan error), done: make(chan struct{}), idle: make(chan struct{})}
	go t.loop()
	return t
}

type tlsListener struct {
	net.Listener
	g      *Guard
	config *tls.Config
	ready  chan net.Conn
	failed chan error
	done   chan struct{}
	once   sync.Once

	mu      sync.Mutex
	pending *queue[greeting]
	idle    chan struct{} // closed when the listener is, and none is on its way
	ended   bool
	last    sync.Once
}

// greeting is a connection in its handshake, or after it and not accepted yet.
type greeting struct {
	conn  net.Conn
	since time.Time
}

// Accept implements [net.Listener].
func (t *tlsListener) Accept() (net.Conn, error) {
	select {
	case c := <-t.ready:
		return c, nil
	case err := <-t.failed:
		return nil, err
	case <-t.idle:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener]. A second one is no error.
func (t *tlsListener) Close() (err error) {
	t.once.Do(func() {
		close(t.done)
		err = t.Listener.Close()
	})
	return err
}

// Handshaking returns how many handshakes are on their way that began within the time.
func (t *tlsListener) Handshaking(within time.Duration) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for e := t.pending.all.Back(); e != nil && time.Since(e.Value.(*place[greeting]).of.since) < within; e = e.Prev() {
		n++
	}
	return n
}

func (t *tlsListener) loop() {
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.ended = true
		t.endIdle()
	}()
	for {
		c, err := t.Listener.Accept()
		if err == nil {
			go t.handshake(c, t.add(c))
			continue
		}
		if errors.Is(err, net.ErrClosed) { // which Accept says when the last handshake is over
			return
		}
		select {
		case t.failed <- err: // net/http waits and comes again when it is of the passing kind
		case <-t.done:
			return
		}
	}
}

// add takes a connection among those in their handshake. When there are too many one that is old goes: who is honest has long
// finished, unless one network fills the queue within the time of a round trip, which then loses its own.
func (t *tlsListener) add(c net.Conn) *place[greeting] {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := networkOf(c)
	p := t.pending.push(greeting{c, time.Now()}, from)
	if old := t.pending.excess(from); old != nil {
		t.pending.remove(old)
		_ = old.of.conn.Close()
	}
	return p
}

func (t *tlsListener) remove(p *place[greeting]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending.remove(p)
	t.endIdle()
}

// endIdle tells Accept when the listener is closed and the last handshake is over.
func (t *tlsListener) endIdle() {
	if t.ended && t.pending.all.Len() == 0 {
		t.last.Do(func() { close(t.idle) })
	}
}

func (t *tlsListener) handshake(raw net.Conn, p *place[greeting]) {
	defer t.remove(p)
	c := tls.Server(raw, t.config)
	ctx, cancel := context.WithTimeout(context.Background(), t.g.c.HandshakeTime)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		var record tls.RecordHeaderError
		if errors.As(err, &record) && record.Conn != nil && plainHTTP(record.RecordHeader) {
			_, _ = io.WriteString(record.Conn, "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThis port speaks TLS: write https:// in the address.\n")
		}
		_ = raw.Close()
		return
	}
	var ready net.Conn = c
	switch c.ConnectionState().NegotiatedProtocol {
	case "h2":
	case "", "http/1.1":
		ready = &secure{&conn{Conn: c, headTime: t.g.c.HeadTime}, c}
	default: // the handshake was all of it, as when an authority proves the name (RFC 8737)
		_ = c.Close()
		return
	}
	select {
	case t.ready <- ready:
	case <-ctx.Done(): // nobody accepts
		_ = raw.Close()
	}
}

// plainHTTP reports whether the first bytes are those of a request without TLS.
func plainHTTP(b [5]byte) bool {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodOptions} {
		if start := (method + " /")[:min(5, len(method)+2)]; string(b[:len(start)]) == start {
			return true
		}
	}
	return false
}
