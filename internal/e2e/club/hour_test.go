package club_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/browser"
)

// An hour is a newcomer's club: run by its commands, with a clock that the test moves, and what the newcomer has in hand.
type hour struct {
	script  bool // the browsers run JavaScript
	data    string
	more    []string // flags of serve
	url     string   // http://club.localhost:PORT
	setup   string   // the link of the first administrator
	port    string
	started time.Duration // from the command to the address
	stop    func()

	offset atomic.Int64

	admin, ann, phone, box *browser.Tab
	code                   func() string // of the administrator's app
}

// now is the clock of the site.
func (h *hour) now() time.Time { return time.Now().Add(time.Duration(h.offset.Load())) }

func (h *hour) Now() time.Time { return h.now() }

func (h *hour) URL(path string) string { return h.url + path }

// wait moves the clock of the site on.
func (h *hour) wait(d time.Duration) { h.offset.Add(int64(d)) }

func (h *hour) open(env merlon.Env) (*merlon.Site, error) {
	env.Clock = h.now
	return site.Open(env)
}

// serve runs the command serve and reads what it prints. The test ends it.
func (h *hour) serve(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	done := make(chan int, 1)
	var problems bytes.Buffer
	began := time.Now()
	go func() {
		code := cli.Run(ctx, h.open, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", h.data}, h.more...), in, &problems)
		_ = in.Close()
		done <- code
	}()
	h.stop = func() {
		stop()
		if code := <-done; code != 0 {
			t.Errorf("serve exits %d, want 0", code)
		}
	}
	h.setup, h.url = "", ""
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "stop with Ctrl-C") {
		name, value, _ := strings.Cut(lines.Text(), "   ")
		switch value = strings.TrimSpace(value); {
		case strings.HasSuffix(name, " is running"):
			h.url, h.started = value, time.Since(began)
			h.port = value[strings.LastIndexByte(value, ':')+1:]
		case name == "first administrator":
			h.setup = strings.Fields(value)[0]
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // what it prints at the end
	if h.url == "" {
		t.Fatalf("serve names no address: exit %d, %s", <-done, &problems)
	}
}

// command types a command of the site while it runs.
func (h *hour) command(t *testing.T, want int, args ...string) (out, problems string) {
	t.Helper()
	var o, e bytes.Buffer
	if code := cli.Run(context.Background(), h.open, append(args, "--data", h.data), &o, &e); code != want {
		t.Fatalf("%v exits %d, want %d\n%s%s", args, code, want, &o, &e)
	}
	return o.String(), e.String()
}

// browser opens a browser of somebody who was never here.
func (h *hour) browser(t *testing.T) *browser.Tab {
	t.Helper()
	tab := browser.Open(t)
	tab.Script(h.script)
	return tab
}

// mail opens the development mailbox, and returns the n-th link of the newest mail with that subject,
// and how many there are.
func (h *hour) mail(t *testing.T, subject string, n int) (link string, mails int) {
	t.Helper()
	tab := h.box.In(t)
	tab.Go(h.URL("/_merlon/dev/mail"))
	found := browser.Eval[[][]string](tab, fmt.Sprintf(`[...document.querySelectorAll('article')].filter(a => a.querySelector('h2').textContent.includes(%q)).map(a => [...a.querySelectorAll('a')].map(l => l.href))`, subject))
	if len(found) == 0 || len(found[0]) <= n {
		if n < 0 {
			return "", len(found)
		}
		t.Fatalf("no mail %q with %d links: %s", subject, n+1, tab.Text("main"))
	}
	if n >= 0 {
		link = found[0][n]
	}
	return link, len(found)
}

// events returns how often events whose ids begin so stand in the log.
func (h *hour) events(t *testing.T, id string) (n int) {
	t.Helper()
	out, _ := h.command(t, 0, "events", "--json", "--limit", "500")
	var list struct {
		Events []struct {
			ID    string
			Count int
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	for _, e := range list.Events {
		if strings.HasPrefix(e.ID, id) {
			n += e.Count
		}
	}
	return n
}

// signIn signs in with address and password, and tells the answer.
func (h *hour) signIn(tab *browser.Tab, email, password string) browser.Answer {
	tab.Go(h.URL("/sign-in"))
	return h.again(tab, email, password)
}

// again fills in the sign-in form that the tab is on.
func (h *hour) again(tab *browser.Tab, email, password string) browser.Answer {
	tab.Type(`[name="Email"]`, email)
	tab.Type(`[name="Password"]`, password)
	return tab.Follow(`main form[action="/sign-in"] button`)
}

// in fails unless the tab is signed in.
func in(t *testing.T, tab *browser.Tab) {
	t.Helper()
	expect(t, tab, "header.top", "Sign out")
}
