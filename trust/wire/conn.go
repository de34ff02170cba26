package wire

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon/trust"
)

// substitute is the method of the request that is put in the place of a refused one, so that net/http answers it in its
// turn, after what came before it on the connection. The scanner lets no method with small letters through.
const substitute = "refused"

const substituteHead = substitute + " / HTTP/1.1\r\nHost: refused.invalid\r\nConnection: close\r\n\r\n"

// How long, and for how many bytes, a connection is read on after a refusal: closed with bytes unread, TCP would take the
// answer back from the peer.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// conn is a connection of HTTP/1. Reading is net/http's: one goroutine at a time.
type conn struct {
	net.Conn
	scan     scanner
	held     []byte // read and not passed on
	pass     int    // how many of them may pass
	fresh    bool   // the scanner has not seen the last of them
	headTime time.Duration
	refused  atomic.Pointer[trust.Refusal] // of the head: the substitute took its place
	broken   atomic.Pointer[trust.Refusal] // of the body
	replaced bool                          // the handler's answer to a broken body
	upgraded atomic.Bool                   // taken over by a handler: no longer HTTP
	drained  int

	mu      sync.Mutex
	outer   time.Time // net/http's deadline
	inner   time.Time // the guard's, while a head is on its way
	waiting bool      // for the next request: net/http has been given nothing of it
	leaving bool      // and is to be closed
}

// Read implements [net.Conn]: bytes that were let through, never past the end of a message.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.next(p)
	if n > 0 {
		c.stay()
	}
	return n, err
}

func (c *conn) next(p []byte) (int, error) {
	for {
		switch {
		case c.upgraded.Load():
			return c.raw(p)
		case c.pass > 0:
			n := copy(p, c.held[:c.pass])
			c.pass -= n
			if c.held = c.held[n:]; len(c.held) == 0 {
				c.held = nil // an idle connection holds no memory
			}
			return n, nil
		case c.refused.Load() != nil:
			return c.drain()
		case c.broken.Load() != nil:
			return 0, &brokenError{c.broken.Load()}
		case c.fresh:
			c.fresh = false
			n, refusal := c.scan.next(c.held)
			c.pass, c.fresh = n, n > 0 && n < len(c.held)
			if refusal != nil {
				c.refuse(n, refusal)
			} else if n > 0 {
				c.headDeadline(false)
			}
		case len(c.held) > 0: // a head that is not whole
			c.headDeadline(true)
			if len(c.held) == cap(c.held) {
				c.held = append(make([]byte, 0, 2*len(c.held)+2048), c.held...)
			}
			n, err := c.read(c.held[len(c.held):cap(c.held)])
			c.held, c.fresh = c.held[:len(c.held)+n], n > 0
			if n == 0 && err != nil {
				return 0, err
			}
		default:
			n, err := c.direct(p)
			if n > 0 || err != nil {
				return n, err
			}
		}
	}
}

// direct reads into net/http's own buffer, where what passes stays: nothing is copied but what comes too early.
func (c *conn) direct(p []byte) (int, error) {
	if c.scan.state == inLength && int64(len(p)) > c.scan.remain {
		p = p[:c.scan.remain]
	}
	n, err := c.read(p)
	if n == 0 {
		return 0, err
	}
	m, refusal := c.scan.next(p[:n])
	if m < n {
		c.held, c.fresh = append([]byte(nil), p[m:n]...), m > 0
	}
	if refusal != nil {
		c.refuse(0, refusal)
	}
	return m, nil // an error comes again
}

// raw reads what a handler that took the connection over is sent.
func (c *conn) raw(p []byte) (int, error) {
	if len(c.held) > 0 {
		n := copy(p, c.held)
		c.held = c.held[n:]
		return n, nil
	}
	c.headDeadline(false)
	return c.Conn.Read(p)
}

// refuse takes note of a refusal. The first pass of the bytes held were let through.
func (c *conn) refuse(pass int, refusal *trust.Refusal) {
	c.headDeadline(false)
	c.fresh = false
	if c.scan.state == inHead {
		c.refused.Store(refusal)
		c.held = []byte(substituteHead)
		c.pass = len(c.held)
		return
	}
	c.broken.Store(refusal)
	c.held, c.pass = c.held[:min(pass, len(c.held))], pass
}

// drain reads on without looking, so that the peer is not stopped before it reads the answer.
func (c *conn) drain() (int, error) {
	var scrap [1024]byte
	for c.drained < lingerBytes {
		n, err := c.Conn.Read(scrap[:])
		c.drained += n
		if err != nil {
			return 0, err
		}
	}
	return 0, io.EOF
}

// brokenError is what reading a body ends with when its framing is refused.
type brokenError struct{ refusal *trust.Refusal }

func (e *brokenError) Error() string { return e.refusal.Error() }
func (e *brokenError) Unwrap() error { return e.refusal }

// Write implements [net.Conn]. A handler that did not mind the broken body of its request answers with success: its visitor
// gets 400, since nobody knows what it answers to.
func (c *conn) Write(p []byte) (int, error) {
	if c.broken.Load() == nil {
		return c.Conn.Write(p)
	}
	if c.replaced {
		return len(p), nil
	}
	if !bytes.HasPrefix(p, []byte("HTTP/1.")) || len(p) < 10 || p[9] != '2' && p[9] != '3' {
		return c.Conn.Write(p)
	}
	c.replaced = true
	text := fmt.Sprintf("%d %s\n", http.StatusBadRequest, http.StatusText(http.StatusBadRequest))
	_, err := fmt.Fprintf(c.Conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	return len(p), err
}

// ReadFrom implements [io.ReaderFrom]: files go out as they do without a guard.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if c.broken.Load() != nil {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	return io.Copy(c.Conn, r)
}

// CloseWrite lets net/http end its side first.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	if (c.refused.Load() != nil || c.broken.Load() != nil) && c.CloseWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	return c.Conn.Close()
}

// SetReadDeadline implements [net.Conn]: the earlier of net/http's deadline and the guard's counts.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outer = t
	return c.setDeadline()
}

// SetDeadline implements [net.Conn].
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.SetReadDeadline(t)
}

// headDeadline starts the time of a head, or ends it.
func (c *conn) headDeadline(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if on != c.inner.IsZero() {
		return
	}
	c.inner = time.Time{}
	if on {
		c.inner = time.Now().Add(c.headTime)
	}
	_ = c.setDeadline()
}

func (c *conn) setDeadline() error {
	t := c.outer
	if c.leaving {
		t = time.Unix(1, 0)
	}
	if !c.inner.IsZero() && (t.IsZero() || c.inner.Before(t)) {
		t = c.inner
	}
	return c.Conn.SetReadDeadline(t)
}

// secure is a connection of HTTP/1 over TLS; net/http asks it for the request's TLS field.
type secure struct {
	*conn
	tls *tls.Conn
}

// ConnectionState returns what the handshake agreed on.
func (s *secure) ConnectionState() tls.ConnectionState { return s.tls.ConnectionState() }
