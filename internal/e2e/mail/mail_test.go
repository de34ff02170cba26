// Package mail_test holds a whole site against a real mail server: what it sends, what it does when the server refuses, is
// slow or is not there, and what is left when the site is killed.
package mail_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/mailpeer"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/outbound/mail"
	"github.com/merlon-web/merlon/secret"
)

const (
	user     = "club@site.test"
	password = "canary-password"
	from     = "Rowing Club <club@site.test>"
	phrase   = "lantern orchard 47 violet"
)

// TestMain runs the tests, or, as a child of one of them, a command of the club, or a club that has queued a mail and sends
// it until it is killed.
func TestMain(m *testing.M) {
	if os.Getenv("MERLON_TEST_COMMAND") != "" {
		cli.Main(site.Open)
	}
	if dir := os.Getenv("MERLON_TEST_CHILD"); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(dir string) error {
	club, err := site.Open(merlon.Env{Mode: merlon.Test, Data: dir, Settings: merlon.Settings{
		Mail: merlon.MailSettings{Address: os.Getenv("MERLON_TEST_MAIL"), From: from}}})
	if err != nil {
		return err
	}
	if err := club.Start(context.Background()); err != nil {
		return err
	}
	if err := queue(club, "hang@x.test", "Hello"); err != nil {
		return err
	}
	select {}
}

// open opens the club with a mail server.
func open(set merlon.MailSettings) func(merlon.Env) (*merlon.Site, error) {
	return func(env merlon.Env) (*merlon.Site, error) {
		env.Settings.Mail = set
		return site.Open(env)
	}
}

// plain are the settings of a peer without TLS.
func plain(p *mailpeer.Server) merlon.MailSettings {
	return merlon.MailSettings{Address: "smtp+plain://" + p.Addr, From: from, Timeout: 20 * time.Second}
}

func start(t *testing.T, flags ...string) (*mailpeer.Server, *merlontest.Server) {
	p := mailpeer.Start(t, append([]string{"-mode", "plain"}, flags...)...)
	return p, merlontest.Start(t, open(plain(p)))
}

func queue(s *merlon.Site, to, subject string) error {
	address, err := mailbox.ParseAddress(to)
	if err != nil {
		return err
	}
	return s.House().Engine.Write(context.Background(), func(_ context.Context, w *db.Writer) error {
		return s.House().Mails.Queue(w, mailbox.Mail{To: address, Kind: "notice", Subject: subject, Text: "Good day,\n\ncanary-text\n"})
	})
}

func send(t *testing.T, s *merlontest.Server, to ...string) {
	t.Helper()
	for _, one := range to {
		if err := queue(s.Site, one, "Hello "+one); err != nil {
			t.Fatal(err)
		}
	}
}

// mails lists the box, oldest first.
func mails(t *testing.T, s *merlon.Site) (list []mailbox.Message) {
	t.Helper()
	r := s.House().Engine.Read(t.Context())
	defer r.Close()
	all, err := s.House().Mails.List(r, 0, 500)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		list = append(list, all[len(all)-1-i])
	}
	return list
}

// until waits until the box is as wanted.
func until(t *testing.T, s *merlontest.Server, what string, ok func([]mailbox.Message) bool) []mailbox.Message {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if all := mails(t, s.Site); ok(all) {
			return all
		}
	}
	t.Fatalf("never %s: %v\n%s", what, mails(t, s.Site), s.Log)
	return nil
}

func states(all []mailbox.Message) string {
	var s []string
	for _, m := range all {
		s = append(s, fmt.Sprintf("%s %d", m.State, m.Tries))
	}
	return strings.Join(s, ", ")
}

func is(want string) func([]mailbox.Message) bool {
	return func(all []mailbox.Message) bool { return states(all) == want }
}

// later moves the site's clock on and has the worker look.
func later(s *merlontest.Server, d time.Duration) {
	s.Advance(d)
	s.Site.House().Mails.Wake()
}

// givenUp counts the events of mails that were given up, as kept.
func givenUp(t *testing.T, s *merlontest.Server) (n int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); n == 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		s.Read(func(r *db.Reader) error {
			all, err := journal.List(r, journal.Filter{ID: mail.RuleGivenUp.ID})
			n = len(all)
			return err
		})
	}
	return n
}

func noCanary(t *testing.T, s *merlontest.Server) {
	t.Helper()
	for _, canary := range []string{"canary", "ann@", "no@"} {
		if strings.Contains(s.Log.String(), canary) {
			t.Errorf("the log holds %q:\n%s", canary, s.Log)
		}
	}
}

// Over STARTTLS and with a sign-in, at once after the commit, as text and as a page.
func TestSignUpSendsAMail(t *testing.T) {
	p := mailpeer.Start(t, "-user", user, "-password", password)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := merlontest.Start(t, open(merlon.MailSettings{Address: "smtp://" + user + "@" + p.Addr, PasswordFile: file, From: from, Roots: p.Roots()}))
	v := s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Ann", "Email": "ann@x.test", "Password": phrase})
	v.Is(200).At("/sign-up/sent")
	committed := time.Now()
	got := p.Wait(1)[0]
	took, sent := time.Since(committed), 1
	for ; took > 4*time.Second && sent < 6; sent++ { // the poll is every 5 s; a busy machine is not as slow each time
		committed = time.Now()
		send(t, s, "ann@x.test")
		p.Wait(sent + 1)
		took = time.Since(committed)
	}
	if took > 4*time.Second {
		t.Errorf("the last of %d mails took %v after the commit: it was not sent at once", sent, took)
	}
	if got.To != "ann@x.test" || got.From != "club@site.test" || got.Subject == "" || !strings.Contains(got.Text, s.Site.Origin()+"/") {
		t.Errorf("arrived: %s\n%s", got.Raw, got.Text)
	}
	if want := mailbox.HTML("en", s.Site.Origin(), got.Subject, got.Text); strings.TrimSpace(got.HTML) != strings.TrimSpace(want) || !strings.Contains(got.HTML, `<a href="`+s.Site.Origin()+"/") {
		t.Errorf("the page: %q, want %q", got.HTML, want)
	}
	all := until(t, s, "sent", is(strings.TrimSuffix(strings.Repeat("sent 1, ", sent), ", ")))
	if all[0].Text != "" || all[0].Subject != "" {
		t.Error("what was sent is kept")
	}
	s.Visitor().Get("/_merlon/dev/mail").Has("sent through "+p.Addr, "ann@x.test", "sent")
	noCanary(t, s)
}

func TestAddressesOfSignUpCannotAddARecipient(t *testing.T) {
	p, s := start(t)
	for _, email := range []string{"ann@x.test\r\nBcc: bob@x.test", "ann@x.test, bob@x.test", "ann@x.test> SIZE=1", "<ann@x.test>", "-oQ@x.test"} {
		s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Ann", "Email": email, "Password": phrase}).Is(422)
	}
	if n := p.Connections(); n != 0 || len(mails(t, s.Site)) != 0 {
		t.Errorf("%d connections, %v", n, mails(t, s.Site))
	}
}

// One that is refused is given up with an event, and the others are sent over the same connection.
func TestRefusedForGood(t *testing.T) {
	p, s := start(t, "-refuse", "no")
	s.Write(func(w *db.Writer) error { // in one commit, so that they are one round
		for _, to := range []string{"a@x.test", "no@x.test", "b@x.test"} {
			address, _ := mailbox.ParseAddress(to)
			if err := s.Site.House().Mails.Queue(w, mailbox.Mail{To: address, Kind: "notice", Subject: "Hello", Text: "canary-text"}); err != nil {
				return err
			}
		}
		return nil
	})
	all := until(t, s, "settled", is("sent 1, failed 1, sent 1"))
	if !strings.Contains(all[1].Problem, "550 5.1.1") || all[1].Text != "" {
		t.Errorf("%+v", all[1].Problem)
	}
	if n := givenUp(t, s); n != 1 || !strings.Contains(s.Log.String(), mail.RuleGivenUp.ID) {
		t.Errorf("%d events\n%s", n, s.Log)
	}
	if len(p.Mails()) != 2 || p.Connections() != 1 {
		t.Errorf("%d mails over %d connections", len(p.Mails()), p.Connections())
	}
	noCanary(t, s)
}

func TestRefusedForNow(t *testing.T) {
	p, s := start(t, "-later", "1")
	send(t, s, "ann@x.test")
	until(t, s, "tried", func(all []mailbox.Message) bool { return all[0].Problem != "" })
	later(s, 30*time.Second)
	time.Sleep(300 * time.Millisecond)
	if all := mails(t, s.Site); states(all) != "queued 1" || len(p.Mails()) != 0 {
		t.Errorf("before its pause was over: %s", states(all))
	}
	later(s, 35*time.Second)
	until(t, s, "sent", is("sent 2"))
	later(s, 48*time.Hour)
	time.Sleep(300 * time.Millisecond)
	if n := len(p.Mails()); n != 1 {
		t.Errorf("it arrived %d times", n)
	}
}

func TestGivenUpAfterTwelveTries(t *testing.T) {
	p, s := start(t, "-later", "1000")
	send(t, s, "ann@x.test")
	for try := 1; try < mailbox.MaxTries; try++ {
		until(t, s, "tried", func(all []mailbox.Message) bool {
			// what is noted of a try, not that it was begun: a clock that goes on meanwhile would let one try count for two
			return all[0].State == mailbox.Failed || strings.Count(s.Log.String(), "mail not sent, tried again later") >= try
		})
		later(s, 8*time.Hour+time.Minute)
	}
	until(t, s, "given up", is(fmt.Sprintf("failed %d", mailbox.MaxTries)))
	if n := givenUp(t, s); n != 1 || len(p.Mails()) != 0 {
		t.Errorf("%d events, %d mails", n, len(p.Mails()))
	}
}

// Without a mail server the site answers as ever, the mails wait, and they are sent when it is back.
func TestTheServerIsDown(t *testing.T) {
	p := mailpeer.Start(t, "-mode", "plain")
	p.Stop()
	s := merlontest.Start(t, open(plain(p)))
	s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Ann", "Email": "ann@x.test", "Password": phrase}).Is(200).At("/sign-up/sent")
	send(t, s, "b@x.test", "c@x.test")
	until(t, s, "tried", func(all []mailbox.Message) bool { return strings.Contains(all[0].Problem, "cannot be reached") })
	if all := mails(t, s.Site); states(all) != "queued 1, queued 0, queued 0" {
		t.Errorf("%s: each mail asked for the server that is not there", states(all))
	}
	back := mailpeer.Start(t, "-mode", "plain", "-listen", p.Addr)
	later(s, 2*time.Minute)
	until(t, s, "sent", is("sent 2, sent 1, sent 1"))
	if n := len(back.Mails()); n != 3 {
		t.Errorf("%d arrived", n)
	}
}

// The pause after a server that is not there is one of seconds, also when the clock is set back meanwhile.
func TestAClockSetBackStopsNothing(t *testing.T) {
	p := mailpeer.Start(t, "-mode", "plain")
	p.Stop()
	s := merlontest.Start(t, open(plain(p)))
	send(t, s, "a@x.test")
	until(t, s, "tried", func(all []mailbox.Message) bool { return strings.Contains(all[0].Problem, "cannot be reached") })
	back := mailpeer.Start(t, "-mode", "plain", "-listen", p.Addr)
	s.Advance(-24 * time.Hour)
	send(t, s, "b@x.test")
	if got := back.Wait(1); got[0].To != "b@x.test" {
		t.Errorf("%s arrived", got[0].To)
	}
}

// The site is killed after the server took the mail and before it was noted: it is sent again, once, and with the same
// Message-ID.
func TestKilledBetweenSendingAndNoting(t *testing.T) {
	first := mailpeer.Start(t, "-mode", "plain", "-hang", "hang")
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MERLON_TEST_CHILD="+dir, "MERLON_TEST_MAIL=smtp+plain://"+first.Addr)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	arrived := first.Wait(1)[0]
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	second := mailpeer.Start(t, "-mode", "plain")
	s := merlontest.StartIn(t, dir, open(plain(second)))
	s.Site.House().Mails.Wake()
	time.Sleep(300 * time.Millisecond)
	if len(second.Mails()) != 0 {
		t.Error("sent again while another worker may still have it")
	}
	later(s, 3*time.Minute)
	again := second.Wait(1)[0]
	until(t, s, "sent", is("sent 2"))
	later(s, 48*time.Hour)
	time.Sleep(300 * time.Millisecond)
	if len(second.Mails()) != 1 || again.Header.Get("Message-Id") != arrived.Header.Get("Message-Id") {
		t.Errorf("%d arrived, Message-ID %q and %q", len(second.Mails()), again.Header.Get("Message-Id"), arrived.Header.Get("Message-Id"))
	}
}

// A site that closes finishes the mail that is on its way and begins no other.
func TestClosingStopsBetweenMails(t *testing.T) {
	p := mailpeer.Start(t, "-mode", "plain", "-slow", "2s")
	dir := t.TempDir()
	club, err := open(plain(p))(merlon.Env{Mode: merlon.Test, Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := club.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := queue(club, fmt.Sprintf("a%d@x.test", i), "Hello"); err != nil {
			t.Fatal(err)
		}
	}
	p.Wait(1)
	for end := time.Now().Add(time.Minute); mails(t, club)[1].Tries == 0 && time.Now().Before(end); { // the second is on its way
		time.Sleep(5 * time.Millisecond)
	}
	if err := club.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	arrived := len(p.Mails())
	s := merlontest.StartIn(t, dir, site.Open) // without a server: to look
	if got := states(mails(t, s.Site)); arrived != 2 || got != "sent 1, sent 1, queued 0, queued 0, queued 0" {
		t.Errorf("%d arrived, noted are: %s", arrived, got)
	}
}

func TestWhereNothingIsSent(t *testing.T) {
	p := mailpeer.Start(t, "-mode", "plain")
	for name, env := range map[string]merlon.Env{
		"a drill":                       {Mode: merlon.Drill, Settings: merlon.Settings{Mail: plain(p)}},
		"development without a server":  {Mode: merlon.Development},
		"production without a server":   {Mode: merlon.Production, Settings: merlon.Settings{Origin: "https://club.test"}},
		"a test of the site without it": {Mode: merlon.Test},
	} {
		env.Data = t.TempDir()
		club, err := site.Open(env)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := club.Start(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		to, _ := mailbox.ParseAddress("ann@x.test")
		if _, err := club.House().TestMail(t.Context(), to); err != merlon.ErrNoMail || club.MailServer() != "" {
			t.Errorf("%s: %v", name, err)
		}
		if err := queue(club, "ann@x.test", "Hello"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
		if got := states(mails(t, club)); got != "queued 0" {
			t.Errorf("%s: %s", name, got)
		}
		found := false
		for _, f := range club.CheckDeploy(t.Context()).Findings(check.High) {
			found = found || f.ID == mail.RuleNoServer.ID
		}
		if found == (env.Mode == merlon.Drill) { // a drill has the settings of its site, and sends nothing all the same
			t.Errorf("%s: the finding that there is no server: %v", name, found)
		}
		if err := club.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if p.Connections() != 0 {
		t.Errorf("%d connections", p.Connections())
	}
}

func TestFaultsOfTheSettingsStopTheStart(t *testing.T) {
	for name, c := range map[string]struct {
		set  merlon.MailSettings
		rule check.Rule
	}{
		"a password in the address": {merlon.MailSettings{Address: "smtp://u:canary-password@x.test", From: from}, mail.RulePassword},
		"no sender":                 {merlon.MailSettings{Address: "smtp://x.test"}, mail.RuleFrom},
		"no server":                 {merlon.MailSettings{From: from}, mail.RuleServer},
		"plain":                     {merlon.MailSettings{Address: "smtp+plain://x.test", From: from}, mail.RulePlain},
		"no such file":              {merlon.MailSettings{Address: "smtp://u@x.test", From: from, PasswordFile: filepath.Join(t.TempDir(), "none")}, mail.RuleServer},
		"a file without end":        {merlon.MailSettings{Address: "smtp://u@x.test", From: from, PasswordFile: "/dev/zero"}, mail.RuleServer},
		"two passwords":             {merlon.MailSettings{Address: "smtp://u@x.test", From: from, PasswordFile: "/dev/null", Password: secret.New("canary-password")}, mail.RuleServer},
	} {
		_, err := site.Open(merlon.Env{Mode: merlon.Test, Data: t.TempDir(), Settings: merlon.Settings{Mail: c.set}})
		if err == nil || !strings.Contains(err.Error(), c.rule.ID) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %s", name, err, c.rule.ID)
		}
	}
}
