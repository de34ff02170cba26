// Package restore_test loses a whole site and gets it back, with the built program of the club: never with the test's own, since
// a drill starts the program that it is part of.
package restore_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"html"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/browse"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
)

func TestMain(m *testing.M) {
	code := need.Main(m)
	pgpeer.End()
	os.Exit(code)
}

// A home is a folder in which somebody works: a machine of its own, as far as the program can tell.
type home struct {
	t       testing.TB
	path    string
	program string
	temp    string
	env     []string // beside the usual
}

func newHome(t testing.TB) *home {
	t.Helper()
	return &home{t, t.TempDir(), need.Built(t, "examples/club"), os.TempDir(), nil}
}

func (h *home) data() string { return filepath.Join(h.path, "data") }

func (h *home) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, h.program, args...)
	cmd.Dir = h.path
	cmd.Env = append([]string{"HOME=" + h.path, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + h.temp}, h.env...)
	return cmd
}

// run runs a command and fails the test unless it ends with the exit code.
func (h *home) run(code int, args ...string) (stdout, stderr string) {
	h.t.Helper()
	var out, errOut bytes.Buffer
	cmd := h.command(context.Background(), args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		h.t.Fatalf("club %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, code, &out, &errOut)
	}
	return out.String(), errOut.String()
}

// A served site is one that is up.
type served struct {
	h      *home
	cmd    *exec.Cmd
	origin string
	addr   string
	lines  []string
}

var running = regexp.MustCompile(`^club is running\s+(http://\S+)`)

// serve starts the site and waits until it says where it is.
func (h *home) serve(args ...string) *served {
	h.t.Helper()
	cmd := h.command(context.Background(), append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	s := &served{h: h, cmd: cmd}
	h.t.Cleanup(s.stop)
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		s.lines = append(s.lines, scan.Text())
		if m := running.FindStringSubmatch(scan.Text()); m != nil {
			s.origin = m[1]
			s.addr = "127.0.0.1:" + m[1][strings.LastIndex(m[1], ":")+1:]
		}
		if strings.HasPrefix(scan.Text(), "development mode") {
			break
		}
	}
	if s.addr == "" {
		h.t.Fatalf("the site did not come up: %v\n%s", s.lines, &errOut)
	}
	go io.Copy(io.Discard, out)
	return s
}

func (s *served) stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(os.Interrupt)
	done := make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Signal(syscall.SIGKILL)
		<-done
	}
	s.cmd = nil
}

func (s *served) visitor() *visitor {
	b := browse.New(s.origin, "tcp", s.addr)
	s.h.t.Cleanup(b.Close)
	return &visitor{b, s.h.t, s.origin, s.addr}
}

// A visitor fails the test when it cannot go on.
type visitor struct {
	*browse.Browser
	t            testing.TB
	origin, addr string
}

func (v *visitor) get(path string) int {
	v.t.Helper()
	status, err := v.Get(v.t.Context(), path)
	if err != nil {
		v.t.Fatal(err)
	}
	return status
}

func (v *visitor) submit(action string, values map[string]string) int {
	v.t.Helper()
	status, err := v.Submit(v.t.Context(), action, values)
	if err != nil {
		v.t.Fatal(err)
	}
	return status
}

// hidden are the hidden fields of a form.
var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)

// attach sends a file by the form of the last page that posts to an action.
func (v *visitor) attach(action, field string, content []byte) int {
	v.t.Helper()
	_, form, ok := strings.Cut(v.Body(), `action="`+action+`"`)
	if !ok {
		v.t.Fatalf("%s has no form that posts to %s", v.Path(), action)
	}
	form, _, _ = strings.Cut(form, "</form>")
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range hidden.FindAllStringSubmatch(form, -1) {
		_ = w.WriteField(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	part, _ := w.CreateFormFile(field, "me.jpg")
	_, _ = part.Write(content)
	_ = w.Close()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.origin+action, &body)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Origin", v.origin)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Cookie", strings.Join(v.Cookies(), "; "))
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", v.addr)
		}}}
	res, err := client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

const demoPassword = "harbour lantern seven oars"

func (v *visitor) signIn(email string) {
	v.t.Helper()
	v.get("/sign-in")
	if status := v.submit("/sign-in", map[string]string{"Email": email, "Password": demoPassword}); status != 200 || strings.HasPrefix(v.Path(), "/sign-in") {
		v.t.Fatalf("%s cannot sign in: %d at %s: %s", email, status, v.Path(), v.Text())
	}
}

// link returns the newest link of a kind that the development mailbox shows.
func (v *visitor) link(subject string) string {
	v.t.Helper()
	v.get("/_merlon/dev/mail")
	for _, l := range v.Links() {
		if strings.HasPrefix(l, "/account/link/") && v.Has(subject) {
			return l
		}
	}
	v.t.Fatalf("the mailbox has no link: %s", v.Text())
	return ""
}
