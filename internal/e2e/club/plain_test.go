package club_test

import (
	"context"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/internal/e2e/browser"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/passkey"
	"github.com/merlon-web/merlon/sqlite"
)

// TestPlainLayoutPages: what a site has that wrote no page: 0 axe faults, no sideways scroll, light and dark, 320, 768 and 1280 px,
// and on every page the way in, to the account and out.
func TestPlainLayoutPages(t *testing.T) {
	t.Parallel()
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "plain", Title: "Plain", Engine: sqlite.Engine("plain.db"),
			Parts: []merlon.Part{account.New(account.Config{Home: "/account"}), passkey.New(passkey.Config{})}})
	})
	lines, err := s.Site.Ready(context.Background())
	if err != nil || len(lines) == 0 {
		t.Fatal(err)
	}
	tab := browser.Open(t)
	for _, path := range []string{"/sign-in", "/nowhere", "/account/link/reset/over"} {
		tab.Go(s.URL(path))
		expect(t, tab, "header.top", "Sign in")
		for _, fault := range tab.Faults() {
			if !strings.Contains(fault, "404") && !strings.Contains(fault, "410") {
				t.Errorf("%s: %s", path, fault)
			}
		}
	}
	tab.Go(strings.Fields(lines[0][1])[0])
	tab.Type(`[name="Name"]`, "Root")
	tab.Type(`[name="Email"]`, "root@club.example")
	tab.Type(`[name="Password"]`, adminPassword)
	tab.Follow("main form button:not([name])")
	for _, path := range []string{"/account", "/account/sessions", "/nowhere"} {
		tab.Go(s.URL(path))
		expect(t, tab, "header.top", "Sign out")
		judge(t, tab, "404")
	}
	tab.Follow(`header.top a[href="/account"]`)
	expect(t, tab, "h1", "Account")
	tab.Follow("header.top button")
	expect(t, tab, "header.top", "Sign in")
}
