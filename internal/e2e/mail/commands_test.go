package mail_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/mailpeer"
	"github.com/merlon-web/merlon/outbound/mail"
)

// run runs the club's own program with an environment of its own.
func run(t *testing.T, env []string, args ...string) (code int, out, errs string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MERLON_MAIL") && !strings.HasPrefix(v, "SSL_CERT") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, "MERLON_TEST_COMMAND=1"), env...)
	cmd.Dir = t.TempDir()
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func TestMailTest(t *testing.T) {
	p := mailpeer.Start(t, "-user", user, "-password", password, "-refuse", "no")
	gone := mailpeer.Start(t)
	gone.Stop()
	server := "MERLON_MAIL=smtp://" + user + "@" + p.Addr
	sender := "MERLON_MAIL_FROM=" + from
	trust := "SSL_CERT_FILE=" + p.CA
	right := "MERLON_MAIL_PASSWORD=" + password
	data := filepath.Join(t.TempDir(), "data")
	if code, _, errs := run(t, nil, "migrate", "up", "--data", data); code != 0 {
		t.Fatalf("migrate up exits %d: %s", code, errs)
	}
	for _, c := range []struct {
		name string
		env  []string
		args []string
		code int
		want []string // in what it prints
	}{
		{"sent", []string{server, sender, trust, right}, []string{"ann@x.test"}, 0, []string{"ann@x.test", p.Addr, "250 2.0.0"}},
		{"sent, as JSON", []string{server, sender, trust, right}, []string{"ann@x.test", "--json"}, 0, []string{`"schema": "merlon/mail-test/v1"`, "250"}},
		{"a server that nobody vouches for", []string{server, sender, right}, []string{"ann@x.test"}, 1, []string{"cannot be made safe", "nothing was sent"}},
		{"a wrong password", []string{server, sender, trust, "MERLON_MAIL_PASSWORD=canary-wrong"}, []string{"ann@x.test"}, 1, []string{"refused the sign-in: 535", "correct"}},
		{"a refused recipient", []string{server, sender, trust, right}, []string{"no@x.test"}, 1, []string{"550 5.1.1", "refused the recipient"}},
		{"no server there", []string{"MERLON_MAIL=smtp://" + gone.Addr, sender}, []string{"ann@x.test"}, 3, []string{"cannot be reached"}},
		{"no settings", nil, []string{"ann@x.test"}, 3, []string{"MERLON_MAIL=smtp://", "MERLON_MAIL_FROM", mail.RuleNoServer.ID}},
		{"no settings, as JSON", nil, []string{"ann@x.test", "--json"}, 3, []string{`"schema": "merlon/error/v1"`}},
		{"no address", nil, nil, 2, []string{"takes ADDRESS"}},
		{"a bad address", nil, []string{"Ann <ann@x.test>"}, 2, []string{"MRL-MAILBOX-001"}},
		{"two addresses", nil, []string{"ann@x.test, bob@x.test"}, 2, []string{"MRL-MAILBOX-001"}},
		{"a password in the address", []string{"MERLON_MAIL=smtp://u:canary-url@x.test", sender}, []string{"ann@x.test"}, 1, []string{mail.RulePassword.ID, "MERLON_MAIL_PASSWORD_FILE"}},
		{"plain to another machine", []string{"MERLON_MAIL=smtp+plain://x.test", sender}, []string{"ann@x.test"}, 1, []string{mail.RulePlain.ID}},
		{"a file that is not there", []string{server, sender, "MERLON_MAIL_PASSWORD_FILE=none"}, []string{"ann@x.test"}, 1, []string{mail.RuleServer.ID, "none"}},
	} {
		code, out, errs := run(t, c.env, append([]string{"mail", "test", "--data", data}, c.args...)...)
		if code != c.code {
			t.Errorf("%s: exit %d, want %d\n%s%s", c.name, code, c.code, out, errs)
		}
		for _, want := range c.want {
			if !strings.Contains(out+errs, want) {
				t.Errorf("%s: lacks %q:\n%s%s", c.name, want, out, errs)
			}
		}
		if strings.Contains(out+errs, "canary") {
			t.Errorf("%s: a password is printed:\n%s%s", c.name, out, errs)
		}
		if strings.Contains(c.name, "JSON") && !json.Valid([]byte(out)) {
			t.Errorf("%s: no JSON: %s", c.name, out)
		}
	}
	got := p.Wait(2)
	if len(got) != 2 || !strings.Contains(got[0].Subject, "Harbour Rowing Club") || !strings.Contains(got[0].Text, "nothing for you to do") || !strings.Contains(got[0].HTML, "<a href=") {
		t.Errorf("%d arrived, %q\n%s", len(got), got[0].Subject, got[0].Text)
	}
	for _, command := range []string{"serve", "check"} {
		if code, out, errs := run(t, []string{"MERLON_MAIL=smtp://u:canary-url@x.test", sender}, command); code != 1 || !strings.Contains(out+errs, mail.RulePassword.ID) {
			t.Errorf("%s with a password in the address: exit %d\n%s%s", command, code, out, errs)
		}
	}
	for _, r := range mail.Rules() {
		if code, out, _ := run(t, nil, "explain", r.ID); code != 0 || !strings.Contains(out, r.Title) {
			t.Errorf("explain %s: exit %d\n%s", r.ID, code, out)
		}
	}
}

// After a restore the mails are held: the list says so, release queues them, and neither sends anything.
func TestMailListAndRelease(t *testing.T) {
	p := mailpeer.Start(t, "-mode", "plain")
	env := []string{"MERLON_MAIL=smtp+plain://" + p.Addr, "MERLON_MAIL_FROM=" + from}
	dir := t.TempDir()
	club, err := site.Open(merlon.Env{Mode: merlon.Test, Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := club.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"ann@x.test", "bob@y.test"} {
		if err := queue(club, to, "canary-subject"); err != nil {
			t.Fatal(err)
		}
	}
	if err := club.House().Engine.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		_, err := club.House().Mails.HoldAll(w)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := run(t, env, "mail", "list", "--data", dir); code != 3 {
		t.Errorf("beside a site that runs: exit %d\n%s", code, errs)
	}
	if err := club.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	step := func(code int, want []string, args ...string) string {
		t.Helper()
		got, out, errs := run(t, env, append(args, "--data", dir)...)
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%v lacks %q:\n%s", args, w, out)
			}
		}
		if got != code || strings.Contains(out+errs, "canary") || strings.Contains(out, "ann") {
			t.Errorf("%v: exit %d, want %d\n%s%s", args, got, code, out, errs)
		}
		return out
	}
	step(0, []string{"2   notice  held", "y.test", "0      -"}, "mail", "list")
	step(0, []string{"2 mails released"}, "mail", "release")
	step(0, []string{"queued", "T"}, "mail", "list", "--limit", "1")
	if out := step(0, []string{`"schema": "merlon/mails/v1"`, `"state": "queued"`, `"next": "`}, "mail", "list", "--json"); !json.Valid([]byte(out)) {
		t.Errorf("no JSON: %s", out)
	}
	step(2, nil, "mail", "list", "--limit", "0")
	step(2, nil, "mail", "lst")
	step(0, []string{"0 mails released"}, "mail", "release")
	if p.Connections() != 0 {
		t.Errorf("%d connections: a command sent mails", p.Connections())
	}
}
