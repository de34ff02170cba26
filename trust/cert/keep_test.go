package cert

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/acme"
)

// TestKeepBesideABadName: a name of which no certificate is got is asked for ever more rarely, and keeps none of the others
// from being renewed.
func TestKeepBesideABadName(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		if err := os.WriteFile(filepath.Join(dir, "late.test"), pairOf(t, 1, now.Add(-88*day), now.Add(40*time.Hour), "late.test"), 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		a, err := NewACME(ACMEConfig{Hosts: []string{"bad.test", "late.test"}, Dir: dir, Directory: "https://127.0.0.1:1/", Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		first := a.now.Load()
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		a.Keep(ctx)
		if n := strings.Count(log.String(), "host=bad.test"); n < 20 || n > 35 {
			t.Errorf("asked %d times in a day for a name that fails, want about 29: the pause doubles up to an hour", n)
		}
		if a.now.Load() == first {
			t.Error("the late certificate of the other name was not tried again")
		}
	})
}

// TestHandshakesKeepThePause: who comes again and again for a name that fails does not have the authority asked each minute.
func TestHandshakesKeepThePause(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, err := NewACME(ACMEConfig{Hosts: []string{"bad.test"}, Dir: dir, Directory: "https://127.0.0.1:1/", Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		var asked atomic.Int64
		a.now.Load().Client.HTTPClient.Transport = roundTrips(func(*http.Request) (*http.Response, error) {
			asked.Add(1)
			return nil, errors.New("the authority is away")
		})
		for n := range 24 * 60 * 6 { // a day, each ten seconds
			hello := browserHello("Bad.test")
			if n%2 == 1 { // as the authority, but no browser and no authority offers both
				hello.SupportedProtos = []string{"h2", acme.ALPNProto}
			}
			if _, err := a.Get(hello); err == nil {
				t.Fatal("a certificate from nowhere")
			}
			time.Sleep(10 * time.Second)
		}
		first := asked.Load()
		if first < 20 || first > 35 {
			t.Errorf("the authority was asked %d times in a day, want about 29", first)
		}
		if err := os.WriteFile(filepath.Join(dir, "bad.test"), pairOf(t, 1, time.Now().Add(-day), time.Now().Add(89*day), "bad.test"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Get(browserHello("bad.test")); err != nil && strings.Contains(err.Error(), "asked again") {
			t.Errorf("with a certificate, which another process got: %v", err)
		}
	})
}

// TestWaitingIsBounded: while the authority takes its time for the first certificate, visitors who come and go hold no more than so
// many handshakes, and when it has answered the next are heard.
func TestWaitingIsBounded(t *testing.T) {
	a, err := NewACME(ACMEConfig{Hosts: []string{"slow.test"}, Dir: t.TempDir(), Directory: "https://127.0.0.1:1/", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan struct{})
	a.now.Load().Client.HTTPClient.Transport = roundTrips(func(*http.Request) (*http.Response, error) {
		<-answers
		return nil, errors.New("the authority is away")
	})
	const more = 200
	var turned atomic.Int64
	var all sync.WaitGroup
	for range mostWaiting + more {
		all.Go(func() {
			if _, err := a.Get(browserHello("slow.test")); err != nil && strings.Contains(err.Error(), "wait for its answer") {
				turned.Add(1)
			}
		})
	}
	for end := time.Now().Add(10 * time.Second); turned.Load() < more-100 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if n := turned.Load(); n < more-100 || n > more { // some come in the same moment
		t.Errorf("%d of %d handshakes were turned away, want about %d", n, mostWaiting+more, more)
	}
	close(answers)
	all.Wait()
	if _, err := a.Get(browserHello("slow.test")); err == nil || strings.Contains(err.Error(), "wait for its answer") {
		t.Errorf("after the answer: %v", err)
	}
}

// TestQuestionsTellNoFolder: who asks as the authority does, on the port of plain HTTP, for what cannot be a file's name learns
// nothing of where the certificates rest.
func TestQuestionsTellNoFolder(t *testing.T) {
	dir := t.TempDir()
	a, err := NewACME(ACMEConfig{Hosts: []string{"site.test"}, Dir: dir, Directory: "https://127.0.0.1:1/"})
	if err != nil {
		t.Fatal(err)
	}
	h := a.Handler(http.NotFoundHandler())
	for _, token := range []string{"x", strings.Repeat("x", 300)} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "http://site.test/.well-known/acme-challenge/"+token, nil))
		if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), filepath.Base(dir)) || strings.Contains(w.Body.String(), "open ") {
			t.Errorf("a token of %d letters: %d %s", len(token), w.Code, w.Body)
		}
	}
}

type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
