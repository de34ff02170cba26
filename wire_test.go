package merlon_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
)

type lockedBuffer struct {
	sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.String()
}

// What the guard refuses is answered as the site answers, with its headers, and is an event.
func TestGuardAnswersAsTheSite(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	site, err := openFraming(merlon.Env{Mode: merlon.Production, Data: t.TempDir(), Log: slog.New(slog.NewJSONHandler(&log, nil))}, "http://site.test")
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- site.Serve(ctx, l) }()
	t.Cleanup(func() { stop(); <-done; _ = site.Close(context.Background()) })
	for _, c := range []struct{ raw, id, status string }{
		{"POST /post HTTP/1.1\r\nHost: site.test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "MRL-WIRE-001", "400"},
		{"GET /get HTTP/1.1\nHost: site.test\n\n", "MRL-WIRE-002", "400"},
		{"GET /get HTTP/1.1\r\nHost: site.test\r\n" + strings.Repeat("X: y\r\n", 100) + "\r\n", "MRL-TRUST-006", "431"},
		{"POST /post HTTP/1.1\r\nHost: site.test\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0\r\n\r\n", "MRL-WIRE-001", "400"},
	} {
		before := strings.Count(log.String(), c.id)
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(conn, c.raw)
		answer, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"HTTP/1.1 " + c.status, "Content-Security-Policy: ", "X-Content-Type-Options: nosniff", "Connection: close", "Cache-Control: no-store"} {
			if !strings.Contains(string(answer), want) {
				t.Errorf("%q: the answer lacks %q:\n%s", c.raw, want, answer)
			}
		}
		_ = conn.Close()
		for end := time.Now().Add(time.Minute); strings.Count(log.String(), c.id) == before; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Errorf("%q: no event %s in the log:\n%s", c.raw, c.id, log.String())
				break
			}
		}
		if !strings.Contains(log.String(), `"client":"127.0.0.1"`) {
			t.Errorf("the event has no client:\n%s", log.String())
		}
	}
}
