package merlon_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/session"
)

// limited is a site as in production, asked without a network, and what its log says.
type limited struct {
	site *merlon.Site
	log  lockedText
	at   atomic.Int64 // nanoseconds since 1970: the site's tasks ask too
}

func (l *limited) now() time.Time { return time.Unix(0, l.at.Load()).UTC() }

// lockedText is written by the site's tasks as well.
type lockedText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (t *lockedText) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *lockedText) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

func newLimited(tb testing.TB, more ...merlon.Route) *limited {
	tb.Helper()
	return newLimitedIn(tb, merlon.Development, more...)
}

func newLimitedIn(tb testing.TB, mode merlon.Mode, more ...merlon.Route) *limited {
	tb.Helper()
	l := &limited{}
	l.at.Store(time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC).UnixNano())
	var out io.Writer = &l.log
	if _, bench := tb.(*testing.B); bench {
		out = io.Discard
	}
	var err error
	l.site, err = openTestSiteWith(merlon.Env{Mode: mode, Data: tb.TempDir(), Clock: l.now, Settings: merlon.Settings{Origin: "https://example.test"},
		Log: slog.New(slog.NewTextHandler(out, nil))}, more...)
	if err != nil {
		tb.Fatal(err)
	}
	if err := l.site.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.site.Close(tb.Context()) })
	return l
}

func (l *limited) ask(method, path, from string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host, r.RemoteAddr, r.TLS = "example.test", from+":40000", &tls.ConnectionState{}
	if method == http.MethodPost {
		r = httptest.NewRequest(method, path, strings.NewReader("a=b"))
		r.Host, r.RemoteAddr, r.TLS = "example.test", from+":40000", &tls.ConnectionState{}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://example.test")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	rw := httptest.NewRecorder()
	l.site.ServeHTTP(rw, r)
	return rw
}

// passed asks n times and returns how often the answer was not 429, with the last answer that was.
func (l *limited) passed(n int, method, path, from string, fields ...string) (passed int, refused *httptest.ResponseRecorder) {
	for range n {
		if got := l.ask(method, path, from, fields...); got.Code == http.StatusTooManyRequests {
			refused = got
		} else {
			passed++
		}
	}
	return passed, refused
}

// Each kind of request has its limit, counted for its network alone, and over it the answer is 429 with a time, and an event.
func TestRates(t *testing.T) {
	t.Parallel()
	hook := merlon.Mount("/machine", merlon.Public(), http.HandlerFunc(plainHandler), merlon.InsecureNoToken("a test of limits"))
	for _, c := range []struct {
		name, method, path, of string
		burst, second          int // at once, and after a second
	}{
		{"pages", "GET", "/", "requests", 200, 50},
		{"what is not there", "GET", "/no/such/page", "requests", 200, 50},
		{"a method that is not there", "POST", "/search", "requests", 200, 50},
		{"static files", "GET", "/_merlon/static/merlon.css", "files", 1000, 200},
		{"forms of nobody", "POST", "/notes", "forms", 60, 1},
		{"acts of a mounted handler", "POST", "/mounted/x", "forms", 60, 1},
		{"machines", "POST", "/machine", "requests", 200, 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLimited(t, hook)
			n, refused := l.passed(c.burst+20, c.method, c.path, "192.0.2.7")
			if n != c.burst || refused == nil {
				t.Fatalf("%d passed at once, want %d", n, c.burst)
			}
			if wait, err := strconv.Atoi(refused.Header().Get("Retry-After")); err != nil || wait < 1 || wait > 2 {
				t.Errorf("Retry-After is %q", refused.Header().Get("Retry-After"))
			}
			if body := refused.Body.String(); !strings.Contains(body, "Please try again in a minute, at ") || !strings.Contains(body, " UTC.") {
				t.Errorf("the page does not tell the time with its zone: %s", body)
			}
			if log := l.log.String(); !strings.Contains(log, "id="+merlon.RuleRate.ID) || !strings.Contains(log, " of="+c.of) {
				t.Errorf("the log says nothing of it: %s", log)
			}
			if n, _ := l.passed(1, c.method, c.path, "192.0.2.200"); n != 1 {
				t.Error("a neighbour is limited too")
			}
			if n, _ := l.passed(c.burst+20, c.method, c.path, "127.0.0.1"); n != c.burst+20 {
				t.Error("this machine is limited")
			}
			l.at.Add(int64(time.Second))
			if n, _ := l.passed(c.second+20, c.method, c.path, "192.0.2.7"); n != c.second {
				t.Errorf("a second later %d passed, want %d", n, c.second)
			}
		})
	}
}

// Files and forms do not use up what pages may be asked for, and the other way about.
func TestRatesAreApart(t *testing.T) {
	l := newLimited(t)
	l.passed(1020, "GET", "/_merlon/static/merlon.css", "192.0.2.7")
	l.passed(80, "POST", "/notes", "192.0.2.7")
	if n, _ := l.passed(130, "GET", "/", "192.0.2.7"); n != 120 { // 200 less the 80 forms, which are requests too
		t.Errorf("%d pages passed, want 120", n)
	}
}

// Who is signed in has no limit of forms but that of all requests.
func TestRateOfWhoIsSignedIn(t *testing.T) {
	l := newLimited(t)
	cookie := ""
	err := l.site.House().Engine.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		id, err := account.Create(w, "ann@example.test", "Ann", account.NoPassword, l.now())
		if err != nil {
			return err
		}
		sw, err := l.site.House().Sessions.Begin(l.site.House().Sessions.Nobody(), w)
		if err != nil {
			return err
		}
		if err := sw.Rotate(session.Level{User: id, Factors: 1, Recent: l.now()}); err != nil {
			return err
		}
		if err := sw.Save(); err != nil {
			return err
		}
		c, ok := sw.Cookie()
		if !ok {
			return errors.New("the session gave no cookie")
		}
		cookie = c.Name + "=" + c.Value
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := l.passed(150, "POST", "/notes", "192.0.2.7", "Cookie", cookie); n != 150 {
		t.Errorf("%d passed, want all", n)
	}
	if n, _ := l.passed(20, "POST", "/notes", "192.0.2.7"); n != 20 {
		t.Error("what users send is counted as nobody's")
	}
}

func benchmarkAsk(b *testing.B, method, path string, want int) {
	l := newLimited(b)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++ // each from a network of its own: none is limited
		if got := l.ask(method, path, fmt.Sprintf("20.%d.%d.7", i>>8&255, i&255)); i < 200 && got.Code != want {
			b.Fatalf("%s answered %d: %s", path, got.Code, got.Body)
		}
		l.at.Add(int64(time.Millisecond))
	}
}

func BenchmarkPage(b *testing.B)     { benchmarkAsk(b, "GET", "/", 200) }
func BenchmarkNotFound(b *testing.B) { benchmarkAsk(b, "GET", "/no/such/page", 404) }
func BenchmarkFile(b *testing.B)     { benchmarkAsk(b, "GET", "/_merlon/static/merlon.css", 200) }
func BenchmarkPost(b *testing.B)     { benchmarkAsk(b, "POST", "/notes", 403) }

// In the world an address of this machine may be everybody's, behind a proxy that names nobody: it is limited as others are.
func TestRateOfThisMachineInTheWorld(t *testing.T) {
	l := newLimitedIn(t, merlon.Production)
	if n, _ := l.passed(250, "GET", "/", "127.0.0.1"); n != 200 {
		t.Errorf("%d requests passed, want 200", n)
	}
}

// What is refused before there is a route counts too: hosts of others, requests that mean nothing, and plain HTTP.
func TestRefusalsCount(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*http.Request){
		"another host (421)":     func(r *http.Request) { r.Host = "other.test" },
		"no host (400)":          func(r *http.Request) { r.Host = "exa mple" },
		"another method (405)":   func(r *http.Request) { r.Method = "DELETE" },
		"a path of dots (404)":   func(r *http.Request) { r.URL.Path = "/a/../b" },
		"the guard's (400, 431)": func(r *http.Request) { r.Method = "" },
		"plain HTTP":             func(r *http.Request) { r.TLS = nil },
		"no such page (404)":     func(r *http.Request) { r.URL.Path = "/nowhere" },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLimitedIn(t, merlon.Production)
			for _, h := range []http.Handler{l.site, l.site.Redirect()} {
				l.at.Add(int64(time.Hour))
				passed := 0
				for range 230 {
					r := httptest.NewRequest("GET", "/", nil)
					r.Host, r.RemoteAddr, r.TLS = "example.test", "192.0.2.7:40000", &tls.ConnectionState{}
					spoil(r)
					rw := httptest.NewRecorder()
					h.ServeHTTP(rw, r)
					if rw.Code != http.StatusTooManyRequests {
						passed++
						if name != "plain HTTP" && h == http.Handler(l.site) && rw.Code < 400 {
							t.Fatalf("answered %d", rw.Code)
						}
					}
				}
				if passed != 200 {
					t.Errorf("%T: %d passed, want 200", h, passed)
				}
			}
			if n, _ := l.passed(1, "GET", "/", "192.0.2.8"); n != 1 {
				t.Error("a neighbour is limited too")
			}
		})
	}
}
