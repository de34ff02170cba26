package site_test

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/need"
)

// TestAttacked: the site's own attacker finds nothing, and has reached every route and used every form of the club's own.
// Of Merlon's parts it lacks what needs a mail or an authenticator at hand; the log says which.
func TestAttacked(t *testing.T) {
	need.Time(t, "attacks the whole club")
	report := attack.Test(t, site.Open)
	for _, n := range report.Coverage.NotReached {
		if !strings.HasPrefix(n, "route ") {
			continue
		}
		for _, theirs := range []string{"/_merlon", "/account", "/passkey", "/sign-", "/.well-known"} {
			if strings.Contains(n, " "+theirs) {
				n = ""
			}
		}
		if n != "" {
			t.Error(n)
		}
	}
	t.Logf("%.1f s", report.Seconds)
}
