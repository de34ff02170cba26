package account_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/merlontest"
)

// What an attacker read in the own security log.

// ofTheMoment is what differs from page to page: tokens, places, times.
var ofTheMoment = regexp.MustCompile(`value="[\w-]{40,}"|before=[\w-]+|\d{4}-\d\d-\d\dT[\d:.]+Z?|\d\d:\d\d`)

// signInAgain sends the sign-in form in a browser that is signed in: what a tab from before still shows.
func signInAgain(s *merlontest.Server, v *merlontest.Visitor, email, pass string) {
	f := s.Visitor().Get("/sign-in").Fields("/sign-in")
	f.Set("Email", email)
	f.Set("Password", pass)
	f.Del("merlon_token")
	v.Post("/sign-in", s.Site.Origin(), f) // too old: shown once more
	v.Submit("/sign-in", merlontest.Values{"Email": email, "Password": pass})
}

// TestTheOwnLogTellsNothingOfOthers: a user types somebody else's address into each form that takes one. The own log, its file
// and the own data are the same afterwards whether that address has an account. (AUTH-6)
func TestTheOwnLogTellsNothingOfOthers(t *testing.T) {
	const eve = "eve@example.test"
	for name, act := range map[string]func(s *merlontest.Server, v *merlontest.Visitor, x string){
		"sign-up": func(_ *merlontest.Server, v *merlontest.Visitor, x string) {
			v.Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "X", "Email": x, "Password": other}).At("/sign-up/sent")
			v.Submit("/sign-up/sent", nil).At("/sign-up/sent")
		},
		"change": func(_ *merlontest.Server, v *merlontest.Visitor, x string) {
			v.Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "X", "Email": "eve2@example.test", "Password": other})
			v.Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": x}).At("/sign-up/sent")
		},
		"reset": func(_ *merlontest.Server, v *merlontest.Visitor, x string) { askReset(v, x).At("/account/reset/sent") },
		"move":  func(_ *merlontest.Server, v *merlontest.Visitor, x string) { askMove(v, x).At("/account/address") },
		"sign-in": func(s *merlontest.Server, v *merlontest.Visitor, x string) {
			signInAgain(s, v, x, "some wrong phrase")
		},
		"sign-in after sign-up": func(s *merlontest.Server, v *merlontest.Visitor, x string) {
			signUp(s, x, other).At("/sign-up/sent")
			signInAgain(s, v, x, other)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits until failures are written
			var seen [2]string
			for i, x := range []string{ann, "new@example.test"} {
				s := merlontest.Start(t, openWith(account.Config{}))
				addUser(t, s, ann)
				addUser(t, s, eve)
				v := signIn(s.Visitor(), eve, good).At("/")
				act(s, v, x)
				signIn(s.Visitor(), eve, "some wrong phrase") // what failed is written later: when this is there, that is too
				written := func(words string) {
					for range 1200 {
						if v.Get("/account/log"); strings.Contains(v.Body, words) {
							break
						}
						time.Sleep(50 * time.Millisecond)
					}
				}
				written("A wrong password at sign-in")
				for _, view := range []string{"/account/log", "/account/log?kind=account", "/account/log/file", "/account/export/file"} {
					p := v.Clone().Get(view).Is(200)
					seen[i] += view + "\n" + strings.ReplaceAll(p.Body, x, "X") + "\n"
					if view == "/account/log/file" {
						written("Data was downloaded") // and stands in the next file
					}
				}
				seen[i] = ofTheMoment.ReplaceAllString(seen[i], "~")
				if !strings.Contains(seen[i], "A wrong password at sign-in") || !strings.Contains(seen[i], "Signed in") {
					t.Fatalf("the own events are not there:\n%s", seen[i])
				}
			}
			if seen[0] == seen[1] {
				return
			}
			known, unknown := strings.Split(seen[0], "\n"), strings.Split(seen[1], "\n")
			for i := range min(len(known), len(unknown)) {
				if known[i] != unknown[i] {
					t.Fatalf("with an account: %s\nwithout:         %s", known[i], unknown[i])
				}
			}
			t.Fatalf("%d lines with an account, %d without", len(known), len(unknown))
		})
	}
}

// TestOwnActsAreInTheLog: what users do to their own accounts is all there, signing out too.
func TestOwnActsAreInTheLog(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	signIn(s.Visitor(), ann, good).Get("/private").Submit("/sign-out", nil)
	signIn(s.Visitor(), ann, good).Get("/account/log").Has("Signed in", "Signed out")
}

// TestALogDoesNotCountForOthers: the address of its next page has no number of the whole site's, and is its user's alone.
func TestALogDoesNotCountForOthers(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	id := addUser(t, s, ann)
	addUser(t, s, "ben@example.test")
	s.Write(func(w *db.Writer) error {
		e := event.New(account.RuleName, event.Done, intAttr("account", id))
		e.Time = s.Now()
		all := make([]event.Event, 40)
		for i := range all {
			all[i] = e
		}
		return journal.Append(w, all...)
	})
	place := regexp.MustCompile(`before=([^"&]+)"`)
	v := signIn(s.Visitor(), ann, good).Get("/account/log")
	m := place.FindStringSubmatch(v.Body)
	if m == nil || len(m[1]) < 40 {
		t.Fatalf("the next page begins at %q, want a place that is sealed", m)
	}
	v.Get("/account/log?before=" + m[1]).Is(200).Has("The name was changed")
	v.Get("/account/log?before=12").Is(404)
	signIn(s.Visitor(), "ben@example.test", good).Get("/account/log?before=" + m[1]).Is(404)
}
