package s3peer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Fault is what happens to requests on their way. The fields that are set happen, in the order in which they stand here.
type Fault struct {
	On func(*http.Request) bool // which requests; nil: all
	N  int                      // how many of them, 0: for ever

	Hole       bool                 // nothing answers
	Gone       bool                 // the connection is closed at once, as where no server runs
	Delay      time.Duration        // before it is passed on
	Status     int                  // answered so, without asking the server, …
	Code       string               // … with this code of S3
	Rate       int                  // bytes a second of the body that is sent
	CutRequest int64                // the connection breaks when so many bytes of the body are sent
	Lost       bool                 // the server does it, and the connection breaks before the answer
	Change     func(*http.Response) // of the answer, its body included
	CutAnswer  int64                // the connection breaks when so many bytes of the answer's body came: -1 for none
}

// A Proxy stands before a Server.
type Proxy struct {
	Endpoint string

	mu     sync.Mutex
	faults []*Fault
	met    int
}

// Proxy starts a proxy before the server, until the test ends.
func (s *Server) Proxy() *Proxy { return NewProxy(s.t, s.Endpoint) }

// NewProxy starts a proxy before an address.
func NewProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{}
	reverse := &httputil.ReverseProxy{
		// The host stays: it is signed.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{DisableCompression: true},
		ModifyResponse: func(answer *http.Response) error {
			f, _ := answer.Request.Context().Value(faultKey{}).(*Fault)
			if f == nil {
				return nil
			}
			if f.Lost {
				return errCut
			}
			if f.Change != nil {
				f.Change(answer)
			}
			if f.CutAnswer != 0 {
				answer.Body = &cutting{answer.Body, max(f.CutAnswer, 0)}
			}
			return nil
		},
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { reset(w) },
		ErrorLog:      log.New(io.Discard, "", 0),
		FlushInterval: -1,
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := p.take(r)
		switch {
		case f == nil:
		case f.Hole:
			<-r.Context().Done()
			return
		case f.Gone:
			reset(w)
			return
		case f.Status != 0:
			w.WriteHeader(f.Status)
			fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>injected</Message></Error>", f.Code)
			return
		}
		if f != nil {
			select {
			case <-time.After(f.Delay):
			case <-r.Context().Done():
			}
			if f.CutRequest > 0 {
				r.Body = &cutting{r.Body, f.CutRequest}
			}
			if f.Rate > 0 {
				r.Body = &slow{r.Body, f.Rate}
			}
			r = r.WithContext(context.WithValue(r.Context(), faultKey{}, f))
		}
		reverse.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	p.Endpoint = front.URL
	return p
}

type faultKey struct{}

// Set replaces the faults.
func (p *Proxy) Set(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults, p.met = nil, 0
	for _, f := range faults {
		if f.N == 0 {
			f.N = -1
		}
		p.faults = append(p.faults, &f)
	}
}

// Met returns how many requests had a fault since Set.
func (p *Proxy) Met() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.met
}

func (p *Proxy) take(r *http.Request) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		if f.N != 0 && (f.On == nil || f.On(r)) {
			f.N--
			p.met++
			return f
		}
	}
	return nil
}

// Puts are uploads of objects.
func Puts(r *http.Request) bool {
	return r.Method == http.MethodPut && object(r) && !r.URL.Query().Has("retention")
}

// Gets are readings of objects.
func Gets(r *http.Request) bool { return r.Method == http.MethodGet && object(r) }

// Heads are questions about objects.
func Heads(r *http.Request) bool { return r.Method == http.MethodHead && object(r) }

// Lists are listings.
func Lists(r *http.Request) bool { return r.URL.Query().Has("versions") }

// Locks set a lock.
func Locks(r *http.Request) bool { return r.Method == http.MethodPut && r.URL.Query().Has("retention") }

// object reports whether a request is about one, not about a bucket.
func object(r *http.Request) bool { return strings.Contains(strings.Trim(r.URL.Path, "/"), "/") }

var errCut = fmt.Errorf("s3peer: cut")

// reset breaks the client's connection, as a router that forgets it does.
func reset(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the answer has begun
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

type cutting struct {
	io.ReadCloser
	left int64
}

func (c *cutting) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errCut
	}
	n, err := c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

type slow struct {
	io.ReadCloser
	rate int
}

func (s *slow) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p[:min(len(p), max(s.rate/10, 1))])
	time.Sleep(time.Second / 10)
	return n, err
}

// Header returns a change of one header of the answer, "" to take it away.
func Header(name, value string) func(*http.Response) {
	return func(answer *http.Response) {
		answer.Header.Del(name)
		if value != "" {
			answer.Header.Set(name, value)
		}
	}
}

// Body returns a change of the whole body of the answer.
func Body(change func(body []byte) []byte) func(*http.Response) {
	return func(answer *http.Response) {
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		body = change(body)
		answer.Body = io.NopCloser(bytes.NewReader(body))
		answer.ContentLength = int64(len(body))
		answer.Header.Set("Content-Length", fmt.Sprint(len(body)))
	}
}
