package passkey_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

const toAdd = "/sign-in/again?ask=a&next=%2Faccount%2Fpasskeys%2Fadd"

// withLost is a site whose user Ann signs in by password, has a passkey, and is signed in elsewhere by it.
func withLost(t *testing.T) (s *merlontest.Server, elsewhere *merlontest.Visitor, d *device) {
	t.Helper()
	s = withPassword(t)
	d = newDevice(t, s)
	d.add(byPassword(s, annsPassword), "My phone").At("/account/passkeys").Has("your password and a recovery code together stand in for it")
	return s, d.signIn(s.Visitor()).At("/"), d
}

func enterCode(v *merlontest.Visitor, code string) *merlontest.Visitor {
	return v.Submit("/sign-in/again/lost", merlontest.Values{"Code": code})
}

// TestALostPasskey: password and recovery code together change factors as the passkey did; all other sessions end, the owner
// is told, and the code is used up.
func TestALostPasskey(t *testing.T) {
	s, elsewhere, d := withLost(t)
	v := byPassword(s, annsPassword).Get("/account/passkeys/add").At(toAdd).Has("You have lost the passkey?", "The password was right")
	enterCode(v, "0000-0000-0000-0000-0000-0000").Is(422).Has("none of your recovery codes")
	enterCode(v, "123456").Is(422)
	enterCode(v, "").Is(422)
	elsewhere.Get("/private").At("/private")
	enterCode(v, strings.ToLower(d.codes[4])).At("/account/passkeys/add").Has("All other sessions were ended.")
	elsewhere.Get("/private").At("/sign-in?next=%2Fprivate")
	v.Get("/strong").At("/strong")
	v.Get("/_merlon/dev/mail").Has("A recovery code took the place of your passkey at Test", "Codes left: 9.", "If that was not you")
	v.Get("/account/log").Has("A recovery code was used in the place of a passkey")
	v.Get("/account/codes").Has("9 of 10 left")

	fresh := newDevice(t, s)
	fresh.add(v, "New phone").At("/account/passkeys").Has("My phone", "New phone")
	v.Get("/account/passkeys/1").Submit("/account/passkeys/1/remove", nil).At("/account/passkeys").HasNot("My phone")
	d.signIn(s.Visitor()).Is(422)
	fresh.signIn(s.Visitor()).At("/")

	again := byPassword(s, annsPassword).Get("/account/passkeys/add")
	enterCode(again, d.codes[4]).Is(422)
	enterCode(again, d.codes[5]).At("/account/passkeys/add")
	s.Advance(16 * time.Minute)
	again.Get("/account/passkeys/add").At(toAdd) // it is worth a quarter of an hour
}

// TestACodeAloneIsNothing: whoever finds the codes and a browser left open lacks the password, whatever is posted.
func TestACodeAloneIsNothing(t *testing.T) {
	s, open, d := withLost(t)
	s.Advance(16 * time.Minute)
	ready := byPassword(s, annsPassword).Get("/account/passkeys/add").At(toAdd)
	s.Advance(11 * time.Minute)
	s.Advance(5 * time.Minute) // the password was shown too long ago by now
	enterCode(ready, d.codes[0]).At(toAdd).Has("First the password")
	open.Get("/account/passkeys/add").At(toAdd).Has("First the password").HasNot("The password was right")
	open.Submit("/sign-in/again", merlontest.Values{"Password": "wrong"}).Is(422).Has("First the password")
	open.Submit("/sign-in/again", merlontest.Values{"Password": annsPassword}).At(toAdd).Has("The password was right")
	enterCode(open, d.codes[0]).At("/account/passkeys/add") // nothing was used up before
	// the form for codes of an app takes none
	other := byPassword(s, annsPassword).Get("/account/passkeys/add")
	f := other.Fields("/sign-in/again/lost")
	f.Set("Code", d.codes[1])
	if other.Post("/sign-in/again/code", s.Site.Origin(), f); other.Status == http.StatusSeeOther && !strings.HasPrefix(other.Header.Get("Location"), "/sign-in") {
		t.Errorf("answered %d, to %s", other.Status, other.Header.Get("Location"))
	}
	other.Get("/strong").At("/sign-in/again?ask=f&next=%2Fstrong")
}

var shownSecret = regexp.MustCompile(`<code class="secret">([A-Z2-7 ]+)</code>`)

// addApp gives a user who is signed in an app, and returns what makes its codes, and the recovery codes that come with it.
func addApp(t *testing.T, s *merlontest.Server, v *merlontest.Visitor) (code func() string, recovery []string) {
	t.Helper()
	v.Get("/account/app").Submit("/account/app/start", nil).At("/account/app")
	m := shownSecret.FindStringSubmatch(v.Body)
	if m == nil {
		t.Fatalf("no secret on the page: %s", v.Text())
	}
	secret := strings.ReplaceAll(m[1], " ", "")
	code = func() string {
		code, err := totp.GenerateCode(secret, s.Now())
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	v.Submit("/account/app/confirm", merlontest.Values{"Code": code()}).At("/account/codes")
	for _, m := range recoveryCode.FindAllStringSubmatch(v.Body, -1) {
		recovery = append(recovery, m[1])
	}
	s.Advance(time.Minute)
	return code, recovery
}

// TestACodeCountsBesideAPassword: a browser left open and a code, of the app or a recovery code, change no factor, show no data
// and delete nothing of who has a passkey and an app and no password; nor when the passkey is gone.
func TestACodeCountsBesideAPassword(t *testing.T) {
	s, open, d := withPasskey(t)
	code, recovery := addApp(t, s, open)
	s.Advance(16 * time.Minute)
	paths := []string{"/account/passkeys/add", "/account/app/remove", "/account/password", "/account/export", "/account/leave"}
	for _, path := range paths {
		to := "/sign-in/again?ask=a&next=" + url.QueryEscape(path)
		open.Get(path).At(to).Has("Continue with a passkey", "Your account has none").HasNot("Continue with the code")
		for _, found := range []string{code(), recovery[4]} {
			f := open.Get("/sign-in/again?ask=1&next=" + url.QueryEscape(path)).Fields("/sign-in/again/code") // any factor: a code
			f.Set("Code", found)
			f.Set("Ask", "a")
			open.Post("/sign-in/again/code", s.Site.Origin(), f)
			open.Get(path).At(to)
			s.Advance(time.Minute)
		}
		recovery = recovery[1:]
	}
	open.Get("/passkey/sign-in?next=%2Fprivate")
	open.Submit("/passkey/sign-in", merlontest.Values{"Answer": d.get(askOf(t, open))}).At("/private")
	for _, path := range paths {
		open.Get(path).At(path)
	}
	open.Get("/account/passkeys/1").Submit("/account/passkeys/1/remove", nil).At("/account/passkeys")
	to := "/sign-in/again?ask=a&next=%2Faccount%2Fpasskeys%2Fadd"
	open.Get("/account/passkeys/add").At(to).Has("Your account has none").HasNot("Continue with the code", "nothing that could be asked")
	// a mailed link sets a password, and beside that the code counts
	v := s.Visitor().Get("/account/reset/ask").Submit("/account/reset/ask", merlontest.Values{"Email": open.Email}).At("/account/reset/sent")
	v.Get(resetLink(t, s)).At("/account/reset").Submit("/account/reset", merlontest.Values{"Password": annsPassword}).At("/sign-in")
	v.Submit("/sign-in", merlontest.Values{"Email": open.Email, "Password": annsPassword}).At("/sign-in/second")
	v.Submit("/sign-in/second", merlontest.Values{"Code": code()}).At("/").Get("/account/passkeys/add").At("/account/passkeys/add")
}

// TestALostPasskeyWithoutPassword: a mailed link sets a password first; the link alone opens nothing.
func TestALostPasskeyWithoutPassword(t *testing.T) {
	s, ann, d := withPasskey(t) // has none
	s.Advance(16 * time.Minute)
	ann.Get("/account/passkeys/add").At(toAdd).Has("Your account has none")
	if !strings.Contains(ann.Body, `href="/account/reset/ask"`) {
		t.Error("the page has no link to the form for a new password")
	}
	v := s.Visitor().Get("/account/reset/ask").Submit("/account/reset/ask", merlontest.Values{"Email": ann.Email}).At("/account/reset/sent")
	v.Get(resetLink(t, s)).At("/account/reset").Submit("/account/reset", merlontest.Values{"Password": annsPassword}).At("/sign-in")
	ann.Get("/private").At("/sign-in?next=%2Fprivate")
	v.Submit("/sign-in", merlontest.Values{"Email": ann.Email, "Password": annsPassword}).At("/")
	v.Get("/account/passkeys/add").At(toAdd)
	enterCode(v, d.codes[0]).At("/account/passkeys/add")
}

// TestCodeThiefShutsNobodyOut: who knows the password and enters wrong codes is stopped, and the owner is not.
func TestCodeThiefShutsNobodyOut(t *testing.T) {
	s, _, d := withLost(t)
	for range 30 {
		thief := byPassword(s, annsPassword).Get("/account/passkeys/add").At(toAdd)
		for range 5 {
			enterCode(thief, "0000-0000-0000-0000-0000-0000").Is(422)
		}
		enterCode(thief, d.codes[0]).Is(429)
	}
	enterCode(byPassword(s, annsPassword).Get("/account/passkeys/add"), d.codes[0]).At("/account/passkeys/add")
}

// TestAnAdministratorLosesThePasskey: the rights come back by password and code.
func TestAnAdministratorLosesThePasskey(t *testing.T) {
	s, _, d := withLost(t)
	s.Write(func(w *db.Writer) error { return account.SetRoles(s.Site.House(), w, 1, account.Admin) })
	v := byPassword(s, annsPassword).At("/sign-in/again?ask=f&next=%2F").Has("The password was right")
	enterCode(v, d.codes[9]).At("/")
	v.Get("/strong").At("/strong")
}

// TestOneCodeInFiftyForms: one of them gets through.
func TestOneCodeInFiftyForms(t *testing.T) {
	s, _, d := withLost(t)
	var in atomic.Int64
	var all sync.WaitGroup
	start := make(chan struct{}) // the first that gets through ends the other sessions, so all have their forms by then
	for range 10 {
		first := byPassword(s, annsPassword).Get("/account/passkeys/add")
		for range 5 {
			c := first.Clone().Get(toAdd)
			f := c.Fields("/sign-in/again/lost")
			f.Set("Code", d.codes[0])
			all.Go(func() {
				<-start
				if c.Post("/sign-in/again/lost", s.Site.Origin(), f); c.Status == http.StatusSeeOther && c.Header.Get("Location") == "/account/passkeys/add" {
					in.Add(1)
				}
			})
		}
	}
	close(start)
	all.Wait()
	if in.Load() != 1 {
		t.Errorf("%d of 50 forms with one code were taken, want 1", in.Load())
	}
}

// TestCodesGoWithTheLastPasskey: and not with one of two; what a thief was shown goes by "that was not me".
func TestCodesGoWithTheLastPasskey(t *testing.T) {
	s, ann, d := withPasskey(t)
	newDevice(t, s).add(ann, "Second")
	ann.Get("/account/passkeys/2").Submit("/account/passkeys/2/remove", nil).At("/account/passkeys")
	ann.Get("/account/codes").Has("10 of 10 left")
	ann.Get("/account/passkeys/1").Submit("/account/passkeys/1/remove", nil).At("/account/passkeys")
	ann.Get("/account/codes").Has("You have neither yet")
	before := d.codes
	if d = newDevice(t, s); d.add(ann, "Another").At("/account/passkeys") == nil || len(d.codes) != 10 || d.codes[0] == before[0] {
		t.Error("the next first passkey comes without codes of its own")
	}

	s = withPassword(t)
	d = newDevice(t, s)
	d.add(byPassword(s, annsPassword), "evil")
	s.Visitor().Get(lastLink(t, s)).At("/account/not-me").Submit("/account/not-me", nil).At("/account/reset/sent")
	s.Read(func(r *db.Reader) error {
		left, err := account.CodesLeft(r, 1)
		if left != 0 {
			t.Errorf("%d codes of the thief are left", left)
		}
		return err
	})
}

// TestCodesAreRememberedUntilKept: whoever passes the page by is reminded, on each page about them, until there is an answer.
func TestCodesAreRememberedUntilKept(t *testing.T) {
	s := merlontest.Start(t, open)
	ann, d := s.SignedIn("Ann"), newDevice(t, s)
	ann.Get("/account/passkeys/add")
	ann.Submit("/account/passkeys/add", merlontest.Values{"Name": "x", "Answer": d.create(askOf(t, ann))}).At("/account/codes").Has("never again")
	const reminder = "You have not said yet that you kept these codes."
	ann.Get("/account").Has(reminder)
	s.Advance(15*time.Minute + time.Second)
	ann.Get("/account/codes").HasNot("never again").Has(reminder, "10 of 10 left")
	ann.Submit("/account/codes/have", nil).At("/account/codes").HasNot(reminder)
	ann.Get("/account").HasNot(reminder)
}
