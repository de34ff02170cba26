package club_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/browser"
)

var accountPages = []string{"/account", "/account/name", "/account/password", "/account/sessions", "/account/devices", "/account/log", "/account/log?kind=account", "/account/export", "/account/leave"}

// TestAccountAreaPages: 0 axe faults, 0 policy violations, no sideways scroll, light and dark, 320, 768 and 1280 px, in the account
// area that the club has without a line of its own (B7).
func TestAccountAreaPages(t *testing.T) {
	s, password := demoClub(t)
	other := browser.Open(t)
	signIn(t, other, s, "ann@club.example", password)
	tab := browser.Open(t)
	signIn(t, tab, s, "ann@club.example", password)
	for _, path := range accountPages {
		tab.Go(s.URL(path))
		if len(tab.Text("h1")) == 0 || strings.Contains(tab.URL(), "sign-in") {
			t.Fatalf("%s shows %s", path, tab.URL())
		}
		for _, fault := range tab.Faults() {
			t.Errorf("%s: %s", path, fault)
		}
	}
	// what a refused form looks like, and the page of a leaving account
	tab.Go(s.URL("/account/password"))
	tab.Type(`[name="Current"]`, "wrong")
	tab.Type(`[name="New"]`, "short")
	tab.Follow("main button")
	expect(t, tab, "main", "Use at least 15 characters")
	judge(t, tab, "422")
	// a browser left open looks, and signs in again for the buttons
	s.Advance(16 * time.Minute)
	for _, path := range []string{"/account/devices", "/account/sessions"} {
		tab.Go(s.URL(path))
		expect(t, tab, "main", "Your sign-in is a while ago")
		judge(t, tab, "")
	}
	tab.Follow(`main a[href="/account/sessions/recent"]`)
	tab.Type(`[name="Password"]`, password)
	tab.Follow("main button")
	expect(t, tab, "main", "Sign out everywhere else")
	tab.Go(s.URL("/account/leave"))
	tab.Click(`[name="Sure"]`)
	tab.Follow("main button")
	signInTo(tab, s.URL("/sign-in"), "ann@club.example", password)
	expect(t, tab, "h1", "Your account is to be deleted")
	judge(t, tab, "")
	other.Go(s.URL("/members"))
	expect(t, other, "main", "You were signed out here")
	judge(t, other, "")
}

// judge reports the faults of the page at hand, but for what the browser notes of its status.
func judge(t *testing.T, tab *browser.Tab, status string) {
	t.Helper()
	for _, fault := range tab.Faults() {
		if status == "" || !strings.Contains(fault, status) {
			t.Errorf("%s: %s", tab.URL(), fault)
		}
	}
}

func signInTo(tab *browser.Tab, url, email, password string) {
	tab.Go(url)
	tab.Type(`[name="Email"]`, email)
	tab.Type(`[name="Password"]`, password)
	tab.Follow("main button")
}

// TestAccountAreaFlows: what the first hour does not do: another name, and browsers that are forgotten, with scripts and without.
func TestAccountAreaFlows(t *testing.T) {
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script %v", script), func(t *testing.T) {
			t.Parallel()
			s, password := demoClub(t)
			tab := browser.Open(t)
			tab.Script(script)
			signIn(t, tab, s, "ann@club.example", password)
			tab.Go(s.URL("/account/name"))
			tab.Type(`[name="Name"]`, "Ann Anders")
			tab.Follow("main button")
			expect(t, tab, "main", "Your name is changed.")
			expect(t, tab, "header.top", "Ann Anders")
			tab.Go(s.URL("/account/log"))
			expect(t, tab, "main", "The name was changed")
			tab.Go(s.URL("/account/devices"))
			tab.Follow(`button[name="All"]`)
			expect(t, tab, "main", "No browser is remembered.")
		})
	}
}
