package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/merlontest"
)

// wrongCodes enters codes that do not fit, five a quarter of an hour, each quarter in a new session.
func wrongCodes(t *testing.T, s *merlontest.Server, n int, v *merlontest.Visitor) {
	t.Helper()
	for i := range n {
		if i%5 == 0 {
			s.Advance(16 * time.Minute)
			signIn(v, ann, good).At("/sign-in/second")
		}
		second(v, "12345").Is(422)
	}
	// What failed is written a moment later, and the log is in the order of writing.
	for until := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		written := 0
		s.Read(func(r *db.Reader) error {
			list, err := journal.List(r, journal.Filter{ID: account.RuleWrongCode.ID, Limit: 500})
			written = len(list)
			return err
		})
		if written >= n {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("%d of %d wrong codes are in the journal", written, n)
		}
	}
	s.Advance(16 * time.Minute)
}

// askForLink asks for the mailed link on the page of whoever is refused, and returns the link.
func askForLink(t *testing.T, s *merlontest.Server, v *merlontest.Visitor) string {
	t.Helper()
	v.Submit("/sign-in/second/mail", nil).At("/sign-in/second/sent").Has(ann, "works once, for an hour")
	return link(t, s, ann, 0)
}

// TestPasswordThiefDoesNotShutOut: whoever knows the password uses up all tries of unknown browsers; the owner comes in by the
// mailbox, in the browser that opens the link and in no other one (AUTH-4).
func TestPasswordThiefDoesNotShutOut(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	app, codes := setUp(t, s, signIn(s.Visitor(), ann, good))
	thief := s.Visitor()
	wrongCodes(t, s, 100, thief)
	s.Advance(48 * time.Hour) // closed for days
	owner := signIn(s.Visitor(), ann, good).At("/sign-in/second")
	second(owner, app.code(t)).Is(429).Has("Too many wrong codes", "perhaps by somebody else")
	if owner.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	mailed := askForLink(t, s, owner)
	for range 10 { // what opens the links of mails does no harm
		s.Visitor().Get(mailed).At("/sign-in/second/open")
	}
	owner.Get("/sign-in/second")
	second(owner, app.code(t)).Is(429) // nothing is opened yet
	owner.Get(mailed).At("/sign-in/second/open").Has(ann, "Go on here, and enter").Submit("/sign-in/second/open", nil).At("/sign-in/second")
	second(owner, "123456").Is(422)
	signIn(thief, ann, good).At("/sign-in/second")
	second(thief, app.code(t)).Is(429)
	second(owner, app.code(t)).Is(200).At("/").Has("Ann")
	owner.Get("/account/log").Has("A link for the second step was opened")
	s.Visitor().Get(mailed).Is(410) // once
	// the owner's browser is known now
	owner.Get("/").Submit("/sign-out", nil)
	second(signIn(owner, ann, good), codes[0]).Is(200).At("/")

	// opened elsewhere: the password is asked there, and the link alone signs nobody in
	asks := signIn(s.Visitor(), ann, good)
	second(asks, codes[1]).Is(429)
	mailed = askForLink(t, s, asks)
	phone := s.Visitor().Get(mailed).At("/sign-in/second/open").Has("sign in with your password")
	phone.Submit("/sign-in/second/open", nil).At("/sign-in")
	phone.Get("/private").At("/sign-in?next=%2Fprivate")
	second(asks.Get("/sign-in/second"), codes[1]).Is(429)
	second(signIn(phone, ann, good), codes[1]).Is(200).At("/")
}

// TestMailboxHasAHundredTries: however many links are opened, their tries are counted together, as those of a device are.
func TestMailboxHasAHundredTries(t *testing.T) {
	need.Time(t, "tries a hundred codes")
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	setUp(t, s, signIn(s.Visitor(), ann, good))
	wrongCodes(t, s, 100, s.Visitor())
	v, tries := s.Visitor(), 0
	opened := func() *merlontest.Visitor {
		signIn(v, ann, good).At("/sign-in/second")
		second(v, "123456").Is(429)
		return v.Get(askForLink(t, s, v)).Submit("/sign-in/second/open", nil).At("/sign-in/second")
	}
	for range 21 {
		s.Advance(31 * time.Minute)
		v = s.Visitor()
		opened()
		for v.Status == 200 || v.Status == 422 {
			second(v, "123456")
			tries++
		}
		v.Is(429)
		tries--
	}
	if tries != 100 {
		t.Errorf("%d codes were tried by the mailbox, want 100", tries)
	}
}

// TestResetsGiveNoMoreTries: who reads the owner's mail and has no authenticator gets a new remembered browser with each reset,
// and no more tries at a code than the mailbox has.
func TestResetsGiveNoMoreTries(t *testing.T) {
	need.Time(t, "resets a password 30 times")
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	setUp(t, s, signIn(s.Visitor(), ann, good))
	tries, closed, pass := 0, 0, []string{good, other}
	for n := range 30 {
		s.Advance(31 * time.Minute)
		askReset(s.Visitor(), ann)
		v := s.Visitor().Get(link(t, s, ann, 0)).Submit("/account/reset", merlontest.Values{"Password": pass[(n+1)%2]}).At("/sign-in")
		signIn(v, ann, pass[(n+1)%2]).At("/sign-in/second")
		for range 4 {
			if second(v, "123456"); v.Status == 429 {
				closed++
				break
			}
			tries++
		}
	}
	if tries != 100 || closed < 4 {
		t.Errorf("%d codes were tried after 30 resets, %d times none was taken; want 100", tries, closed)
	}
}

// TestCodeLinkLimits: three an hour, apart from the mails that anybody can ask for; the last one works until the next may come;
// who has not shown the password asks for none.
func TestCodeLinkLimits(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, ann)
	app, _ := setUp(t, s, signIn(s.Visitor(), ann, good))
	for range 4 { // a stranger uses up the mails of the address
		s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Eve", "Email": ann, "Password": other})
	}
	v := signIn(s.Visitor(), ann, good)
	for range 5 {
		second(v, "123456").Is(422)
	}
	second(v, "123456").Is(429)
	before := len(mails(t, s, ann))
	full := v.Clone()
	first := askForLink(t, s, full.Clone())
	s.Advance(time.Second)
	askForLink(t, s, second(signIn(s.Visitor(), ann, good), "123456").Is(429))
	s.Advance(time.Second)
	last := askForLink(t, s, second(signIn(s.Visitor(), ann, good), "123456").Is(429))
	if again := askForLink(t, s, second(signIn(s.Visitor(), ann, good), "123456").Is(429)); again != last {
		t.Error("a fourth link was mailed within an hour")
	}
	if n := len(mails(t, s, ann)) - before; n != 3 {
		t.Errorf("%d mails, want 3", n)
	}
	s.Visitor().Get(first).Is(410) // the later ones took its place
	s.Advance(59 * time.Minute)
	owner := s.Visitor().Get(last).Submit("/sign-in/second/open", nil)
	second(signIn(owner, ann, good), app.code(t)).Is(200).At("/")
	s.Visitor().Get("/sign-in/second/sent").At("/sign-in")
	s.Visitor().Get("/sign-in/second/open").Is(410)
	stranger := s.Visitor().Get("/sign-in")
	if strings.Contains(stranger.Body, "/sign-in/second/mail") {
		t.Error("the link is offered to who has not shown the password")
	}
}
