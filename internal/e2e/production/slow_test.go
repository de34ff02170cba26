package production_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// slowEnv holds what a process of slow clients does: "header 5000 127.0.0.1:8443". It is a process of its own, so that its
// files and its processor time are not the test's.
const slowEnv = "MERLON_SLOW_CLIENTS"

// slowClients opens connections, says when each was, and ends with its standard input; then it says how many the site has cut.
func slowClients(spec string) {
	kind, rest, _ := strings.Cut(spec, " ")
	count, address, _ := strings.Cut(rest, " ")
	n, _ := strconv.Atoi(count)
	ctx, stop := context.WithCancel(context.Background())
	var cut atomic.Int64
	var opened, all sync.WaitGroup
	limit := make(chan struct{}, 200) // handshakes at a time: this is no flood of them
	for range n {
		opened.Add(1)
		all.Go(func() {
			limit <- struct{}{}
			c, err := slowDial(ctx, kind, address)
			<-limit
			opened.Done()
			if err != nil {
				fmt.Println("not open:", err)
				return
			}
			defer c.Close()
			defer context.AfterFunc(ctx, func() { _ = c.Close() })()
			slowly(ctx, kind, c)
			if ctx.Err() == nil {
				cut.Add(1)
			}
		})
	}
	opened.Wait()
	fmt.Println("open", int64(n)-cut.Load())
	_, _ = io.Copy(io.Discard, os.Stdin)
	ended := cut.Load()
	stop()
	all.Wait()
	fmt.Println("cut", ended)
}

func slowDial(ctx context.Context, kind, address string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: time.Minute}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if kind == "reader" {
		_ = c.(*net.TCPConn).SetReadBuffer(4096)
	}
	s := tls.Client(c, &tls.Config{InsecureSkipVerify: true, ServerName: host, NextProtos: []string{"http/1.1"}})
	if err := s.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return s, nil
}

// slowly keeps a connection busy until it is cut.
func slowly(ctx context.Context, kind string, c net.Conn) {
	_, port, _ := net.SplitHostPort(c.RemoteAddr().String())
	head := "GET / HTTP/1.1\r\nHost: " + host + ":" + port + "\r\n"
	switch kind {
	case "header":
		head += "X-Slow: "
	case "body":
		head = "POST /sign-in HTTP/1.1\r\nHost: " + host + ":" + port + "\r\nOrigin: https://" + host + ":" + port + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n\r\n"
	case "reader":
		head = strings.Repeat(head+"\r\n", 50) // answers pile up, and nobody reads them
	case "idle":
		head += "\r\n"
	}
	if _, err := io.WriteString(c, head); err != nil {
		return
	}
	if kind == "idle" {
		r := bufio.NewReader(c)
		_, _ = io.Copy(io.Discard, r) // the one answer, and then what comes: the end
		return
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
		if _, err := io.WriteString(c, "a"); err != nil {
			return
		}
	}
}

// crowd starts the clients and returns when all are connected.
func crowd(t *testing.T, kind string, n int, address string) (said string, end func() string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", slowEnv, kind, n, address))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "open ") {
		t.Fatalf("the %s clients: %q", kind, lines.Text())
	}
	return lines.Text(), func() string {
		_ = in.Close()
		lines.Scan()
		return lines.Text()
	}
}

// honest asks as visitors do and returns the time that 99 of 100 answers took at the most.
func (p *place) honest(t *testing.T, n int) time.Duration {
	t.Helper()
	client := p.visitor(false)
	defer client.CloseIdleConnections()
	took := make([]time.Duration, 0, n)
	for range n {
		began := time.Now()
		res := p.ask(t, client, "GET", fmt.Sprintf("https://127.0.0.1:%d/", p.port), fmt.Sprintf("%s:%d", host, p.port))
		if res.StatusCode != 200 {
			t.Fatalf("an honest visitor got %d", res.StatusCode)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[n*99/100]
}

// resident is what the site has in memory, in MB.
func (p *place) resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Skip("no /proc")
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" {
			kb, _ := strconv.Atoi(f[1])
			return kb >> 10
		}
	}
	return 0
}

// TestSlowClients: five thousand connections that send their head, their body or nothing, or read nothing, take no more than
// as much again of honest visitors' time, and all are cut.
func TestSlowClients(t *testing.T) {
	if !need.Long() {
		t.Skip("takes minutes: MERLON_TEST_LONG=1")
	}
	for _, kind := range []string{"header", "body", "reader"} {
		t.Run(kind, func(t *testing.T) {
			p := newPlace(t)
			p.start(t)
			quiet := p.honest(t, 300)
			open, end := crowd(t, kind, 5000, fmt.Sprintf("127.0.0.1:%d", p.port))
			slow := p.honest(t, 300)
			mb := p.resident(t)
			time.Sleep(35 * time.Second) // the longest limit is that of an answer
			said := end()
			t.Logf("%s: quiet p99 %v, beside 5,000 slow ones (%s when the last had come) %v, %d MB; %s", kind, quiet, open, slow, mb, said)
			if slow > 2*quiet && slow > 20*time.Millisecond {
				t.Errorf("p99 %v beside slow clients, %v without", slow, quiet)
			}
			if n, _ := strconv.Atoi(strings.TrimPrefix(said, "cut ")); n < 5000 {
				t.Errorf("%q: not each of 5,000 was cut", said)
			}
			p.end(t)
		})
	}
}

// TestIdleConnections: ten thousand connections that are kept open take at most 200 MB, and a new visitor is answered.
func TestIdleConnections(t *testing.T) {
	if !need.Long() {
		t.Skip("takes minutes: MERLON_TEST_LONG=1")
	}
	p := newPlace(t)
	p.start(t)
	before := p.resident(t)
	open, end := crowd(t, "idle", 10_000, fmt.Sprintf("127.0.0.1:%d", p.port))
	mb := p.resident(t)
	began := time.Now()
	res := p.ask(t, p.visitor(false), "GET", fmt.Sprintf("https://127.0.0.1:%d/", p.port), fmt.Sprintf("%s:%d", host, p.port))
	took := time.Since(began)
	t.Logf("%d MB before, %d MB with 10,000 idle connections, %s, a new visitor after %v; %s", before, mb, open, took, end())
	if mb > 200 || res.StatusCode != 200 {
		t.Errorf("%d MB, a new visitor got %d", mb, res.StatusCode)
	}
	p.end(t)
}
