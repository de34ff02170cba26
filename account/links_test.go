package account_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/sqlite"
)

// calls are the hooks that ran, as "name address".
type calls struct {
	mu  sync.Mutex
	all []string
}

func (c *calls) add(name string) func(context.Context, *db.Writer, account.User) error {
	return func(_ context.Context, _ *db.Writer, u account.User) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all = append(c.all, name+" "+u.Email)
		return nil
	}
}

func (c *calls) hooks() account.Hooks {
	return account.Hooks{SignedUp: c.add("signed up"), Verified: c.add("verified"), Deleted: func(ctx context.Context, w *db.Writer, u account.User, _ time.Time) error {
		return c.add("deleted")(ctx, w, u)
	},
		Moved: func(_ context.Context, _ *db.Writer, u account.User, before string) error {
			return c.add("moved from "+before+" to")(context.Background(), nil, u)
		}}
}

func (c *calls) want(t *testing.T, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.all, want) {
		t.Errorf("hooks that ran: %q, want %q", c.all, want)
	}
}

// openWith opens the site of these tests with a configuration of the part.
func openWith(cfg account.Config, wrap ...func(http.Handler) http.Handler) func(merlon.Env) (*merlon.Site, error) {
	return func(env merlon.Env) (*merlon.Site, error) {
		part := account.New(cfg)
		for _, mw := range wrap {
			part.Routes = merlon.Wrap(mw, part.Routes...)
		}
		return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Pages: pages,
			Parts:  []merlon.Part{part},
			Routes: []merlon.Route{merlon.Get("/", account.Anyone(), home), merlon.Get("/private", account.SignedIn(), private)}})
	}
}

// mails are those that went to an address, the newest first.
func mails(t *testing.T, s *merlontest.Server, to string) (found []mailbox.Message) {
	t.Helper()
	s.Read(func(r *db.Reader) error {
		all, err := s.Site.House().Mails.List(r, 0, 500)
		for _, m := range all {
			if m.To.String() == to {
				found = append(found, m)
			}
		}
		return err
	})
	return found
}

var linkInMail = regexp.MustCompile(`(\S+)(/account/link/\S+)`)

// link is the n-th link of the newest mail to an address.
func link(t *testing.T, s *merlontest.Server, to string, n int) string {
	t.Helper()
	all := mails(t, s, to)
	if len(all) == 0 {
		t.Fatalf("no mail went to %s", to)
	}
	found := linkInMail.FindAllStringSubmatch(all[0].Text, -1)
	if len(found) <= n {
		t.Fatalf("the mail %q to %s has %d links, want more than %d:\n%s", all[0].Subject, to, len(found), n, all[0].Text)
	}
	if found[n][1] != s.Site.Origin() {
		t.Fatalf("the link leads to %s, want %s (AUTH-7)", found[n][1], s.Site.Origin())
	}
	return found[n][2]
}

func signUp(s *merlontest.Server, email, pass string) *merlontest.Visitor {
	return s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Ann", "Email": email, "Password": pass})
}

func countUsers(t *testing.T, s *merlontest.Server) (n int) {
	t.Helper()
	s.Read(func(r *db.Reader) error {
		all, err := account.List(r, 100)
		n = len(all)
		return err
	})
	return n
}

const ann, other = "ann@example.test", "four wide green rivers"

func TestVerification(t *testing.T) { // A3.1, A3.2
	var ran calls
	s := merlontest.Start(t, openWith(account.Config{Hooks: ran.hooks()}))
	v := signUp(s, ann, good).At("/sign-up/sent").Has("We sent you a mail", ann)
	ran.want(t) // it is nobody's account yet

	// before the link nobody signs in, and the right password is answered as a wrong one and as an unknown address: who signs
	// up with somebody's address would learn whether it has an account (AUTH-6)
	wrong := shape(signIn(s.Visitor(), ann, "wrong").Is(422).Has("do not belong together"))
	early := signIn(s.Visitor(), ann, good).Is(422)
	if got := shape(early); got != wrong {
		t.Errorf("the right password is answered otherwise:\n%s\n%s", got, wrong)
	}
	early.Get("/private").At("/sign-in?next=%2Fprivate")
	// the browser that signed up is led back, by whatever password
	signIn(v.Clone(), ann, good).Is(200).At("/sign-up/sent").Has("Send it again")
	signIn(v.Clone(), ann, "wrong").Is(200).At("/sign-up/sent")

	to := link(t, s, ann, 0)
	for range 10 { // scanners of mails open links
		s.Visitor().Get(to).At("/account/verify").Is(200).Has("Yes, this is my address", ann)
	}
	signIn(s.Visitor(), ann, good).Is(422)
	ran.want(t) // it is nobody's account yet

	v.Get(to).Submit("/account/verify", nil).At("/sign-in").Has("Your address is confirmed. You can sign in now.")
	ran.want(t, "signed up "+ann, "verified "+ann)
	v.Clone().Get("/account/verify").Is(410)         // the step of a used link is over; another one, of the sign-in page, has taken its place
	v.Get("/private").At("/sign-in?next=%2Fprivate") // the link alone signs nobody in
	signIn(s.Visitor(), ann, good).At("/")
	s.Visitor().Get(to).Is(410)
	if !strings.Contains(s.Log.String(), "MRL-ACCT-010") {
		t.Error("the proof of the address is no event")
	}
}

func TestVerificationEndsAfterTenMinutes(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	signUp(s, ann, good)
	to := link(t, s, ann, 0)
	in := s.Visitor().Get(to).At("/account/verify")
	s.Advance(11 * time.Minute)
	s.Visitor().Get(to).Is(410)
	in.Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": good}).Is(410)
	signUp(s, ann, good).Submit("/sign-up/sent", nil).At("/sign-up/sent").Has("once more")
	s.Visitor().Get(link(t, s, ann, 0)).Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": good}).At("/sign-in")
	signIn(s.Visitor(), ann, good).At("/")
}

// TestAStrangersSignUpIsNotProven: somebody signs up with another's address, who presses the button of the mail. What the stranger
// typed is void by it: in any other browser name and password are chosen anew.
func TestAStrangersSignUpIsNotProven(t *testing.T) {
	const anew = "they take the place of what was typed there"
	s := merlontest.Start(t, openWith(account.Config{}))
	stranger := s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "You lost this", "Email": ann, "Password": other})
	owner := s.Visitor().Get(link(t, s, ann, 0)).At("/account/verify").Has(anew).HasNot("You lost this")
	owner.Submit("/account/verify/anew", nil).Is(422).Has("Your name: Enter a value", "Password: Enter a value")
	owner.Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": "short"}).Is(422).Has("15 characters")
	signIn(stranger, ann, other).At("/sign-up/sent")
	owner.Get("/account/verify").Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": good}).At("/sign-in").Has("Your address is confirmed.")
	signIn(s.Visitor(), ann, other).Is(422)
	signIn(s.Visitor(), ann, good).At("/").Get("/account").Has("Ann").HasNot("You lost this")
	// in the browser that signed up a button is enough, for that sign-up alone
	mine := signUp(s, "cleo@example.test", good).Get(link(t, s, "cleo@example.test", 0)).HasNot(anew)
	signUp(s, "dora@example.test", other)
	button := mine.Fields("/account/verify")
	button.Set("Link", mine.Clone().Get(link(t, s, "dora@example.test", 0)).Fields("/account/verify/anew").Get("Link"))
	mine.Clone().Post("/account/verify", s.Site.Origin(), button).Is(422).Has(anew)
	mine.Submit("/account/verify", nil).At("/sign-in")
	// but not for the sign-up of a stranger that came after
	first := signUp(s, "ben@example.test", good)
	signUp(s, "ben@example.test", other)
	first.Get(link(t, s, "ben@example.test", 0)).At("/account/verify").Has(anew).Submit("/account/verify/anew", merlontest.Values{"Name": "Ben", "Password": good}).At("/sign-in")
	signIn(s.Visitor(), "ben@example.test", other).Is(422)
	signIn(s.Visitor(), "ben@example.test", good).At("/")
}

// TestStrangersKeepNobodyFromSigningUp: they sign up with an address twice an hour, which takes the owner's sign-up over, and fill
// its limit with wrong passwords. Each mail all the same opens a page on which its reader gets the account.
func TestStrangersKeepNobodyFromSigningUp(t *testing.T) {
	for name, open := range map[string]func(s *merlontest.Server, owner *merlontest.Visitor) *merlontest.Visitor{
		"in the browser that signed up": func(_ *merlontest.Server, owner *merlontest.Visitor) *merlontest.Visitor { return owner },
		"in another one":                func(s *merlontest.Server, _ *merlontest.Visitor) *merlontest.Visitor { return s.Visitor() },
	} {
		t.Run(name, func(t *testing.T) {
			s := merlontest.Start(t, openWith(account.Config{}))
			owner := signUp(s, ann, good).At("/sign-up/sent")
			signUp(s, ann, other)
			signUp(s, ann, other)
			for range 10 {
				signIn(s.Visitor(), ann, "wrong wrong wrong").Is(422)
			}
			v := open(s, owner).Get(link(t, s, ann, 0)).At("/account/verify").Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": good}).At("/sign-in")
			signIn(v, ann, good).At("/") // in a limit of its own
			signIn(s.Visitor(), ann, other).Is(422)
		})
	}
	t.Run("with its own link", func(t *testing.T) {
		s := merlontest.Start(t, openWith(account.Config{}))
		owner := signUp(s, ann, good)
		for range 10 {
			signIn(s.Visitor(), ann, "wrong wrong wrong").Is(422)
		}
		signIn(owner.Get(link(t, s, ann, 0)).Submit("/account/verify", nil).At("/sign-in"), ann, good).At("/")
	})
}

// TestNobodyKeepsAnAddress: who signs up next takes over an account that was never proven.
func TestNobodyKeepsAnAddress(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	signUp(s, ann, other)
	first := link(t, s, ann, 0)
	signUp(s, ann, good)
	s.Visitor().Get(first).Is(410)
	s.Visitor().Get(link(t, s, ann, 0)).Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": good}).At("/sign-in")
	signIn(s.Visitor(), ann, other).Is(422)
	signIn(s.Visitor(), ann, good).At("/")
	if n := countUsers(t, s); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
	// a proven one stays as it is
	signUp(s, ann, other).At("/sign-up/sent").Has("We sent you a mail")
	signIn(s.Visitor(), ann, other).Is(422)
	if m := mails(t, s, ann)[0]; !strings.Contains(m.Subject, "You have an account") || !strings.Contains(m.Text, "/account/reset/ask") {
		t.Errorf("the mail reads %q: %s", m.Subject, m.Text)
	}
}

// TestNobodyTakesAnAccountThatWasMade: one with a role, or for somebody to enrol, is not free to who signs up.
func TestNobodyTakesAnAccountThatWasMade(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann, "board")
	s.Write(func(w *db.Writer) error { return account.Unprove(w, ann) })
	signUp(s, ann, other).At("/sign-up/sent")
	if m := mails(t, s, ann)[0]; !strings.Contains(m.Subject, "You have an account") {
		t.Errorf("the mail reads %q", m.Subject)
	}
	signIn(s.Visitor(), ann, other).Is(422)
	signIn(s.Visitor(), ann, good).Is(422)
}

func TestSendAgain(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	v := signUp(s, ann, good)
	first := link(t, s, ann, 0)
	for range 5 {
		v.Submit("/sign-up/sent", nil).At("/sign-up/sent").Is(200).Has("Please look into your mailbox once more.", ann)
	}
	if n := len(mails(t, s, ann)); n != 1+3 {
		t.Errorf("%d mails, want the first and 3 in an hour", n)
	}
	s.Visitor().Get(first).Is(410)
	s.Advance(61 * time.Minute)
	signUp(s, ann, good).Submit("/sign-up/sent", nil)
	if n := len(mails(t, s, ann)); n != 1+3+2 {
		t.Errorf("%d mails after an hour, want two more", n)
	}
	// for an address that has an account the page is the same and the mail is not
	s.Visitor().Get(link(t, s, ann, 0)).Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": good})
	signUp(s, ann, other).Submit("/sign-up/sent", nil).At("/sign-up/sent").Has("Please look into your mailbox once more.")
	if m := mails(t, s, ann)[0]; !strings.Contains(m.Subject, "You have an account") {
		t.Errorf("the mail reads %q", m.Subject)
	}
	s.Visitor().Get("/sign-up/sent").Is(200).HasNot("Send it again")
}

func TestChangeBeforeVerifying(t *testing.T) {
	var ran calls
	s := merlontest.Start(t, openWith(account.Config{Hooks: ran.hooks()}))
	v := signUp(s, "anm@example.test", good)
	wrong := link(t, s, "anm@example.test", 0)
	v.Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": ann}).At("/sign-up/sent").Has(ann)
	s.Visitor().Get(wrong).Is(410)
	s.Visitor().Get(link(t, s, ann, 0)).Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": good}).At("/sign-in")
	ran.want(t, "signed up "+ann, "verified "+ann)
	signIn(s.Visitor(), ann, good).At("/")

	t.Run("of which a link was mailed before", func(t *testing.T) {
		v := signUp(s, "eve@evil.example", good)
		askReset(s.Visitor(), "eve@evil.example")
		reset, notMe := link(t, s, "eve@evil.example", 0), link(t, s, "eve@evil.example", 1)
		v.Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": "mia@example.test"}).At("/sign-up/sent")
		s.Visitor().Get(reset).Is(410)
		s.Visitor().Get(notMe).Is(410)
	})
	t.Run("to one that is taken", func(t *testing.T) {
		v := signUp(s, "ben@example.test", other)
		v.Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": ann}).At("/sign-up/sent").Has(ann)
		if m := mails(t, s, ann)[0]; !strings.Contains(m.Subject, "You have an account") {
			t.Errorf("the mail reads %q", m.Subject)
		}
		signIn(s.Visitor(), ann, other).Is(422)
	})
	t.Run("of an account that is somebody else's", func(t *testing.T) {
		// exists: nothing of this browser's is behind it, and the mail to the second address must not tell (AUTH-6)
		v := signUp(s, ann, other)
		v.Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": "eve@example.test"}).At("/sign-up/sent")
		w := signUp(s, "nobody@example.test", other)
		w.Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": "fay@example.test"}).At("/sign-up/sent")
		eve, fay := mails(t, s, "eve@example.test")[0], mails(t, s, "fay@example.test")[0]
		if eve.Subject != fay.Subject || len(eve.Text) != len(fay.Text) {
			t.Errorf("the mails differ: %q %s\n%q %s", eve.Subject, eve.Text, fay.Subject, fay.Text)
		}
		v.Get(link(t, s, "eve@example.test", 0)).Submit("/account/verify", nil).At("/sign-in")
		signIn(s.Visitor(), "eve@example.test", other).At("/")
		signIn(s.Visitor(), ann, good).At("/")
	})
	t.Run("of one that another browser took over", func(t *testing.T) {
		old := signUp(s, "cleo@example.test", other)
		signUp(s, "cleo@example.test", good)
		old.Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": "dora@example.test"}).At("/sign-up/sent")
		s.Visitor().Get(link(t, s, "cleo@example.test", 0)).Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": good}).At("/sign-in")
		signIn(s.Visitor(), "cleo@example.test", good).At("/")
	})
}

func TestSweepOfSignUps(t *testing.T) {
	var ran calls
	s := merlontest.Start(t, openWith(account.Config{Hooks: ran.hooks()}))
	addUser(t, s, "ben@example.test")
	signUp(s, ann, good)
	s.Advance(6 * 24 * time.Hour)
	if err := account.SweepNow(s.Site.House()); err != nil {
		t.Fatal(err)
	}
	if n := countUsers(t, s); n != 2 {
		t.Errorf("%d accounts after 6 days, want 2", n)
	}
	s.Advance(25 * time.Hour)
	if err := account.SweepNow(s.Site.House()); err != nil {
		t.Fatal(err)
	}
	if n := countUsers(t, s); n != 1 {
		t.Errorf("%d accounts after 7 days, want 1", n)
	}
	ran.want(t)
}

func TestInvitation(t *testing.T) {
	var ran calls
	s := merlontest.Start(t, openWith(account.Config{Closed: true, Hooks: ran.hooks()}))
	for _, path := range []string{"/sign-up", "/sign-up/sent", "/sign-up/change"} {
		s.Visitor().Get(path).Is(404)
	}
	v := s.Visitor().Get("/account/reset/ask") // any form gives the cookie that a token is bound to
	invite := func() {
		s.Write(func(w *db.Writer) error { return account.Invite(s.Site.House(), w, ann, s.Now()) })
	}
	invite()
	first := link(t, s, ann, 0)
	invite()
	s.Visitor().Get(first).Is(410)
	to := link(t, s, ann, 0)
	v.Get(to).At("/sign-up").Has("You are invited with the address "+ann).
		Submit("/sign-up/invited", merlontest.Values{"Name": "Ann", "Password": "short"}).Is(422).
		Submit("/sign-up/invited", merlontest.Values{"Name": "Ann", "Password": good}).At("/sign-in").Has("Your account is ready.")
	ran.want(t, "signed up "+ann, "verified "+ann)
	signIn(v, ann, good).At("/")
	s.Visitor().Get(to).Is(410)
	s.Visitor().Get("/sign-up").Is(404)
	err := s.Site.House().Engine.Write(context.Background(), func(_ context.Context, w *db.Writer) error {
		return account.Invite(s.Site.House(), w, ann, s.Now())
	})
	if err != account.ErrExists {
		t.Errorf("an invitation of somebody with an account: %v, want ErrExists", err)
	}
}

// TestInvitationOfASignUpThatWaits: the invitation proves the address, and its holder's password is the one that counts.
func TestInvitationOfASignUpThatWaits(t *testing.T) {
	var ran calls
	s := merlontest.Start(t, openWith(account.Config{Hooks: ran.hooks()}))
	signUp(s, ann, other)
	waiting := link(t, s, ann, 0)
	s.Write(func(w *db.Writer) error { return account.Invite(s.Site.House(), w, ann, s.Now()) })
	s.Visitor().Get(link(t, s, ann, 0)).Submit("/sign-up/invited", merlontest.Values{"Name": "Ann", "Password": good}).At("/sign-in")
	s.Visitor().Get(waiting).Is(410)
	signIn(s.Visitor(), ann, other).Is(422)
	signIn(s.Visitor(), ann, good).At("/").Has("Ann")
	ran.want(t, "signed up "+ann, "verified "+ann)
}

func TestClosedSignUpTakesNoForm(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{Closed: true}))
	s.Write(func(w *db.Writer) error { return account.Invite(s.Site.House(), w, ann, s.Now()) })
	v := s.Visitor().Get(link(t, s, ann, 0))
	f := v.Fields("/sign-up/invited")
	f.Set("Name", "Ann")
	f.Set("Password", good)
	s.Advance(25 * time.Hour)
	if got := v.Post("/sign-up/invited", s.Site.Origin(), f).Status; got == 303 {
		t.Errorf("a late invitation answered %d", got)
	}
	if n := countUsers(t, s); n != 0 {
		t.Errorf("%d accounts, want none", n)
	}
}

func TestEnrolment(t *testing.T) {
	var ran calls
	s := merlontest.Start(t, openWith(account.Config{Hooks: ran.hooks()}))
	var to string
	s.Write(func(w *db.Writer) error {
		id, err := account.Create(w, ann, "Ann", account.NoPassword, s.Now(), "board")
		if err == nil {
			to, err = account.Enrolment(s.Site.House(), w, id, ann, s.Now())
		}
		return err
	})
	to = strings.TrimPrefix(to, s.Site.Origin())
	v := s.Visitor().Get(to).At("/account/enrol").Has(ann)
	v.Submit("/account/enrol", merlontest.Values{"Password": "short"}).Is(422).
		Submit("/account/enrol", merlontest.Values{"Password": good}).At("/sign-in").Has("Your password is set.")
	signIn(v, ann, good).At("/")
	s.Visitor().Get(to).Is(410)
	// and for a day only
	s.Write(func(w *db.Writer) error {
		id, err := account.Create(w, "ben@example.test", "Ben", account.NoPassword, s.Now(), "board")
		if err == nil {
			to, err = account.Enrolment(s.Site.House(), w, id, "ben@example.test", s.Now())
		}
		return err
	})
	to = strings.TrimPrefix(to, s.Site.Origin())
	s.Visitor().Get(to).At("/account/enrol")
	s.Advance(24*time.Hour + time.Minute)
	s.Visitor().Get(to).Is(410)
}

// TestMissesKeepNoLinkOut: somebody in the same network tries links that open nothing; one that does works all the same.
func TestMissesKeepNoLinkOut(t *testing.T) { // AUTH-5
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	for n := range 50 {
		s.Visitor().Get(fmt.Sprintf("/account/link/reset/x%d", n)).Is(410)
	}
	s.Visitor().Get("/account/link/reset/more").Is(429)
	askReset(s.Visitor(), ann)
	s.Visitor().Get(link(t, s, ann, 0)).At("/account/reset")
	s.Visitor().Get("/account/link/reset/more").Is(429)
}

// TestMailsNameTheirLanguage: a reader's program, and what reads aloud, is told which it is.
func TestMailsNameTheirLanguage(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	signUp(s, ann, good)
	addUser(t, s, "ben@example.test")
	signIn(s.Visitor(), "ben@example.test", good).At("/")
	for _, to := range []string{ann, "ben@example.test"} {
		if m := mails(t, s, to); len(m) == 0 || m[0].Lang != "en" {
			t.Errorf("the mails to %s: %+v", to, m)
		}
	}
}

// TestLinksKnowNoHost: what a mail links to is the site's own address, whatever a request says (AUTH-7).
func TestLinksKnowNoHost(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	v := s.Visitor().Get("/sign-up")
	f := v.Fields("/sign-up")
	f.Set("Name", "Ann")
	f.Set("Email", ann)
	f.Set("Password", good)
	send := func(host string) int {
		r, err := http.NewRequest(http.MethodPost, s.URL("/sign-up"), strings.NewReader(f.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", s.Site.Origin())
		r.Header.Set("X-Forwarded-Host", "evil.test")
		r.Header.Set("Forwarded", "host=evil.test")
		return v.Do(r).Status
	}
	if got := send("evil.test"); got != http.StatusMisdirectedRequest {
		t.Errorf("another host answered %d, want 421", got)
	}
	if n := len(mails(t, s, ann)); n != 0 {
		t.Errorf("%d mails for another host", n)
	}
	send(strings.TrimPrefix(s.Site.Origin(), "http://"))
	for _, m := range mails(t, s, ann) {
		if strings.Contains(m.Text, "evil.test") {
			t.Errorf("the mail names the other host: %s", m.Text)
		}
	}
	link(t, s, ann, 0)
}

// TestLinksOfAnotherHand: what was mailed about an account that was never proven ends when somebody else signs up with its
// address, by the form or by an invitation.
func TestLinksOfAnotherHand(t *testing.T) {
	for _, way := range []string{"sign-up", "invitation"} {
		t.Run(way, func(t *testing.T) {
			s := merlontest.Start(t, openWith(account.Config{}))
			signUp(s, ann, good)
			askReset(s.Visitor(), ann)
			reset, notMe := link(t, s, ann, 0), link(t, s, ann, 1)
			if way == "sign-up" {
				signUp(s, ann, other)
			} else {
				s.Write(func(w *db.Writer) error { return account.Invite(s.Site.House(), w, ann, s.Now()) })
				s.Visitor().Get(link(t, s, ann, 0)).Submit("/sign-up/invited", merlontest.Values{"Name": "Ann", "Password": other}).At("/sign-in")
			}
			s.Visitor().Get(reset).Is(410)
			s.Visitor().Get(notMe).Is(410)
		})
	}
}
