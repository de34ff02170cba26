package cli_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/metrics"
	"github.com/merlon-web/merlon/passkey"
	"github.com/merlon-web/merlon/sqlite"
)

// TestCommandsOfPartsThatAreNotListed: a command that a site's parts lack is told by the room that brings it, with or
// without flags, for every command of every room.
func TestCommandsOfPartsThatAreNotListed(t *testing.T) {
	bare := func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "bare", Engine: sqlite.Engine("bare.db")})
	}
	run := func(args ...string) string {
		var out, problems bytes.Buffer
		if code := cli.Run(t.Context(), bare, args, &out, &problems); code != cli.ExitUsage {
			t.Errorf("%q exits %d, want %d: %s", args, code, cli.ExitUsage, out.String())
		}
		return out.String() + problems.String() // with --json the refusal is a document
	}
	tried := 0
	for _, part := range []merlon.Part{account.New(account.Config{}), backup.New(backup.Config{}), metrics.New(), passkey.New(passkey.Config{})} {
		want := string(part.Name) + ".New(" + string(part.Name) + ".Config{}) to Config.Parts"
		for _, cmd := range part.Commands {
			tried++
			args := append([]string{"--data", t.TempDir()}, strings.Fields(string(cmd.Name))...)
			for _, more := range [][]string{nil, {"--nowhere", "x"}, {"--json", "--nowhere=x"}} {
				if got := run(slices.Concat(args, more)...); !strings.Contains(got, want) || !strings.Contains(got, "unknown command "+args[2]) {
					t.Errorf("%q: %s", slices.Concat(args, more), got)
				}
			}
		}
	}
	if tried < 10 {
		t.Errorf("%d commands of parts", tried)
	}
	for args, want := range map[string]string{"serv": "did you mean serve?", "--dta x": "did you mean --data?", "--nowhere serve": "unknown flag --nowhere", "backups --to x": "unknown command backups"} {
		if got := run(strings.Fields(args)...); !strings.Contains(got, want) {
			t.Errorf("%s: %s", args, got)
		}
	}
}

// TestPasskeyAlone: passkeys without accounts are one fault, with what is to be added, and not one for each of its routes and
// pages.
func TestPasskeyAlone(t *testing.T) {
	alone := func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "alone", Engine: sqlite.Engine("alone.db"), Parts: []merlon.Part{passkey.New(passkey.Config{})}})
	}
	var out, problems bytes.Buffer
	if code := cli.Run(t.Context(), alone, []string{"serve", "--listen", "127.0.0.1:0", "--data", t.TempDir()}, &out, &problems); code != cli.ExitFailed {
		t.Errorf("exits %d, want %d", code, cli.ExitFailed)
	}
	if got := problems.String(); !strings.Contains(got, "add account.New(account.Config{}) to Config.Parts") || !strings.Contains(got, "\n1 to mend") {
		t.Errorf("got %s", got)
	}
}

// TestKeptOnlyWithASignIn: a site to which nobody signs in has no page for forms that wait for a sign-in.
func TestKeptOnlyWithASignIn(t *testing.T) {
	for name, parts := range map[string][]merlon.Part{"bare": nil, "accounts": {account.New(account.Config{})}} {
		open := func(env merlon.Env) (*merlon.Site, error) {
			return merlon.New(env, merlon.Config{Name: "kept", Engine: sqlite.Engine("kept.db"), Parts: parts})
		}
		var out, problems bytes.Buffer
		if code := cli.Run(t.Context(), open, []string{"routes", "--data", t.TempDir()}, &out, &problems); code != cli.ExitDone {
			t.Fatalf("exits %d: %s", code, &problems)
		}
		if got := strings.Contains(out.String(), "/_merlon/kept"); got != (parts != nil) {
			t.Errorf("%s: %v:\n%s", name, got, &out)
		}
	}
}
