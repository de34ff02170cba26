package club_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/backup"
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
			// Two sites have their backups there, and a point key tells none of them.
			place, sites := t.TempDir(), []string{"0123456789abcdef", "fedcba9876543210"}
			for _, site := range sites {
				for _, name := range []string{"chain/00000000-genesis.json", "h/00000007/manifest.json"} {
					path := filepath.Join(place, site, filepath.FromSlash(name))
					if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			tab.Type(`[name="Address"]`, "file://"+place)
			tab.Type(`[name="Key"]`, backup.FormatPointKey(make([]byte, 16)))
			if answer := tab.Follow("main form button"); answer.Status != 422 {
				t.Errorf("a key that tells no site: %d %s", answer.Status, tab.Text("main"))
			}
			look("from-backup-several", "Get the site back from a backup")
			for _, site := range sites {
				if text := tab.Text(".problems ul"); !strings.Contains(text, site) {
					t.Errorf("%s is not told: %s", site, text)
				}
			}
			tab.Type(`[name="Site"]`, " "+strings.ToUpper(sites[0])+" ")
			tab.Type(`[name="Key"]`, backup.FormatPointKey(make([]byte, 16)))
			if tab.Follow("main form button"); !strings.Contains(tab.Text(".problems"), "proven") {
				t.Errorf("the site that was named: %s", tab.Text(".problems"))
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
