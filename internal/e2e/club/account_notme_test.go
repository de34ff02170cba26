package club_test

import (
	"testing"

	"github.com/merlon-web/merlon/internal/e2e/browser"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/merlontest"
)

// TestNotMePages: what the links "that was not me" and "undo" lead to, of each kind of mail, in both languages: 0 axe faults, no
// sideways scroll, light and dark, 320, 768 and 1280 px; no page says that something stays which it takes away.
func TestNotMePages(t *testing.T) {
	s, password := demoClub(t)
	mailbox := map[string]*browser.Tab{"en": browser.Open(t), "de": browser.Open(t)}
	mailbox["de"].Language("de")
	look := func(link int, name, title string, parts ...string) {
		t.Helper()
		for lang, tab := range mailbox {
			openMail(t, tab, s, link)
			expect(t, tab, "h1", text.Own().Format(lang, title))
			for _, id := range parts {
				expect(t, tab, "main", text.Own().Format(lang, id, "ann@club.example"))
			}
			soundPage(t, tab, name+"-"+lang)
		}
	}
	ann := browser.Open(t)
	signIn(t, ann, s, "ann@club.example", password)
	s.Visitor().Get("/account/reset/ask").Submit("/account/reset/ask", merlontest.Values{"Email": "ann@club.example"})
	look(1, "not-me", "account.not-me.title", "account.not-me.devices", "account.not-me.password", "account.not-me.stays")

	ann.Go(s.URL("/account/app"))
	ann.Follow("main button")
	code := authenticator(t, ann, s)
	ann.Type(`[name="Code"]`, code())
	ann.Follow(`form[action="/account/app/confirm"] button`)
	expect(t, ann, "h1", "Recovery codes")
	look(0, "not-me-added", "account.not-me.title", "account.not-me.added", "account.not-me.others")

	ann.Go(s.URL("/account/address"))
	ann.Type(`[name="Email"]`, "ann@new.example")
	ann.Follow("main form button")
	openMail(t, ann, s, 0)
	ann.Follow("main form button")
	expect(t, ann, "main", "Your address is changed.")
	look(0, "undo", "account.undo.title", "account.undo.about", "account.not-me.devices", "account.not-me.password", "account.undo.stays")
	look(1, "not-me-moved", "account.not-me.title", "account.not-me.moved", "account.undo.stays")

	s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Nora", "Email": "ann@club.example", "Password": "four wide green rivers"})
	s.Visitor().Get("/account/reset/ask").Submit("/account/reset/ask", merlontest.Values{"Email": "ann@club.example"})
	look(1, "not-me-unproven", "account.not-me.title", "account.not-me.unproven")
	mailbox["de"].Follow("main form button")
	expect(t, mailbox["de"], "main", text.Own().Format("de", "account.not-me.unproven.notice"))
	soundPage(t, mailbox["de"], "not-me-unproven-done-de")

	ann.Go(s.URL("/account/leave"))
	ann.Click(`[name="Sure"]`)
	ann.Follow("main button")
	for lang, tab := range mailbox {
		openMail(t, tab, s, 0)
		expect(t, tab, "h1", text.Own().Format(lang, "account.stay.title"))
		soundPage(t, tab, "stay-"+lang)
		openMail(t, tab, s, 1)
		expect(t, tab, "main", text.Own().Format(lang, "account.not-me.kept"))
		soundPage(t, tab, "not-me-leaving-"+lang)
	}
}
