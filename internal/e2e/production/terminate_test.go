package production_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// TestTerminate: SIGTERM in the middle of many visitors breaks off no request that the site has taken: whose TLS was agreed
// on and which was sent whole. By connections that are kept and such that are made for one request, by either protocol.
func TestTerminate(t *testing.T) {
	rounds := 5
	if need.Long() {
		rounds = 100
	}
	p := newPlace(t)
	var all, refused atomic.Int64
	for round := range rounds {
		p.out.all = nil
		p.start(t)
		var answered, failed atomic.Int64
		var visitors sync.WaitGroup
		for n := range 6 {
			visitors.Go(func() {
				client := p.visitor(n%3 == 0)
				tr := client.Transport.(*http.Transport)
				tr.DisableKeepAlives = n%3 == 1
				tr.DialContext = (&net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, byte(10+n), byte(round), 1)}}).DialContext
				defer tr.CloseIdleConnections()
				for {
					var sent atomic.Bool
					r, _ := http.NewRequest("POST", fmt.Sprintf("https://127.0.0.1:%d/sign-in", p.port), http.NoBody) // a POST is not sent twice
					r.Host = fmt.Sprintf("%s:%d", host, p.port)
					r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) { sent.Store(i.Err == nil) }}))
					res, err := client.Do(r)
					if err == nil {
						_, err = io.Copy(io.Discard, res.Body)
						res.Body.Close()
					}
					switch {
					case err == nil:
						if res.StatusCode >= 500 {
							t.Errorf("round %d: a visitor got %d", round, res.StatusCode)
						}
						answered.Add(1)
						time.Sleep(5 * time.Millisecond)
					case sent.Load():
						failed.Add(1)
						t.Errorf("round %d: a request was broken off: %v", round, err)
						return
					default: // the site takes no more
						refused.Add(1)
						return
					}
				}
			})
		}
		for answered.Load() < 30 {
			time.Sleep(time.Millisecond)
		}
		p.end(t)
		visitors.Wait()
		all.Add(answered.Load())
		if t.Failed() {
			t.Fatalf("round %d: %d answered, %d broken off\n%s", round, answered.Load(), failed.Load(), p.out.text())
		}
	}
	t.Logf("%d ends by SIGTERM, %d requests answered, none broken off, %d visitors came too late", rounds, all.Load(), refused.Load())
}
