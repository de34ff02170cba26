package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/merlon-web/merlon/db"
)

// A Round sends mails one after the other over one connection, which it makes at the first mail and again after it broke.
// It is for one goroutine. Close it.
type Round struct {
	s      *Sender
	conn   net.Conn // below TLS
	client *smtp.Client
}

// Begin begins a round. It does not connect yet.
func (s *Sender) Begin() *Round { return &Round{s: s} }

// Close says good-bye to the server.
func (r *Round) Close() {
	if r.client != nil {
		_ = r.conn.SetDeadline(time.Now().Add(min(r.s.c.Timeout, 2*time.Second)))
		_ = r.client.Quit()
	}
	r.drop()
}

func (r *Round) drop() {
	if r.conn != nil {
		_ = r.conn.Close()
	}
	r.conn, r.client = nil, nil
}

// Send sends one mail and returns what the server answered. When ctx is done the connection is cut: the mail may then have
// arrived or not. The error is an [*Error], or a [check.Finding] for a mail that is refused before anything is sent or for a
// ctx of a write transaction.
func (r *Round) Send(ctx context.Context, m Mail) (said string, err error) {
	if db.InWrite(ctx) {
		return "", RuleInWrite.Finding("", "a mail was to be sent inside a write transaction", "queue it there (House.Mails.Queue), and send with no transaction open")
	}
	if err := m.valid(); err != nil {
		return "", err
	}
	if r.client != nil && r.idle(ctx) != nil {
		r.drop() // the server went away between two mails
	}
	if r.client == nil {
		if err := r.connect(ctx); err != nil {
			r.drop()
			return "", err
		}
	}
	said, e := r.deliver(ctx, m)
	if e == nil {
		return said, nil
	}
	if e.Code == 0 || e.Connection {
		r.drop()
	}
	return "", e
}

// idle puts the conversation back to its beginning, which also tells whether the server is still there.
func (r *Round) idle(ctx context.Context) error {
	defer r.within(ctx, r.s.until())()
	return r.client.Reset()
}

// until is when what begins now must have ended.
func (s *Sender) until() time.Time { return time.Now().Add(s.c.Timeout) }

// within bounds what follows by a time and by ctx; the function that it returns ends that.
func (r *Round) within(ctx context.Context, until time.Time) (end func()) {
	conn := r.conn
	_ = conn.SetDeadline(until)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return func() { stop() }
}

// maxHeard bounds what a server may say over one connection, in bytes: its lines are read whole.
const maxHeard = 1 << 20

type bounded struct {
	net.Conn
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the server talks too much")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func (r *Round) connect(ctx context.Context) error {
	s := r.s
	fail := func(at step, err error) error { return s.fail(at, err, Mail{}) }
	until := s.until()
	raw, err := (&net.Dialer{Deadline: until}).DialContext(ctx, "tcp", s.Server())
	if err != nil {
		return fail(reach, err)
	}
	r.conn = &bounded{raw, maxHeard}
	defer r.within(ctx, until)()
	conn := r.conn
	if s.c.TLS == Implicit {
		safe := tls.Client(conn, s.tls)
		if err := safe.HandshakeContext(ctx); err != nil {
			return fail(cover, err)
		}
		conn = safe
	}
	client, err := smtp.NewClient(conn, s.c.Host)
	if err != nil {
		return fail(greet, err)
	}
	client.SkipSMTPUTF8(true) // addresses are ASCII: the next server need not know it
	if err := client.Hello(s.greeting()); err != nil {
		return fail(greet, err)
	}
	if s.c.TLS == StartTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return fail(cover, errors.New("it does not offer STARTTLS, or someone on the way has taken the offer out"))
		}
		if err := client.StartTLS(s.tls); err != nil {
			return fail(cover, err)
		}
	}
	if s.c.User != "" {
		if err := client.Auth(&signIn{s: s}); err != nil {
			return fail(enter, err)
		}
	}
	r.client = client
	return nil
}

// greeting is the name in EHLO: an IP address stands in brackets (RFC 5321, 4.1.3).
func (s *Sender) greeting() string {
	ip := net.ParseIP(s.c.Site)
	switch {
	case ip == nil:
		return s.c.Site
	case ip.To4() == nil:
		return "[IPv6:" + s.c.Site + "]"
	}
	return "[" + s.c.Site + "]"
}

// signIn signs in by PLAIN, or by LOGIN where that is all there is: over TLS, or to this machine.
type signIn struct {
	s   *Sender
	how smtp.Auth
}

// Start implements smtp.Auth.
func (a *signIn) Start(server *smtp.ServerInfo) (string, []byte, error) {
	c := a.s.c
	if !server.TLS && !loopback(c.Host) { // cannot happen: connect has seen to TLS; a password deserves a second look
		return "", nil, errors.New("the connection has no TLS")
	}
	for _, offer := range server.Auth {
		if strings.EqualFold(offer, "PLAIN") {
			a.how = smtp.PlainAuth("", c.User, c.Password.Reveal(), c.Host, true)
			return a.how.Start(server)
		}
	}
	if !slices.ContainsFunc(server.Auth, func(s string) bool { return strings.EqualFold(s, "LOGIN") }) {
		return "", nil, errors.New("it offers neither PLAIN nor LOGIN")
	}
	a.how = smtp.LoginAuth(c.User, c.Password.Reveal(), c.Host, true)
	return a.how.Start(server)
}

// Next implements smtp.Auth.
func (a *signIn) Next(from []byte, more bool) ([]byte, error) { return a.how.Next(from, more) }

// deliver is one mail's part of the conversation (RFC 5321, 3.3).
func (r *Round) deliver(ctx context.Context, m Mail) (string, *Error) {
	defer r.within(ctx, r.s.until())()
	fail := func(at step, err error) (string, *Error) { return "", r.s.fail(at, err, m) }
	if err := r.client.Mail("<" + r.s.from.Address + ">"); err != nil {
		return fail(begin, err)
	}
	if err := r.client.Rcpt("<" + m.To + ">"); err != nil {
		return fail(rcpt, err)
	}
	w, err := r.client.Data()
	if err != nil {
		return fail(data, err)
	}
	if _, err := r.s.message(m).WriteTo(w); err != nil {
		return fail(data, errors.Join(io.ErrUnexpectedEOF, err)) // no end of the mail is sent: the connection is dropped
	}
	if err := w.Close(); err != nil {
		return fail(data, err)
	}
	if d, ok := w.(*smtp.DataCloser); ok {
		return r.s.clean("250 "+d.ServerResponse(), m), nil
	}
	return "250", nil
}
