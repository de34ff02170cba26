package mail_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/e2e/mailpeer"
	"github.com/merlon-web/merlon/outbound/mail"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/sqlite"

	"github.com/merlon-web/merlon/db"
)

const (
	user     = "club@site.test"
	password = "correct-horse"
)

// sender sends to a peer, as config changes it.
func sender(t *testing.T, p *mailpeer.Server, change func(*mail.Config)) *mail.Sender {
	t.Helper()
	c := mail.Config{Host: "127.0.0.1", Port: p.Port, From: "Ruderclub Köln <club@site.test>", Site: "club.test", Timeout: 10 * time.Second, Roots: p.Roots()}
	if change != nil {
		change(&c)
	}
	s, err := mail.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signIn(c *mail.Config) { c.User, c.Password = user, secret.New(password) }

func hello(to string) mail.Mail {
	return mail.Mail{To: to, Subject: "Hello", Text: "Good day,\n\nhttps://club.test/reset/tok-0123456789abcdef\n", Date: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
}

// what returns the error of a mail that was not sent.
func what(t *testing.T, err error) *mail.Error {
	t.Helper()
	var e *mail.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *mail.Error", err)
	}
	return e
}

func TestWhatArrives(t *testing.T) {
	for _, mode := range []struct {
		name  string
		flags []string
		tls   mail.TLS
	}{
		{"STARTTLS", []string{"-user", user, "-password", password}, mail.StartTLS},
		{"TLS, AUTH LOGIN only", []string{"-mode", "tls", "-login", "-user", user, "-password", password}, mail.Implicit},
		{"plain to this machine", []string{"-mode", "plain", "-user", user, "-password", password}, mail.Plain},
	} {
		t.Run(mode.name, func(t *testing.T) {
			p := mailpeer.Start(t, mode.flags...)
			s := sender(t, p, func(c *mail.Config) { signIn(c); c.TLS = mode.tls })
			m := hello("ann@x.test")
			m.Subject = "Schöne Grüße aus dem Ruderclub, 你好, und ein langer Betreff, der nicht in eine Zeile passt"
			m.Text = "Guten Tag,\n.\n..dots\nFrom here\n" + strings.Repeat("lang ", 300) + "\n= end é\n"
			m.HTML = "<!doctype html><p>Guten Tag é"
			m.ID = "17.abc"
			said, err := s.Send(t.Context(), m)
			if err != nil || !strings.HasPrefix(said, "250 ") {
				t.Fatalf("%q, %v", said, err)
			}
			got := p.Wait(1)[0]
			if got.From != "club@site.test" || got.To != "ann@x.test" || got.Subject != m.Subject || got.Text != m.Text || strings.TrimSpace(got.HTML) != m.HTML {
				t.Errorf("arrived: %q %q %q\n%q\n%q", got.From, got.To, got.Subject, got.Text, got.HTML)
			}
			for name, want := range map[string]string{
				"To": "<ann@x.test>", "Message-Id": "<17.abc@club.test>", "Auto-Submitted": "auto-generated", "Mime-Version": "1.0",
				"Date": "Wed, 04 Mar 2026 05:06:07 +0000", "User-Agent": "", "X-Mailer": "", "Bcc": "", "Cc": "",
			} {
				if got := got.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if from, err := got.Header.AddressList("From"); err != nil || len(from) != 1 || from[0].Name != "Ruderclub Köln" || from[0].Address != "club@site.test" {
				t.Errorf("From: %v, %v", from, err)
			}
			for line := range strings.SplitSeq(string(got.Raw), "\r\n") {
				if len(line) > 78 || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' }) {
					t.Errorf("a line of %d bytes: %q", len(line), line)
				}
			}
		})
	}
}

func TestSubjects(t *testing.T) {
	p := mailpeer.Start(t)
	r := sender(t, p, nil).Begin()
	defer r.Close()
	subjects := []string{
		"Hello", "", " leading and trailing ", "=?utf-8?q?=0D=0ABcc:_all=40x.test?=", "a =?UTF-8?B?QmNj?= b", strings.Repeat("x", 2000),
		strings.Repeat("é", 500), "日本語" + strings.Repeat(" 語", 100), "100 % = \"done\"; <b>", strings.Repeat("word ", 30) + "end",
	}
	for _, subject := range subjects {
		m := hello("ann@x.test")
		m.Subject = subject
		if _, err := r.Send(t.Context(), m); err != nil {
			t.Fatalf("%q: %v", subject, err)
		}
	}
	for i, got := range p.Wait(len(subjects)) {
		if got.Subject != subjects[i] {
			t.Errorf("%q arrived as %q:\n%s", subjects[i], got.Subject, got.Header.Get("Subject"))
		}
		if len(got.Header["Bcc"]) > 0 || len(got.Header) != 9 {
			t.Errorf("%q: headers %v", subjects[i], got.Header)
		}
	}
	if n := p.Connections(); n != 1 {
		t.Errorf("%d connections for one round", n)
	}
}

func TestRefusedBeforeAnythingIsSent(t *testing.T) {
	p := mailpeer.Start(t)
	s := sender(t, p, nil)
	for name, change := range map[string]func(*mail.Mail){
		"CRLF in the subject":      func(m *mail.Mail) { m.Subject = "Hi\r\nBcc: all@x.test" },
		"LF in the subject":        func(m *mail.Mail) { m.Subject = "Hi\nBcc: all@x.test" },
		"NUL in the subject":       func(m *mail.Mail) { m.Subject = "Hi\x00" },
		"C1 in the subject":        func(m *mail.Mail) { m.Subject = "Hi\u0085" },
		"subject is no UTF-8":      func(m *mail.Mail) { m.Subject = "\xff" },
		"no recipient":             func(m *mail.Mail) { m.To = "" },
		"two recipients":           func(m *mail.Mail) { m.To = "a@x.test, b@x.test" },
		"two addresses in one":     func(m *mail.Mail) { m.To = "a@x.test,b@x.test" },
		"CRLF in the recipient":    func(m *mail.Mail) { m.To = "a@x.test\r\nRCPT TO:<b@x.test>" },
		"ESMTP parameter":          func(m *mail.Mail) { m.To = "a@x.test> SIZE=1" },
		"quoted local part":        func(m *mail.Mail) { m.To = `"a> ORCPT=b"@x.test` },
		"source route":             func(m *mail.Mail) { m.To = "@y.test:a@x.test" },
		"option":                   func(m *mail.Mail) { m.To = "-oQ/tmp@x.test" },
		"name around the address":  func(m *mail.Mail) { m.To = "Ann <a@x.test>" },
		"no text":                  func(m *mail.Mail) { m.Text = "" },
		"text is no UTF-8":         func(m *mail.Mail) { m.Text = "\xc3" },
		"too large":                func(m *mail.Mail) { m.HTML = strings.Repeat("x", 2<<20) },
		"no date":                  func(m *mail.Mail) { m.Date = time.Time{} },
		"an ID with a header":      func(m *mail.Mail) { m.ID = "a>\r\nBcc: b@x.test" },
		"an ID with another place": func(m *mail.Mail) { m.ID = "a@b" },
	} {
		m := hello("ann@x.test")
		change(&m)
		_, err := s.Send(t.Context(), m)
		var f check.Finding
		if !errors.As(err, &f) || f.ID != mail.RuleMail.ID {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p.Connections() != 0 || len(p.Mails()) != 0 {
		t.Errorf("%d connections, %d mails", p.Connections(), len(p.Mails()))
	}
}

func TestNotInsideATransaction(t *testing.T) {
	p := mailpeer.Start(t)
	s := sender(t, p, nil)
	engine, err := sqlite.Engine("x.db").Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	err = engine.Write(t.Context(), func(ctx context.Context, _ *db.Writer) error {
		_, err := s.Send(ctx, hello("ann@x.test"))
		return err
	})
	var f check.Finding
	if !errors.As(err, &f) || f.ID != mail.RuleInWrite.ID || p.Connections() != 0 {
		t.Errorf("%v, %d connections", err, p.Connections())
	}
}

func TestWhatServersRefuse(t *testing.T) {
	for _, c := range []struct {
		name                  string
		flags                 []string
		change                func(*mail.Config)
		code                  int
		permanent, connection bool
		text                  string
	}{
		{"a wrong password", []string{"-user", user, "-password", "another"}, signIn, 535, false, true, "refused the sign-in"},
		{"a password that it repeats", []string{"-quote", "-user", user, "-password", "another"}, signIn, 535, false, true, "no club@site.test with [redacted]"},
		{"no sign-in", []string{"-user", user, "-password", "another"}, nil, 530, false, true, "refused the sender"},
		{"no STARTTLS", []string{"-mode", "plain"}, nil, 0, false, true, "does not offer STARTTLS"},
		{"no STARTTLS, with a password", []string{"-mode", "plain", "-user", user, "-password", password}, signIn, 0, false, true, "does not offer STARTTLS"},
		{"another's certificate", nil, func(c *mail.Config) { c.Roots = nil }, 0, false, true, "cannot be made safe"},
		{"another name on it", []string{"-name", "mail.x.test"}, func(c *mail.Config) { c.Host = "localhost" }, 0, false, true, "cannot be made safe"},
		{"TLS where none is", []string{"-mode", "plain"}, func(c *mail.Config) { c.TLS = mail.Implicit }, 0, false, true, "cannot be made safe"},
		{"an unknown recipient", []string{"-refuse", "ann"}, nil, 550, true, false, "refused the recipient: 550 5.1.1 <[recipient]>: no such user"},
		{"a sign-in that it wants at the recipient", []string{"-refuse", "ann", "-code", "530"}, nil, 530, false, true, "refused the recipient: 530"},
		{"a server that goes away", []string{"-refuse", "ann", "-code", "421"}, nil, 421, false, true, "421"},
		{"later", []string{"-later", "1"}, nil, 451, false, false, "try again later"},
		{"what it does not like", []string{"-quote"}, nil, 554, true, false, `554 5.7.1 \u001b[31mnot to [recipient] with [redacted]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mailpeer.Start(t, c.flags...)
			_, err := sender(t, p, c.change).Send(t.Context(), hello("ann@x.test"))
			e := what(t, err)
			if e.Code != c.code || e.Permanent != c.permanent || e.Unreached || e.Connection != c.connection || !strings.Contains(e.Error(), c.text) {
				t.Errorf("%+v", e)
			}
			for _, canary := range []string{password, "tok-0123456789abcdef", "ann@", "\x1b"} {
				if strings.Contains(e.Error(), canary) {
					t.Errorf("the error repeats %q: %v", canary, e)
				}
			}
			if len(p.Mails()) != 0 {
				t.Error("a mail arrived")
			}
		})
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	p := mailpeer.Start(t)
	s := sender(t, p, nil)
	p.Stop()
	_, err := s.Send(t.Context(), hello("ann@x.test"))
	if e := what(t, err); !e.Connection || e.Permanent || !e.Unreached || e.Code != 0 || !strings.Contains(e.Error(), "cannot be reached") {
		t.Errorf("%+v", e)
	}
}

func TestTimeouts(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p := mailpeer.Start(t, "-hang", "ann")
	for name, at := range map[string]struct {
		port    int
		timeout time.Duration
	}{"silent": {silent.Addr().(*net.TCPAddr).Port, 300 * time.Millisecond}, "hangs at the mail": {p.Port, 3 * time.Second}} { // till then a busy machine has spoken with it
		s := sender(t, p, func(c *mail.Config) { c.Port, c.Timeout = at.port, at.timeout })
		begun := time.Now()
		_, err := s.Send(t.Context(), hello("ann@x.test"))
		if e := what(t, err); e.Permanent || !e.Unreached || e.Connection != (name == "silent") || time.Since(begun) > 30*time.Second {
			t.Errorf("%s: %+v after %v", name, e, time.Since(begun))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := sender(t, p, func(c *mail.Config) { c.Timeout = time.Hour }).Send(ctx, hello("ann@x.test")); err == nil || time.Since(begun) > 30*time.Second {
		t.Errorf("a context that ends: %v after %v", err, time.Since(begun))
	}
}

// One bad mail of a round does not stop the next ones, whether it is refused or breaks the connection.
func TestARoundGoesOn(t *testing.T) {
	p := mailpeer.Start(t, "-refuse", "no", "-drop", "crash")
	r := sender(t, p, nil).Begin()
	defer r.Close()
	for _, c := range []struct {
		to string
		ok bool
	}{{"a@x.test", true}, {"no@x.test", false}, {"b@x.test", true}, {"crash@x.test", false}, {"c@x.test", true}} {
		if _, err := r.Send(t.Context(), hello(c.to)); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.to, err)
		}
	}
	var to []string
	for _, m := range p.Wait(4) {
		to = append(to, m.To)
	}
	if strings.Join(to, " ") != "a@x.test b@x.test crash@x.test c@x.test" || p.Connections() != 2 {
		t.Errorf("%v over %d connections, want 2", to, p.Connections())
	}
}
