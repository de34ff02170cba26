package mailbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/sqlite"
)

// box is a mailbox over a real database with a clock of the test's own.
type box struct {
	*mailbox.Box
	t      *testing.T
	engine db.Engine
	dir    string
	mu     sync.Mutex
	time   time.Time
}

func open(t *testing.T) *box {
	t.Helper()
	b := &box{t: t, engine: sqlite.Engine("mail.db"), dir: t.TempDir(), time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	if err := b.engine.Open(t.Context(), b.dir, mailbox.Schema()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.engine.Close() })
	if _, err := b.engine.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var err error
	b.Box, err = mailbox.New(mailbox.Config{Keys: keyring.Memory("mail").For("mailbox"), Clock: b.now})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *box) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.time
}

func (b *box) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.time = b.time.Add(d)
}

func (b *box) write(do func(w *db.Writer) error) error {
	return b.engine.Write(context.Background(), func(_ context.Context, w *db.Writer) error { return do(w) })
}

func (b *box) must(do func(w *db.Writer) error) {
	b.t.Helper()
	if err := b.write(do); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) queue(m mailbox.Mail) {
	b.t.Helper()
	b.must(func(w *db.Writer) error { return b.Queue(w, m) })
}

func (b *box) take() (taken []mailbox.Message) {
	b.t.Helper()
	b.must(func(w *db.Writer) (err error) {
		taken, err = b.Take(w, time.Minute, 10)
		return err
	})
	return taken
}

func (b *box) list() []mailbox.Message {
	b.t.Helper()
	r := b.engine.Read(b.t.Context())
	defer r.Close()
	list, err := b.List(r, 0, 100)
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

func to(t *testing.T, s string) mailbox.Address {
	t.Helper()
	a, err := mailbox.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mail(t *testing.T, subject string) mailbox.Mail {
	return mailbox.Mail{To: to(t, "ann@site.test"), Kind: "reset", Subject: subject, Text: "https://site.test/reset/canary-link", HTML: "<p>canary-html"}
}

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range mailbox.Rules() {
		if err := r.Valid(); err != nil || seen[r.ID] || !strings.HasPrefix(r.ID, "MRL-MAILBOX-") || strings.Count(r.Explain(), "\n") > 40 {
			t.Errorf("%s: %v, or twice, or long", r.ID, err)
		}
		seen[r.ID] = true
	}
}

// The mail cases of the vectors that are the queue's: subjects and recipients.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/cells-headers-lines.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		ID, Kind, Field string
		Input           any
		Expect          struct {
			Result, Rcpt string
			Repeat       struct {
				Append string
				Times  int
			}
		}
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	b, ran := open(t), 0
	for _, c := range cases {
		if c.Kind != "mail" || c.Field != "subject" && c.Field != "to" && c.Field != "body" {
			continue
		}
		ran++
		t.Run(c.ID, func(t *testing.T) {
			text, _ := c.Input.(string)
			input := text + strings.Repeat(c.Expect.Repeat.Append, c.Expect.Repeat.Times)
			m := mail(t, "Hello")
			var err error
			switch c.Field {
			case "to":
				m.To, err = mailbox.ParseAddress(input)
			case "subject":
				m.Subject = input
			case "body":
				m.Text = input
			}
			if err == nil {
				err = b.write(func(w *db.Writer) error { return b.Queue(w, m) })
			}
			if (err == nil) != (c.Expect.Result == "ok") {
				t.Fatalf("%s: %q: %v, want %s", c.ID, input, err, c.Expect.Result)
			}
			if err == nil {
				got := b.list()[0]
				if got.Subject != m.Subject || got.Text != m.Text || c.Expect.Rcpt != "" && got.To.String() != c.Expect.Rcpt {
					t.Errorf("%s: kept %q %q %q", c.ID, got.To, got.Subject, got.Text)
				}
			}
		})
	}
	if ran < 12 {
		t.Errorf("only %d cases were found", ran)
	}
}

func TestQueueRefuses(t *testing.T) {
	b := open(t)
	for name, c := range map[string]struct {
		rule   check.Rule
		change func(*mailbox.Mail)
	}{
		"no recipient":     {mailbox.RuleAddress, func(m *mailbox.Mail) { m.To = mailbox.Address{} }},
		"Bcc in subject":   {mailbox.RuleHeader, func(m *mailbox.Mail) { m.Subject = "Hi\r\nBcc: all@x.test" }},
		"lone CR":          {mailbox.RuleHeader, func(m *mailbox.Mail) { m.Subject = "a\rb" }},
		"NUL":              {mailbox.RuleHeader, func(m *mailbox.Mail) { m.Subject = "a\x00b" }},
		"escape":           {mailbox.RuleHeader, func(m *mailbox.Mail) { m.Subject = "a\x1b[2J" }},
		"DEL":              {mailbox.RuleHeader, func(m *mailbox.Mail) { m.Subject = "a\x7f" }},
		"C1":               {mailbox.RuleHeader, func(m *mailbox.Mail) { m.Subject = "a\u009b31m" }},
		"no UTF-8":         {mailbox.RuleHeader, func(m *mailbox.Mail) { m.Subject = "a\xff" }},
		"long subject":     {mailbox.RuleContent, func(m *mailbox.Mail) { m.Subject = strings.Repeat("x", mailbox.MaxSubject+1) }},
		"no text":          {mailbox.RuleContent, func(m *mailbox.Mail) { m.Text = "" }},
		"long text":        {mailbox.RuleContent, func(m *mailbox.Mail) { m.Text = strings.Repeat("x", mailbox.MaxText+1) }},
		"long HTML":        {mailbox.RuleContent, func(m *mailbox.Mail) { m.HTML = strings.Repeat("x", mailbox.MaxHTML+1) }},
		"NUL in text":      {mailbox.RuleContent, func(m *mailbox.Mail) { m.Text = "a\x00" }},
		"HTML is no UTF-8": {mailbox.RuleContent, func(m *mailbox.Mail) { m.HTML = "\xc3" }},
	} {
		m := mail(t, "Hello")
		c.change(&m)
		err := b.write(func(w *db.Writer) error { return b.Queue(w, m) })
		var f check.Finding
		if !errors.As(err, &f) || f.ID != c.rule.ID {
			t.Errorf("%s: %v, want %s", name, err, c.rule.ID)
		}
	}
	if n := len(b.list()); n != 0 {
		t.Errorf("%d refused mails were queued", n)
	}
	if _, err := mailbox.New(mailbox.Config{}); err == nil || len(err.(check.Faults)) != 2 {
		t.Errorf("an empty Config: %v, want both faults", err)
	}
}

func TestAMailIsPartOfItsTransaction(t *testing.T) {
	b := open(t)
	broken := errors.New("handler failed")
	err := b.write(func(w *db.Writer) error {
		if err := b.Queue(w, mail(t, "never")); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) || len(b.list()) != 0 || len(b.take()) != 0 {
		t.Fatalf("a mail of a request that failed waits to be sent: %v", err)
	}
	b.queue(mail(t, "Hello"))
	list := b.list()
	if len(list) != 1 || list[0].Subject != "Hello" || list[0].Text != mail(t, "").Text || list[0].HTML != "<p>canary-html" ||
		list[0].State != mailbox.Queued || list[0].Kind != "reset" || !list[0].Created.Equal(b.now()) || list[0].Unreadable {
		t.Errorf("queued: %#v", list)
	}
	r := b.engine.Read(t.Context())
	defer r.Close()
	if m, err := b.Get(r, list[0].ID); err != nil || m.Subject != "Hello" {
		t.Errorf("Get: %v, %v", m, err)
	}
	if _, err := b.Get(r, 99); !errors.Is(err, db.ErrNoRow) {
		t.Errorf("Get of none: %v", err)
	}
}

func TestAStolenDatabaseHoldsNoLink(t *testing.T) {
	b := open(t)
	b.queue(mail(t, "canary-subject"))
	var copy bytes.Buffer
	snapshot, err := b.engine.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	if _, err := snapshot.WriteTo(&copy); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(copy.Bytes(), []byte("ann@site.test")) {
		t.Fatal("the copy is not of this database")
	}
	for _, canary := range []string{"canary-link", "canary-html", "canary-subject"} {
		if bytes.Contains(copy.Bytes(), []byte(canary)) {
			t.Errorf("the database holds %q in the clear", canary)
		}
	}
	other, err := mailbox.New(mailbox.Config{Keys: keyring.Memory("thief").For("mailbox"), Clock: b.now})
	if err != nil {
		t.Fatal(err)
	}
	r := b.engine.Read(t.Context())
	defer r.Close()
	if list, err := other.List(r, 0, 9); err != nil || len(list) != 1 || !list[0].Unreadable || list[0].Text != "" {
		t.Errorf("without the keys: %#v, %v", list, err)
	}
}

func TestNothingPrintsAMail(t *testing.T) {
	b := open(t)
	b.queue(mail(t, "canary-subject"))
	m := b.list()[0]
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("sent", "mail", m, "list", []mailbox.Message{m})
	}
	fmt.Fprintf(&log, "%v %+v %#v %s %q", m, &m, m, []mailbox.Message{m}, m)
	if strings.Contains(log.String(), "canary") || strings.Contains(log.String(), "ann@") {
		t.Errorf("printed: %s", &log)
	}
}

func TestListIsBounded(t *testing.T) {
	b := open(t)
	b.must(func(w *db.Writer) error {
		for i := range 600 {
			if err := b.Queue(w, mail(t, fmt.Sprint(i))); err != nil {
				return err
			}
		}
		return nil
	})
	r := b.engine.Read(t.Context())
	defer r.Close()
	list, err := b.List(r, 0, 1<<30)
	if err != nil || len(list) != 500 || list[0].Subject != "599" {
		t.Fatalf("%d, %v", len(list), err)
	}
	next, err := b.List(r, list[len(list)-1].ID, 50)
	if err != nil || len(next) != 50 || next[0].Subject != "99" {
		t.Errorf("the next page: %v, %v", next[0].Subject, err)
	}
}

func TestCheck(t *testing.T) {
	b := open(t)
	find := func() int { return len(check.Run(t.Context(), b.Checks(b.engine)...).Findings(check.Low)) }
	b.queue(mail(t, "x"))
	if n := find(); n != 0 {
		t.Errorf("%d findings for a new mail", n)
	}
	b.pass(7 * time.Hour)
	if n := find(); n != 1 {
		t.Errorf("%d findings for an old mail, want 1", n)
	}
}

func TestStatements(t *testing.T) {
	engine, err := sqlite.Engine("x.db").Scratch(t.Context(), mailbox.Schema())
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	if err := db.Verify(t.Context(), engine, mailbox.Schema()).Err(); err != nil {
		t.Error(err)
	}
}
