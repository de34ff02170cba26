package attack

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

var errBegun = errors.New("attack: the answer has begun, and its connection cannot be taken over any more")

// Hijack implements [http.Hijacker]: whoever opens a WebSocket takes the connection over and writes the answer's head itself. The
// visitor reads it, and hangs up.
func (rec *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	switch {
	case rec.gone:
		return nil, nil, errGone
	case rec.wire != nil:
		return nil, nil, http.ErrHijacked
	case rec.status != 0:
		return nil, nil, errBegun
	}
	theirs, ours := net.Pipe()
	rec.wire, rec.wired = ours, make(chan struct{})
	go rec.reads(ours)
	return theirs, bufio.NewReadWriter(bufio.NewReader(theirs), bufio.NewWriter(theirs)), nil
}

// reads takes what the handler writes on the connection for its answer.
func (rec *recorder) reads(wire net.Conn) {
	defer close(rec.wired)
	defer wire.Close()
	res, err := http.ReadResponse(bufio.NewReader(wire), nil)
	if err != nil {
		return
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // as far as it came
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.status == 0 && !rec.gone {
		rec.status, rec.sent = res.StatusCode, res.Header
		rec.body.Write(body)
	}
}

// tookOver waits for what is written on a connection that the handler took over: it may do that after it has returned.
func (rec *recorder) tookOver() {
	rec.mu.Lock()
	wired := rec.wired
	rec.mu.Unlock()
	if wired != nil {
		<-wired
	}
}

// hangUp ends a connection that the handler took over.
func (rec *recorder) hangUp() {
	rec.mu.Lock()
	wire := rec.wire
	rec.mu.Unlock()
	if wire != nil {
		_ = wire.Close()
	}
}
