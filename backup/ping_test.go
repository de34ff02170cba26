package backup

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
)

// Whoever watches from outside hears of each drill that passed, and of no other one.
func TestPing(t *testing.T) {
	var asked atomic.Int64
	var code atomic.Int64
	code.Store(200)
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/hidden-word" || r.Method != http.MethodGet {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		asked.Add(1)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(int(code.Load()))
	}))
	defer outside.Close()
	s := chainOf(t, 1)
	setup, err := ReadSetup(s.data)
	if err != nil {
		t.Fatal(err)
	}
	setup.Ping = outside.URL + "/hidden-word"
	if err := homeOf(s.data).write(settingsFile, setup); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	house := *s.site.House()
	house.Log = slog.New(slog.NewTextHandler(&log, nil))
	fails := error(nil)
	s.part.use = func(context.Context, *merlon.House, *Evidence, string, *Inner, time.Time) error { return fails }
	for i, c := range []struct {
		code  int64
		fails error
		asked int64
	}{{200, nil, 1}, {204, nil, 1}, {200, ErrDamaged, 0}, {500, nil, pingTries}, {302, nil, pingTries}} {
		s.offset.set(time.Duration(i) * time.Second)
		asked.Store(0)
		code.Store(c.code)
		fails = c.fails
		log.Reset()
		if _, _, err := s.part.rehearse(t.Context(), &house, aims{targetRPO, targetRTO}); (err != nil) != (c.fails != nil) {
			t.Fatalf("%d: %v", i, err)
		}
		if got := asked.Load(); got != c.asked {
			t.Errorf("a drill that ends with %v and meets %d: it is asked for %d times, want %d", c.fails, c.code, got, c.asked)
		}
		if told := strings.Contains(log.String(), "nobody outside could be told"); told != (c.code >= 300) || strings.Contains(log.String(), "hidden-word") {
			t.Errorf("%d: the log says %s", c.code, log.String())
		}
	}
}

func TestParsePing(t *testing.T) {
	for text, ok := range map[string]bool{"https://hc.example/ping/x": true, "http://127.0.0.1:8000/x": true, "http://[::1]/x": true, "http://hc.example/x": false,
		"https://user:word@hc.example/": false, "hc.example": false, "ftp://hc.example": false, "https://": false, "https://a b/": false} {
		if err := parsePing(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
