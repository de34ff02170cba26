// Package rivals holds what other programs find in the broken twin of the club (examples/leaky), for the table of
// docs/attack.md. It runs with MERLON_TEST_LONG=1.
package rivals

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon/examples/leaky/site"
	"github.com/merlon-web/merlon/internal/e2e/need"
)

// serve serves a fresh broken twin on loopback, and signs Ben in.
func serve(t *testing.T) (address, sid string) {
	t.Helper()
	if !need.Long() {
		t.Skip("other programs take minutes: MERLON_TEST_LONG=1")
	}
	s, err := site.New(site.Config{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(func() { srv.Close(); s.Close() })
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ben := site.Users[3]
	resp, err := client.PostForm(srv.URL+"/login", url.Values{"email": {ben.Email}, "password": {ben.Password}})
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	for _, c := range resp.Cookies() {
		sid = c.Value
	}
	return srv.URL, sid
}

// run runs a program for at most so long, and returns what it said.
func run(t *testing.T, limit time.Duration, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = t.TempDir()
	c.Env = append(os.Environ(), "HOME="+c.Dir)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) } // hydra's work is done by a child, which does not end with it
	c.WaitDelay = time.Second
	out, _ := c.CombinedOutput() // their exit codes say little; what they print is looked at
	return string(out)
}

// TestSqlmap: it finds the joined words of the search, when it is pointed at them; so does Merlon's attacker (L23), unasked.
func TestSqlmap(t *testing.T) {
	address, _ := serve(t)
	out := run(t, 3*time.Minute, need.Program(t, "sqlmap", "sqlmap"), "--batch", "--disable-coloring", "-u", address+"/search?q=party", "--level", "2", "--dbms", "sqlite", "--output-dir", t.TempDir())
	if !strings.Contains(out, "Parameter: q (GET)") {
		t.Errorf("sqlmap does not find L23:\n%s", out)
	}
}

// TestHydra: it takes the status 401 of a form for HTTP authentication and tries nothing.
func TestHydra(t *testing.T) {
	address, _ := serve(t)
	list := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(list, []byte("wrong-1\nwrong-2\n"+site.Users[4].Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(address, "http://"), ":")
	out := run(t, time.Minute, need.Program(t, "hydra", "hydra"), "-I", "-t", "1", "-l", site.Users[4].Email, "-P", list, "-s", port, "127.0.0.1", "http-post-form", "/login:email=^USER^&password=^PASS^:is wrong")
	if strings.Contains(out, "1 valid password found") {
		t.Error("hydra finds the password by now: put it into the table of docs/attack.md")
	}
}

// TestWapiti: what it finds, Merlon's attacker finds.
func TestWapiti(t *testing.T) {
	address, sid := serve(t)
	report := filepath.Join(t.TempDir(), "report.json")
	out := run(t, 5*time.Minute, need.Program(t, "wapiti", "wapiti"), "-u", address+"/", "-H", "Cookie: sid="+sid, "-f", "json", "-o", report, "--flush-session", "--scope", "domain",
		"--max-scan-time", "150", "--max-attack-time", "15", "--store-session", t.TempDir(), "-m", "sql,xss,permanentxss,exec,file,redirect,ssrf,csrf,cookieflags,csp,http_headers")
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("no report: %v\n%s", err, out)
	}
	var said struct {
		Vulnerabilities map[string][]struct{ Method, Path, Parameter string }
	}
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatal(err)
	}
	var all []string
	for kind, found := range said.Vulnerabilities {
		for _, f := range found {
			path, _, _ := strings.Cut(f.Path, "?")
			all = append(all, kind+": "+f.Method+" "+path+" "+f.Parameter)
		}
	}
	slices.Sort(all)
	t.Logf("%s", strings.Join(slices.Compact(all), "\n"))
	if len(all) == 0 {
		t.Error("wapiti finds nothing by now")
	}
}
