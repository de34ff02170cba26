package commands_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/merlontest"
)

// TestDjangoDump: users of a real Django database sign in with their passwords after the import, and no fast hash is left.
func TestDjangoDump(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's: another one on PATH has other packages
	if err := exec.Command(python, "-c", "import django").Run(); err != nil {
		need.Missing(t, "Debian's Django", "apt-get install python3-django")
	}
	hashers := []string{"pbkdf2_sha256", "pbkdf2_sha1", "md5", "sha1"} // Django 3.2, Debian 12; scrypt came later and is in room password's vectors
	var dump, problem bytes.Buffer
	cmd := exec.Command(python, "django/dump.py", t.TempDir(), strings.Join(hashers, ","))
	cmd.Stdout, cmd.Stderr = &dump, &problem
	if err := cmd.Run(); err != nil {
		t.Fatalf("Django: %v\n%s", err, &problem)
	}
	file := filepath.Join(t.TempDir(), "users.json")
	if err := os.WriteFile(file, dump.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	var out, errOut bytes.Buffer
	for _, args := range [][]string{{"migrate", "up"}, {"user", "import", file}} {
		out.Reset()
		if code := cli.Run(context.Background(), site.Open, append(args, "--data", dir), &out, &errOut); code != 0 {
			t.Fatalf("%q exits %d\n%s%s", args, code, &out, &errOut)
		}
	}
	for _, want := range []string{"7 accounts made, 0 are there already", "4 fast hashes wrapped, 1 without a usable password", "1 shut out",
		"left out: auth.user 7: it has no mail address", "1 superusers came as ordinary users"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &out)
		}
	}
	s := merlontest.StartIn(t, dir, site.Open)
	for _, hasher := range hashers {
		v := s.Visitor().Get("/sign-in").Submit("/sign-in", merlontest.Values{"Email": hasher + "@django.example", "Password": "quiet harbour of " + hasher}).Is(200)
		if !strings.Contains(v.Body, "Una "+hasher) {
			t.Errorf("%s: the user is not signed in:\n%s", hasher, v.Text())
		}
		again := s.Visitor().Get("/sign-in").Submit("/sign-in", merlontest.Values{"Email": hasher + "@django.example", "Password": "quiet harbour of " + hasher})
		if again.Status != 200 {
			t.Errorf("%s: after the upgrade the password does not match any more", hasher)
		}
	}
	s.Visitor().Get("/sign-in").Submit("/sign-in", merlontest.Values{"Email": "gone@django.example", "Password": "quiet harbour gone"}).Is(422)
	s.Visitor().Get("/sign-in").Submit("/sign-in", merlontest.Values{"Email": "none@django.example", "Password": "anything at all"}).Is(422)
	fast := regexp.MustCompile(`"(?:md5|sha1)\$[^$"]+\$([0-9a-f]{32,40})"`).FindAllStringSubmatch(dump.String(), -1)
	if len(fast) != 5 {
		t.Fatalf("the dump has %d fast hashes, want 5", len(fast))
	}
	files, _ := filepath.Glob(filepath.Join(dir, "club.db*"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fast {
			if bytes.Contains(data, []byte(f[1])) {
				t.Errorf("%s holds a fast hash of the dump", filepath.Base(file))
			}
		}
	}
}
