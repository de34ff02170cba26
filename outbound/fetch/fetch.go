// Package fetch asks other sites over HTTP, and never one that a visitor must not reach through this one: an address that a
// visitor typed is fetched from the public network only. What a name leads to is judged when the connection is made, each
// time, so that a name that changes its mind (DNS rebinding) and a redirect lead nowhere else (CWE-918; OWASP, Server-Side
// Request Forgery Prevention; OWASP ASVS 1.3.6).
package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/place"
)

type constant string

// Config of a [Client]. The zero value fetches https from the whole public network.
type Config struct {
	Hosts     []string       // the only hosts that are asked, in lower case; none: every public one
	HTTP      bool           // also http, on port 80; an https address never leads to one
	Timeout   time.Duration  // of a whole request, redirects included; zero: 10 s
	MaxBytes  int64          // of an answer's body; zero: 1 MiB
	Redirects int            // how many are followed; zero: 3, negative: none
	Roots     *x509.CertPool // who may sign certificates; nil: whom the system trusts

	// InsecurePrivate are addresses that are not public and are asked all the same, for the reason given: a service of the
	// same house. Name Hosts beside it, or a visitor chooses which.
	InsecurePrivate []netip.Prefix
	InsecurePorts   []string // hosts with a port that is asked beside the schemes' own: "billing.internal.example:8443"
	InsecureReason  constant
}

// Limits that a Config does not name.
const (
	DefaultTimeout   = 10 * time.Second
	DefaultMaxBytes  = 1 << 20
	DefaultRedirects = 3
	maxHeader        = 64 << 10 // of an answer, in bytes
)

// A Client asks other sites. It is safe for concurrent use; connections are kept for a while and used again.
type Client struct {
	c    Config
	own  *ownList
	http *http.Client

	// What a test replaces: names are looked up and connections made through them.
	lookup  func(ctx context.Context, host string) ([]netip.Addr, error)
	connect func(ctx context.Context, network, address string) (net.Conn, error)
}

// New returns a client. It does not connect. The error is [check.Faults].
func New(c Config) (*Client, error) {
	where := place.Caller(1).At
	if len(c.InsecurePrivate)+len(c.InsecurePorts) > 0 && strings.TrimSpace(string(c.InsecureReason)) == "" {
		return nil, check.Faults{RulePrivate.Finding(where, "a client asks private addresses or other ports and gives no reason", "say why in InsecureReason, or leave InsecurePrivate and InsecurePorts out")}
	}
	for _, p := range c.InsecurePrivate {
		check.Opened(where, fmt.Sprintf("a client asks %s: %q", p, string(c.InsecureReason)))
	}
	for _, p := range c.InsecurePorts {
		check.Opened(where, fmt.Sprintf("a client asks %s: %q", p, string(c.InsecureReason)))
		if host, port, err := net.SplitHostPort(p); err != nil || host == "" || strings.ToLower(host) != host || !isPort(port) {
			return nil, check.Faults{RuleAddress.Finding(where, fmt.Sprintf("%q is no host in lower case with a port", p), "write it as billing.internal.example:8443")}
		}
	}
	for i, h := range c.Hosts {
		if _, err := netip.ParseAddr(h); err != nil && (!isName(h) && len(c.InsecurePrivate) == 0 || strings.ToLower(h) != h) {
			return nil, check.Faults{RuleAddress.Finding(where, fmt.Sprintf("host %d, %q, is no name of the public network in lower case", i+1, h), "write it as example.org, without scheme and port")}
		}
	}
	own := &ownList{read: ownAddresses}
	if _, err := own.all(); err != nil {
		return nil, check.Faults{RuleAddress.Finding(where, "the addresses of this machine cannot be read: "+err.Error(), "see the system's message")}
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Redirects == 0 {
		c.Redirects = DefaultRedirects
	}
	client := &Client{c: c, own: own}
	client.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}
	// Control is asked for each address that the system is about to connect to: the last look.
	dialer := &net.Dialer{Timeout: c.Timeout, Control: func(_, address string, _ syscall.RawConn) error { return client.mayConnect(address) }}
	client.connect = dialer.DialContext
	client.http = &http.Client{Timeout: c.Timeout, CheckRedirect: client.redirect, Transport: &http.Transport{
		Proxy:       nil, // the environment's proxy would be asked instead of the address that was judged
		DialContext: client.dial, TLSClientConfig: &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns: 20, MaxConnsPerHost: 20, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: c.Timeout, ResponseHeaderTimeout: c.Timeout,
	}}
	return client, nil
}

// dial looks a name up and connects to the first of its addresses to answer, of those that may be connected to.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &Error{Reason: ReasonParse, what: "the address cannot be read"}
	}
	ips := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		ips = append(ips, ip)
	} else if ips, err = c.lookup(ctx, host); err != nil || len(ips) == 0 {
		return nil, &Error{Reason: ReasonResolve, what: "nobody knows the host's name", err: err}
	}
	var open []string
	var refused error
	for _, ip := range inTurns(ips) {
		to := net.JoinHostPort(ip.String(), port)
		if err := c.mayConnect(to); err != nil {
			refused = err
			continue
		}
		open = append(open, to)
	}
	if len(open) == 0 {
		return nil, refused
	}
	return c.race(ctx, network, open)
}

func (c *Client) mayConnect(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return &Error{Reason: ReasonAddress, what: "the host has no address that can be read"}
	}
	if reason := c.refusesIP(at.Addr()); reason != "" {
		return &Error{Reason: reason, what: "the host leads to an address that is not one of the public network"}
	}
	return nil
}

// redirect judges where an answer leads.
func (c *Client) redirect(next *http.Request, before []*http.Request) error {
	first := before[0]
	switch {
	case len(before) > c.c.Redirects:
		return &Error{Reason: ReasonRedirect, what: fmt.Sprintf("the site leads on more than %d times", max(c.c.Redirects, 0))}
	case before[len(before)-1].URL.Scheme == "https" && next.URL.Scheme != "https":
		return &Error{Reason: ReasonScheme, what: "the site leads from https to something else"}
	}
	if err := c.judge(next.URL); err != nil {
		return err
	}
	if next.URL.Host != first.URL.Host && next.Context().Value(own{}) != nil {
		return &Error{Reason: ReasonRedirect, what: "the site leads to another host, which the request's headers or body are not for"}
	}
	next.Header.Del("Referer") // path and query are for the host that was asked
	return nil
}

// own marks the context of a request that holds what only its own host may see.
type own struct{}

// A Request is what is asked.
type Request struct {
	Method  constant    // "": GET, or POST with a body
	Address string      // from a [Pattern], or as a visitor typed it
	Header  http.Header // beside those that are set here
	Body    []byte
	Type    constant // of the body: "application/json"
}

// An Answer is what another site said. Nothing of it is to be believed.
type Answer struct {
	Status  int
	Header  http.Header
	Body    []byte
	Address string // whose answer it is, after redirects
}

// Get asks for an address, as [Client.Do] does.
func (c *Client) Get(ctx context.Context, address string) (*Answer, error) {
	return c.Do(ctx, Request{Address: address})
}

// Do sends a request and reads the whole answer, of any status. It is refused inside a write transaction. A request with
// headers or a body follows no redirect to another host. The error is an [*Error], or wraps a [check.Finding].
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	if db.InWrite(ctx) {
		return nil, RuleInWrite.Finding("", "another site would be asked inside a write transaction", "ask it in PostAfter's before, or in a job")
	}
	u, err := c.read(r.Address)
	if err != nil {
		return nil, err
	}
	method := string(r.Method)
	if method == "" {
		method = http.MethodGet
		if r.Body != nil {
			method = http.MethodPost
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, &Error{Reason: ReasonParse, what: "the request cannot be made", err: err}
	}
	for name, values := range r.Header {
		for _, v := range values {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(v) {
				return nil, RuleHeader.Finding("", fmt.Sprintf("the header %.40q cannot be sent as it is", name), "use a name of letters and dashes, and a value of one line")
			}
			req.Header.Add(name, v)
		}
	}
	if r.Type != "" {
		req.Header.Set("Content-Type", string(r.Type))
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "Merlon") // one name for all: what the toolchain says tells its version
	}
	if len(r.Header) > 0 || r.Body != nil {
		req = req.WithContext(context.WithValue(ctx, own{}, true))
	}
	return c.send(req)
}

func (c *Client) send(req *http.Request) (*Answer, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, reasonOf(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, c.c.MaxBytes+1))
	if err != nil {
		return nil, reasonOf(err)
	}
	if int64(len(body)) > c.c.MaxBytes {
		return nil, &Error{Reason: "size", what: fmt.Sprintf("the answer has more than %d bytes", c.c.MaxBytes)}
	}
	return &Answer{res.StatusCode, res.Header, body, res.Request.URL.String()}, nil
}

// A Pattern is a constant address with places for data.
type Pattern struct{ text, where string }

// At declares a pattern, each {} a place for one segment of the path or one value of the query:
// "https://api.example.org/range/{}?q={}".
func At(pattern constant) Pattern { return Pattern{string(pattern), place.Caller(1).At} }

// With returns the address with values in its places. The error wraps a [check.Finding] when there are not as many values as
// places, a place is before the path, or a value would be an empty or a dot segment.
func (p Pattern) With(values ...string) (string, error) {
	parts := strings.Split(p.text, "{}")
	if len(parts) != len(values)+1 {
		return "", RuleAddress.Finding(p.where, fmt.Sprintf("the address has %d places and gets %d values", len(parts)-1, len(values)), "give one value for each {}")
	}
	var b strings.Builder
	b.WriteString(parts[0])
	for i, v := range values {
		switch query := strings.Contains(b.String(), "?"); {
		case query:
			b.WriteString(url.QueryEscape(v))
		case v == "" || v == "." || v == ".." || strings.Count(b.String(), "/") < 3:
			return "", RuleAddress.Finding(p.where, fmt.Sprintf("value %d cannot stand where it is: a host, an empty segment or a dot segment", i+1), "let data stand behind the host, as one whole segment or query value")
		default:
			b.WriteString(url.PathEscape(v))
		}
		b.WriteString(parts[i+1])
	}
	return b.String(), nil
}

// An Error says why nothing was fetched. Its text is fit for a visitor: it does not tell what a name leads to.
type Error struct {
	Reason string // one of the Reason constants, "timeout", "size", or "" for a network's fault
	what   string
	err    error
}

// Error says what happened and what to do.
func (e *Error) Error() string {
	return "outbound/fetch: " + e.what + ": give another address, or try again later"
}

// Unwrap returns the network's error, for logs.
func (e *Error) Unwrap() error { return e.err }

func reasonOf(err error) error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() {
		return &Error{Reason: "timeout", what: "the site does not answer in time", err: err}
	}
	return &Error{what: "the site cannot be reached, or its certificate is not valid", err: err}
}
