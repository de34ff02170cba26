package account_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/merlontest"
)

// nameOf is what the user of an account is called.
func nameOf(t *testing.T, s *merlontest.Server, user int64) (name string) {
	t.Helper()
	s.Read(func(r *db.Reader) error {
		all, err := account.List(r, 100)
		for _, m := range all {
			if m.ID == user {
				name = m.Name
			}
		}
		return err
	})
	return name
}

// TestSignOutAgainstRequestsOnTheirWay: fifty requests of a session are on their way, half of them write, while its browser signs
// out. Each is done wholly, before it, or not at all; afterwards no cookie of any answer opens anything, and no row is left.
func TestSignOutAgainstRequestsOnTheirWay(t *testing.T) { // B3, SESS-2
	s := merlontest.Start(t, factors)
	refused := 0
	for round := range 4 { // where the sign-out meets them is chance
		v := s.SignedIn(fmt.Sprint("Ann ", round))
		out := v.Get("/").Fields("/sign-out")
		leaving := v.Clone()
		var tabs []*merlontest.Visitor
		done := map[string]bool{v.Get("/account/name").Value("/account/name", "Name"): true}
		var mu sync.Mutex
		var all sync.WaitGroup
		start := make(chan struct{})
		for n := range 50 {
			tab := v.Clone()
			tabs = append(tabs, tab)
			if n%2 == 0 {
				all.Go(func() { <-start; tab.Get("/private") })
				continue
			}
			name := fmt.Sprintf("Ann %d %d", round, n)
			f := tab.Get("/account/name").Fields("/account/name")
			f.Set("Name", name)
			all.Go(func() {
				<-start
				tab.Post("/account/name", s.Site.Origin(), f)
				mu.Lock()
				defer mu.Unlock()
				if tab.Header.Get("Location") == "/account" {
					done[name] = true
				} else {
					refused++
				}
			})
		}
		all.Go(func() { <-start; leaving.Post("/sign-out", s.Site.Origin(), out) })
		close(start)
		all.Wait()
		for n, tab := range append(tabs, leaving, v) {
			if tab.Get("/private").Path == "/private" {
				t.Errorf("round %d: tab %d is signed in after the sign-out", round, n)
			}
		}
		if ids := sessionIDs(t, s, v.UserID); len(ids) != 0 {
			t.Errorf("round %d: %d sessions are left, want none", round, len(ids))
		}
		s.Read(func(r *db.Reader) error { // what is done has its event in the same transaction
			all, err := journal.List(r, journal.Filter{Account: v.UserID, Limit: 500})
			late := slices.IndexFunc(all, func(e journal.Entry) bool { return e.ID == account.RuleSignedOut.ID })
			for _, e := range all[:max(0, late)] {
				if e.ID == account.RuleName.ID {
					t.Errorf("round %d: the name was changed after the sign-out", round)
				}
			}
			if late < 0 {
				t.Errorf("round %d: no event of the sign-out", round)
			}
			return err
		})
		if name := nameOf(t, s, v.UserID); !done[name] {
			t.Errorf("round %d: the name is %q, which no answer confirmed", round, name)
		}
	}
	t.Logf("%d of 100 forms came after the sign-out", refused)
}

// TestSignOutTwice: the second click on "Sign out" is answered as the first one, whose answer browsers drop: the cookie goes,
// and what scripts stored. The session is over all the same: no other form of it is answered or done, nor is another text.
func TestSignOutTwice(t *testing.T) {
	s := merlontest.Start(t, factors)
	const cookie = "__Host-test-session"
	v := s.SignedIn("Ann")
	old := v.Cookie(cookie)
	out := v.Get("/").Fields("/sign-out")
	name := v.Get("/account/name").Fields("/account/name")
	name.Set("Name", "Anna")
	v.Post("/account/name", s.Site.Origin(), name).Is(303)
	done := v.Header.Get("Location")
	for n := range 3 {
		v.SetCookie(cookie, old)
		if v.Post("/sign-out", s.Site.Origin(), out).Is(303); v.Header.Get("Clear-Site-Data") == "" || v.Cookie(cookie) != "" {
			t.Errorf("click %d: Clear-Site-Data %q, cookie %q", n+1, v.Header.Get("Clear-Site-Data"), v.Cookie(cookie))
		}
		v.SetCookie(cookie, old)
		v.Get("/private").At("/sign-in?next=%2Fprivate")
	}
	for _, text := range []string{"Anna", "Eve"} {
		v.SetCookie(cookie, old)
		name.Set("Name", text)
		if v.Post("/account/name", s.Site.Origin(), name); v.Status < 400 && v.Header.Get("Location") == done {
			t.Errorf("the name %s after the sign-out: %d, as before it", text, v.Status)
		}
	}
	v.SetCookie(cookie, old)
	out.Set("Next", "/other")
	if v.Post("/sign-out", s.Site.Origin(), out).Is(403); v.Header.Get("Clear-Site-Data") != "" {
		t.Error("another text is a second click")
	}
	// who still has the cookie of the session signs in on the page as everybody does
	addUser(t, s, "ben@example.test")
	v.SetCookie(cookie, old)
	signIn(v, "ben@example.test", good).At("/")
}
