package cert

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
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
