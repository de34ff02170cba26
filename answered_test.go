package merlon_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/sqlite"
)

// watched is a part that keeps what it is told.
type watched struct {
	mu       sync.Mutex
	answered []merlon.Answered
	happened []event.Event
}

func (w *watched) Answered(a merlon.Answered) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered = append(w.answered, a)
}

func (w *watched) Happened(e event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.happened = append(w.happened, e)
}

// wait waits until n requests were told: it happens after the answer was sent.
func (w *watched) wait(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		told := w.told()
		if told >= n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d requests were told, want %d", told, n)
		}
	}
}

// told is how many requests were told so far.
func (w *watched) told() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.answered)
}

func openTestSitePart(env merlon.Env, p merlon.Part, more ...merlon.Route) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: sitePages, Schema: siteSchema,
		Parts:  []merlon.Part{account.New(account.Config{}), p},
		Routes: append(testRoutes(), more...)})
}

// TestAccessLog: one line a request, with what an operator needs and nothing that a visitor chose: planted secrets are in no
// line, wherever a visitor puts them.
func TestAccessLog(t *testing.T) {
	const canary = "c4n4ry"
	for _, on := range []bool{true, false} {
		var log lockedBuffer
		see := &watched{}
		s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
			env.Log = event.NewLog(&log, true, nil)
			env.Settings.AccessLog = on
			return openTestSitePart(env, merlon.Part{Name: "watched", Watch: see})
		})
		v := s.Visitor()
		v.Get("/" + canary + "/reset/" + canary).Is(404)
		v.Get("/notes?q=" + canary).Is(200)
		v.Submit("/notes", merlontest.Values{"Text": ""})
		for _, raw := range []string{
			"GET /notes?token=" + canary + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: " + canary + "\r\nReferer: http://x/" + canary + "\r\nCookie: __Host-test-session=" + canary + "\r\nAuthorization: Bearer " + canary + "\r\nX-Request-Id: " + canary + "\r\n",
			"C4N4RY /notes HTTP/1.1\r\nHost: localhost\r\n",
			"GET /notes HTTP/1.1\r\nHost: " + canary + "\r\n",
			"POST /notes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nTransfer-Encoding: chunked, " + canary + "\r\n",
		} {
			c, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(c, raw+"Connection: close\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
		see.wait(t, 7)
		for end := time.Now().Add(time.Minute); on && strings.Count(log.String(), `"msg":"request"`) < see.told() && time.Now().Before(end); {
			time.Sleep(time.Millisecond) // a line is written when the watchers were told
		}
		lines, requests := 0, map[string]bool{}
		for sc := bufio.NewScanner(strings.NewReader(log.String())); sc.Scan(); {
			var l struct {
				Msg, Request, Method, Route string
				Status                      int
				Bytes                       int64
				MS                          *float64
				HTTP                        int
			}
			if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
				t.Fatalf("%s: %v", sc.Text(), err)
			}
			if l.Msg != "request" {
				continue
			}
			lines++
			if strings.Contains(strings.ToLower(sc.Text()), canary) {
				t.Errorf("a visitor's text is in the line: %s", sc.Text())
			}
			if len(l.Request) != 16 || requests[l.Request] || l.Status < 200 || l.Bytes == 0 && l.Status != 303 && l.Status != 308 || l.MS == nil || l.HTTP != 1 {
				t.Errorf("the line is not whole: %s", sc.Text())
			}
			requests[l.Request] = true
		}
		see.mu.Lock()
		told := len(see.answered)
		var routes []string
		for _, a := range see.answered {
			routes = append(routes, a.Method+" "+a.Route)
		}
		see.mu.Unlock()
		if want := map[bool]int{true: told, false: 0}[on]; lines != want || told > 8 {
			t.Errorf("access log %v: %d lines of %d requests", on, lines, told)
		}
		for _, want := range []string{"GET /notes", "GET ", "other "} {
			if !strings.Contains(strings.Join(routes, "\n"), want) {
				t.Errorf("no request is told as %q: %q", want, routes)
			}
		}
		see.mu.Lock()
		refused := map[string]bool{}
		for _, e := range see.happened {
			refused[e.ID] = true
		}
		see.mu.Unlock()
		for _, id := range []string{"MRL-TRUST-001", "MRL-WIRE-001"} {
			if !refused[id] {
				t.Errorf("the watcher was not told of %s: %v", id, refused)
			}
		}
	}
}

// What is counted is what was sent; an aborted answer has no status, or the one that was begun.
func TestAnsweredTellsWhatWasSent(t *testing.T) {
	see := &watched{}
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return openTestSitePart(env, merlon.Part{Name: "watched", Watch: see}, merlon.Get("/abort", merlon.Public(), abort))
	})
	v := s.Visitor().Get("/notes").Is(200)
	if res, err := http.Get("http://" + s.Addr() + "/abort"); err == nil {
		res.Body.Close()
		t.Fatal("the connection was not broken off")
	}
	see.wait(t, 2)
	see.mu.Lock()
	defer see.mu.Unlock()
	whole, aborted := false, false
	for _, a := range see.answered { // on two connections: the second may be told first
		whole = whole || a.Route == "/notes" && a.Status == 200 && a.Bytes == int64(len(v.Body)) && a.Took > 0
		aborted = aborted || a.Route == "/abort" && a.Status == 0 && a.Bytes == 0
	}
	if !whole || !aborted {
		t.Errorf("want one with 200 and %d bytes, and the aborted one: %+v", len(v.Body), see.answered)
	}
}

// TestRequestsAreToldInDevelopment: with their paths, which hold visitors' words, and so in no other mode.
func TestRequestsAreToldInDevelopment(t *testing.T) {
	for _, mode := range []merlon.Mode{merlon.Development, merlon.Test, merlon.Production, merlon.Drill} {
		var told []string
		env := merlon.Env{Data: t.TempDir(), Mode: mode, Log: slog.New(slog.DiscardHandler), Settings: merlon.Settings{Origin: "https://example.org"},
			Requests: func(a merlon.Answered, path string) {
				told = append(told, fmt.Sprint(a.Method, " ", path, " ", a.Status))
			}}
		site, _ := openTestSite(env) // what a mode finds at this site is not asked here
		if site == nil {
			t.Fatalf("%v: no site", mode)
		}
		site.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://localhost/notes/a%20b?secret=1", nil)) // not started: 503
		want := ""
		if mode == merlon.Development {
			want = "GET /notes/a%20b 503"
		}
		if got := strings.Join(told, "\n"); got != want {
			t.Errorf("mode %v: %q, want %q", mode, got, want)
		}
	}
}
