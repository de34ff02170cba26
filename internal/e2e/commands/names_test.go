package commands_test

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/merlontest"
)

// TestListsSayWho: the lists that the operator reads name people, tell a command from nobody, and closing from opening; a backup
// that was never set up is no failure.
func TestListsSayWho(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	t.Run("a visitor", func(t *testing.T) { merlontest.StartIn(t, dir, site.Open).SignedIn("Ann") }) // closed behind it
	run := func(want int, args ...string) string {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := cli.Run(context.Background(), site.Open, append(args, "--data", dir), &out, &errOut); code != want {
			t.Fatalf("%v exits %d, want %d\n%s%s", args, code, want, &out, &errOut)
		}
		return out.String()
	}
	if out := run(0, "session", "list"); !strings.Contains(out, "Ann <user1@example.test>") {
		t.Errorf("who is signed in?\n%s", out)
	}
	run(0, "maintenance", "on")
	run(0, "maintenance", "off")
	run(3, "backup", "run")
	out := run(0, "events")
	for _, want := range []string{"the site was closed for maintenance  ", "the site was opened again after maintenance  "} {
		_, rest, ok := strings.Cut(out, want)
		if line, _, _ := strings.Cut(rest, "\n"); !ok || !strings.Contains(line, " command ") {
			t.Errorf("no %q by a command in\n%s", want, out)
		}
	}
	if strings.Contains(out, "MRL-BACK") {
		t.Errorf("a backup that was never set up failed:\n%s", out)
	}
}

// TestRoutesOwnFirst: what the site declares is at the top of the table, then its parts' routes, then what every site has.
func TestRoutesOwnFirst(t *testing.T) {
	run := func(args ...string) (patterns []string) {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := cli.Run(context.Background(), site.Open, append([]string{"routes", "--data", filepath.Join(t.TempDir(), "data")}, args...), &out, &errOut); code != 0 {
			t.Fatalf("exit %d\n%s", code, &errOut)
		}
		for line := range strings.Lines(out.String()) {
			if f := strings.Fields(line); len(f) > 1 {
				patterns = append(patterns, f[0]+" "+f[1])
			}
		}
		return patterns[1:] // the head
	}
	own, all := run("--own"), run()
	if len(own) != 26 || own[0] != "GET /" || !slices.Equal(all[:len(own)], own) {
		t.Errorf("%d own: %q\nall: %q", len(own), own, all)
	}
	account, dev := slices.Index(all, "GET /account"), slices.Index(all, "GET /_merlon/dev/mail")
	if slices.Contains(own, "GET /account") || account < len(own) || dev < account {
		t.Errorf("the account's at %d, every site's at %d, of %d own", account, dev, len(own))
	}
}
