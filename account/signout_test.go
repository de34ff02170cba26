package account_test

import (
	"testing"

	"github.com/merlon-web/merlon/merlontest"
)

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
