package merlon_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/trust/cert"
)

var (
	answering atomic.Int64
	much      = bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
)

func writesMuch(w http.ResponseWriter, _ *http.Request) {
	answering.Add(1)
	defer answering.Add(-1)
	_, _ = w.Write(much)
}

// TestWhoReadsNothingIsCutOff: over HTTP/2 as over HTTP/1.1 a client that asks and does not read holds no handler longer than
// an answer may take (AVAIL-2).
func TestWhoReadsNothingIsCutOff(t *testing.T) {
	need.Time(t, "waits for the time of an answer")
	t.Parallel()
	address := secureSiteWith(t, io.Discard, merlon.Mount("/much", merlon.Public(), http.HandlerFunc(writesMuch)))
	small := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}}
	for range 4 {
		c, err := tls.DialWithDialer(&small, "tcp", address, &tls.Config{InsecureSkipVerify: true, ServerName: "site.test", NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.NetConn().Close()
		h := speakH2(t, c)
		_ = h.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
		_ = h.WriteWindowUpdate(0, 1<<30)
		for range 20 {
			if _, err := h.get("/much"); err != nil {
				t.Fatal(err)
			}
		}
	}
	most := int64(0)
	for began := time.Now(); most < 4 || answering.Load() > 0; time.Sleep(50 * time.Millisecond) {
		most = max(most, answering.Load())
		if time.Since(began) > 2*time.Minute {
			t.Fatalf("%d handlers still write to clients that do not read (%d did)", answering.Load(), most)
		}
	}
}

// TestServerLinesAreBounded: a client decides how much net/http has to say of it.
func TestServerLinesAreBounded(t *testing.T) {
	var log lockedBuffer
	h := dialH2(t, secureSiteWith(t, &log, merlon.Mount("/much", merlon.Public(), http.HandlerFunc(writesMuch))))
	go func() { _, _ = io.Copy(io.Discard, h.conn) }()
	began := time.Now()
	for range 5000 {
		if err := h.WriteGoAway(0, http2.ErrCodeProtocol, bytes.Repeat([]byte("x"), 2000)); err != nil {
			break
		}
	}
	for end := time.Now().Add(time.Minute); !strings.Contains(log.String(), "GOAWAY"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the log has nothing of it: the test shows nothing")
		}
	}
	time.Sleep(100 * time.Millisecond)
	most := 10 * (3 + int(time.Since(began)/time.Second)) // and a line of its own on what was left out
	if text := log.String(); strings.Count(text, "\n") > most || len(text) > most*1000 {
		t.Errorf("%d lines and %d bytes of the log by one connection", strings.Count(text, "\n"), len(text))
	}
}

var unknown = merlon.NewAccess("unknown", func(*merlon.Visit) (merlon.Visitor, error) { return merlon.Visitor{}, merlon.ErrHidden })

// TestNoSlashIsBehindTheGuards: a mount's path without its last slash is answered as the mount is, not by the router.
func TestNoSlashIsBehindTheGuards(t *testing.T) {
	s := startLimited(t, slog.DiscardHandler, nil)
	ask := func(path, from string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "https://site.test"+path, nil)
		r.RemoteAddr = from + ":1234"
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	if got := ask("/hidden", "192.0.2.1"); got.Code != 404 {
		t.Errorf("what is hidden is told: %d to %q", got.Code, got.Header().Get("Location"))
	}
	post := httptest.NewRecorder()
	s.ServeHTTP(post, httptest.NewRequest("POST", "https://site.test/hidden", nil))
	if post.Code == 307 || post.Header().Get("Location") != "" {
		t.Errorf("a POST is told of what is hidden: %d to %q", post.Code, post.Header().Get("Location"))
	}
	if got := ask("/other", "192.0.2.1"); got.Code != 200 || got.Body.String() != "other" {
		t.Errorf("a neighbour with a place: %d %q", got.Code, got.Body)
	}
	if got := ask("/hook?a=b", "192.0.2.1"); got.Code != 307 || got.Header().Get("Location") != "/hook/?a=b" {
		t.Errorf("%d to %q, want 307 to /hook/?a=b", got.Code, got.Header().Get("Location"))
	}
	if got := ask("/hook/", "192.0.2.1"); got.Code != 405 {
		t.Errorf("the mount, which takes POST alone: %d", got.Code)
	}
	passed := 0
	for range 300 {
		if ask("/hook", "192.0.2.7").Code != 429 {
			passed++
		}
	}
	if passed != 200 {
		t.Errorf("%d of 300 passed, want 200", passed)
	}
}

// TestChallengesAreLimited: the questions of a certificate's authority, on the port of plain HTTP, count as others do, and those
// for other hosts are refused as others are.
func TestChallengesAreLimited(t *testing.T) {
	a, err := cert.NewACME(cert.ACMEConfig{Hosts: []string{"site.test"}, Dir: t.TempDir(), Directory: "https://127.0.0.1:1/"})
	if err != nil {
		t.Fatal(err)
	}
	s := startLimited(t, slog.DiscardHandler, a)
	ask := func(host, from string) int {
		r := httptest.NewRequest("GET", "http://"+host+"/.well-known/acme-challenge/x", nil)
		r.RemoteAddr = from + ":1234"
		w := httptest.NewRecorder()
		s.Redirect().ServeHTTP(w, r)
		return w.Code
	}
	if code := ask("other.test", "192.0.2.1"); code != 421 {
		t.Errorf("for another host: %d, want 421", code)
	}
	codes := map[int]int{}
	for range 300 {
		codes[ask("site.test", "192.0.2.7")]++
	}
	if codes[404] != 200 || codes[429] != 100 {
		t.Errorf("%v, want 200 times 404 (no such question) and 100 times 429", codes)
	}
}

// TestPathsAreNotLogged: a path may be a secret, of a webhook or a mailed link: the log of a site in the world has routes.
func TestPathsAreNotLogged(t *testing.T) {
	var log lockedBuffer
	s := startLimited(t, slog.NewTextHandler(&log, nil), nil)
	s.Redirect().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "http://site.test/hook/s3cr3t", strings.NewReader("x")))
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "https://site.test/_merlon/csp",
		strings.NewReader(`{"csp-report":{"document-uri":"https://site.test/hook/s3cr3t?x","effective-directive":"`+strings.Repeat("d", 3000)+`"}}`)))
	if text := log.String(); strings.Contains(text, "s3cr3t") || strings.Contains(text, strings.Repeat("d", 100)) || strings.Count(text, "/hook/") != 2 {
		t.Errorf("the log: %.2000s", text)
	}
}

// startLimited starts a site in the world that is served by nobody, and whose clock stands: no limit opens again.
func startLimited(t *testing.T, log slog.Handler, source cert.Source) *merlon.Site {
	t.Helper()
	at := time.Now()
	env := merlon.Env{Mode: merlon.Production, Data: t.TempDir(), Clock: func() time.Time { return at }, Log: slog.New(log), Settings: merlon.Settings{Origin: "https://site.test"}, Certificates: source}
	site, err := merlon.New(env, merlon.Config{Engine: sqlite.Engine("x.db"), Pages: noPages, Schema: noStatements, Routes: []merlon.Route{
		merlon.Mount("/hook/", merlon.Public(), http.HandlerFunc(framingPost), merlon.InsecureNoToken("a test")),
		merlon.Mount("/hidden/", unknown, http.HandlerFunc(framingPost)), merlon.Get("/{id}", merlon.Public(), framingItem)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = site.Close(t.Context()) })
	return site
}

// TestTwoLengths: over HTTP/2 as over HTTP/1.1 a request that says two lengths is refused (RFC 9113 8.1.1).
func TestTwoLengths(t *testing.T) {
	address := secureSiteWith(t, io.Discard, merlon.Mount("/hook/", merlon.Public(), http.HandlerFunc(framingPost), merlon.InsecureNoToken("a test")))
	for want, lengths := range map[string][]string{"200": {"content-length", "3"}, "400": {"content-length", "3", "content-length", "4"}} {
		h := dialH2(t, address)
		id, err := h.open("POST", "/hook/", false, lengths...)
		if err != nil {
			t.Fatal(err)
		}
		_ = h.WriteData(id, true, []byte("abc"))
		if got := h.status(t, id); got != want {
			t.Errorf("%v: %s, want %s", lengths, got, want)
		}
	}
}
