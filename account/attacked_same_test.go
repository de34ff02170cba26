package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

// What an attacker found by the own earlier links, numbers and mails: nobody learns who has an account.

// askedFor makes three strangers ask for an address, so that it has had its mails.
func askedFor(s *merlontest.Server, email string) {
	for range 3 {
		signUp(s, email, other).At("/sign-up/sent")
	}
}

// TestAnEarlierLinkTellsNothing: whoever asks for another address, which is free, taken, or asked for by others, finds that the
// link to the own one of before has ended. (AUTH-6)
func TestAnEarlierLinkTellsNothing(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	addUser(t, s, evil)
	askedFor(s, "asked@example.test")
	v := signIn(s.Visitor(), evil, good).At("/")
	told := map[string]bool{}
	for i, x := range []string{"free@example.test", ann, "asked@example.test"} {
		mine := fmt.Sprintf("mine%d@example.test", i)
		askMove(v, mine)
		l := link(t, s, mine, 0)
		v.Clone().Get(l).At("/account/address/confirm")
		askMove(v, x).At("/account/address")
		told[over(t, v.Clone().Get(l), itIsVoid).Text()] = true
	}
	// three mails went to the own one: the fourth asking leaves the last one's link
	for range 4 {
		askMove(v, "mine@example.test")
	}
	v.Clone().Get(link(t, s, "mine@example.test", 0)).At("/account/address/confirm")

	for i, x := range []string{"free2@example.test", ann, "asked@example.test"} {
		mine := fmt.Sprintf("signed%d@example.test", i)
		up := signUp(s, mine, good)
		l := link(t, s, mine, 0)
		up.Clone().Get(l).At("/account/verify")
		up.Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": x}).At("/sign-up/sent")
		told[over(t, s.Visitor().Get(l), itIsNone).Text()] = true
	}
	if len(told) != 2 {
		t.Errorf("the links of before tell of what was asked for after them: %v", told)
	}
	up := signUp(s, "same@example.test", good)
	for range 3 {
		up.Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": "same@example.test"}).At("/sign-up/sent")
	}
	up.Get(link(t, s, "same@example.test", 0)).At("/account/verify")
}

// TestNoticesHaveALimit: whoever is signed in cannot make the site write mails without end, and adds no factor without one.
func TestNoticesHaveALimit(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, evil)
	v := signIn(s.Visitor(), evil, good)
	app, _ := setUp(t, s, v)
	refused := 0
	for range 40 {
		if v.Get("/account/codes").Submit("/account/codes/new", nil); v.Status == 429 {
			refused++
			continue
		}
		codes := readCodes(t, v)
		v.Submit("/account/codes/kept", merlontest.Values{"Last": codes[2][25:]})
	}
	many := 0
	for _, m := range mails(t, s, evil) {
		if strings.Contains(m.Subject, "More happens to your account") && strings.Contains(m.Text, "/account/log") && strings.Contains(m.Text, "/account/link/") {
			many++
		}
	}
	if n := len(mails(t, s, evil)); n != 22 || many != 1 || refused != 21 {
		t.Errorf("%d mails, %d say that no more come, %d times no codes were made; want 22, 1 and 21", n, many, refused)
	}
	// what leads back is mailed all the same
	askReset(s.Visitor(), evil)
	if m := mails(t, s, evil)[0]; !strings.Contains(m.Subject, "new password") {
		t.Errorf("the last mail is %q, want a link for a new password", m.Subject)
	}
	s.Advance(61 * time.Minute)
	second(signIn(s.Visitor(), evil, good), app.code(t)).At("/")
	if m := mails(t, s, evil)[0]; !strings.Contains(m.Subject, "A new device") {
		t.Errorf("an hour later the last mail is %q, want one of a new device", m.Subject)
	}
}

// TestTheLastNoticeSaysSo: also when what reaches the limit is a mail that is always sent, as a thief may order it.
func TestTheLastNoticeSaysSo(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, evil)
	v := signIn(s.Visitor(), evil, good)
	setUp(t, s, v)
	for n := 0; len(mails(t, s, evil)) < 20; n++ {
		if n == 20 {
			t.Fatalf("%d mails after %d notices", len(mails(t, s, evil)), n)
		}
		v.Get("/account/codes").Submit("/account/codes/new", nil).Is(200)
		codes := readCodes(t, v)
		v.Submit("/account/codes/kept", merlontest.Values{"Last": codes[2][25:]})
	}
	askReset(s.Visitor(), evil)
	v.Get("/account/codes").Submit("/account/codes/new", nil).Is(429)
	many := 0
	for _, m := range mails(t, s, evil) {
		if strings.Contains(m.Subject, "More happens to your account") {
			many++
		}
	}
	if n := len(mails(t, s, evil)); n != 22 || many != 1 {
		t.Errorf("%d mails, %d say that no more come; want 22 and 1", n, many)
	}
}

// TestNothingToMatchCostsWhatNobodyCosts: on a site with hashes of several kinds an address costs the same hash before and after
// somebody signed up with it, and so does an account without a password. (AUTH-6)
func TestNothingToMatchCostsWhatNobodyCosts(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	imported(t, s, "slow", slowHash, 40)
	addUser(t, s, ann)
	likeSlow := func(name string) string { // an address to which a slow hash falls
		for i := range 100 {
			email := fmt.Sprintf("%s%d@example.test", name, i)
			if like, err := account.LikeFor(s.Site.House(), email); err == nil && like != "" {
				return email
			}
		}
		t.Fatal("no address is like the imported accounts")
		return ""
	}
	cost := func(what, email string) {
		t.Helper()
		all, slow, err := account.Foreign(s.Site.House())
		signIn(s.Visitor(), email, other).Is(422)
		allNow, slowNow, err2 := account.Foreign(s.Site.House())
		if err != nil || err2 != nil || allNow-all != 1 || slowNow-slow != 1 {
			t.Errorf("%s costs %d hashes, %d of them slow, want one slow one (%v, %v)", what, allNow-all, slowNow-slow, err, err2)
		}
	}
	fresh := likeSlow("fresh")
	cost("an address of nobody", fresh)
	signUp(s, fresh, other).At("/sign-up/sent")
	cost("a sign-up that waits, at the right password", fresh)
	none := likeSlow("none")
	s.Write(func(w *db.Writer) error {
		_, err := account.Create(w, none, "None", account.NoPassword, s.Now())
		return err
	})
	cost("an account without a password", none)
	// the mailed link opens it
	s.Visitor().Get(link(t, s, fresh, 0)).At("/account/verify").Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": other}).At("/sign-in")
	signIn(s.Visitor(), fresh, other).At("/")
}

// TestNumbersOfAccountsCountNoAddresses: between two accounts of one person a stranger's address was signed up with. The gap is
// the same whether that was free, waits, has an account, or had its mails. (AUTH-6)
func TestNumbersOfAccountsCountNoAddresses(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	signUp(s, "waits@example.test", other)
	askedFor(s, "asked@example.test")
	for _, x := range []string{"free@example.test", "waits@example.test", ann, "asked@example.test"} {
		before := addUser(t, s, "before"+x)
		signUp(s, x, good).At("/sign-up/sent")
		if after := addUser(t, s, "after"+x); after-before != 2 {
			t.Errorf("around a sign-up as %s the own accounts are %d and %d, want one number between", x, before, after)
		}
	}
}

// TestAWarningHasNoWordsOfAThief: whoever is in an account names it before doing what its owner is warned of.
func TestAWarningHasNoWordsOfAThief(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	thief := signIn(s.Visitor(), ann, good)
	thief.Get("/account/name").Submit("/account/name", merlontest.Values{"Name": "Ann! This is a test. Confirm: https://evil.example/ok"})
	setUp(t, s, thief)
	for _, m := range mails(t, s, ann) {
		if strings.Contains(m.Text+m.HTML, "evil.example") || !strings.HasPrefix(m.Text, "Hello "+ann+",") {
			t.Errorf("%q says:\n%s", m.Subject, m.Text)
		}
	}
}

// TestWhoActedInTheLog: roles are given by those who run the site, and where from is not their member's to know; somebody
// who is signed in elsewhere is not called nobody.
func TestWhoActedInTheLog(t *testing.T) {
	s := merlontest.Start(t, roleSite)
	id := addUser(t, s, ann)
	addUser(t, s, evil)
	s.SignedIn("Cleo", account.Admin).Get("/roles").Submit("/roles", merlontest.Values{"User": fmt.Sprint(id), "Role": "board"}).Is(200)
	askReset(signIn(s.Visitor(), evil, good), ann)
	text := signIn(s.Visitor(), ann, good).Get("/account/log").Text()
	for what, want := range map[string]string{
		"The roles of the account were changed": "the operators of this site",
		"A new password was asked for by mail":  "somebody who was signed in to another account",
	} {
		_, line, there := strings.Cut(text, what)
		line, _, _ = strings.Cut(line, "127.0.0.0/24")
		if by, _, _ := strings.Cut(line, "Signed in"); !there || !strings.Contains(by, want) || strings.Contains(by, "not signed in") {
			t.Errorf("%s: the log says %q, want %q", what, line, want)
		}
	}
	_, oldest, _ := strings.Cut(text, "The roles of the account were changed")
	if own, _, _ := strings.Cut(oldest, "Download"); strings.Contains(own, "127.0.0") {
		t.Errorf("the log tells where an operator acted from: %s", own)
	}
}
