package wire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
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

// TestCloseInHandshake: who was in the handshake when the listener was closed is accepted, also while Accept waits.
func TestCloseInHandshake(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	for range 10 { // two ways were open to the end of the listener, and chance chose
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l := New(&http.Server{}, Config{HandshakeTime: time.Minute}).TLSListener(inner, config)
		accepted := make(chan error, 2)
		go func() {
			for {
				c, err := l.Accept()
				accepted <- err
				if err != nil {
					return
				}
				defer c.Close()
			}
		}()
		raw, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		for l.(*tlsListener).Handshaking(time.Minute) == 0 {
			time.Sleep(time.Millisecond)
		}
		_ = l.Close()
		time.Sleep(5 * time.Millisecond) // the loop has seen it
		client := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
		if err := client.Handshake(); err != nil {
			t.Fatal(err)
		}
		if err := <-accepted; err != nil {
			t.Fatalf("a connection whose TLS was agreed on is not accepted: %v", err)
		}
		if err := <-accepted; !errors.Is(err, net.ErrClosed) {
			t.Errorf("behind the last: %v", err)
		}
		_ = client.Close()
	}
}
