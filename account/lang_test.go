package account_test

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/merlontest"
)

// TestOwnLanguage: the chosen language is that of the pages, whatever the browser asks for, and of mails, also of those that
// somebody else brings about; on a device that is not signed in the browser's stays.
func TestOwnLanguage(t *testing.T) {
	s := merlontest.Start(t, site.Open) // a site with texts in two languages
	v := s.SignedIn("Ann")
	v.Get("/account").Has("Account").Get("/account/name").Has("As my browser says", "English", "Deutsch")
	v.Submit("/account/name", merlontest.Values{"Lang": "de"}).At("/account").Has("Konto", "Ihre Einstellungen sind gespeichert.")
	if !strings.Contains(v.Body, `<html lang="de">`) {
		t.Errorf("the page does not say that it is German: %.200s", v.Body)
	}
	v.Get("/nowhere").Has("page") // no route asked who it is
	s.Visitor().Get("/account/reset/ask").Has("A new password").Submit("/account/reset/ask", merlontest.Values{"Email": v.Email}).Has("We sent you a mail")
	if all := mails(t, s, v.Email); len(all) != 1 || !strings.HasPrefix(all[0].Text, "Guten Tag "+v.Email+",") {
		t.Errorf("the mail: %v", all)
	}
	v.Get("/account/name").Submit("/account/name", merlontest.Values{"Lang": "-"}).Has("Your settings are saved.")
	v.Get("/account/name").Submit("/account/name", merlontest.Values{"Lang": "xx"}).Is(422)
}

// TestFirstSignIn: the very first sign-in of an account tells of no new device, the next one on another device does.
func TestFirstSignIn(t *testing.T) {
	s := merlontest.Start(t, site.Open)
	const subject = "A new device at"
	count := func() (n int) {
		for _, m := range mails(t, s, ann) {
			if strings.HasPrefix(m.Subject, subject) {
				n++
			}
		}
		return n
	}
	s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Ann", "Email": ann, "Password": good})
	s.Visitor().Get(link(t, s, ann, 0)).Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": good})
	signIn(s.Visitor(), ann, good).Get("/account").Is(200).Get("/account/sessions").Has("With a password")
	if n := count(); n != 0 {
		t.Errorf("%d mails after the first sign-in, want none", n)
	}
	signIn(s.Visitor(), ann, good).Get("/account").Is(200)
	if n := count(); n != 1 {
		t.Errorf("%d mails after the second device, want one", n)
	}
}
