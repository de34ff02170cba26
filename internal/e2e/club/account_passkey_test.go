package club_test

import (
	"strings"
	"testing"

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
