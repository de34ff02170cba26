package wire

import (
	"container/list"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/merlon-web/merlon/trust"
)

// How a connection of HTTP/2 is left: it is told that no further request is taken (GOAWAY), and closed after this time if
// its client has not done so. Only one that has waited for a while is told: before that its last answer may still be on
// its way through a buffer, and nothing may be written in the middle of it.
const (
	awayTime = 2 * time.Second
	calmTime = time.Second
)

// goAway is the frame (RFC 9113 6.8), with the highest stream and no error: whatever is on its way is still answered.
var goAway = []byte{0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0}

// crowd is the connections that wait for a next request. Each keeps net/http's buffers, the state of its TLS and one or two
// stacks, so there is a most; when one more comes, the one that has waited longest is let go, as [queue] says.
type crowd struct {
	mu   sync.Mutex
	seen map[net.Conn]*waiting // those that have waited once, until they are closed
	all  *queue[*waiting]      // who waits longest first
	away list.List             // of HTTP/2, told and not closed yet
}

func newCrowd(most int) *crowd {
	return &crowd{seen: map[net.Conn]*waiting{}, all: newQueue[*waiting](most)}
}

// waiting is a connection that waits, or has waited before.
type waiting struct {
	one        *conn     // of HTTP/1
	two        *tls.Conn // of HTTP/2
	from       netip.Prefix
	since      time.Time
	busy, told bool
	place      *place[*waiting] // while it waits and was not chosen to go
	away       *list.Element

	turn sync.Mutex // of HTTP/2: held while it is told, so that no answer begins meanwhile
}

// state is what net/http tells of a connection.
func (w *crowd) state(c net.Conn, to http.ConnState) {
	switch to {
	case http.StateIdle:
		for _, one := range w.idle(c) {
			one.leave(w)
		}
	case http.StateActive:
		if one := w.active(c); one != nil {
			one.turn.Lock() // what it is told is written whole before an answer begins
			defer one.turn.Unlock()
		}
	case http.StateClosed, http.StateHijacked:
		w.mu.Lock()
		defer w.mu.Unlock()
		if one := w.seen[c]; one != nil {
			w.takeOut(one)
			one.busy = true // nothing is told to it any more
			delete(w.seen, c)
		}
	}
}

// idle puts a connection behind the others that wait, and returns those that are too many.
func (w *crowd) idle(c net.Conn) (leaving []*waiting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.seen[c]
	if one == nil {
		one = &waiting{from: networkOf(c)}
		switch c := c.(type) {
		case *conn:
			one.one = c
		case *secure:
			one.one = c.conn
		case *tls.Conn:
			one.two = c
		default:
			return nil // of no listener of the guard
		}
		w.seen[c] = one
	}
	w.takeOut(one)
	if one.one != nil {
		one.one.waits()
	}
	one.busy, one.since = false, time.Now()
	if one.told { // and was answered all the same
		w.putAway(one)
	} else {
		one.place = w.all.push(one, one.from)
		if first := w.all.excess(one.from); first != nil {
			leaving = append(leaving, first.of)
		}
	}
	if w.away.Len() > max(w.all.most/8, 8) { // they come faster than clients hear of it
		leaving = append(leaving, w.away.Front().Value.(*waiting))
	}
	for _, one := range leaving {
		w.takeOut(one)
	}
	return leaving
}

// active takes a connection out of those that wait; nil: it never has.
func (w *crowd) active(c net.Conn) *waiting {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.seen[c]
	if one != nil {
		w.takeOut(one)
		one.busy = true
	}
	return one
}

func (w *crowd) takeOut(one *waiting) {
	if one.place != nil {
		w.all.remove(one.place)
		one.place = nil
	}
	if one.away != nil {
		w.away.Remove(one.away)
		one.away = nil
	}
}

// putAway closes a connection that was told in a while, if it still waits then.
func (w *crowd) putAway(one *waiting) {
	place := w.away.PushBack(one)
	one.away = place
	time.AfterFunc(awayTime, func() {
		w.mu.Lock()
		still := one.away == place
		if still {
			w.takeOut(one)
		}
		w.mu.Unlock()
		if still {
			_ = one.two.Close()
		}
	})
}

// leave lets a connection go that was taken out.
func (one *waiting) leave(w *crowd) {
	switch {
	case one.one != nil:
		one.one.leave()
	case one.told || time.Since(one.since) < calmTime:
		go one.two.Close() // TLS says goodbye, which may take its time
	default:
		go one.tell(w)
	}
}

// tell writes that no further request is taken, unless one has come meanwhile.
func (one *waiting) tell(w *crowd) {
	one.turn.Lock()
	defer one.turn.Unlock()
	w.mu.Lock()
	still := !one.busy
	if still {
		one.told = true
		w.putAway(one)
	}
	w.mu.Unlock()
	if still {
		_, _ = one.two.Write(goAway) // blocks, at the longest, until it is closed
	}
}

func networkOf(c net.Conn) netip.Prefix {
	a, _ := c.RemoteAddr().(*net.TCPAddr)
	if a == nil {
		return netip.Prefix{} // a Unix socket: all are one network
	}
	return trust.Client{Addr: a.AddrPort().Addr().Unmap()}.Network()
}

// waits takes note that the connection waits for its next request.
func (c *conn) waits() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = true
}

// leave ends a connection, unless it has begun to hand a request on since it waits.
func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting {
		c.leaving = true
		_ = c.setDeadline()
	}
}

// stay takes that back.
func (c *conn) stay() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = false
	if c.leaving {
		c.leaving = false
		_ = c.setDeadline()
	}
}

// lastLook is for what has arrived while the connection was told to leave.
const lastLook = time.Millisecond

// read reads for the scanner. A connection that is to leave stays for what has arrived: a request that was sent before its
// visitor could know is answered.
func (c *conn) read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	c.mu.Lock()
	leaving := c.leaving
	if leaving {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lastLook))
	}
	c.mu.Unlock()
	if !leaving {
		return n, err
	}
	n, err = c.Conn.Read(p)
	if n == 0 && len(c.held) == 0 {
		return 0, io.EOF
	}
	c.stay()
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // a head is on its way: its own time counts
	}
	return n, err
}
