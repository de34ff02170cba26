package mailbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/mailbox"
)

func TestTakeAndSettle(t *testing.T) {
	b := open(t)
	b.queue(mail(t, "first"))
	b.pass(time.Second)
	b.queue(mail(t, "second"))
	taken := b.take()
	if len(taken) != 2 || taken[0].Subject != "first" || taken[1].Subject != "second" || taken[0].Tries != 1 {
		t.Fatalf("taken: %v", taken)
	}
	if again := b.take(); len(again) != 0 {
		t.Fatal("two workers got the same mail")
	}
	b.must(func(w *db.Writer) error { return b.Settle(w, taken[0], mailbox.Outcome{Sent: true}) })
	if err := b.write(func(w *db.Writer) error { return b.Settle(w, taken[0], mailbox.Outcome{Sent: true}) }); !errors.Is(err, mailbox.ErrLost) {
		t.Errorf("settled twice: %v, want ErrLost", err)
	}
	for _, m := range b.list() {
		if m.Subject == "" && (m.State != mailbox.Sent || m.Text != "" || m.Unreadable || m.Settled.IsZero()) {
			t.Errorf("a sent mail: %#v", m)
		}
	}

	// The worker of the second died: it is due again when its time is over, and the first worker's word counts no more.
	b.pass(time.Minute + time.Second)
	again := b.take()
	if len(again) != 1 || again[0].Subject != "second" || again[0].Tries != 2 {
		t.Fatalf("after the worker died: %v", again)
	}
	if err := b.write(func(w *db.Writer) error { return b.Settle(w, taken[1], mailbox.Outcome{Sent: true}) }); !errors.Is(err, mailbox.ErrLost) {
		t.Errorf("a worker that came too late: %v, want ErrLost", err)
	}
	b.must(func(w *db.Writer) error {
		return b.Settle(w, again[0], mailbox.Outcome{Problem: "451 try later\r\nBcc: x " + strings.Repeat("ä", 400)})
	})
	m := b.list()[0]
	if m.State != mailbox.Queued || strings.ContainsAny(m.Problem, "\r\n") || len(m.Problem) > 520 || !m.NextTry.Equal(b.now().Add(2*time.Minute)) {
		t.Errorf("after a failure: %+v %q next %v", m, m.Problem, m.NextTry)
	}
	if len(b.take()) != 0 {
		t.Error("a failed mail was due at once")
	}
}

func TestAMailIsGivenUpInTheEnd(t *testing.T) {
	b := open(t)
	b.queue(mail(t, "hopeless"))
	start, tries := b.now(), 0
	for range 100 {
		for _, m := range b.take() {
			tries++
			b.must(func(w *db.Writer) error { return b.Settle(w, m, mailbox.Outcome{Problem: "450 busy"}) })
		}
		if b.list()[0].State == mailbox.Failed {
			break
		}
		b.pass(time.Hour)
	}
	m := b.list()[0]
	if m.State != mailbox.Failed || tries != 12 || m.Text != "" || m.Problem != "450 busy" {
		t.Errorf("%+v after %d tries, want failed after 12, content erased", m, tries)
	}
	if d := b.now().Sub(start); d < 24*time.Hour || d > 72*time.Hour {
		t.Errorf("given up after %v, want one to three days", d)
	}
	b.queue(mail(t, "no such user"))
	m = b.take()[0]
	b.must(func(w *db.Writer) error { return b.Settle(w, m, mailbox.Outcome{Permanent: true, Problem: "550"}) })
	if m := b.list()[0]; m.State != mailbox.Failed {
		t.Errorf("a refusal for good: %+v", m)
	}
}

func TestMailsUnderLostKeysAreGivenUp(t *testing.T) {
	b := open(t)
	b.queue(mail(t, "lost"))
	other, _ := mailbox.New(mailbox.Config{Keys: keyring.Memory("new").For("mailbox"), Clock: b.now})
	b.must(func(w *db.Writer) error {
		taken, err := other.Take(w, time.Minute, 10)
		if err != nil || len(taken) != 1 || !taken[0].Unreadable || taken[0].Text != "" {
			t.Fatalf("taken: %v, %v", taken, err)
		}
		return other.Settle(w, taken[0], mailbox.Outcome{Permanent: true})
	})
	if m := b.list()[0]; m.State != mailbox.Failed {
		t.Errorf("%+v", m)
	}
}

// A worker is woken by what was committed, once for many mails, and by nothing that was rolled back.
func TestQueuedIsSignalledByCommits(t *testing.T) {
	b := open(t)
	woken := func() bool {
		select {
		case <-b.Queued():
			return true
		default:
			return false
		}
	}
	due := func() bool {
		r := b.engine.Read(t.Context())
		defer r.Close()
		due, err := b.Due(r)
		if err != nil {
			t.Fatal(err)
		}
		return due
	}
	if woken() || due() {
		t.Error("woken by an empty box")
	}
	_ = b.write(func(w *db.Writer) error {
		if err := b.Queue(w, mail(t, "never")); err != nil {
			return err
		}
		return errors.New("rolled back")
	})
	if woken() || due() {
		t.Error("woken by a mail that was rolled back")
	}
	german := mail(t, "one")
	german.Lang = "de"
	b.queue(german)
	b.queue(mail(t, "two"))
	if !woken() || woken() || !due() {
		t.Error("not woken once by two mails")
	}
	if m := b.list()[1]; m.Lang != "de" {
		t.Errorf("the language %q", m.Lang)
	}
	german.Lang = `de" x="`
	if err := b.write(func(w *db.Writer) error { return b.Queue(w, german) }); err == nil {
		t.Error("a language that is none was taken")
	}
	b.must(func(w *db.Writer) error { _, err := b.HoldAll(w); return err })
	if woken() || due() {
		t.Error("held mails are due")
	}
	b.must(func(w *db.Writer) error { _, err := b.ReleaseAll(w); return err })
	if !woken() || !due() {
		t.Error("not woken by mails that were released")
	}
}

func TestAfterARestore(t *testing.T) {
	b := open(t)
	b.queue(mail(t, "reset"))
	notice := mail(t, "notice")
	notice.Kind = "notice"
	b.queue(notice)
	var n int64
	b.must(func(w *db.Writer) (err error) { n, err = b.HoldAll(w); return err })
	b.pass(24 * time.Hour)
	if n != 2 || len(b.take()) != 0 {
		t.Fatalf("%d held, and some were sent all the same", n)
	}
	b.must(func(w *db.Writer) (err error) { n, err = b.Drop(w, "reset", "void after a restore"); return err })
	if n != 1 {
		t.Errorf("%d reset mails dropped, want 1", n)
	}
	b.must(func(w *db.Writer) (err error) { n, err = b.ReleaseAll(w); return err })
	taken := b.take()
	if n != 1 || len(taken) != 1 || taken[0].Subject != "notice" {
		t.Errorf("%d released, taken %v; want the notice alone", n, taken)
	}
}

func TestAWorkerCannotSettleAHeldMail(t *testing.T) {
	b := open(t)
	b.queue(mail(t, "x"))
	m := b.take()[0]
	b.must(func(w *db.Writer) error { _, err := b.HoldAll(w); return err })
	if err := b.write(func(w *db.Writer) error { return b.Settle(w, m, mailbox.Outcome{}) }); !errors.Is(err, mailbox.ErrLost) {
		t.Errorf("%v, want ErrLost", err)
	}
}

func TestPurge(t *testing.T) {
	b := open(t)
	b.queue(mail(t, "old"))
	b.queue(mail(t, "waits"))
	taken := b.take()
	b.must(func(w *db.Writer) error { return b.Settle(w, taken[0], mailbox.Outcome{Sent: true}) })
	b.pass(time.Hour)
	var n int64
	b.must(func(w *db.Writer) (err error) { n, err = b.Purge(w, b.now()); return err })
	if list := b.list(); n != 1 || len(list) != 1 || list[0].Subject != "waits" {
		t.Errorf("%d purged, left %v", n, list)
	}
	b.queue(mail(t, "new"))
	if list := b.list(); list[0].ID != 3 {
		t.Errorf("id %d was given out again", list[0].ID)
	}
}

// TestRecipientsTakeTurns: whoever makes the site write hundreds of mails to one address keeps nobody else waiting, and what
// somebody waits for before a page goes before all of them.
func TestRecipientsTakeTurns(t *testing.T) {
	b := open(t)
	to := func(address, subject string, soon bool) mailbox.Mail {
		m := mail(t, subject)
		var err error
		if m.To, err = mailbox.ParseAddress(address); err != nil {
			t.Fatal(err)
		}
		m.Soon = soon
		return m
	}
	for i := range 300 {
		b.queue(to("eve@example.test", fmt.Sprint("notice ", i), false))
	}
	b.queue(to("ann@example.test", "ann's notice", false))
	b.queue(to("eve@example.test", "eve's link", true))
	b.queue(to("eve@example.test", "eve's second link", true))
	b.queue(to("ben@example.test", "ben's link", true))
	b.queue(to("ben@example.test", "ben's notice", false))
	var order []string
	for _, m := range b.take()[:7] {
		order = append(order, m.Subject)
	}
	want := "[eve's link ben's link eve's second link notice 0 ann's notice ben's notice notice 1]"
	if got := fmt.Sprint(order); got != want {
		t.Errorf("the mails go in the order %s\nwant %s", got, want)
	}
}

// TestLinksDoNotStopWarnings: while links go to ever new addresses, as strangers ask for them, what nobody waits for goes too.
func TestLinksDoNotStopWarnings(t *testing.T) {
	b := open(t)
	b.queue(mail(t, "warning"))
	link := func(n int) {
		m := mail(t, "link")
		var err error
		if m.To, err = mailbox.ParseAddress(fmt.Sprintf("x%d@example.test", n)); err != nil {
			t.Fatal(err)
		}
		m.Soon = true
		b.queue(m)
	}
	var order []string
	link(0)
	for n := range 8 {
		link(n + 1)
		var taken []mailbox.Message
		b.must(func(w *db.Writer) (err error) { taken, err = b.Take(w, time.Minute, 1); return err })
		for _, m := range taken {
			order = append(order, m.Subject)
		}
	}
	if got, want := fmt.Sprint(order), "[link link link warning link link link link]"; got != want {
		t.Errorf("the mails go in the order %s, want %s", got, want)
	}
}

// TestTriesDoNotStopFirstOnes: mails that were tried, of servers that take half a minute for a refusal, go after those that were not.
func TestTriesDoNotStopFirstOnes(t *testing.T) {
	b := open(t)
	queue := func(subject string, soon bool) {
		m := mail(t, subject)
		var err error
		if m.To, err = mailbox.ParseAddress(strings.ReplaceAll(subject, " ", "-") + "@example.test"); err != nil {
			t.Fatal(err)
		}
		m.Soon = soon
		b.queue(m)
	}
	queue("slow link", true)
	queue("slow notice", false)
	for _, m := range b.take() {
		b.must(func(w *db.Writer) error { return b.Settle(w, m, mailbox.Outcome{Problem: "it takes long"}) })
	}
	b.pass(time.Hour)
	queue("notice", false)
	queue("link", true)
	var order []string
	for _, m := range b.take() {
		order = append(order, m.Subject)
	}
	if got, want := fmt.Sprint(order), "[link notice slow link slow notice]"; got != want {
		t.Errorf("the mails go in the order %s, want %s", got, want)
	}
}
