package club_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/merlon-web/merlon/internal/e2e/browser"
)

// TestSetupFromBackupInABrowser: the page on which a new site becomes an old one again, empty, refused, and left for the first
// administrator, with and without script: 0 faults of axe and of the policy, light and dark, 320, 768 and 1280 px.
func TestSetupFromBackupInABrowser(t *testing.T) {
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script %v", script), func(t *testing.T) {
			t.Parallel()
			h := &hour{script: script, data: filepath.Join(t.TempDir(), "data")}
			h.serve(t)
			t.Cleanup(func() { h.stop() })
			h.box = browser.Open(t)
			tab := h.browser(t)
			look := func(name, title string) {
				t.Helper()
				expect(t, tab, "h1", title)
				if script {
					soundPage(t, tab, name)
				}
			}
			tab.Go(h.setup)
			look("setup", "First administrator")
			tab.Follow(`main a[href="/_merlon/setup/from-backup"]`)
			look("from-backup", "Get the site back from a backup")
			tab.Type(`[name="Address"]`, "file:///nowhere/at/all")
			tab.Type(`[name="Key"]`, "MERLON-KEY-THAT-IS-NONE")
			if answer := tab.Follow("main form button"); answer.Status != 422 {
				t.Errorf("a key that is none: %d %s", answer.Status, tab.Text("main"))
			}
			look("from-backup-refused", "Get the site back from a backup")
			if got := tab.Value(`[name="Address"]`); got != "file:///nowhere/at/all" {
				t.Errorf("the address that was typed is gone: %q", got)
			}
			if got := tab.Value(`[name="Key"]`); got != "" {
				t.Error("the page shows the key that was typed")
			}
			tab.Follow(`main a[href="/_merlon/setup"]`)
			expect(t, tab, "h1", "First administrator")

			stranger := browser.Open(t)
			if answer := stranger.Go(h.URL("/_merlon/setup/from-backup")); answer.Status != 410 {
				t.Errorf("without the link: %d", answer.Status)
			}
		})
	}
}
