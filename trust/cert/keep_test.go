package cert

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
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
		for range 24 * 60 * 6 { // a day, each ten seconds
			if _, err := a.Get(browserHello("Bad.test")); err == nil {
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

type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
