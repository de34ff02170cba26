package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/postgres"
)

// TestClocks: a clock that is more than five seconds apart is told, whichever way, and how long the answer took is no difference.
func TestClocks(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	for told, want := range map[time.Duration]string{-6 * time.Second: "ahead", -4 * time.Second: "", 0: "", 24 * time.Second: "", 26 * time.Second: "behind", time.Hour: "behind"} {
		found := postgres.Apart(at, at.Add(told), at.Add(20*time.Second))
		if len(found) > 0 != (want != "") || want != "" && !strings.Contains(found[0], want) {
			t.Errorf("a server whose clock shows %v: %q", told, found)
		}
	}
	_, _, e := site(t)
	for _, c := range e.(db.Checker).Checks() {
		if c.Rule.ID != db.RuleClock.ID {
			continue
		}
		if found := c.Run(t.Context()); len(found) != 0 {
			t.Errorf("a server of the same machine: %v", found)
		}
		return
	}
	t.Error("no check looks at the clocks")
}
