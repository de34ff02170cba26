package club_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/merlon-web/merlon/internal/e2e/browser"
	"github.com/merlon-web/merlon/merlontest"
)

// withAuthenticator gives the tab a device that asks its user and keeps passkeys.
func withAuthenticator(t *testing.T, tab *browser.Tab) webauthn.AuthenticatorID {
	t.Helper()
	if _, err := chromedp.Call(tab.Context(), webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	a, err := chromedp.Call(tab.Context(), webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Ctap2version: "ctap2_1", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
	if err != nil {
		t.Fatal(err)
	}
	return a.AuthenticatorID
}

// presence says whether somebody touches the device as soon as it asks.
func presence(t *testing.T, tab *browser.Tab, id webauthn.AuthenticatorID, there bool) {
	t.Helper()
	if _, err := chromedp.Call(tab.Context(), webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: id, Enabled: there}); err != nil {
		t.Fatal(err)
	}
}

func look(t *testing.T, tab *browser.Tab, s *merlontest.Server, path string) {
	t.Helper()
	tab.Go(s.URL(path))
	for _, fault := range tab.Faults() {
		t.Errorf("%s: %s", path, fault)
	}
}

// keepCodes passes the page of the recovery codes that come with the first passkey, and returns them.
func keepCodes(t *testing.T, tab *browser.Tab) (codes []string) {
	t.Helper()
	expect(t, tab, "h1", "Recovery codes")
	for i := range 10 {
		codes = append(codes, tab.Text(fmt.Sprintf("ol.codes li:nth-child(%d)", i+1)))
	}
	tab.Type(`[name="Last"]`, codes[2][len(codes[2])-4:])
	tab.Follow(`form[action="/account/codes/kept"] button`)
	return codes
}

// TestLostPasskeyInABrowser: password and recovery code stand in for the passkey, in a browser that has none, with and without
// script; each page on the way is without fault.
func TestLostPasskeyInABrowser(t *testing.T) {
	t.Parallel()
	s, password := demoClub(t)
	first := browser.Open(t)
	device := withAuthenticator(t, first)
	signIn(t, first, s, "ben@club.example", password)
	first.Go(s.URL("/account/passkeys/add"))
	first.Type(`[name="Name"]`, "Lost phone")
	first.Follow("#passkey-form button")
	codes := keepCodes(t, first)
	for i, script := range []bool{true, false} {
		look := func(tab *browser.Tab, name string) {
			t.Helper()
			if script {
				soundPage(t, tab, name)
			}
		}
		tab := browser.Open(t)
		tab.Script(script)
		signIn(t, tab, s, "ben@club.example", password)
		tab.Go(s.URL("/account/passkeys"))
		look(tab, "passkeys")
		s.Advance(16 * time.Minute)
		tab.Go(s.URL("/account/passkeys/1"))
		expect(t, tab, "main", "You have lost the passkey?")
		look(tab, "lost-password")
		tab.Type(`[name="Password"]`, password)
		tab.Follow(`form[action="/sign-in/again"] button`)
		look(tab, "lost-code")
		tab.Type(`[name="Code"]`, "0000 0000 0000")
		tab.Follow(`form[action="/sign-in/again/lost"] button`)
		expect(t, tab, "main", "none of your recovery codes")
		look(tab, "lost-wrong")
		tab.Type(`[name="Code"]`, codes[i])
		tab.Follow(`form[action="/sign-in/again/lost"] button`)
		expect(t, tab, "h1", "Lost phone")
		expect(t, tab, "body", "All other sessions were ended.")
		look(tab, "lost-found")
	}
	presence(t, first, device, false) // else the page of the sign-in lets it in again, by the passkey
	if answer := first.Go(s.URL("/account")); !strings.Contains(answer.URL, "/sign-in?") {
		t.Errorf("the session of the lost passkey goes on: %s", answer.URL)
	}
}

// TestPasskeyRoundTrip: in by password, a passkey added, out, in by the passkey, from the button of each page; and what the
// pages look like on the way.
func TestPasskeyRoundTrip(t *testing.T) {
	t.Parallel()
	s, password := demoClub(t)
	tab := browser.Open(t)
	device := withAuthenticator(t, tab)
	presence(t, tab, device, false)
	signIn(t, tab, s, "ben@club.example", password)

	look(t, tab, s, "/account/passkeys")
	expect(t, tab, "main", "You have no passkey.")
	look(t, tab, s, "/account/passkeys/add")
	tab.Type(`[name="Name"]`, "This computer")
	presence(t, tab, device, true)
	tab.Follow("#passkey-form button")
	soundPage(t, tab, "codes-passkey")
	keepCodes(t, tab)
	expect(t, tab, "main", "This computer")
	look(t, tab, s, "/account/passkeys")
	look(t, tab, s, "/account/passkeys/1")

	// the same device makes no second one
	tab.Go(s.URL("/account/passkeys/add"))
	tab.Type(`[name="Name"]`, "Twice")
	tab.Click("#passkey-form button")
	expect(t, tab, "#passkey-known:not([hidden])", "This device has a passkey for your account already.")

	for _, path := range []string{"/passkey/sign-in", "/sign-in?next=%2Fprofile"} {
		presence(t, tab, device, false)
		tab.Follow("header.top button")
		look(t, tab, s, path)
		presence(t, tab, device, true)
		tab.Follow("#passkey-form button")
		if !strings.Contains(tab.Text("header.top"), "Sign out") {
			t.Fatalf("%s: not signed in: %s", path, tab.Text("body"))
		}
	}
	if !strings.HasSuffix(tab.URL(), "/profile") {
		t.Errorf("the way back is lost: %s", tab.URL())
	}

	// the list below the address field: the device answers as soon as the page asks
	tab.Follow("header.top button")
	tab.Go(s.URL("/sign-in?next=%2Fmembers"))
	expect(t, tab, "header.top form", "Sign out")
	if !strings.HasSuffix(tab.URL(), "/members") {
		t.Errorf("signed in by the field, the way back is lost: %s", tab.URL())
	}

	// a device that does not know its user signs nobody in
	tab.Follow("header.top button")
	if _, err := chromedp.Call(tab.Context(), webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: device, IsUserVerified: false}); err != nil {
		t.Fatal(err)
	}
	tab.Go(s.URL("/passkey/sign-in"))
	tab.Click("#passkey-form button")
	expect(t, tab, "#passkey-failed:not([hidden])", "The passkey was not used")
}

// TestPasskeyWithoutScript: the pages say so, and show the other way.
func TestPasskeyWithoutScript(t *testing.T) {
	t.Parallel()
	s, password := demoClub(t)
	tab := browser.Open(t)
	tab.Script(false)
	signIn(t, tab, s, "ben@club.example", password)
	for _, path := range []string{"/account/passkeys/add", "/passkey/sign-in", "/sign-in"} {
		if path == "/sign-in" {
			tab.Follow("header.top button")
		}
		tab.Go(s.URL(path))
		expect(t, tab, "main", "Passkeys need JavaScript")
		if strings.Contains(tab.Text("main"), "Create the passkey") {
			t.Errorf("%s shows a button that does nothing", path)
		}
	}
}
