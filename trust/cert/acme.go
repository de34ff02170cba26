package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/whole"
)

// ACMEConfig says from whom certificates are asked, and for which names.
type ACMEConfig struct {
	Hosts     []string       // public names, nothing else is asked for
	Email     string         // where the authority writes to; may be empty
	Dir       string         // where keys and certificates rest; made with mode 0700, files have 0600. Processes may share it
	Directory string         // the authority's address; empty: Let's Encrypt
	Roots     *x509.CertPool // who vouches for the authority itself; nil: this machine's
	Log       *slog.Logger   // nil: slog's default
}

// ACME is a source that asks an authority for certificates and renews them when a third of their time is left, or 30 days
// (RFC 8555). While the authority is away what is there is shown on to its end; without any the handshake fails, and there
// is no way to the site without TLS.
type ACME struct {
	c      ACMEConfig
	roads  *http.Transport // to the authority
	hosts  []string
	log    *slog.Logger
	now    atomic.Pointer[manager]
	http01 atomic.Bool
	pauses pauses

	waiting atomic.Int64 // handshakes
}

// manager is one life of autocert's. A renewal that failed is tried again by it only after half an hour: then it is replaced
// by a new one, which tries at once, and retired: what it still has in mind reaches nobody.
type manager struct {
	autocert.Manager
	roads   *http.Transport
	retired atomic.Bool
	uses    atomic.Int64 // by handshakes and questions of the authority, at the moment
}

// ends is the cache as one manager sees it. autocert's timers of renewal cannot be stopped, and each would set itself anew
// and keep its retired manager in memory for ever. A timer begins by looking into the cache: of a retired manager that
// nobody else uses its goroutine ends there, and with it the last that knew the manager.
type ends struct {
	autocert.Cache
	m   *manager
	dir string
}

// Get implements [autocert.Cache].
func (e ends) Get(ctx context.Context, name string) ([]byte, error) {
	if e.m.retired.Load() && e.m.uses.Load() == 0 {
		runtime.Goexit() // runs what is deferred
	}
	text, err := e.Cache.Get(ctx, name)
	if err != nil && strings.HasSuffix(name, "+http-01") { // autocert answers whoever asks with the error, which may name the folder
		return nil, autocert.ErrCacheMiss
	}
	if block, _ := pem.Decode(text); err == nil && block == nil && name == accountKey { // it would be an error for ever
		return nil, autocert.ErrCacheMiss
	}
	return text, err
}

// Put implements [autocert.Cache]. The folder's own leaves half a file, or an empty one, where the power fails.
func (e ends) Put(_ context.Context, name string, text []byte) error {
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return err
	}
	return whole.Write(filepath.Join(e.dir, filepath.Clean("/"+name)), ".new-*", text, 0o600)
}

// accountKey is where autocert keeps the key by which the authority knows the site.
const accountKey = "acme_account+key"

// use returns the manager, which is in use until done is called.
func (a *ACME) use() (m *manager, done func()) {
	m = a.now.Load()
	m.uses.Add(1)
	return m, func() { m.uses.Add(-1) }
}

// RoundTrip implements [http.RoundTripper].
func (m *manager) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.retired.Load() {
		return nil, errors.New("cert: another one asks the authority by now")
	}
	return m.roads.RoundTrip(r)
}

// NewACME returns the source of a configuration. It asks nobody for anything yet: see [ACME.Keep].
func NewACME(c ACMEConfig) (*ACME, error) {
	if len(c.Hosts) == 0 {
		return nil, check.Faults{RuleACME.Finding("tls", "no public host is named", "name the hosts that certificates are asked for")}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	a := &ACME{c: c, hosts: c.Hosts, log: c.Log, roads: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}}
	a.renew()
	return a, nil
}

// renew takes a new manager in the place of the one that is there.
func (a *ACME) renew() {
	m := &manager{roads: a.roads}
	m.Prompt, m.Cache, m.HostPolicy, m.Email = autocert.AcceptTOS, ends{autocert.DirCache(a.c.Dir), m, a.c.Dir}, autocert.HostWhitelist(a.c.Hosts...), a.c.Email
	m.Client = &acme.Client{DirectoryURL: a.c.Directory, UserAgent: "merlon", HTTPClient: &http.Client{Timeout: 30 * time.Second, Transport: m}}
	if a.http01.Load() {
		m.HTTPHandler(nil) // says that the port of plain HTTP answers
	}
	if before := a.now.Swap(m); before != nil {
		before.retired.Store(true)
	}
}

// Get implements [Source]. For a host that has no certificate, or one that has ended, the authority is asked by a handshake too, but not
// before the pause of [ACME.Fetch] is over: autocert would ask each minute, as long as somebody comes.
func (a *ACME) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	host := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	defer a.waiting.Add(-1)
	if a.waiting.Add(1) > mostWaiting {
		return nil, fmt.Errorf("cert: no certificate for %.80q: the authority was asked, and %d handshakes wait for its answer", hello.ServerName, mostWaiting)
	}
	if until, err := a.pauses.of(host); err != nil && time.Now().Before(until) && !isQuestion(hello) {
		if leaf, _ := a.leaf(context.Background(), host); leaf == nil || !isValid(leaf, time.Now()) {
			return nil, fmt.Errorf("cert: no certificate for %.80q: %w; the authority is asked again at %s", hello.ServerName, err, until.UTC().Format(time.RFC3339))
		}
	}
	return a.get(hello, host)
}

// get is Get without minding the pause. What fails lengthens it.
func (a *ACME) get(hello *tls.ClientHelloInfo, host string) (*tls.Certificate, error) {
	m, done := a.use()
	defer done()
	c, err := m.GetCertificate(hello)
	if slices.Contains(a.hosts, host) && !isQuestion(hello) {
		a.pauses.note(host, err, time.Now())
	}
	if err != nil {
		return nil, fmt.Errorf("cert: no certificate for %.80q: %w", hello.ServerName, err)
	}
	return c, nil
}

// isQuestion reports whether a handshake is the authority's, which offers that one protocol (RFC 8737 3). Who offers more of them is a
// visitor, for autocert too.
func isQuestion(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto
}

// mostWaiting is how many handshakes may wait for the first certificate of a host: autocert holds each for as long as the authority
// takes, up to five minutes, also when its client has gone. With a certificate none waits.
const mostWaiting = 1024

// Protocols implements [Source]: the authority proves the name over TLS (RFC 8737).
func (a *ACME) Protocols() []string { return []string{acme.ALPNProto} }

// Handler answers the authority's questions on the port of plain HTTP, and leaves the rest to next.
func (a *ACME) Handler(next http.Handler) http.Handler {
	a.http01.Store(true)
	a.now.Load().HTTPHandler(nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, done := a.use()
		defer done()
		m.HTTPHandler(next).ServeHTTP(w, r)
	})
}

// Fetch asks for the certificate of each host that has none, so that no visitor waits for it, and tries again, host by host,
// until all are there or ctx is done: after a minute, and each time after twice the time, up to an hour. An authority counts
// what fails (Let's Encrypt: five an hour for each name). It returns how many there are.
func (a *ACME) Fetch(ctx context.Context) int {
	var n atomic.Int64
	var all sync.WaitGroup
	for _, host := range a.hosts {
		all.Go(func() {
			for !a.ask(host) {
				until, _ := a.pauses.of(host)
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(until)):
				}
			}
			n.Add(1)
		})
	}
	all.Wait()
	return int(n.Load())
}

// ask reports whether there is a certificate of a host, and asks for it if there is none.
func (a *ACME) ask(host string) bool {
	_, err := a.get(browserHello(host), host)
	if err != nil {
		a.log.Error("no certificate yet", "id", RuleACME.ID, "host", host, "error", err.Error())
	}
	return err == nil
}

// Keep is [ACME.Fetch], and beside it sees that certificates are renewed until ctx is done. autocert does that by itself; what
// it failed to renew is tried again each hundredth of the time that is left, but for the first days, in which its own pause of
// half an hour or more is short enough, and at the most every 20 seconds.
func (a *ACME) Keep(ctx context.Context) {
	var fetching sync.WaitGroup
	fetching.Go(func() { a.Fetch(ctx) })
	defer fetching.Wait()
	for {
		late, wait := a.late(ctx, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if !late {
			continue
		}
		a.renew()
		for _, host := range a.hosts {
			if _, err := a.leaf(ctx, host); err == nil { // Fetch asks for the others, with its own pauses
				a.ask(host)
			}
		}
	}
}

// The times of [ACME.Fetch] and [ACME.Keep].
const (
	firstPause   = time.Minute
	longestPause = time.Hour
	ownPause     = 30 * time.Minute // autocert's own, at the least
	soonest      = 20 * time.Second
	lateAfter    = 9 // tenths of the time that is left when a renewal is due: it is begun in the first tenth
)

// late reports whether a certificate should have been renewed and is not, and in what time to act on it or to look again.
func (a *ACME) late(ctx context.Context, now time.Time) (late bool, wait time.Duration) {
	wait = time.Hour
	for _, leaf := range a.Leaves(ctx) {
		left := leaf.NotAfter.Sub(now)
		due := min(leaf.NotAfter.Sub(leaf.NotBefore)/3, 30*day) / 10 * lateAfter
		switch again := max(left/100, -left/10, soonest); { // long after its end autocert's own pause is short enough again
		case left > due:
			wait = min(wait, left-due+time.Second)
		case again < ownPause:
			late, wait = true, min(wait, again)
		}
	}
	return late, wait
}

// Leaves implements [Source]: what rests in the folder, also when it has ended. Nobody is asked for anything. What is not
// there is told by [ACME.Lacks].
func (a *ACME) Leaves(ctx context.Context) (all []*x509.Certificate) {
	for _, host := range a.hosts {
		if leaf, err := a.leaf(ctx, host); err == nil {
			all = append(all, leaf)
		}
	}
	return all
}

// Lacks returns a finding of [RuleACME] for each host of which no certificate rests in the folder, or one that cannot be read
// or names another host. Of those that have ended [Age] says so. It is of medium severity: only a site that is up gets its
// certificates, so that none must not refuse its start.
func (a *ACME) Lacks(ctx context.Context) (found check.Faults) {
	for _, host := range a.hosts {
		leaf, err := a.leaf(ctx, host)
		if err == nil {
			err = leaf.VerifyHostname(host)
		}
		switch {
		case err == nil || ctx.Err() != nil:
			continue
		case errors.Is(err, autocert.ErrCacheMiss):
			err = errors.New("the authority has given none yet")
		}
		f := RuleACME.Finding("certificate of "+host, err.Error(), "start the site, which asks for it; if it is up look into its log for "+RuleACME.ID)
		f.Severity = check.Medium
		found = append(found, f)
	}
	return found
}

// leaf returns what rests in the folder for a host.
func (a *ACME) leaf(ctx context.Context, host string) (*x509.Certificate, error) {
	rests, err := autocert.DirCache(a.c.Dir).Get(ctx, host)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, rests = pem.Decode(rests); block == nil {
			return nil, fmt.Errorf("the file %s holds no certificate", filepath.Join(a.c.Dir, host))
		}
		if block.Type == "CERTIFICATE" { // its key stands before it
			return x509.ParseCertificate(block.Bytes)
		}
	}
}

// browserHello is what of a browser's greeting decides which kind of key is shown.
func browserHello(host string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: host, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves: []tls.CurveID{tls.CurveP256}, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}
