package site_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/need"
)

// unreached are the routes and forms of the club that the attacker does not get through, each with the reason.
var unreached = []string{
	// a program in whose process the site is opened for something else does not begin anew as the site that it has got back
	"form /_merlon/setup/from-backup of /_merlon/setup/from-backup: nothing that was filled in was accepted (It did not work This program does not start its site anew. Stop it, and use the command restore.): what lies behind it was not seen",
}

// TestAttacked: the site's own attacker finds nothing, and has reached every route and used every form, those of Merlon's parts
// behind mailed links, codes and passkeys too.
func TestAttacked(t *testing.T) {
	need.Time(t, "attacks the whole club")
	report := attack.Test(t, site.Open)
	var missed []string
	for _, n := range report.Coverage.NotReached {
		for _, of := range []string{"route ", "form ", "what is seen ", "what is tried "} {
			if strings.HasPrefix(n, of) {
				missed = append(missed, n)
			}
		}
	}
	if c := report.Coverage; !slices.Equal(missed, unreached) || c.Reached != c.Routes || c.Accepted != c.Forms-len(unreached) {
		t.Errorf("%d of %d routes reached, %d of %d forms accepted; not reached:\n%s\nwant\n%s", c.Reached, c.Routes, c.Accepted, c.Forms,
			strings.Join(missed, "\n"), strings.Join(unreached, "\n"))
	}
	for _, c := range report.Coverage.Classes {
		if c.Class == "platform" && c.Verdict != "PASS" {
			t.Errorf("%s: %q", c, c.Left)
		}
	}
	t.Logf("%.1f s", report.Seconds)
}
