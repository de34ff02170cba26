package wire

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/merlon-web/merlon/trust"
)

// message is what passed as one: where it lies among the bytes, and its body.
type message struct{ from, to int }

// split lets the scanner see the bytes in pieces, as the connection does, and returns what passed.
func split(raw []byte, piece int) (all []message, passed int, refusal *trust.Refusal) {
	var s scanner
	from, seen := 0, 0
	for passed < len(raw) {
		n, refusal := s.next(raw[passed:max(seen, passed)])
		passed += n
		if n > 0 && s == (scanner{}) {
			all = append(all, message{from, passed})
			from = passed
		}
		switch {
		case refusal != nil:
			return all, passed, refusal
		case n > 0:
		case seen == len(raw):
			return all, passed, nil
		default:
			seen = min(len(raw), max(seen, passed)+piece)
		}
	}
	return all, passed, nil
}

// FuzzAgreement: whatever passes, net/http finds the same requests in it, ending at the same bytes, and in no other cut of
// them does the scanner find others.
func FuzzAgreement(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n00a\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST http://a/ HTTP/1.1\r\nHost: A\r\ncontent-length:\t 1 \r\nX: \xff\r\n\r\na\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\na\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
		"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
		"-A / HTTP/1.0\r\n\r\n", "PUT /a b HTTP/1.1\r\nHost: a\r\n\r\n", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n100000000000000000\r\n", "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
	} {
		f.Add([]byte(seed), uint8(7))
	}
	f.Fuzz(func(t *testing.T, raw []byte, piece uint8) {
		all, passed, refusal := split(raw, len(raw)+1)
		again, passedAgain, refusalAgain := split(raw, int(piece)+1)
		if len(all) != len(again) || passed != passedAgain || (refusal == nil) != (refusalAgain == nil) {
			t.Fatalf("in one piece %d messages, %d bytes, refusal %v; in pieces of %d: %d, %d, %v", len(all), passed, refusal, int(piece)+1, len(again), passedAgain, refusalAgain)
		}
		source := &counting{r: bytes.NewReader(raw[:passed])}
		b := bufio.NewReader(source)
		at := func() int { return source.n - b.Buffered() }
		for i, m := range all {
			if at() != m.from {
				t.Fatalf("message %d begins at %d for the guard, at %d for net/http", i, m.from, at())
			}
			r, err := http.ReadRequest(b)
			if err != nil {
				return // net/http closes the connection
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			if at() != m.to {
				t.Fatalf("message %d ends at %d for the guard, at %d for net/http", i, m.to, at())
			}
			if (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.ContentLength != 0 {
				t.Fatalf("message %d: %s with a body", i, r.Method)
			}
		}
		if r, err := http.ReadRequest(b); err == nil { // the last was not whole, or was refused within its body
			if _, err := io.Copy(io.Discard, r.Body); err == nil {
				t.Fatalf("net/http reads one message more: %s %s", r.Method, r.RequestURI)
			}
		}
	})
}

type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// A response that is no request of the wire's own is never given: the method of the substitute does not pass.
func TestSubstituteIsTheGuardsOwn(t *testing.T) {
	if _, passed, refusal := split([]byte(substituteHead), 1000); passed != 0 || refusal == nil {
		t.Errorf("%d bytes passed, refusal %v", passed, refusal)
	}
}

// The guard looks at a head once: what it allocates for a request that passes is nothing.
func TestScanAllocatesNothing(t *testing.T) {
	head := []byte("POST /notes HTTP/1.1\r\nHost: site.test\r\nUser-Agent: x\r\nAccept: */*\r\nContent-Length: 3\r\n\r\nabc")
	var s scanner
	if n := testing.AllocsPerRun(100, func() {
		if n, refusal := s.next(head); n != len(head) || refusal != nil {
			t.Fatal(n, refusal)
		}
	}); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}

// Each byte at each place of a value is seen, beside every other.
func TestControl(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			for _, rest := range []byte{'a', '\t', 0xff, 0x80, ' '} {
				v := bytes.Repeat([]byte{rest}, 20)
				v[at] = byte(c)
				want := c < ' ' && c != '\t' || c == 0x7f
				if got, found := control(v); found != want || found && got != byte(c) {
					t.Fatalf("0x%02x at %d among 0x%02x: %v, want %v", c, at, rest, found, want)
				}
			}
		}
	}
}

func BenchmarkScan(b *testing.B) {
	head := []byte("GET /notes?page=2 HTTP/1.1\r\nHost: site.test\r\nConnection: keep-alive\r\nsec-ch-ua: \"Chromium\";v=\"156\", \"Not;A=Brand\";v=\"8\"\r\nsec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
		"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: de-DE,de;q=0.9\r\n" +
		"Cookie: __Host-shop-session=ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM\r\n\r\n")
	b.ReportAllocs()
	b.SetBytes(int64(len(head)))
	var s scanner
	for b.Loop() {
		if _, refusal := s.next(head); refusal != nil {
			b.Fatal(refusal)
		}
	}
}

// BenchmarkServe is a smallest page over loopback, bare and guarded: keep-alive, one connection a processor.
func BenchmarkServe(b *testing.B) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!doctype html><title>hello</title>")
	})
	for _, guarded := range []bool{false, true} {
		name := map[bool]string{false: "bare", true: "guarded"}[guarded]
		b.Run(name, func(b *testing.B) {
			srv := &http.Server{Handler: hello, ReadHeaderTimeout: 5 * time.Second}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			if guarded {
				l = New(srv, Config{}).Listener(l)
			}
			go func() { _ = srv.Serve(l) }()
			defer srv.Close()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					b.Error(err)
					return
				}
				defer c.Close()
				answer := make([]byte, 4096)
				for pb.Next() {
					if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: site.test\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"); err != nil {
						b.Error(err)
						return
					}
					if _, err := c.Read(answer); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
