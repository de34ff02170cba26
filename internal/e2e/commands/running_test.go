package commands_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
)

// TestCommandWhileServing: one process has the database, and a command typed meanwhile is done by it.
func TestCommandWhileServing(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	dir := filepath.Join(t.TempDir(), "data")
	r, w := io.Pipe()
	var log bytes.Buffer
	done := make(chan int, 1)
	go func() {
		code := cli.Run(ctx, site.Open, []string{"serve", "--listen", "127.0.0.1:0", "--data", dir}, w, &log)
		_ = w.Close()
		done <- code
	}()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if strings.Contains(lines.Text(), "stop with Ctrl-C") {
			break
		}
	}
	sockets, err := filepath.Glob(filepath.Join(dir, "run", "control-*.sock"))
	if err != nil || len(sockets) != 1 {
		t.Fatalf("sockets: %v, %v", sockets, err)
	}
	socket := sockets[0]
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the socket: %v, %v; want mode 0600", info, err)
	}
	if info, err := os.Lstat(filepath.Dir(socket)); err != nil || info.Mode() != os.ModeDir|0o700 {
		t.Fatalf("its folder: %v, %v; want mode 0700", info, err)
	}
	rawOrders(t, socket)
	run := func(want int, args ...string) (string, string) {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := cli.Run(context.Background(), site.Open, append(args, "--data", dir), &out, &errOut); code != want {
			t.Fatalf("%v exits %d, want %d\n%s%s", args, code, want, &out, &errOut)
		}
		return out.String(), errOut.String()
	}
	if out, _ := run(0, "user", "add", "ann@example.org"); !strings.Contains(out, "/account/link/") {
		t.Errorf("user add printed %q", out)
	}
	if _, text := run(1, "user", "add", "ann@example.org"); !strings.Contains(text, "has an account already") {
		t.Errorf("user add again said %q", text)
	}
	file := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(file, []byte("email,password\nben@example.org,!\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _ := run(0, "user", "import", file); !strings.Contains(out, "1 accounts made") {
		t.Errorf("user import printed %q", out)
	}
	if out, _ := run(0, "user", "list", "--json"); !strings.Contains(out, "ben@example.org") {
		t.Errorf("user list printed %q", out)
	}
	run(2, "user", "disable", "ann@example.org")
	if out, text := run(0, "migrate", "status"); !strings.Contains(out, "nothing pending") || !strings.Contains(out, "0001_club.sql") || text != "" {
		t.Errorf("migrate status beside the site printed %q and said %q", out, text)
	}
	if out, _ := run(0, "migrate", "status", "--json"); !strings.Contains(out, `"pending": []`) {
		t.Errorf("migrate status --json beside the site printed %q", out)
	}
	if _, text := run(3, "migrate", "up"); strings.Count(text, "database is in use")+strings.Count(text, "another process") > 1 || text == "" {
		t.Errorf("migrate up beside the site says %q", text)
	}
	stop()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("serve did not end")
	}
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("after the end the socket is still there: %v", err)
	}
	run(0, "user", "list")
}

// rawOrders asks the running site over the socket for what no command line lets through.
func rawOrders(t *testing.T, socket string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	defer client.CloseIdleConnections()
	for _, c := range []struct{ order, want string }{
		{`{"Name":"user disable","Args":["ann@example.org"]}`, "--reason is missing"},
		{`{"Name":"user disable","Args":["ann@example.org"],"Flags":{"reason":" "}}`, "--reason is missing"},
		{`{"Name":"user disable","Flags":{"reason":"x"}}`, "takes 1 to 1 arguments"},
		{`{"Name":"user list","Flags":{"all":"true"}}`, "has no flag --all"},
		{`{"Name":"user import","Args":["f"],"Flags":{"admins":"yes"}}`, "is a switch"},
	} {
		res, err := client.Post("http://site/command", "application/json", strings.NewReader(c.order))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || !strings.Contains(string(body), `"Exit":2`) || !strings.Contains(string(body), c.want) {
			t.Errorf("%s: got %s, %v; want exit code 2 and %q", c.order, body, err, c.want)
		}
	}
}
