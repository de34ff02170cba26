package sftppeer

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A Wire stands before a server and breaks connections.
type Wire struct {
	Addr string

	mu    sync.Mutex
	after int64 // bytes to the server, then it breaks
	times int
	hole  bool
	open  []net.Conn
}

// NewWire starts a wire to an address, until the test ends.
func NewWire(t testing.TB, to string) *Wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{Addr: listener.Addr().String()}
	t.Cleanup(func() {
		_ = listener.Close()
		w.Break()
	})
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go w.carry(c, to)
		}
	}()
	return w
}

// After breaks the next connections after so many bytes to the server, so often: -1 for ever, 0 no more.
func (w *Wire) After(bytes int64, times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.after, w.times = bytes, times
}

// Hole lets nothing pass any more while it is on, and breaks nothing.
func (w *Wire) Hole(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hole = on
}

// Break breaks what is open.
func (w *Wire) Break() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		_ = c.Close()
	}
	w.open = nil
}

func (w *Wire) carry(c net.Conn, to string) {
	server, err := net.Dial("tcp", to)
	if err != nil {
		_ = c.Close()
		return
	}
	w.mu.Lock()
	left := int64(-1)
	if w.times != 0 {
		w.times--
		left = w.after
	}
	w.open = append(w.open, c, server)
	w.mu.Unlock()
	end := func() {
		_ = c.Close()
		_ = server.Close()
	}
	go func() {
		defer end()
		_, _ = io.Copy(&gate{c, w}, server)
	}()
	defer end()
	if left < 0 {
		_, _ = io.Copy(&gate{server, w}, c)
	} else {
		_, _ = io.CopyN(&gate{server, w}, c, left)
	}
}

// A gate swallows what is written while the wire is a hole.
type gate struct {
	io.Writer
	w *Wire
}

func (g *gate) Write(p []byte) (int, error) {
	g.w.mu.Lock()
	hole := g.w.hole
	g.w.mu.Unlock()
	if hole {
		return len(p), nil
	}
	return g.Writer.Write(p)
}
