package merlon

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/outbound/mail"
	"github.com/merlon-web/merlon/secret"
)

// MailSettings say through which server mails are sent. The zero value is none: mails wait, and in development they can be
// read in the browser.
type MailSettings struct {
	// Address is "smtp://user@host:587" (STARTTLS, required), "smtps://user@host:465", or "smtp+plain://localhost:25" for a
	// server on this machine. It holds no password.
	Address string
	// Password is the user's, or PasswordFile a file whose one line it is.
	Password     secret.String
	PasswordFile string
	// From is whom mails are from: "Rowing Club <club@example.org>".
	From string
	// Roots are the authorities that may sign the server's certificate; nil: those that the system trusts.
	Roots *x509.CertPool
	// Timeout bounds connecting, and each mail; zero: 30 s.
	Timeout time.Duration
}

// ErrNoMail says that the settings name no mail server.
var ErrNoMail = errors.New("merlon: no mail server is set: mails wait in the mailbox; set " + setting.MailAddress.String())

// mailSettings makes the sender, or says what hinders.
func (s *Site) mailSettings() check.Faults {
	set := s.env.Settings.Mail
	if set.Address == "" {
		if set.From != "" || !set.Password.Empty() || set.PasswordFile != "" {
			return check.Faults{mail.RuleServer.Finding(setting.MailAddress.String(), "there is a sender or a password, and no server", "set its address too")}
		}
		return nil
	}
	c, err := mail.ParseServer(set.Address)
	if err == nil {
		c.From, c.Roots, c.Timeout, c.Password = set.From, set.Roots, set.Timeout, set.Password
		if u, err := url.Parse(s.Origin()); err == nil {
			c.Site = u.Hostname()
		}
		if set.PasswordFile != "" {
			if !set.Password.Empty() {
				return check.Faults{mail.RuleServer.Finding(setting.MailPasswordFile.String(), "there are two passwords, one of them in a file", "set the file, or the variable "+setting.MailPassword)}
			}
			if c.Password, err = readPassword(set.PasswordFile); err != nil {
				return check.Faults{mail.RuleServer.Finding(setting.MailPasswordFile.String(), "the password's file cannot be read: "+err.Error(), "write the password alone into a file that the site may read")}
			}
		}
		s.sender, err = mail.New(c)
	}
	var faults check.Faults
	if err != nil && !asFaults(err, &faults) {
		faults = check.Faults{mail.RuleServer.Finding(setting.MailAddress.String(), err.Error(), "correct the setting")}
	}
	return asSet(faults)
}

// maxPassword bounds the password's file, in bytes: a wrong path must not be read into memory.
const maxPassword = 4 << 10

func readPassword(path string) (secret.String, error) {
	f, err := os.Open(path)
	if err != nil {
		return secret.String{}, err
	}
	defer f.Close()
	line, err := io.ReadAll(io.LimitReader(f, maxPassword+1))
	switch {
	case err != nil:
		return secret.String{}, err
	case len(line) > maxPassword:
		return secret.String{}, fmt.Errorf("it has more than %d bytes", maxPassword)
	}
	return secret.New(strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")), nil
}

// MailServer returns host and port of the server that mails are sent through, "" if they are not sent.
func (s *Site) MailServer() string {
	if !s.sends() {
		return ""
	}
	return s.sender.Server()
}

// sends reports whether the site sends its mails: never on a restored copy, whose mails were sent long ago.
func (s *Site) sends() bool { return s.sender != nil && s.env.Mode != Drill }

func (s *Site) checkMail(context.Context) []check.Finding {
	if s.sender != nil || !s.HasSignIn() {
		return nil
	}
	return []check.Finding{mail.RuleNoServer.Finding(setting.MailAddress.String(), "no mail server is set", fmt.Sprintf("set it, %s and %s, then run: mail test you@example.org", setting.MailPasswordFile, setting.MailFrom))}
}

// MailServer returns host and port of the server that mails are sent through, "" when they wait.
func (h *House) MailServer() string { return h.site.MailServer() }

// TestMail sends one mail at once, past the queue and without the database, and returns what the server said. The error is
// [ErrNoMail], or a *mail.Error of room outbound/mail.
func (h *House) TestMail(ctx context.Context, to mailbox.Address) (said string, err error) {
	s := h.site
	if !s.sends() {
		return "", ErrNoMail
	}
	m := mail.Mail{To: to.String(), Subject: text.Own().Format(s.lang, "mail.test.subject", s.title),
		Text: text.Own().Format(s.lang, "mail.test.text", s.title, s.Origin()+"/"), Date: s.clock()}
	m.HTML = mailbox.HTML(s.lang, s.Origin(), m.Subject, m.Text)
	return s.sender.Send(ctx, m)
}

// SendNow sends one mail at once, past the queue and without the database: for what must be told when these may be what
// fails. Its texts are ID.subject and ID.text of Merlon's catalogue; the first place of both is the site, further ones are args. The error is
// [ErrNoMail], or a *mail.Error of room outbound/mail.
func (h *House) SendNow(ctx context.Context, to mailbox.Address, id string, args ...any) (said string, err error) {
	s := h.site
	if !s.sends() {
		return "", ErrNoMail
	}
	m := mail.Mail{To: to.String(), Subject: text.Own().Format(s.lang, id+".subject", s.title), Text: text.Own().Format(s.lang, id+".text", args...), Date: s.clock()}
	m.HTML = mailbox.HTML(s.lang, s.Origin(), m.Subject, m.Text)
	return s.sender.Send(ctx, m)
}

// The worker's measures.
const (
	mailPoll  = 5 * time.Second  // looks for mails whose next try has come; new ones wake it
	mailRound = 20               // mails over one connection
	mailRest  = 30 * time.Second // after the server could not be used: it is not asked for each mail that waits
	mailGrace = 5 * time.Second  // for the mail that is on its way when the site closes
)

// postman sends what waits in the mailbox. It holds no transaction while it sends.
type postman struct {
	s   *Site
	run *running
	// rest is until when no mail is tried, by the site's clock.
	rest time.Time
}

func (s *Site) mailTask(run *running) Task {
	p := &postman{s: s, run: run}
	return Task{Name: "merlon/mail", Every: mailPoll, Run: p.round, Wake: run.house.Mails.Queued()}
}

// round sends the mails that are due, at most [mailRound] of them, and stops between two when the site closes.
func (p *postman) round(ctx context.Context, h *House) error {
	if wait := p.rest.Sub(h.Clock()); wait > 0 && wait <= mailRest { // a clock that was set back does not stop the mails
		return nil
	}
	r := p.s.sender.Begin()
	defer r.Close()
	for range mailRound {
		m, ok, err := p.take(ctx, h)
		if err != nil || !ok {
			return err
		}
		if reached, err := p.one(ctx, h, r, m); err != nil || !reached {
			return err
		}
	}
	h.Mails.Wake()
	return nil
}

// take takes one mail, in a transaction of its own: a mail that a killed process had taken is due again soon.
func (p *postman) take(ctx context.Context, h *House) (m mailbox.Message, ok bool, err error) {
	if ctx.Err() != nil {
		return m, false, nil
	}
	look := h.Engine.Read(ctx)
	due, err := h.Mails.Due(look)
	look.Close()
	if err != nil || !due {
		return m, false, err
	}
	timeout := p.s.env.Settings.Mail.Timeout
	if timeout == 0 {
		timeout = mail.DefaultTimeout
	}
	var taken []mailbox.Message
	err = h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		taken, err = h.Mails.Take(w, 3*timeout+mailGrace, 1) // a look at the connection, a new one, the mail
		return err
	})
	if err != nil || len(taken) == 0 {
		return m, false, err
	}
	return taken[0], true, nil
}

// one sends a mail and notes what came of it. It reports whether the server could be used at all.
func (p *postman) one(ctx context.Context, h *House, r *mail.Round, m mailbox.Message) (reached bool, err error) {
	out := mail.Mail{To: m.To.String(), Subject: m.Subject, Text: m.Text, HTML: m.HTML, Date: m.Created,
		ID: messageID(h.Keys, m)}
	if out.HTML == "" {
		lang := m.Lang
		if lang == "" {
			lang = p.s.lang
		}
		out.HTML = mailbox.HTML(lang, p.s.Origin(), m.Subject, m.Text)
	}
	going, end := finish(ctx)
	said, err := r.Send(going, out)
	end()
	outcome := mailbox.Outcome{Sent: err == nil}
	reached = true
	var refused *mail.Error
	switch {
	case m.Unreadable:
		outcome.Permanent, outcome.Problem = true, "sealed under keys that the site lacks"
	case errors.As(err, &refused):
		outcome.Permanent, outcome.Problem, reached = refused.Permanent, refused.What, !refused.Connection
	case err != nil: // refused by the room itself: the next time would be no better
		outcome.Permanent, outcome.Problem = true, err.Error()
	}
	if !reached {
		p.rest = h.Clock().Add(mailRest)
	}
	noting, end := context.WithTimeout(context.WithoutCancel(ctx), mailGrace) // also when the site closes: else the mail is sent twice
	defer end()
	err = h.Engine.Write(noting, func(_ context.Context, w *db.Writer) error { return h.Mails.Settle(w, m, outcome) })
	p.tell(ctx, h, m, outcome, said)
	return reached, err
}

// messageID names a mail in its Message-ID: the same at each try, so that readers' programs drop doubles. It is a keyed hash of
// the mail's number, which would count the mails of all: whoever gets two would learn how many others got between, and so whether
// what they did meanwhile told an owner of something. Its time is hashed too: data that came back from a backup counts on from
// there, and a mail that had the name of one from before would be dropped as its double. The key is the oldest of the ring, which
// stays when a new one is added.
func messageID(keys *keyring.Ring, m mailbox.Message) string {
	all := keys.Keys()
	if len(all) == 0 {
		return "" // a random one
	}
	key, _ := keys.For("merlon/mail/id/v1").Key(all[0].ID)
	h := hmac.New(sha256.New, key.Reveal())
	h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(m.ID)), uint64(m.Created.UnixMicro())))
	return base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:20])
}

// tell logs what came of a mail; one that was given up is an event. Neither says whom it was for or what it said.
func (p *postman) tell(ctx context.Context, h *House, m mailbox.Message, o mailbox.Outcome, said string) {
	switch {
	case o.Sent:
		m.State = mailbox.Sent
		h.Log.LogAttrs(ctx, slog.LevelInfo, "mail sent", slog.Any("mail", m), slog.String("answer", said))
	case o.Permanent || m.Tries >= mailbox.MaxTries:
		e := event.New(mail.RuleGivenUp, event.Failed, slog.Int64("mail", m.ID), slog.String("kind", m.Kind),
			slog.String("domain", m.To.Domain()), slog.Int("tries", m.Tries), slog.String("problem", o.Problem))
		e.Time = h.Clock()
		p.run.record(e)
	default:
		h.Log.LogAttrs(ctx, slog.LevelWarn, "mail not sent, tried again later", slog.Any("mail", m), slog.String("problem", o.Problem))
	}
}

// finish returns a context for what has begun: when the site closes it goes on for a few seconds.
func finish(ctx context.Context) (context.Context, func()) {
	going, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(mailGrace, cancel) })
	return going, func() { stop(); cancel() }
}
