package wire_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/merlon-web/merlon/trust/wire"
)

// sized answers with a body of the size in the query, in one Write that is gathered.
func sized(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	body := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
	w.Header()["Content-Length"] = []string{strconv.Itoa(n)}
	defer wire.Gather(r.Context()).Send(n)
	_, _ = w.Write(body)
}

// TestGather: an answer that is held back comes whole, whatever of it net/http keeps in its buffers, and the connection is
// used again.
func TestGather(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		s := start(t, secure, http.HandlerFunc(sized), wire.Config{})
		conn := s.dial(t)
		b := bufio.NewReader(conn)
		for _, around := range []int{0, 2048, 4096, 8192, 12288, 20000, 100_000} {
			for n := max(0, around-200); n <= around+20; n += 7 {
				fmt.Fprintf(conn, "GET /?n=%d HTTP/1.1\r\nHost: site.test\r\n\r\n", n)
				res, err := http.ReadResponse(b, nil)
				if err != nil {
					t.Fatalf("%d bytes: %v", n, err)
				}
				body, err := io.ReadAll(res.Body)
				if want := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]; err != nil || !bytes.Equal(body, want) {
					t.Fatalf("%d bytes: %d came, %v", n, len(body), err)
				}
			}
		}
		if opened := s.opened.Load(); opened != 1 {
			t.Errorf("%d connections, want 1", opened)
		}
	})
}

// TestGatherCutShort: an answer that cannot be sent whole ends the connection; nothing is taken for the rest of it.
func TestGatherCutShort(t *testing.T) {
	s := start(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/next" {
			_, _ = io.WriteString(w, "the next answer")
			return
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		r.URL.RawQuery = "n=50000000"
		sized(w, r)
	}), wire.Config{})
	conn := s.dial(t)
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: site.test\r\n\r\nGET /next HTTP/1.1\r\nHost: site.test\r\n\r\n")
	time.Sleep(200 * time.Millisecond) // the visitor reads nothing until the time is over
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	all, err := io.ReadAll(conn)
	if os.IsTimeout(err) {
		t.Error("the connection stays open")
	}
	if len(all) >= 50_000_000 || bytes.Contains(all, []byte("the next answer")) {
		t.Errorf("%d bytes came, the next answer among them: %v", len(all), bytes.Contains(all, []byte("the next answer")))
	}
}
