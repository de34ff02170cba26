package backup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/cli"
)

// receiptOf is the one that a command printed.
func receiptOf(t *testing.T, out string) string {
	t.Helper()
	r := receiptShape.FindString(out)
	if r == "" {
		t.Fatalf("no receipt in %s", out)
	}
	return r
}

// What the owner knows of, an older point to compare with, and that the site was closed: `restore` heeds all three.
func TestRestoreCommand(t *testing.T) {
	p, target := newProgram(t), t.TempDir()
	p.run(cli.ExitDone, "migrate", "up")
	kit := filepath.Join(t.TempDir(), "kit.html")
	p.run(cli.ExitDone, "backup", "init", "--to", "file://"+target, "--try", "--kit", kit)
	_, key := kitFiles(kit)
	var receipts []string
	for range 3 {
		p.note()
		out, _ := p.run(cli.ExitDone, "backup", "run")
		receipts = append(receipts, receiptOf(t, out))
	}
	mail := filepath.Join(t.TempDir(), "mail.txt")
	write(t, mail, []byte("Point "+receipts[0]+", then "+receipts[2]+".\n"))

	into := func(name string) string { return filepath.Join(filepath.Dir(p.data), name) }
	_, problems := p.run(cli.ExitUsage, "restore", "3", "--compare", "1", "--into", into("a"), "--key-file", key)
	has(t, problems, "--after-theft")
	_, problems = p.run(cli.ExitUsage, "restore", "2", "--after-theft", "--compare", "3", "--into", into("a"), "--key-file", key)
	has(t, problems, "older")
	out, problems := p.run(cli.ExitDone, "restore", "3", "--after-theft", "--compare", "1", "--receipt", mail, "--into", into("a"), "--key-file", key)
	has(t, out, "may decide or enter: user 1: admin", "not in point 1:     user 2: admin", "not in point 1:     user 3: admin")
	if strings.Contains(out, "not in point 1:     user 1") || strings.Contains(problems, "WARN") {
		t.Errorf("%s%s", out, problems)
	}
	if left, _ := filepath.Glob(filepath.Join(into("a"), "compared*")); len(left) > 0 {
		t.Errorf("a copy of the older point is left: %q", left)
	}

	if text, err := os.ReadFile(filepath.Join(into("a"), ".gitignore")); err != nil || string(text) != "*\n" {
		t.Errorf("git takes what was restored: %q, %v", text, err)
	}

	// An old state of the store: on a machine that never saw the site only the receipt tells.
	site := objectsSite(t, target)
	if err := os.RemoveAll(filepath.Join(target, site, "h", "00000003")); err != nil {
		t.Fatal(err)
	}
	other := newProgram(t)
	from := []string{"restore", "--from", "file://" + target, "--into", into("b"), "--key-file", key}
	for _, receipt := range []string{receipts[2], mail, strings.Replace(receipts[2], ":sha256:", ":sha256:00", 1)[:len(receipts[2])], strings.Replace(receipts[1], "sha256:", "sha256:0", 1)[:len(receipts[1])]} {
		_, problems = other.run(cli.ExitRefused, append(from, "--receipt", receipt)...)
		has(t, problems, "nothing was restored", "without --receipt")
	}
	_, problems = other.run(cli.ExitUsage, append(from, "--receipt", "3:sha256:00")...)
	has(t, problems, "--receipt takes")
	other.run(cli.ExitDone, append(from, "--receipt", receipts[1])...)

	// --live asks for the site's name, and says of another one that it is another.
	_, problems = p.run(cli.ExitRefused, "restore", "2", "--live", "--key-file", key)
	has(t, problems, "nothing was restored", "is put aside", "--confirm-site notes")
	if strings.Contains(problems, "says") {
		t.Errorf("no name was given, and one is spoken of: %s", problems)
	}
	_, problems = p.run(cli.ExitRefused, "restore", "2", "--live", "--confirm-site", "shop", "--key-file", key)
	has(t, problems, "nothing was restored", `--confirm-site says "shop", and the site of this program is "notes"`, "--confirm-site notes")

	// A site that was closed to visitors stays closed.
	write(t, filepath.Join(p.data, "maintenance"), nil)
	p.run(cli.ExitDone, "restore", "2", "--live", "--confirm-site", "notes", "--key-file", key)
	if _, err := os.Stat(filepath.Join(p.data, "maintenance")); err != nil {
		t.Errorf("the site that is back is open: %v", err)
	}
}

// What is wrong with the arguments is told before the key is asked for.
func TestRestoreJudgesItsArgumentsFirst(t *testing.T) {
	p, target := newProgram(t), t.TempDir()
	p.run(cli.ExitDone, "migrate", "up")
	p.run(cli.ExitDone, "backup", "init", "--to", "file://"+target, "--try", "--kit", filepath.Join(t.TempDir(), "kit.html"))
	p.note()
	p.run(cli.ExitDone, "backup", "run")
	into := filepath.Join(t.TempDir(), "deep", "x")
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{cli.ExitUsage, `"abc" is no point`, []string{"abc"}},
		{cli.ExitUsage, `"0" is no point`, []string{"0"}},
		{cli.ExitFailed, "there is no point 99 here", []string{"99"}},
		{cli.ExitUsage, `--at "noon" is no time`, []string{"--at", "noon"}},
		{cli.ExitUsage, `"old" is no point`, []string{"--after-theft", "--compare", "old"}},
		{cli.ExitUsage, "--receipt takes", []string{"--receipt", "none"}},
		{cli.ExitUsage, "name=value", []string{"--set", "x"}},
	} {
		_, problems := p.run(c.code, append([]string{"restore", "--into", into}, c.args...)...)
		has(t, problems, c.want)
		if strings.Contains(problems, "recovery key") {
			t.Errorf("%q: the key was asked for:\n%s", c.args, problems)
		}
	}
	_, problems := p.run(cli.ExitCannot, "restore", "1", "--into", into) // a point that is there: the key is what lacks
	has(t, problems, "recovery key")
	out, _ := p.run(cli.ExitDone, "restore", "--help")
	has(t, out, "latest, which is meant if none is named", "DATA.restored-TIME")
}

// objectsSite is the one site at a target.
func objectsSite(t *testing.T, target string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(target, "[0-9a-f]*"))
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	return filepath.Base(all[0])
}
