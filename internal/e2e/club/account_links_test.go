package club_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/browser"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/merlontest"
)

var mailedLink = regexp.MustCompile(`/account/link/\S+`)

// openMail loads the n-th link of the newest mail.
func openMail(t *testing.T, tab *browser.Tab, s *merlontest.Server, n int) {
	t.Helper()
	var found []string
	s.Read(func(r *db.Reader) error {
		all, err := s.Site.House().Mails.List(r, 0, 1)
		if err == nil && len(all) == 1 {
			found = mailedLink.FindAllString(all[0].Text, -1)
		}
		return err
	})
	if len(found) <= n {
		t.Fatalf("the newest mail has %d links, want more than %d", len(found), n)
	}
	tab.Go(s.URL(found[n]))
}

// TestHandedLinks: the pages of an account that was made for somebody, and of an invitation, with and without script.
func TestHandedLinks(t *testing.T) {
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script %v", script), func(t *testing.T) {
			t.Parallel()
			h := &hour{script: script, data: filepath.Join(t.TempDir(), "data")}
			h.serve(t)
			t.Cleanup(func() { h.stop() })
			h.box = browser.Open(t)
			look := func(tab *browser.Tab, title string) {
				t.Helper()
				expect(t, tab, "h1", title)
				if script {
					soundPage(t, tab, title)
				}
			}
			made, _ := h.command(t, 0, "user", "add", "emil@example.org")
			enrol := regexp.MustCompile(`http://\S+`).FindString(made)
			emil := h.browser(t)
			emil.Go(enrol)
			look(emil, "Choose your password")
			emil.Type(`[name="Password"]`, "short")
			emil.Follow("main form button:not([name])")
			look(emil, "Choose your password")
			expect(t, emil, "main", "at least 15 characters")
			emil.Type(`[name="Password"]`, annFirst)
			emil.Follow("main form button:not([name])")
			expect(t, emil, "main", "Your password is set.")
			h.again(emil, "emil@example.org", annFirst)
			in(t, emil)

			h.command(t, 0, "user", "invite", "frieda@example.org")
			invited, _ := h.mail(t, "An invitation", 0)
			frieda := h.browser(t)
			frieda.Go(invited)
			look(frieda, "Sign up")
			expect(t, frieda, "main", "frieda@example.org")
			frieda.Type(`[name="Name"]`, "Frieda")
			frieda.Type(`[name="Password"]`, "frieda")
			frieda.Follow("main form button:not([name])")
			look(frieda, "Sign up")
			frieda.Type(`[name="Password"]`, annFirst)
			frieda.Follow("main form button:not([name])")
			expect(t, frieda, "main", "Your account is ready.")
			h.again(frieda, "frieda@example.org", annFirst)
			in(t, frieda)
		})
	}
}

// TestMailedLinks: sign-up, reset, change of address and their undoing, each page without a fault, with and without script.
func TestMailedLinks(t *testing.T) {
	const first, second = "four wide green rivers", "seven slow paper boats"
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script %v", script), func(t *testing.T) {
			t.Parallel()
			s, _ := demoClub(t)
			tab := browser.Open(t)
			tab.Script(script)
			look := func(title string) {
				t.Helper()
				expect(t, tab, "h1", title)
				if !script {
					return // axe is a script; it has looked at the same pages in the other run
				}
				for _, fault := range tab.Faults() {
					t.Errorf("%s: %s", tab.URL(), fault)
				}
			}
			press := func() { t.Helper(); tab.Follow("main form button") }

			tab.Go(s.URL("/sign-up"))
			tab.Type(`[name="Name"]`, "Nora")
			tab.Type(`[name="Email"]`, "nroa@example.org")
			tab.Type(`[name="Password"]`, first)
			press()
			look("We sent you a mail")
			tab.Follow(`main a[href="/sign-up/change"]`)
			look("Another address")
			tab.Type(`[name="Email"]`, "nora@example.org")
			press()
			expect(t, tab, "main", "nora@example.org")
			press()
			expect(t, tab, "main", "Please look into your mailbox once more.")
			openMail(t, tab, s, 0)
			look("Confirm your address")
			press()
			expect(t, tab, "main", "Your address is confirmed.")

			tab.Follow(`main a[href="/account/reset/ask"]`)
			look("A new password")
			tab.Type(`[name="Email"]`, "nora@example.org")
			press()
			look("We sent you a mail")
			openMail(t, tab, s, 0)
			look("A new password")
			tab.Type(`[name="Password"]`, "short")
			press()
			expect(t, tab, "main", "At least 15 characters")
			tab.Type(`[name="Password"]`, second)
			press()
			expect(t, tab, "main", "Your password is set.")
			signIn(t, tab, s, "nora@example.org", second)

			tab.Go(s.URL("/account/address"))
			look("Change the e-mail address")
			tab.Type(`[name="Email"]`, "nora@new.example")
			press()
			openMail(t, tab, s, 0)
			look("Change the e-mail address")
			press()
			expect(t, tab, "main", "Your address is changed.")
			openMail(t, tab, s, 1)
			look("That was not me")
			openMail(t, tab, s, 0)
			look("Undo the change of address")
			press()
			expect(t, tab, "main", "The address is changed back")
			openMail(t, tab, s, 1)
			look("That was not me")
			press()
			expect(t, tab, "main", "All devices are signed out.")
		})
	}
}

// TestPagesOfLinksThatAreOver: in both languages, 0 axe faults, no sideways scroll, light and dark, 320, 768 and 1280 px; and the
// first button leads to where the next link is asked for.
func TestPagesOfLinksThatAreOver(t *testing.T) {
	t.Parallel()
	s, _ := demoClub(t)
	ask := func() {
		s.Visitor().Get("/account/reset/ask").Submit("/account/reset/ask", merlontest.Values{"Email": "ann@club.example"})
	}
	for _, lang := range []string{"en", "de"} {
		s.Advance(2 * time.Hour)
		tab := browser.Open(t)
		tab.Language(lang)
		look := func(title string) {
			t.Helper()
			expect(t, tab, "h1", text.Own().Format(lang, title))
			judge(t, tab, "410")
		}
		ask()
		openMail(t, tab, s, 0)
		tab.Type(`[name="Password"]`, "four wide green rivers "+lang)
		used := tab.Beside()
		used.Go(tab.URL())
		tab.Follow("main form button:not([name])")
		tab.Go(s.URL("/account/reset"))
		look("account.over.away.title")
		used.Type(`[name="Password"]`, "seven slow paper boats")
		used.Follow("main form button:not([name])")
		expect(t, used, "h1", text.Own().Format("en", "account.over.used.title"))
		judge(t, used, "410")
		ask()
		openMail(t, tab, s, 0)
		ask()
		tab.Reload()
		look("account.over.replaced.title")
		openMail(t, tab, s, 0)
		s.Advance(31 * time.Minute)
		openMail(t, tab, s, 0)
		look("account.over.ran-out.title")
		tab.Follow("main a.button")
		expect(t, tab, "h1", text.Own().Format(lang, "account.reset.title"))
		for _, kind := range []string{"verify", "undo", "move", "invite"} {
			tab.Go(s.URL("/account/link/" + kind + "/cut-off"))
			look("account.over.unknown.title")
		}
	}
}
