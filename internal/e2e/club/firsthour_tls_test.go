package club_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"

	"github.com/merlon-web/merlon/internal/e2e/browser"
)

// TestFirstHourOverTLS: A2.6's last clause. serve --tls, for browsers that take no Secure cookie from http on loopback: the same
// flow over an authority of this machine's own, and every cookie with the prefix __Host-.
func TestFirstHourOverTLS(t *testing.T) {
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	h := &hour{script: true, data: filepath.Join(t.TempDir(), "data"), more: []string{"--tls"}}
	h.serve(t)
	defer func() { h.stop() }()
	if !strings.HasPrefix(h.url, "https://club.localhost:") || !strings.HasPrefix(h.setup, h.url+"/") {
		t.Fatalf("serve --tls is at %s, and its setup link is %s", h.url, h.setup)
	}
	authority, err := os.ReadFile(filepath.Join(config, "merlon", "local-ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	conn, err := tls.Dial("tcp", "127.0.0.1:"+h.port, &tls.Config{RootCAs: roots, ServerName: "club.localhost"})
	if err != nil {
		t.Fatalf("whoever trusts the authority alone: %v", err)
	}
	_ = conn.Close()

	// the test's browser is told to go on, as one in which the authority was not put in: the chain was looked at above
	open := func() *browser.Tab {
		tab := h.browser(t)
		if _, err := chromedp.Call(tab.Context(), security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true}); err != nil {
			t.Fatal(err)
		}
		return tab
	}
	h.admin = open()
	h.admin.Go(h.setup)
	expect(t, h.admin, "h1", "First administrator")
	h.fillSetup(h.admin, "root@club.example")
	h.code = authenticator(t, h.admin, h)
	h.admin.Type(`[name="Code"]`, h.code())
	h.admin.Follow(`form[action="/account/app/confirm"] button`)
	third := h.admin.Text("ol.codes li:nth-child(3)")
	h.admin.Type(`[name="Last"]`, third[len(third)-4:])
	h.admin.Follow("main form button")
	in(t, h.admin)

	h.wait(time.Minute) // a code works once
	tab := open()
	h.signIn(tab, "root@club.example", adminPassword)
	expect(t, tab, "h1", "Second step")
	tab.Type(`[name="Code"]`, h.code())
	tab.Follow("main form button")
	in(t, tab)
	if answer := tab.Go(h.URL("/board")); answer.Status != 200 || answer.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("the administrator's page: %d, %v", answer.Status, answer.Header)
	}
	seen := map[string]bool{}
	for _, c := range tab.Cookies() {
		seen[c.Name] = true
		if !strings.HasPrefix(c.Name, "__Host-club-") || !c.Secure || !c.HTTPOnly || c.Path != "/" || strings.HasPrefix(c.Domain, ".") {
			t.Errorf("a cookie that is not this host's alone: %+v", c)
		}
	}
	if !seen["__Host-club-session"] || !seen["__Host-club-device"] {
		t.Errorf("the cookies of somebody who is signed in: %v", seen)
	}
	tab.Follow("header.top button")
	expect(t, tab, "header.top", "Sign in")
}
