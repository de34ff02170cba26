package commands_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/merlontest"
)

// TestASignUpThatWaitsKeepsNoAddress: whoever signs up with the addresses of people who are to get an account keeps them from
// none; nor does the stranger's password become theirs.
func TestASignUpThatWaitsKeepsNoAddress(t *testing.T) {
	const password = "four wide green rivers"
	dir := filepath.Join(t.TempDir(), "data")
	file := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(file, []byte("email,password,name\nvera@example.org,,Vera\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("stranger", func(t *testing.T) {
		s := merlontest.StartIn(t, dir, site.Open)
		for _, email := range []string{"boss@example.org", "vera@example.org"} {
			s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Stranger", "Email": email, "Password": password}).At("/sign-up/sent")
		}
	})
	run := func(args ...string) string {
		t.Helper()
		var out, problems bytes.Buffer
		if code := cli.Run(context.Background(), site.Open, append(args, "--data", dir), &out, &problems); code != 0 {
			t.Fatalf("%v exits %d\n%s%s", args, code, &out, &problems)
		}
		return out.String()
	}
	run("user", "add", "boss@example.org", "Boss "+strings.Repeat("ö", 75), "--role", "board") // 80 characters, and more bytes
	for _, dry := range [][]string{{"--dry-run"}, nil} {
		if out := run(append([]string{"user", "import", file}, dry...)...); !strings.Contains(out, "1 accounts ") || !strings.Contains(out, "0 are there already") {
			t.Errorf("the report says: %s", out)
		}
	}
	list := run("user", "list")
	if strings.Contains(list, "Stranger") || !strings.Contains(list, "Boss") || !strings.Contains(list, "Vera") {
		t.Errorf("the accounts are:\n%s", list)
	}
	if out := run("user", "import", file); !strings.Contains(out, "1 are there already") {
		t.Errorf("the second import says: %s", out)
	}
}
