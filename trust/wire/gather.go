package wire

import (
	"bytes"
	"context"
	"net"
	"sync"
)

// bufferSize is that of net/http's buffer before a connection. What it writes in larger pieces is the handler's own memory.
const bufferSize = 4 << 10

// gathered are the pieces of an answer that is not sent yet.
type gathered struct {
	head   []byte // copies: net/http uses its buffer again
	room   [4][]byte
	pieces net.Buffers
	last   bool // only the end is lacking, which net/http has in its buffer and writes when the handler is done
}

var gatherings = sync.Pool{New: func() any { return new(gathered) }}

// Gather holds what is written on the connection of a request until it is sent: of an answer of more than 4 KB net/http
// writes the beginning by itself and the rest after it, which is two system calls, and wakes the peer for each. It belongs
// around one Write of a whole body, in the request's own goroutine; the body may not change before Send. Over TLS and
// HTTP/2, whose records go out one by one, it does nothing.
func Gather(ctx context.Context) Gathering {
	c, _ := ctx.Value(connKey{}).(*conn)
	if c == nil || c.broken.Load() != nil {
		return Gathering{}
	}
	if _, tcp := c.Conn.(*net.TCPConn); !tcp {
		return Gathering{}
	}
	g := gatherings.Get().(*gathered)
	g.pieces = g.room[:0]
	c.gathered = g
	return Gathering{c}
}

// A Gathering is an answer that is held back.
type Gathering struct{ c *conn }

// Send sends what was held of an answer with a body of n bytes, in one call of the system where it takes all; if net/http
// still has its end, together with that.
func (g Gathering) Send(n int) {
	if g.c == nil {
		return
	}
	held := g.c.gathered
	if len(held.pieces) == 1 && len(held.head) > 0 {
		if end := bytes.Index(held.head, []byte("\r\n\r\n")); end > 0 && len(held.head) < end+4+n {
			held.last = true
			return
		}
	}
	_ = g.c.sendHeld()
}

// sendHeld sends what is held. When it cannot be sent the connection is closed, since nobody else would know that an answer
// was broken off.
func (c *conn) sendHeld() error {
	held := c.gathered
	c.gathered = nil
	pieces := held.pieces
	_, err := pieces.WriteTo(c.Conn)
	if err != nil {
		_ = c.Conn.Close()
	}
	held.head, held.room, held.pieces, held.last = held.head[:0], [4][]byte{}, nil, false
	gatherings.Put(held)
	return err
}

// hold keeps a piece; the last one goes out with what was kept.
func (c *conn) hold(p []byte) (int, error) {
	g := c.gathered
	if g.last {
		g.pieces = append(g.pieces, p)
		return len(p), c.sendHeld()
	}
	if len(p) <= bufferSize {
		n := len(g.head)
		g.head = append(g.head, p...)
		p = g.head[n:]
	}
	g.pieces = append(g.pieces, p)
	return len(p), nil
}
