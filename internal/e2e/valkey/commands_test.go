package valkey_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/valkeypeer"
	"github.com/merlon-web/merlon/postgres"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/valkey"
)

// large is examples/club/large.
func large(env merlon.Env) (*merlon.Site, error) {
	return site.OpenBeside(env, postgres.Or(env, sqlite.Engine("club.db")), valkey.Or(env))
}

// TestCommands has the program of a site on a server by its setting alone: each command finds the sessions there, and none prints the
// password.
func TestCommands(t *testing.T) {
	peer := valkeypeer.Start(t, "--requirepass", "hidden")
	t.Chdir(t.TempDir())
	write := func(file, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(want int, says string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		code := cli.Run(t.Context(), large, args, &out, &out)
		if code != want || !strings.Contains(out.String(), says) || strings.Contains(out.String(), "hidden") {
			t.Errorf("%v exits %d, want %d, and says\n%s\nwanted %q", args, code, want, out.String(), says)
		}
	}
	write("password", "hidden\n")
	write("merlon.toml", fmt.Sprintf("[valkey]\nurl = %q\npassword_file = \"password\"\n", peer.Address))
	run(0, "applied", "migrate", "up")
	run(0, "/account/link/", "user", "add", "ann@example.org")
	run(0, "", "session", "list")
	run(0, "", "check", "--only", "MRL-KV-011", "--fail-on", "low")
	run(0, "MRL-KV-011", "explain", "MRL-KV-011")
	run(0, "", "attack", "--routes", "/contact", "--class", "forgery")
	write("merlon.toml", fmt.Sprintf("[valkey]\nurl = %q\n", peer.Address))
	t.Setenv("MERLON_VALKEY_PASSWORD", "hidden")
	run(0, "", "session", "list")
	t.Setenv("MERLON_VALKEY_PASSWORD", "hidden-other")
	run(1, "WRONGPASS", "session", "list")
	run(1, "FAIL  valkey.url", "check", "--only", "MRL-KV-014")
	write("merlon.toml", "[valkey]\nurll = \"x\"\n")
	run(1, "valkey.url", "session", "list")
}
