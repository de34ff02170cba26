package account_test

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

// overKinds are the kinds of links, with where the next one is asked for ("": of a person) and what the page of a used one leads to.
var overKinds = map[string]struct{ next, used string }{
	"verify": {`href="/sign-up"`, `href="/sign-in"`}, "reset": {`href="/account/reset/ask"`, `href="/sign-in"`},
	"not-me": {`href="/account/reset/ask"`, `href="/account/reset/ask"`}, "added": {`href="/account/reset/ask"`, `href="/account/reset/ask"`},
	"move": {`href="/account/address"`, `href="/account"`}, "undo": {"write to whoever runs this site", `href="/account/reset/ask"`},
	"enrol": {"ask whoever gave you the link", `href="/sign-in"`}, "invite": {"ask whoever invited you", `href="/sign-in"`},
	"restore": {`href="/sign-in"`, `href="/sign-in"`}, "code": {`href="/sign-in"`, `href="/sign-in"`},
}

const (
	itWasUsed = "This link was used already"
	itRanOut  = "This link has run out"
	itIsOld   = "A newer link has taken its place"
	itIsVoid  = "This link does not work any more"
	itIsNone  = "This link does not work</h1>"
	itIsAway  = "Please open the link once more"
)

// over fails the test unless an answer is the page of a link that opens nothing, with these texts in its source.
func over(t *testing.T, v *merlontest.Visitor, texts ...string) *merlontest.Visitor {
	t.Helper()
	v.Is(410)
	for _, want := range texts {
		if !strings.Contains(v.Body, want) {
			t.Errorf("%s lacks %q:\n%s", v.Path, want, v.Body)
		}
	}
	return v
}

// madeUp is a link that the site never made, with a claim of until when it works.
func madeUp(kind string, until time.Time) string {
	code := append(binary.BigEndian.AppendUint64(nil, uint64(until.Unix())<<24)[:5], strings.Repeat("x", 32)...)
	return "/account/link/" + kind + "/" + base64.RawURLEncoding.EncodeToString(code)
}

// linkOfEachKind makes a link of each kind, with what uses it up.
func linkOfEachKind(t *testing.T, s *merlontest.Server) map[string]struct {
	link string
	use  func(v *merlontest.Visitor)
} {
	t.Helper()
	type made = struct {
		link string
		use  func(v *merlontest.Visitor)
	}
	all := map[string]made{}
	press := func(action string) func(*merlontest.Visitor) {
		return func(v *merlontest.Visitor) { v.Submit(action, nil).Is(200) }
	}
	choose := func(action string) func(*merlontest.Visitor) {
		return func(v *merlontest.Visitor) {
			with := merlontest.Values{"Password": other}
			if action == "/sign-up/invited" {
				with["Name"] = "Ann"
			}
			v.Submit(action, with).At("/sign-in")
		}
	}
	signUp(s, "verify@example.test", good)
	all["verify"] = made{link(t, s, "verify@example.test", 0), func(v *merlontest.Visitor) {
		v.Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": good}).At("/sign-in")
	}}
	addUser(t, s, "reset@example.test")
	askReset(s.Visitor(), "reset@example.test")
	all["reset"] = made{link(t, s, "reset@example.test", 0), choose("/account/reset")}
	addUser(t, s, "not-me@example.test")
	askReset(s.Visitor(), "not-me@example.test")
	all["not-me"] = made{link(t, s, "not-me@example.test", 1), press("/account/not-me")}
	addUser(t, s, "added@example.test")
	setUp(t, s, signIn(s.Visitor(), "added@example.test", good))
	all["added"] = made{link(t, s, "added@example.test", 0), press("/account/not-me")}
	addUser(t, s, "move@example.test")
	v := signIn(s.Visitor(), "move@example.test", good)
	askMove(v, "moved@example.test")
	all["move"] = made{link(t, s, "moved@example.test", 0), func(other *merlontest.Visitor) {
		v.Get(link(t, s, "moved@example.test", 0)).Submit("/account/address/confirm", nil).At("/account/address")
	}}
	addUser(t, s, "undo@example.test")
	moveFrom(t, s, signIn(s.Visitor(), "undo@example.test", good), "undone@example.test")
	all["undo"] = made{link(t, s, "undo@example.test", 0), press("/account/address/undo")}
	var enrol string
	s.Write(func(w *db.Writer) error {
		id, err := account.Create(w, "enrol@example.test", "Ann", account.NoPassword, s.Now())
		if err == nil {
			enrol, err = account.Enrolment(s.Site.House(), w, id, "enrol@example.test", s.Now())
		}
		return err
	})
	all["enrol"] = made{strings.TrimPrefix(enrol, s.Site.Origin()), choose("/account/enrol")}
	s.Write(func(w *db.Writer) error {
		return account.Invite(s.Site.House(), w, "invite@example.test", s.Now())
	})
	all["invite"] = made{link(t, s, "invite@example.test", 0), choose("/sign-up/invited")}
	addUser(t, s, "restore@example.test")
	deleteAccount(signIn(s.Visitor(), "restore@example.test", good))
	all["restore"] = made{link(t, s, "restore@example.test", 0), press("/account/stay")}
	var code string
	id := addUser(t, s, "code@example.test")
	s.Write(func(w *db.Writer) (err error) {
		code, err = account.CodeLink(w, id, "code@example.test", s.Now())
		return err
	})
	all["code"] = made{code, press("/sign-in/second/open")}
	return all
}

// TestALinkSaysWhatBecameOfIt: whoever opens one that was used, or ran out, is told which, and led to where the next is asked for.
func TestALinkSaysWhatBecameOfIt(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	first, second := linkOfEachKind(t, s), merlontest.Start(t, openWith(account.Config{}))
	for kind, it := range first {
		want := overKinds[kind]
		if !strings.HasPrefix(it.link, "/account/link/"+kind+"/") {
			t.Errorf("the link of kind %s is %s", kind, it.link)
		}
		if last := it.link[len(it.link)-1]; last == '-' || last == '_' { // programs that find links in a text leave it out
			t.Errorf("the link %s ends in %q", it.link, last)
		}
		page := s.Visitor().Get(it.link).Is(200) // one of an address asks who opens it to sign in: the test's own browser is
		it.use(page)
		over(t, s.Visitor().Get(it.link), itWasUsed, want.used)
		over(t, s.Visitor().Get(it.link[:len(it.link)-3]), itIsNone, want.next).HasNot("example.test")
	}
	s.Advance(15 * 24 * time.Hour) // all have run out, and the sweep has taken their rows
	if err := account.SweepNow(s.Site.House()); err != nil {
		t.Fatal(err)
	}
	for kind, it := range first {
		over(t, s.Visitor().Get(it.link), itRanOut, overKinds[kind].next)
	}
	lives := map[string]string{"verify": "for 10 minutes", "reset": "for 30 minutes", "not-me": "for 7 days", "added": "for 7 days", "move": "for 30 minutes",
		"undo": "for 7 days", "enrol": "for 24 hours", "invite": "for 24 hours", "restore": "for 14 days", "code": "for one hour"}
	unused := linkOfEachKind(t, second)
	second.Advance(14*24*time.Hour + time.Second)
	for kind, it := range unused {
		over(t, second.Visitor().Get(it.link), itRanOut, "It worked "+lives[kind], overKinds[kind].next)
	}
	if len(unused) != len(overKinds) {
		t.Errorf("%d kinds of links were tried, want %d", len(unused), len(overKinds))
	}
}

// TestAPageSaysWhatBecameOfItsLink: also in a tab that was open already, by GET and by its button.
func TestAPageSaysWhatBecameOfItsLink(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	askReset(s.Visitor(), ann)
	tab := s.Visitor().Get(link(t, s, ann, 0)).At("/account/reset")
	askReset(s.Visitor(), ann)
	newer := tab.Clone()
	over(t, tab.Clone().Submit("/account/reset", merlontest.Values{"Password": other}), itIsOld, `href="/account/reset/ask"`)
	over(t, tab.Get("/account/reset"), itIsOld)

	newer.Get(link(t, s, ann, 0)).At("/account/reset")
	late, away := newer.Clone(), newer.Clone()
	newer.Clone().Get("/account/reset").Submit("/account/reset", merlontest.Values{"Password": other}).At("/sign-in")
	over(t, newer.Submit("/account/reset", merlontest.Values{"Password": good + " again"}), itWasUsed)

	over(t, s.Visitor().Get("/account/reset"), itIsAway, `href="/account/reset/ask"`)
	s.Advance(16 * time.Minute)
	over(t, away.Get("/account/reset"), itIsAway)
	over(t, late.Submit("/account/reset", merlontest.Values{"Password": other}), itIsAway)

	// what happened to the account meanwhile
	s.Advance(time.Hour)
	askReset(s.Visitor(), ann)
	waiting := link(t, s, ann, 0)
	v := signIn(s.Visitor(), ann, other).At("/")
	v.Get("/account/password").Submit("/account/password", merlontest.Values{"Current": other, "New": good}).At("/account")
	over(t, s.Visitor().Get(waiting), itIsVoid, `href="/account/reset/ask"`)
}

// TestALinkOfAnotherAccountSaysSo: the browser is signed in to another account than the one that is to be moved.
func TestALinkOfAnotherAccountSaysSo(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, old)
	addUser(t, s, ann)
	askMove(signIn(s.Visitor(), old, good), next)
	over(t, signIn(s.Visitor(), ann, good).Get(link(t, s, next, 0)), "This link belongs to another account").HasNot(old, next)
}

// TestAMadeUpLinkTellsNothing: what a link of no row is answered depends on its own text alone. (AUTH-6)
func TestAMadeUpLinkTellsNothing(t *testing.T) {
	empty := merlontest.Start(t, openWith(account.Config{}))
	full := merlontest.Start(t, openWith(account.Config{}))
	linkOfEachKind(t, full)
	later, earlier := empty.Now().Add(time.Hour), empty.Now().Add(-time.Hour)
	for kind, want := range overKinds {
		for what, path := range map[string]string{itIsNone: madeUp(kind, later), itRanOut: madeUp(kind, earlier)} {
			got, none := over(t, full.Visitor().Get(path), what, want.next), empty.Visitor().Get(path)
			if a, b := anyHost(got, full), anyHost(none, empty); a != b {
				t.Errorf("%s: a site with such links answers otherwise:\n%s\n%s", path, a, b)
			}
		}
		over(t, full.Visitor().Get("/account/link/"+kind+"/x"), itIsNone)
	}
	for _, kind := range []string{"none", "none-me", "setup", "x"} { // what is no link, or none that is mailed
		full.Visitor().Get(madeUp(kind, later)).Is(404)
	}
}

// anyHost is [shape] without what differs between two sites.
func anyHost(v *merlontest.Visitor, s *merlontest.Server) string {
	return strings.ReplaceAll(shape(v), s.Addr(), "HOST")
}

// TestAnUnprovenAddressIsLedOn: the browser that signed up sends the mail again, another one signs up once more; where sign-up is
// closed there is a person to ask.
func TestAnUnprovenAddressIsLedOn(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	v := signUp(s, ann, good)
	to := link(t, s, ann, 0)
	s.Advance(11 * time.Minute)
	over(t, v.Get(to), itRanOut, `href="/sign-up/sent"`)
	v.Get("/sign-up/sent").Submit("/sign-up/sent", nil)
	over(t, v.Get(to), itIsOld, `href="/sign-up/sent"`)
	v.Get(link(t, s, ann, 0)).At("/account/verify")
	over(t, s.Visitor().Get(to), itIsOld, `href="/sign-up"`)

	closed := merlontest.Start(t, openWith(account.Config{Closed: true}))
	if v := over(t, closed.Visitor().Get(madeUp("verify", closed.Now())), itRanOut, "ask whoever runs this site"); strings.Contains(v.Body, `href="/sign-up`) {
		t.Error("a closed site leads to its sign-up")
	}
	closed.Write(func(w *db.Writer) error { return account.Invite(closed.Site.House(), w, ann, closed.Now()) })
	tab := closed.Visitor().Get(link(t, closed, ann, 0)).At("/sign-up")
	closed.Write(func(w *db.Writer) error { return account.Invite(closed.Site.House(), w, ann, closed.Now()) })
	over(t, tab.Get("/sign-up"), itIsOld)
	closed.Visitor().Get("/sign-up").Is(404)
}

// TestALinkThatIsOverInGerman: the words are those of the visitor.
func TestALinkThatIsOverInGerman(t *testing.T) {
	s := merlontest.Start(t, german)
	over(t, s.Visitor().Get(madeUp("reset", s.Now())), "Dieser Link ist abgelaufen", "Er galt 30 Minuten lang.", "Neuen Link anfordern")
}
