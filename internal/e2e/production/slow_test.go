package production_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
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
	ctx, stop := context.WithTimeout(context.Background(), openTime+3*time.Minute)
	var cut atomic.Int64
	var opened, all sync.WaitGroup
	began := time.Now()
	limit := make(chan struct{}, 200) // handshakes at a time: this is no flood of them
	for i := range n {
		opened.Add(1)
		from := net.IPv4(127, byte(100+i/60_000), byte(i/240%250), byte(1+i%240))
		if strings.HasPrefix(kind, "idle") {
			from = net.IPv4(127, 0, 0, 1) // one visitor who opens them all
		}
		all.Go(func() {
			limit <- struct{}{}
			c, err := slowDial(ctx, kind, address, from)
			for try := 0; err != nil && try < 20 && time.Since(began) < openTime; try++ { // a handshake that took too long on a slow machine
				time.Sleep(100 * time.Millisecond)
				c, err = slowDial(ctx, kind, address, from)
			}
			if err != nil {
				<-limit
				opened.Done()
				fmt.Println("not open:", err)
				return
			}
			defer c.Close()
			defer context.AfterFunc(ctx, func() { _ = c.Close() })()
			slowly(ctx, kind, c, func() { <-limit; opened.Done() })
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

// openTime is how long all of them may take to open their connections.
const openTime = 5 * time.Minute

func slowDial(ctx context.Context, kind, address string, from net.IP) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: 20 * time.Second, LocalAddr: &net.TCPAddr{IP: from}}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if kind == "reader" {
		_ = c.(*net.TCPConn).SetReadBuffer(4096)
	}
	protocol := "http/1.1"
	if kind == "idle2" {
		protocol = "h2"
	}
	s := tls.Client(c, &tls.Config{InsecureSkipVerify: true, ServerName: host, NextProtos: []string{protocol}})
	ctx, done := context.WithTimeout(ctx, 20*time.Second)
	defer done()
	if err := s.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return s, nil
}

// slowly keeps a connection busy until it is cut. It calls begun when its request is with the site, once.
func slowly(ctx context.Context, kind string, c net.Conn, begun func()) {
	_, port, _ := net.SplitHostPort(c.RemoteAddr().String())
	head := "GET / HTTP/1.1\r\nHost: " + host + ":" + port + "\r\n"
	switch kind {
	case "header":
		head += "X-Slow: "
	case "body":
		head = "POST /sign-in HTTP/1.1\r\nHost: " + host + ":" + port + "\r\nOrigin: https://" + host + ":" + port + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n\r\n"
	case "reader":
		head = strings.Repeat(strings.Replace(head, "GET /", "GET /_merlon/static/merlon.css", 1)+"\r\n", 40) // answers pile up, and nobody reads them
	case "idle":
		head += "\r\n"
	case "idle2": // the preface, settings, and GET / of stream 1 (RFC 9113 3.4, RFC 7541 A)
		authority := host + ":" + port
		head = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00" +
			"\x00\x00" + string(rune(5+len(authority))) + "\x01\x05\x00\x00\x00\x01\x82\x87\x84\x41" + string(rune(len(authority))) + authority
	}
	_, err := io.WriteString(c, head)
	if kind == "reader" || kind == "idle" {
		_, _ = io.ReadFull(c, make([]byte, 1)) // it has begun to answer
	}
	begun()
	if err != nil {
		return
	}
	if kind == "idle" || kind == "idle2" {
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

// honest asks as visitors do, from a network of their own and not faster than the limits of one allow, and returns the time
// that 99 of 100 answers took at the most.
func (p *place) honest(t *testing.T, n int) time.Duration {
	t.Helper()
	client := p.visitor(false)
	client.Transport.(*http.Transport).DialContext = (&net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 9, 9, 9)}}).DialContext
	defer client.CloseIdleConnections()
	took := make([]time.Duration, 0, n)
	for len(took) < n {
		time.Sleep(20 * time.Millisecond)
		began := time.Now()
		res := p.ask(t, client, "GET", fmt.Sprintf("https://127.0.0.1:%d/", p.port), fmt.Sprintf("%s:%d", host, p.port))
		if res.StatusCode == http.StatusTooManyRequests {
			time.Sleep(time.Second)
			continue
		}
		if res.StatusCode != 200 {
			t.Fatalf("an honest visitor got %d", res.StatusCode)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[n*99/100]
}

// resident is what the site has in memory, in MB: with the pages of its program file, which the kernel maps as it likes and
// takes back when it needs them.
func (p *place) resident(t *testing.T) int {
	return p.memory(t, "VmRSS:") >> 10
}

// own is what of it is the site's own, in MB: what it has allocated.
func (p *place) own(t *testing.T) int {
	return p.memory(t, "RssAnon:") >> 10
}

// memory reads one line of the process's status, in KB.
func (p *place) memory(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Skip("no /proc")
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name {
			kb, _ := strconv.Atoi(f[1])
			return kb
		}
	}
	t.Fatalf("no %q in /proc/PID/status", name)
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
			quiet := p.honest(t, 200)
			open, end := crowd(t, kind, 5000, fmt.Sprintf("127.0.0.1:%d", p.port))
			time.Sleep(3 * time.Second) // what they asked for is done, as far as it can be: this is no flood of requests
			slow := p.honest(t, 200)
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

// idleOnes are how many connections of a visitor each are kept open: of the long form more than may wait.
func idleOnes() int {
	if need.Long() {
		return 10_000
	}
	return 600
}

// mostIdle is how many connections may wait for their next request (merlon's maxIdle).
const mostIdle = 1000

// TestIdleConnections: ten thousand visitors who keep their connection take at most 200 MB, by either protocol, and a new
// visitor is answered. In its short form it counts what one takes, and what as many as may wait would.
func TestIdleConnections(t *testing.T) {
	for _, kind := range []string{"idle", "idle2"} {
		t.Run(kind, func(t *testing.T) {
			p := newPlace(t)
			p.start(t)
			p.honest(t, 10)
			before, count := p.resident(t), idleOnes()
			open, end := crowd(t, kind, count, fmt.Sprintf("127.0.0.1:%d", p.port))
			time.Sleep(time.Second) // the last are answered
			mb := p.resident(t)
			began := time.Now()
			p.honest(t, 1)
			took, said := time.Since(began), end()
			t.Logf("%d MB before, %d MB with %d idle connections, %s, a new visitor after %v; %s", before, mb, count, open, took, said)
			if count <= mostIdle {
				each := float64(mb-before) / float64(count)
				t.Logf("%.0f KB each, %.0f MB if as many wait as may", 1024*each, float64(before)+mostIdle*each)
				mb = before + int(mostIdle*each)
				if said != "cut 0" {
					t.Errorf("%s of %d: fewer than may wait", said, count)
				}
			}
			if mb > 200 {
				t.Errorf("%d MB, want 200 at the most", mb)
			}
			p.end(t)
		})
	}
}
