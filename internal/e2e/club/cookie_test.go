package club_test

import (
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/merlon-web/merlon/internal/e2e/browser"
	"github.com/merlon-web/merlon/merlontest"
)

// setCookie gives the browser the session of a visitor that was signed in without it.
func setCookie(t *testing.T, tab *browser.Tab, s *merlontest.Server, value string) {
	t.Helper()
	secure, http := true, true
	if _, err := chromedp.Call(tab.Context(), network.SetCookie, network.SetCookieParams{
		Name: "__Host-club-session", Value: value, URL: s.URL("/"), Path: "/", Secure: &secure, HTTPOnly: &http, SameSite: network.CookieSameSiteLax,
	}); err != nil {
		t.Fatal(err)
	}
}
