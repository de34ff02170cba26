package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// connections is how many browsers ask at once. Each has one keep-alive connection and waits for its answer.
const connections = 8

// A client is one keep-alive connection of HTTP/1.1. It is written for this program so that asking costs far less than
// answering: http.Client would be busier than the servers that it measures.
type client struct {
	addr string
	from string // the address to call from, "" for any: floods come from many networks
	conn net.Conn
	in   *bufio.Reader
}

func (c *client) dial(ctx context.Context) error {
	d := net.Dialer{Timeout: 10 * time.Second}
	if c.from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(c.from)}
	}
	conn, err := d.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return err
	}
	c.conn = conn
	if c.in == nil {
		c.in = bufio.NewReaderSize(conn, 32<<10)
	} else {
		c.in.Reset(conn)
	}
	return nil
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// An answer is what a client read. Head is the status line and the fields as they came; both are nil unless they were to
// be kept.
type answer struct {
	status int
	length int
	head   []byte
	body   []byte
}

// ask sends a whole request and reads its answer. A connection that the server has closed while it was idle is dialled
// anew, once.
func (c *client) ask(ctx context.Context, request []byte, keep bool) (answer, error) {
	fresh := c.conn == nil
	for {
		if c.conn == nil {
			if err := c.dial(ctx); err != nil {
				return answer{}, err
			}
		}
		a, err := c.exchange(request, keep)
		if err == nil {
			return a, nil
		}
		c.close()
		if fresh || ctx.Err() != nil || !errors.Is(err, errIdleClosed) {
			return answer{}, err
		}
		fresh = true
	}
}

var errIdleClosed = errors.New("the server closed an idle connection")

func (c *client) exchange(request []byte, keep bool) (answer, error) {
	c.conn.SetDeadline(time.Now().Add(60 * time.Second))
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errIdleClosed, err)
	}
	if _, err := c.in.Peek(1); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errIdleClosed, err)
	}
	var a answer
	length, chunked, closing := -1, false, false
	for first := true; ; first = false {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return answer{}, err
		}
		if keep {
			a.head = append(a.head, line...)
		}
		line = bytes.TrimRight(line, "\r\n")
		if first {
			if len(line) < 12 {
				return answer{}, fmt.Errorf("bad status line %q", line)
			}
			if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return answer{}, fmt.Errorf("bad status line %q", line)
			}
			continue
		}
		if len(line) == 0 {
			break
		}
		switch line[0] | 0x20 { // the only fields that matter begin with c and t
		case 'c', 't':
			name, value, _ := bytes.Cut(line, []byte(":"))
			value = bytes.TrimSpace(value)
			switch {
			case bytes.EqualFold(name, []byte("Content-Length")):
				if length, err = strconv.Atoi(string(value)); err != nil {
					return answer{}, fmt.Errorf("bad length %q", value)
				}
			case bytes.EqualFold(name, []byte("Transfer-Encoding")):
				chunked = bytes.EqualFold(value, []byte("chunked"))
			case bytes.EqualFold(name, []byte("Connection")):
				closing = bytes.EqualFold(value, []byte("close"))
			}
		}
	}
	err := c.body(&a, length, chunked, keep)
	if closing {
		c.close()
	}
	return a, err
}

func (c *client) body(a *answer, length int, chunked, keep bool) error {
	take := func(n int) error {
		a.length += n
		if keep {
			old := len(a.body)
			a.body = append(a.body, make([]byte, n)...)
			_, err := io.ReadFull(c.in, a.body[old:])
			return err
		}
		_, err := c.in.Discard(n)
		return err
	}
	switch {
	case a.status == 204 || a.status == 304:
		return nil
	case chunked:
		for {
			line, err := c.in.ReadSlice('\n')
			if err != nil {
				return err
			}
			n, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 32)
			if err != nil {
				return fmt.Errorf("bad chunk %q", line)
			}
			if err := take(int(n)); err != nil {
				return err
			}
			if _, err := c.in.Discard(2); err != nil || n == 0 {
				return err
			}
		}
	case length >= 0:
		return take(length)
	}
	rest, err := io.ReadAll(c.in)
	a.length = len(rest)
	if keep {
		a.body = rest
	}
	return err
}

// fetch asks once on a connection of its own, and keeps what comes.
func fetch(ctx context.Context, addr string, request []byte) (answer, error) {
	c := &client{addr: addr}
	defer c.close()
	return c.ask(ctx, request, true)
}

// load asks a server again and again over the connections; next gives the i-th request of connection c. Any answer
// but a 200 is a failure of the whole turn: a server that refuses is quick.
func load(addr string, conns int, next func(conn, i int) []byte) turn {
	clients := make([]client, conns)
	for i := range clients {
		clients[i].addr = addr
	}
	asked := make([]int, conns)
	return func(ctx context.Context, length time.Duration) (sample, error) {
		start := time.Now()
		until := start.Add(length)
		times := make([][]time.Duration, conns)
		errs := make([]error, conns)
		var wait sync.WaitGroup
		for i := range clients {
			wait.Go(func() {
				c := &clients[i]
				for last := time.Now(); len(times[i]) == 0 || last.Before(until); { // once at the least
					a, err := c.ask(ctx, next(i, asked[i]), false)
					asked[i]++
					if err == nil && a.status != 200 {
						err = fmt.Errorf("%s answered %d", addr, a.status)
					}
					if err != nil {
						errs[i] = err
						return
					}
					now := time.Now()
					times[i] = append(times[i], now.Sub(last))
					last = now
				}
			})
		}
		wait.Wait()
		took := time.Since(start)
		var all []time.Duration
		for i := range times {
			all = append(all, times[i]...)
		}
		return sample{ops: len(all), took: took, p99: percentile99(all)}, errors.Join(errs...)
	}
}
