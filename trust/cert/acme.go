package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/merlon-web/merlon/check"
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
	m     *autocert.Manager
	hosts []string
	log   *slog.Logger
}

// NewACME returns the source of a configuration. It asks nobody for anything yet: see [ACME.Fetch].
func NewACME(c ACMEConfig) (*ACME, error) {
	if len(c.Hosts) == 0 {
		return nil, check.Faults{RuleACME.Finding("tls", "no public host is named", "name the hosts that certificates are asked for")}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	client := &acme.Client{DirectoryURL: c.Directory, UserAgent: "merlon", HTTPClient: &http.Client{Timeout: 30 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}}}
	return &ACME{hosts: c.Hosts, log: c.Log, m: &autocert.Manager{Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(c.Dir),
		HostPolicy: autocert.HostWhitelist(c.Hosts...), Email: c.Email, Client: client}}, nil
}

// Get implements [Source].
func (a *ACME) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c, err := a.m.GetCertificate(hello)
	if err != nil {
		return nil, fmt.Errorf("cert: no certificate for %.80q: %w", hello.ServerName, err)
	}
	return c, nil
}

// Protocols implements [Source]: the authority proves the name over TLS (RFC 8737).
func (a *ACME) Protocols() []string { return []string{acme.ALPNProto} }

// Handler answers the authority's questions on the port of plain HTTP, and leaves the rest to next.
func (a *ACME) Handler(next http.Handler) http.Handler { return a.m.HTTPHandler(next) }

// Fetch asks for the certificate of each host that has none, so that no visitor waits for it, and tries again each minute
// until all are there or ctx is done. It returns how many there are.
func (a *ACME) Fetch(ctx context.Context) (n int) {
	for {
		n = 0
		for _, host := range a.hosts {
			if _, err := a.m.GetCertificate(browserHello(host)); err != nil {
				a.log.Error("no certificate yet", "id", RuleACME.ID, "host", host, "error", err.Error())
				continue
			}
			n++
		}
		if n == len(a.hosts) {
			return n
		}
		select {
		case <-ctx.Done():
			return n
		case <-time.After(time.Minute):
		}
	}
}

// Leaves implements [Source]: what rests in the folder. Nothing is asked for.
func (a *ACME) Leaves(ctx context.Context) (all []*x509.Certificate) {
	for _, host := range a.hosts {
		if rests, err := a.m.Cache.Get(ctx, host); err != nil || len(rests) == 0 {
			continue
		}
		if c, err := a.m.GetCertificate(browserHello(host)); err == nil && c.Leaf != nil {
			all = append(all, c.Leaf)
		}
	}
	return all
}

// browserHello is what of a browser's greeting decides which kind of key is shown.
func browserHello(host string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: host, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves: []tls.CurveID{tls.CurveP256}, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}
