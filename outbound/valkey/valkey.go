// Package valkey keeps values on a Valkey or Redis server, with data as values of declared commands and scripts and in places of
// declared keys, and never as a part of their syntax (CWE-74, CWE-943; OWASP ASVS 5.0 1.2.6). It speaks over TLS, or to a server
// on this machine.
//
// Throttle/valkey and session/valkey keep a site's limits and sessions by it.
package valkey

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	vk "github.com/valkey-io/valkey-go"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/place"
	"github.com/merlon-web/merlon/secret"
)

// Config of a [Client].
type Config struct {
	// Address is "valkeys://cache.example.org:6379/0", over TLS, with the number of the database; "valkey://127.0.0.1:6379" for a
	// server on this machine, or "unix:///run/valkey/valkey.sock". A user stands in it, "valkeys://shop@…", a password never.
	// The schemes redis and rediss mean the same.
	Address  string
	Password secret.String
	// Prefix is what every key of this client begins with, lower case letters, digits and "-": sites that share a server have
	// one each. Empty: "merlon".
	Prefix  string
	Cluster bool           // the address is one of a cluster
	Roots   *x509.CertPool // who may sign the server's certificate; nil: whom the system trusts
	Timeout time.Duration  // of connecting and of each command; zero: 2 s
	// InsecurePlain allows another machine without TLS, or without a password, for the reason given: a network between
	// containers of one machine.
	InsecurePlain constant
}

// A Client is a server that is asked. It connects at the first use, and anew when a connection breaks. It is safe for concurrent
// use.
type Client struct {
	options vk.ClientOption
	prefix  string
	host    string
	timeout time.Duration

	mu     sync.Mutex
	conn   vk.Client
	tried  time.Time // the last try to connect that failed
	closed bool
}

var prefixes = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// New returns a client. It does not connect. The error is [check.Faults].
func New(c Config) (*Client, error) {
	where := place.Caller(1).At
	fail := func(rule check.Rule, what, do string) (*Client, error) {
		return nil, check.Faults{rule.Finding(where, what, do)}
	}
	to, ok := parse(c.Address)
	if !ok {
		return fail(RuleServer, "the server's address cannot be used", "write valkeys://shop@cache.example.org:6379/0, without a password, or unix:///run/valkey/valkey.sock")
	}
	if c.Prefix == "" {
		c.Prefix = "merlon"
	}
	if !prefixes.MatchString(c.Prefix) {
		return fail(RuleServer, fmt.Sprintf("%q is no prefix of keys", c.Prefix), `write lower case letters, digits and "-", at most 63`)
	}
	if c.Cluster && (to.database != 0 || to.socket != "") {
		return fail(RuleServer, "a cluster has one database, and is not reached by a socket", "leave the database's number out")
	}
	if strings.TrimSpace(string(c.InsecurePlain)) != "" {
		check.Opened(where, fmt.Sprintf("%s is asked without TLS or password: %q", to.host, string(c.InsecurePlain)))
	} else if !to.near {
		if !to.tls {
			return fail(RulePlain, "the server is on another machine and is asked in the clear", "write valkeys:// (or rediss://), and have the server speak TLS")
		}
		if c.Password.Empty() {
			return fail(RulePassword, "the server is on another machine and asks nobody for a password", "set one for the user in the server's ACL, and give it")
		}
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	k := &Client{prefix: c.Prefix + ":", host: to.host, timeout: c.Timeout}
	k.options = vk.ClientOption{
		InitAddress: []string{to.address}, SelectDB: to.database, ForceSingleClient: !c.Cluster, ClientName: "merlon", ClientSetInfo: vk.DisableClientSetInfo,
		Dialer: net.Dialer{Timeout: c.Timeout, KeepAlive: 10 * time.Second}, ConnWriteTimeout: c.Timeout + time.Second,
		// One protocol for all servers, nothing kept here of what is there, and small buffers: 0.5 MiB each way is the library's own.
		AlwaysRESP2: true, DisableCache: true, ReadBufferEachConn: 32 << 10, WriteBufferEachConn: 32 << 10, RingScaleEachConn: 8,
		RetryDelay: retryDelay,
		// Asked at each connection: the library keeps no password.
		AuthCredentialsFn: func(vk.AuthCredentialsContext) (vk.AuthCredentials, error) {
			user := to.user
			if user == "" && !c.Password.Empty() {
				user = "default"
			}
			return vk.AuthCredentials{Username: user, Password: c.Password.Reveal()}, nil
		},
	}
	if to.tls {
		k.options.TLSConfig = &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
	}
	if to.socket != "" {
		k.options.DialCtxFn = func(ctx context.Context, _ string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return d.DialContext(ctx, "unix", to.socket)
		}
	}
	return k, nil
}

// retryDelay tries what only reads three times: the first error after a server was started anew is that of its old connection.
func retryDelay(attempts int, _ vk.Completed, _ error) time.Duration {
	if attempts > 3 {
		return -1
	}
	return time.Duration(attempts*attempts) * 5 * time.Millisecond
}

type target struct {
	host, address, user, socket string
	database                    int
	tls, near                   bool
}

func parse(address string) (t target, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "" {
		return t, false
	}
	t.user = u.User.Username()
	if _, inside := u.User.Password(); inside {
		return t, false
	}
	switch u.Scheme {
	case "unix":
		t.socket, t.host, t.address, t.near = u.Path, "unix", "localhost:6379", true
		return t, u.Host == "" && strings.HasPrefix(u.Path, "/") && len(u.Path) > 1
	case "valkeys", "rediss":
		t.tls = true
	case "valkey", "redis":
	default:
		return t, false
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	if t.host = u.Hostname(); t.host == "" || !isPort(port) {
		return t, false
	}
	t.address = net.JoinHostPort(t.host, port)
	ip, err := netip.ParseAddr(t.host)
	t.near = t.host == "localhost" || err == nil && ip.IsLoopback()
	if path := strings.TrimPrefix(u.Path, "/"); path != "" {
		if t.database, err = strconv.Atoi(path); err != nil || t.database < 0 || t.database > 1<<14 || strconv.Itoa(t.database) != path {
			return t, false
		}
	}
	return t, true
}

func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0 && n < 1<<16
}

// String names the client without its address.
func (c *Client) String() string { return "valkey.Client" }

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// Close ends the connections. Commands under way are waited for; later ones answer [ErrClosed].
func (c *Client) Close() {
	c.mu.Lock()
	conn := c.conn
	c.conn, c.closed = nil, true
	c.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// pause is how long nobody tries to find a cluster again after one has tried in vain.
const pause = 200 * time.Millisecond

// open returns the connections, made at the first call. A single server need not answer: each command connects if it must. A
// cluster tells its map first, and one caller at a time asks for it.
func (c *Client) open() (vk.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, ErrClosed
	case c.conn != nil:
		return c.conn, nil
	case time.Since(c.tried) < pause:
		return nil, fmt.Errorf("%w: it did not a moment ago", ErrCannot)
	}
	conn, err := vk.NewClient(c.options)
	if err != nil && (conn == nil || !c.options.ForceSingleClient) {
		c.tried = time.Now()
		return nil, told(err)
	}
	c.conn = conn
	return conn, nil
}

// do sends one command: its words, then its keys, then the rest.
func (c *Client) do(ctx context.Context, reads bool, words []string, names []Name, rest []string) (vk.ValkeyMessage, error) {
	if db.InWrite(ctx) {
		return vk.ValkeyMessage{}, RuleInWrite.Finding("", "a server would be asked inside a write transaction", "ask it in PostAfter's before, or in a job")
	}
	conn, err := c.open()
	if err != nil {
		return vk.ValkeyMessage{}, err
	}
	keys := make([]string, len(names))
	for i, n := range names {
		keys[i] = c.prefix + n.text
	}
	ctx, stop := context.WithTimeout(ctx, c.timeout)
	defer stop()
	asked := conn.B().Arbitrary(words...).Keys(keys...).Args(rest...)
	build := asked.Build
	if reads {
		build = asked.ReadOnly
	}
	m, err := conn.Do(ctx, build()).ToMessage()
	if err != nil && !vk.IsValkeyNil(err) {
		return m, told(err)
	}
	return m, nil
}
