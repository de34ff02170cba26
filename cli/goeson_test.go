package cli

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A command that takes long says every ten seconds that it goes on, and nothing once it has ended.
func TestACommandGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		end := goesOn(slog.New(slog.NewTextHandler(&said, nil)), "backup run")
		time.Sleep(25 * time.Second)
		end()
		time.Sleep(time.Minute)
		if got := said.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, `command="backup run" for=10s`) || !strings.Contains(got, "for=20s") {
			t.Errorf("it says %q", got)
		}
	})
}
