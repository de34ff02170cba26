package club_test

import (
	"encoding/base32"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/merlon-web/merlon/internal/e2e/browser"
)

// authenticator reads the key of the page and returns what makes its codes.
func authenticator(t *testing.T, tab *browser.Tab, s interface{ Now() time.Time }) func() string {
	t.Helper()
	secret := strings.ReplaceAll(tab.Text("code.secret"), " ", "")
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret); err != nil || len(raw) != 20 {
		t.Fatalf("the key %q is none: %v", secret, err)
	}
	return func() string {
		code, err := totp.GenerateCode(secret, s.Now())
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
}

// soundPage fails on faults of the page that the tab is on, under a name; with MERLON_PICTURES the page is kept as a picture.
func soundPage(t *testing.T, tab *browser.Tab, name string) {
	t.Helper()
	for _, fault := range tab.Faults() {
		if !strings.Contains(fault, "410") && !strings.Contains(fault, "422") && !strings.Contains(fault, "429") { // the browser notes the status itself
			t.Errorf("%s: %s", name, fault)
		}
	}
	if folder := os.Getenv("MERLON_PICTURES"); folder != "" {
		keep := func(look string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(folder, name+look+".png"), tab.Screenshot(), 0o600); err != nil {
				t.Error(err)
			}
		}
		keep("")
		tab.Width(320)
		keep("-320")
		tab.Dark(true)
		keep("-320-dark")
		tab.Width(1280)
		keep("-dark")
		tab.Dark(false)
	}
}

// TestSecondFactorInABrowser: an app is set up, asked for, stood in for by a recovery code, and taken away, with and without
// script; each page on the way is without fault (first-hour A2.4, A3.3).
func TestSecondFactorInABrowser(t *testing.T) {
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script %v", script), func(t *testing.T) {
			t.Parallel()
			s, password := demoClub(t)
			tab := browser.Open(t)
			tab.Script(script)
			look := func(name string) {
				t.Helper()
				if script {
					soundPage(t, tab, name)
				}
			}
			signIn(t, tab, s, "ann@club.example", password)
			tab.Go(s.URL("/account/app"))
			look("app-off")
			tab.Follow("main button")
			look("app-setup")
			code := authenticator(t, tab, s)
			if n := tab.Count("main svg path"); n != 1 {
				t.Errorf("the picture has %d paths, want 1", n)
			}
			tab.Type(`[name="Code"]`, "000000")
			tab.Follow(`form[action="/account/app/confirm"] button`)
			expect(t, tab, "main", "does not fit")
			look("app-wrong")
			tab.Type(`[name="Code"]`, code())
			tab.Follow(`form[action="/account/app/confirm"] button`)
			expect(t, tab, "h1", "Recovery codes")
			if n := tab.Count("ol.codes li"); n != 10 {
				t.Fatalf("%d recovery codes, want 10", n)
			}
			look("codes-shown")
			third, spare := tab.Text("ol.codes li:nth-child(3)"), tab.Text("ol.codes li:nth-child(7)")
			tab.Type(`[name="Last"]`, third[len(third)-4:])
			tab.Follow("main button")
			expect(t, tab, "main", "10 of 10 left")
			look("codes")
			tab.Go(s.URL("/account/app"))
			look("app-on")

			// the next sign-in asks, and a recovery code will do
			tab.Follow("header.top button")
			s.Advance(time.Minute)
			toSecond := func() {
				tab.Go(s.URL("/sign-in"))
				tab.Type(`[name="Email"]`, "ann@club.example")
				tab.Type(`[name="Password"]`, password)
				tab.Follow("main button")
				expect(t, tab, "h1", "Second step")
			}
			toSecond()
			look("second")
			tab.Type(`[name="Code"]`, "000000")
			tab.Follow("main button")
			expect(t, tab, "main", "does not fit")
			look("second-wrong")
			toSecond()
			tab.Type(`[name="Code"]`, code())
			tab.Click(`[name="Trust"]`)
			tab.Follow("main button")
			expect(t, tab, "header.top", "Sign out")
			tab.Back()
			if strings.Contains(tab.URL(), "second") {
				t.Error("the back button shows the second step to who is signed in")
			}
			tab.Go(s.URL("/sign-in/second"))
			if strings.Contains(tab.URL(), "second") {
				t.Error("the second step is shown to who is signed in")
			}

			// everything is asked before the app is taken away, and what was meant is kept
			tab.Go(s.URL("/account/app"))
			tab.Follow("a.danger")
			look("app-remove")
			s.Advance(16 * time.Minute)
			tab.Follow("button.danger")
			expect(t, tab, "h1", "Sign in again")
			look("again-all")
			tab.Type(`[name="Password"]`, password)
			tab.Follow("main button")
			tab.Type(`[name="Code"]`, spare)
			tab.Follow("main button")
			look("kept")
			tab.Follow("main button")
			expect(t, tab, "main", "Off")
			tab.Go(s.URL("/account/codes"))
			look("codes-none")
			s.Advance(16 * time.Minute)
			tab.Go(s.URL("/sign-in/again?ask=1&next=/members"))
			look("again")
		})
	}
}

// TestCodeLinkInABrowser: after too many wrong codes of somebody else the owner comes in by the mailbox, with and without script.
func TestCodeLinkInABrowser(t *testing.T) {
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script %v", script), func(t *testing.T) {
			t.Parallel()
			s, password := demoClub(t)
			tab := browser.Open(t)
			tab.Script(script)
			look := func(title string) {
				t.Helper()
				expect(t, tab, "h1", title)
				if script {
					soundPage(t, tab, title)
				}
			}
			signIn(t, tab, s, "ann@club.example", password)
			tab.Go(s.URL("/account/app"))
			tab.Follow("main button")
			code := authenticator(t, tab, s)
			tab.Type(`[name="Code"]`, code())
			tab.Follow(`form[action="/account/app/confirm"] button`)
			s.Advance(time.Minute)
			toSecond := func(tab *browser.Tab) {
				signInTo(tab, s.URL("/sign-in"), "ann@club.example", password)
				expect(t, tab, "h1", "Second step")
			}
			thief := browser.Open(t)
			toSecond(thief)
			for range 5 {
				thief.Type(`[name="Code"]`, "000000")
				thief.Follow("main form button")
			}
			tab = browser.Open(t)
			tab.Script(script)
			toSecond(tab)
			tab.Type(`[name="Code"]`, code())
			tab.Follow("main form button")
			look("Too many wrong codes")
			tab.Follow("main form button")
			look("We sent you a mail")
			openMail(t, tab, s, 0)
			look("Enter codes in this browser")
			tab.Follow("main form button")
			expect(t, tab, "h1", "Second step")
			tab.Type(`[name="Code"]`, code())
			tab.Follow("main form button")
			expect(t, tab, "header.top", "Sign out")
		})
	}
}
