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

// TestServe: the first command of the README serves the club, says where, and ends cleanly when it is interrupted.
func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	r, w := io.Pipe()
	var log bytes.Buffer
	done := make(chan int, 1)
	dir := filepath.Join(t.TempDir(), "data")
	go func() {
		code := cli.Run(ctx, site.Open, []string{"serve", "--demo", "--listen", "127.0.0.1:0", "--data", dir}, w, &log)
		_ = w.Close()
		done <- code
	}()
	var printed []string
	addr := ""
	for lines := bufio.NewScanner(r); lines.Scan(); {
		printed = append(printed, lines.Text())
		if i := strings.Index(lines.Text(), "http://club.localhost:"); i >= 0 && addr == "" {
			addr = strings.TrimPrefix(strings.Fields(lines.Text()[i:])[0], "http://club.localhost")
		}
		if strings.Contains(lines.Text(), "stop with Ctrl-C") {
			break
		}
	}
	all := strings.Join(printed, "\n")
	for _, want := range []string{"club is running", "try a member", "try board", "try admin", "ann@club.example"} {
		if !strings.Contains(all, want) {
			t.Errorf("serve did not print %q:\n%s\n%s", want, all, &log)
		}
	}
	if strings.Contains(all, "first administrator") {
		t.Error("with a demo administrator serve still prints the link for the first one")
	}
	req, _ := http.NewRequest("GET", "http://127.0.0.1"+addr+"/", nil)
	req.Host = "club.localhost" + addr
	client := http.Client{Timeout: time.Minute}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != 200 || !strings.Contains(string(body), "Row with us") {
		t.Errorf("the front page: %d\n%s", res.StatusCode, body)
	}
	client.CloseIdleConnections()
	stop()
	select {
	case code := <-done:
		if code != 0 {
			t.Errorf("after an interrupt serve exits %d, want 0\n%s", code, &log)
		}
	case <-time.After(time.Minute):
		t.Fatal("serve did not end")
	}
	if info, err := os.Stat(filepath.Join(dir, "keys")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v; want mode 0600", info, err)
	}
}

// TestDemoBesideData: what is there is left alone, and serve says so; who fills in a site to try it and comes again is told
// the accounts again.
func TestDemoBesideData(t *testing.T) {
	tried, own := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "data")
	for _, args := range [][]string{{"migrate", "up"}, {"user", "add", "bea@example.org", "Bea"}} {
		if code := cli.Run(t.Context(), site.Open, append(args, "--data", own), io.Discard, io.Discard); code != 0 {
			t.Fatalf("%q exits %d", args, code)
		}
	}
	for _, c := range []struct {
		data  string
		shown bool
	}{{tried, true}, {tried, true}, {own, false}} {
		ctx, stop := context.WithCancel(context.Background())
		r, w := io.Pipe()
		var log bytes.Buffer
		done := make(chan int, 1)
		go func() {
			code := cli.Run(ctx, site.Open, []string{"serve", "--demo", "--listen", "127.0.0.1:0", "--data", c.data}, w, &log)
			_ = w.Close()
			done <- code
		}()
		shown := false
		for lines := bufio.NewScanner(r); lines.Scan(); {
			shown = shown || strings.Contains(lines.Text(), "ann@club.example")
			if strings.Contains(lines.Text(), "stop with Ctrl-C") {
				break
			}
		}
		stop()
		if code := <-done; code != 0 {
			t.Fatalf("serve exits %d: %s", code, &log)
		}
		told := strings.Contains(log.String(), "--demo: nothing was filled in: "+c.data+" has data already")
		if shown != c.shown || told == c.shown {
			t.Errorf("%+v: accounts shown %v, told that nothing was filled in %v:\n%s", c, shown, told, &log)
		}
	}
}

// TestBusyPort: exit 3, and the next free port with the exact command.
func TestBusyPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var out, errOut bytes.Buffer
	code := cli.Run(context.Background(), site.Open, []string{"serve", "--listen", l.Addr().String(), "--data", t.TempDir()}, &out, &errOut)
	if code != 3 || !strings.Contains(errOut.String(), "is in use") || !strings.Contains(errOut.String(), "serve --listen 127.0.0.1:") {
		t.Errorf("exit %d, %s", code, &errOut)
	}
}

// TestOffLoopback: a site with a sign-in does not listen beyond this machine without TLS (AUTH-8).
func TestOffLoopback(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:80"} {
		var out, errOut bytes.Buffer
		code := cli.Run(context.Background(), site.Open, []string{"serve", "--listen", listen, "--data", t.TempDir()}, &out, &errOut)
		if code != 4 || !strings.Contains(errOut.String(), "MRL-CLI-001") {
			t.Errorf("--listen %s: exit %d, %s; want 4", listen, code, &errOut)
		}
	}
}

// TestSecondProcess: exit 3 for a data folder that another site has.
func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	r, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		code := cli.Run(ctx, site.Open, []string{"serve", "--listen", "127.0.0.1:0", "--data", dir}, w, io.Discard)
		_ = w.Close()
		done <- code
	}()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if strings.Contains(lines.Text(), "Ctrl-C") {
			break
		}
	}
	var errOut bytes.Buffer
	if code := cli.Run(context.Background(), site.Open, []string{"serve", "--listen", "127.0.0.1:0", "--data", dir}, io.Discard, &errOut); code != 3 {
		t.Errorf("a second process on the data: exit %d, %s; want 3", code, &errOut)
	}
	stop()
	<-done
}
