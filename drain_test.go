package merlon_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/sqlite"
)

var begun atomic.Int64

func countedHandler(w http.ResponseWriter, r *http.Request) {
	begun.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	time.Sleep(time.Millisecond)
	_, _ = fmt.Fprintf(w, "%d", len(body))
}

func openCounted(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Engine: sqlite.Engine("x.db"), Pages: noPages, Schema: noStatements, Routes: []merlon.Route{
		merlon.Mount("/counted", merlon.Public(), http.HandlerFunc(countedHandler), merlon.InsecureNoToken("a test posts without one")),
	}})
}

// TestDrain: what a handler has begun is answered, whole, when the site is told to end in the middle of many visitors; by
// connections that are kept and by such that are made for one request.
func TestDrain(t *testing.T) {
	t.Parallel()
	rounds := need.Times(2, 20, 100)
	site, err := openCounted(merlon.Env{Mode: merlon.Production, Data: t.TempDir(), Settings: merlon.Settings{Origin: "http://site.test"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer site.Close(context.Background())
	served := 0
	for round := range rounds {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- site.Serve(ctx, l) }()
		begun.Store(0)
		var answered atomic.Int64
		var visitors sync.WaitGroup
		for n := range 6 {
			visitors.Go(func() {
				from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, byte(1+(6*round+n)%250), byte(round), 1)}} // no visitor has another's limit
				transport := &http.Transport{DisableKeepAlives: n%2 == 0, DialContext: from.DialContext}
				defer transport.CloseIdleConnections()
				client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
				for {
					r, _ := http.NewRequest("POST", "http://"+l.Addr().String()+"/counted", strings.NewReader(strings.Repeat("x", 1+n*3000)))
					r.Host = "site.test"
					r.GetBody = nil // nothing is sent twice
					res, err := client.Do(r)
					if err != nil {
						return // the site listens no more, or the connection was not taken
					}
					body, err := io.ReadAll(res.Body)
					res.Body.Close()
					if err != nil || res.StatusCode != 200 || string(body) != fmt.Sprint(1+n*3000) {
						t.Errorf("round %d: %d %q %v", round, res.StatusCode, body, err)
						return
					}
					answered.Add(1)
					time.Sleep(5 * time.Millisecond) // nor reaches that of a person
				}
			})
		}
		for answered.Load() < 20 {
			time.Sleep(time.Millisecond)
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		visitors.Wait()
		if b, a := begun.Load(), answered.Load(); a != b {
			t.Errorf("round %d: %d requests were begun, %d answered", round, b, a)
		}
		served += int(answered.Load())
	}
	t.Logf("%d ends, %d requests, none broken off", rounds, served)
}

// servedAt starts a site and serves it; stop tells it to end, and done says how that went.
func servedAt(t *testing.T, site *merlon.Site) (net.Listener, context.CancelFunc, chan error) {
	t.Helper()
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
	return l, stop, done
}

// TestDrainCutsOff: a visitor who does not send the rest of a body makes the end of a site no failure; the log tells of it.
func TestDrainCutsOff(t *testing.T) {
	need.Time(t, "waits for the time of an end")
	var told strings.Builder
	site, err := openCounted(merlon.Env{Mode: merlon.Production, Data: t.TempDir(), Settings: merlon.Settings{Origin: "http://site.test"}, Log: slog.New(slog.NewJSONHandler(&told, nil))})
	if err != nil {
		t.Fatal(err)
	}
	l, stop, done := servedAt(t, site)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	before := begun.Load()
	_, _ = io.WriteString(c, "POST /counted HTTP/1.1\r\nHost: site.test\r\nContent-Length: 10\r\n\r\nhalf")
	for end := time.Now().Add(time.Minute); begun.Load() == before && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("the end failed: %v", err)
	}
	if err := site.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(told.String(), `was cut off","connections":1`) {
		t.Errorf("the log says\n%s", &told)
	}
}

// TestSlowClients: slow heads and slow bodies are in nobody's way, and are cut off.
func TestSlowClients(t *testing.T) {
	need.Time(t, "waits for time limits")
	site, err := openCounted(merlon.Env{Mode: merlon.Production, Data: t.TempDir(), Settings: merlon.Settings{Origin: "http://site.test"}})
	if err != nil {
		t.Fatal(err)
	}
	l, stop, done := servedAt(t, site)
	defer func() { stop(); <-done; _ = site.Close(context.Background()) }()

	var slow sync.WaitGroup
	for i := range 200 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		text := "GET /counted HTTP/1.1\r\nHost: si"
		if i%2 == 0 {
			text = "POST /counted HTTP/1.1\r\nHost: site.test\r\nContent-Length: 10\r\n\r\nhalf"
		}
		_, _ = io.WriteString(c, text)
		slow.Go(func() {
			defer c.Close()
			_ = c.SetReadDeadline(time.Now().Add(2 * time.Minute))
			if _, err := io.Copy(io.Discard, c); err != nil {
				t.Errorf("a slow connection was not cut off: %v", err)
			}
		})
	}
	for range 20 {
		r, _ := http.NewRequest("GET", "http://"+l.Addr().String()+"/counted", nil)
		r.Host = "site.test"
		res, err := (&http.Client{Timeout: 30 * time.Second}).Do(r)
		if err != nil {
			t.Fatalf("among slow clients: %v", err)
		}
		res.Body.Close()
		if res.StatusCode != 200 {
			t.Errorf("among slow clients: %d", res.StatusCode)
		}
	}
	slow.Wait()
}
