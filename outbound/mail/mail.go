// Package mail sends mails to one mail server by SMTP, and refuses to say a word of them over a connection that others can
// read: TLS is required, to the server whose name is on its certificate; without it only a server on this machine is taken.
//
// It sends and keeps nothing: room mailbox queues mails in the request's transaction, and the site's worker hands them on.
// A mail has one recipient. The package does not sign (DKIM): the mail server does that.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/secret"
)

// TLS says how the connection to the server is kept from others.
type TLS uint8

// The kinds of connection. The zero value is the usual one; none falls back to another.
const (
	StartTLS TLS = iota // begins in the clear and must become TLS before anything is said (port 587)
	Implicit            // TLS from the first byte (port 465; RFC 8314 prefers it)
	Plain               // without TLS: only to this machine
)

// Config of a [Sender].
type Config struct {
	Host     string        // required: the name on the server's certificate, or an IP address
	Port     int           // zero: 587, 465 or 25, by TLS
	TLS      TLS           //
	User     string        // "": the server wants no sign-in
	Password secret.String // required with a User

	From    string         // required: "club@example.org" or "Rowing Club <club@example.org>"
	Site    string         // required: the site's host name, for the greeting and for Message-IDs
	Timeout time.Duration  // for connecting, and for each mail; zero: 30 s
	Roots   *x509.CertPool // who may sign the server's certificate; nil: whom the system trusts
}

// A Sender sends mails. It is safe for concurrent use: each [Round] has a connection of its own.
type Sender struct {
	c    Config
	from netmail.Address
	tls  *tls.Config
}

// DefaultTimeout is how long connecting may take, and how long one mail.
const DefaultTimeout = 30 * time.Second

// New returns a sender. It does not connect. The error is [check.Faults].
func New(c Config) (*Sender, error) {
	var faults check.Faults
	wrong := func(rule check.Rule, what, do string) {
		faults = append(faults, rule.Finding("mail server", what, do))
	}
	if !hostName(c.Host) {
		wrong(RuleServer, "the server's host is empty or no host name", "write the name on its certificate: mail.example.org")
	}
	if c.Port == 0 {
		c.Port = map[TLS]int{Implicit: 465, Plain: 25}[c.TLS]
		if c.Port == 0 {
			c.Port = 587
		}
	}
	if c.Port < 1 || c.Port > 65535 {
		wrong(RuleServer, fmt.Sprintf("%d is no port", c.Port), "leave it out, or write 587 or 465")
	}
	switch {
	case c.TLS > Plain:
		wrong(RuleServer, fmt.Sprintf("%d is no kind of connection", c.TLS), "use mail.StartTLS or mail.Implicit")
	case c.TLS == Plain && !loopback(c.Host):
		wrong(RulePlain, "the connection to "+c.Host+" is to have no TLS", "use smtp:// (STARTTLS) or smtps://; only localhost, 127.0.0.1 and ::1 do without")
	}
	if c.User == "" != c.Password.Empty() {
		wrong(RuleServer, "there is a user without a password, or a password without a user", "set both, or neither")
	}
	if strings.ContainsAny(c.User+c.Password.Reveal(), "\x00\r\n") {
		wrong(RuleServer, "the user or the password holds a line break or a NUL", "take it out")
	}
	from, err := netmail.ParseAddress(c.From)
	if err != nil || !plainAddress(from.Address) || strings.ContainsFunc(from.Name, control) {
		from = &netmail.Address{}
		wrong(RuleFrom, "From is empty or not one plain address", `write "club@example.org" or "Rowing Club <club@example.org>"`)
	}
	if !hostName(c.Site) {
		wrong(RuleServer, "the site's own name is no host name", "set the site's address")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Timeout < 0 {
		wrong(RuleServer, "the timeout is negative", "leave it zero for 30 seconds")
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return &Sender{c, *from, &tls.Config{ServerName: c.Host, RootCAs: c.Roots, MinVersion: tls.VersionTLS12}}, nil
}

// Server returns host and port.
func (s *Sender) Server() string { return net.JoinHostPort(s.c.Host, strconv.Itoa(s.c.Port)) }

// Send sends one mail over a connection of its own and returns what the server answered. The error is an [*Error], or a
// [check.Finding] if the mail is refused before anything is sent.
func (s *Sender) Send(ctx context.Context, m Mail) (said string, err error) {
	r := s.Begin()
	defer r.Close()
	return r.Send(ctx, m)
}

// loopback reports whether a host is this machine and nobody else: by its literal name, never by asking a name server.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// hostName accepts names of letters, digits, dashes and dots, and IP addresses.
func hostName(s string) bool {
	if net.ParseIP(s) != nil {
		return true
	}
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// plainAddress is the last look at an address before it becomes part of a command: one @, no space, quote, bracket,
// control or other character that ends or extends RCPT TO, no dash at its beginning. Room mailbox asks for more.
func plainAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || len(local) > 64 || len(s) > 254 || local[0] == '-' || !hostName(domain) {
		return false
	}
	for i := range len(local) {
		if c := local[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),:;<>@[\]`, c) >= 0 {
			return false
		}
	}
	return true
}

func control(r rune) bool { return r < 0x20 || r >= 0x7f && r <= 0x9f }
