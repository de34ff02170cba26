package attack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// vectors are requests whose end is in doubt (RFC 9112); HOST stands for the site's name.
var vectors = []struct{ name, raw string }{
	{"Transfer-Encoding with Content-Length", "POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"a request smuggled behind both", "POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: HOST\r\n\r\n"},
	{"two different Content-Length", "POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"},
	{"a line that ends in LF alone", "GET / HTTP/1.1\nHost: HOST\n\n"},
	{"a folded header", "GET / HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\n c\r\n\r\n"},
	{"a space before the colon", "POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
	{"chunked twice", "POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"two names of hosts", "GET / HTTP/1.1\r\nHost: HOST\r\nHost: attacker.invalid\r\n\r\n"},
	{"Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: HOST\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\nGET / HTTP/1.1\r\nHost: HOST\r\n\r\n"},
}

// plainly are the same methods as they are sent when nothing is in doubt.
var plainly = map[string]string{
	"GET":  "GET / HTTP/1.1\r\nHost: HOST\r\n\r\n",
	"POST": "POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\n\r\nhi!",
}

// How long an answer over the wire is waited for, beside ten times what a plain request takes; and for a further one behind it.
const (
	leastWire = time.Second
	mostWire  = 10 * time.Second
	behind    = 500 * time.Millisecond
)

// framing sends requests over loopback whose end a proxy may see elsewhere. What is answered as a plain request of its method is,
// or with less than 400, or twice, was taken: a refusal of what was to be done says nothing of how it was read.
func (r *run) framing() {
	if r.t.serve == nil {
		r.missed("framing, slow clients: the handler was attacked in this process, its server was not")
		return
	}
	addr, end, err := r.t.serve()
	if err != nil {
		r.leave("framing: %v", err)
		return
	}
	defer end()
	plain, wait := map[string]int{}, leastWire
	for method, raw := range plainly {
		said := r.exchange(addr, raw, mostWire)
		if wait = min(max(wait, 10*said.first), mostWire); len(said.statuses) != 1 {
			r.leave("framing: a plain %s was answered %d times (%v): what is in doubt was not tried", method, len(said.statuses), said.err)
			return
		}
		plain[method] = said.statuses[0]
	}
	for _, v := range vectors {
		raw := strings.ReplaceAll(v.raw, "HOST", r.t.origin.Host)
		method, _, _ := strings.Cut(raw, " ")
		said := r.exchange(addr, v.raw, wait)
		request := &Request{Method: "RAW", Path: "/", Body: raw}
		route := "every route (" + v.name + ")"
		switch {
		case len(said.statuses) > 1:
			r.hit(RuleFraming, route, request, r.people[0], "%s was answered %d times, with %v: what stands behind it was taken for a request", v.name, len(said.statuses), said.statuses)
		case len(said.statuses) == 0 && said.closed:
		case len(said.statuses) == 0:
			r.leave("framing: %s: no answer within %s, and the connection is open: it is not known how it was read (%v)", v.name, wait, said.err)
		case said.statuses[0] < 400, said.statuses[0] == plain[method] && plain[method] != http.StatusBadRequest:
			r.hit(RuleFraming, route, request, r.people[0], "%s was answered with %d, as a plain %s is with %d", v.name, said.statuses[0], method, plain[method])
		case said.statuses[0] == plain[method], said.statuses[0] == http.StatusTooManyRequests, said.statuses[0] == http.StatusServiceUnavailable:
			r.leave("framing: %s was answered with %d, which does not tell whether it was its framing", v.name, said.statuses[0])
		}
	}
	r.slow(addr)
}

// wired is what came back over the wire.
type wired struct {
	statuses []int
	first    time.Duration // until the first answer
	closed   bool          // the other end has closed
	err      error         // why nothing more came
}

// exchange sends the bytes and reads the answers, until the other end closes or says nothing more.
func (r *run) exchange(addr, raw string, wait time.Duration) (said wired) {
	r.tried++
	r.report.Coverage.Requests++
	c, free, err := dial(r.ctx, addr)
	if err != nil {
		return wired{err: err}
	}
	defer free()
	began := time.Now()
	if _, err := io.WriteString(c, strings.ReplaceAll(raw, "HOST", r.t.origin.Host)); err != nil {
		return wired{closed: true, err: err}
	}
	for in := bufio.NewReader(c); len(said.statuses) < 3; wait = behind {
		_ = c.SetReadDeadline(time.Now().Add(wait))
		res, err := http.ReadResponse(in, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
			if said.statuses = append(said.statuses, res.StatusCode); len(said.statuses) == 1 {
				said.first = time.Since(began)
			}
		}
		if r.ctx.Err() != nil {
			panic(errOver)
		}
		if err != nil {
			said.closed, said.err = !errors.Is(err, os.ErrDeadlineExceeded), err
			return said
		}
	}
	return said
}

// dial connects over loopback. The connection ends with the context.
func dial(ctx context.Context, addr string) (c net.Conn, free func(), err error) {
	if c, err = (&net.Dialer{Timeout: 3 * time.Second}).DialContext(ctx, "tcp", addr); err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	return c, func() { stop(); _ = c.Close() }, nil
}

// slowTime is how long half a head may keep a connection.
const slowTime = 20 * time.Second

// slow begins a head and does not end it. It is asked only where there is time for it.
func (r *run) slow(addr string) {
	if left, ok := r.ctx.Deadline(); ok && time.Until(left) < 2*slowTime {
		r.leave("slow clients: they need a budget of more than %s", 2*slowTime)
		return
	}
	c, free, err := dial(r.ctx, addr)
	if err != nil {
		r.leave("slow clients: %v", err)
		return
	}
	defer free()
	r.tried++
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nX-A: ", r.t.origin.Host)
	_ = c.SetReadDeadline(time.Now().Add(slowTime))
	_, err = io.ReadAll(io.LimitReader(c, 64<<10))
	if r.ctx.Err() != nil {
		panic(errOver)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		r.hit(RuleSlow, "every route", &Request{Method: "RAW", Path: "/", Body: "GET / HTTP/1.1\r\nX-A: "}, r.people[0], "half a head kept its connection for %s", slowTime)
	}
}
