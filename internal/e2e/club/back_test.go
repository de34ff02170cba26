package club_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/browser"
)

// TestThePageOfASiteThatIsBack: what came of getting a site back, as the page shows it afterwards.
func TestThePageOfASiteThatIsBack(t *testing.T) {
	s, _ := demoClub(t)
	folder := filepath.Join(s.Site.House().Data, "backup")
	text, err := json.Marshal(map[string]any{"at": time.Now(), "instant": time.Now().Add(-time.Hour), "mails_held": 3, "jobs_held": 1, "uploads_missing": 2, "goes_on": false})
	if err == nil {
		err = os.MkdirAll(folder, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "back.json"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	tab := browser.Open(t)
	tab.Go(s.URL("/_merlon/setup/from-backup"))
	expect(t, tab, "h1", "The site is back")
	soundPage(t, tab, "from-backup-done")
	for _, want := range []string{"is lost", "mail release", "jobs list", "did not come back: 2", "may have come back", "backup init"} {
		if got := tab.Text("main"); !strings.Contains(got, want) {
			t.Errorf("the page does not say %q: %s", want, got)
		}
	}
}
