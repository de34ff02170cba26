package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/merlon-web/merlon/backup"
)

// How long a store may say nothing at all, and how slow it may be, before it is given up.
const (
	idle    = time.Minute
	patient = 2 * time.Minute // for one request beside its body
	slowest = 16 << 10        // bytes a second
)

// wire returns connections that are given up after a minute without a byte in either direction.
func wire(caFile string) (*http.Transport, error) {
	var roots *x509.CertPool
	if caFile != "" {
		text, err := os.ReadFile(caFile)
		if err != nil {
			return nil, err
		}
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", caFile)
		}
	}
	dial := net.Dialer{Timeout: 15 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return backup.Restless(c, idle), nil
		},
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 15 * time.Second,
		IdleConnTimeout:     idle / 2,
		MaxIdleConnsPerHost: 4,
		// Bytes as they are: a hash is over what is stored.
		DisableCompression: true,
	}, nil
}

// limit bounds one request with a body of so many bytes.
func limit(ctx context.Context, size int64) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, patient+time.Duration(size/slowest)*time.Second, errSlow)
}

var errSlow = errors.New("it is too slow")

type dateKey struct{}

// dated tells the store's date to who asks for it (see Now), and ends only when nobody reads the request's body any more:
// the next try begins it again.
type dated struct{ http.RoundTripper }

func (d dated) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent *sending
	if r.Body != nil && r.Body != http.NoBody {
		sent = &sending{ReadCloser: r.Body, done: make(chan struct{})}
		r = r.Clone(r.Context())
		r.Body = sent
	}
	answer, err := d.RoundTripper.RoundTrip(r)
	if err != nil {
		if sent != nil {
			<-sent.done
		}
		return nil, err
	}
	if date, ok := r.Context().Value(dateKey{}).(*string); ok {
		*date = answer.Header.Get("Date")
	}
	if sent != nil {
		answer.Body = &answering{answer.Body, sent}
	}
	return answer, nil
}

// sending is a request's body; http closes it when it is done with it.
type sending struct {
	io.ReadCloser
	once sync.Once
	done chan struct{}
}

func (s *sending) Close() error {
	s.once.Do(func() { close(s.done) })
	return s.ReadCloser.Close()
}

// answering is the body of an answer that may have come before the request was sent whole.
type answering struct {
	io.ReadCloser
	sent *sending
}

func (a *answering) Close() error {
	err := a.ReadCloser.Close()
	select {
	case <-a.sent.done:
	case <-time.After(idle):
	}
	return err
}
