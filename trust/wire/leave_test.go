package wire

import (
	"io"
	"net"
	"testing"
	"time"
)

// TestLeave: a connection that is to leave goes if nothing has come, and stays for a request that has, or has begun to.
func TestLeave(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, c := range []struct {
		name, before, after string
		err                 error
	}{
		{"nothing has come", "", "", io.EOF},
		{"a request has come", request, "", nil},
		{"a request has begun", request[:20], request[20:], nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			client, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			raw, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			server := &conn{Conn: raw, headTime: time.Minute}
			server.waits()
			if _, err := io.WriteString(client, c.before); err != nil {
				t.Fatal(err)
			}
			server.leave()
			if c.after != "" {
				go func() {
					for { // the rest comes when the connection was seen to stay
						server.mu.Lock()
						stays := !server.leaving
						server.mu.Unlock()
						if stays {
							break
						}
						time.Sleep(time.Millisecond)
					}
					_, _ = io.WriteString(client, c.after)
				}()
			}
			_ = server.SetReadDeadline(time.Now().Add(time.Minute)) // as net/http does behind an answer: it brings nobody back
			b := make([]byte, 100)
			n, err := server.Read(b)
			if err != c.err || c.err == nil && string(b[:n]) != request {
				t.Errorf("read %q, %v", b[:n], err)
			}
			if c.err != nil {
				return
			}
			server.leave() // a request is being answered
			if server.leaving {
				t.Error("a connection that does not wait is to leave")
			}
		})
	}
}
