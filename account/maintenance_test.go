package account_test

import (
	"testing"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/merlontest"
)

// TestMaintenance: visitors and users are told to come again later; an administrator who has shown two factors is let in,
// on pages for everybody too; whoever has shown one can sign in.
func TestMaintenance(t *testing.T) {
	s := merlontest.Start(t, factors)
	visitor, user, admin := s.Visitor(), s.SignedIn("Ann"), s.SignedIn("Dora", account.Admin)
	pages := []string{"/", "/account"}
	if err := s.Site.House().SetMaintenance(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for _, path := range pages {
		for name, v := range map[string]*merlontest.Visitor{"a visitor": visitor, "a user": user} {
			if v.Get(path).Status != 503 || v.Header.Get("Retry-After") != "300" {
				t.Errorf("%s at %s: %d, Retry-After %q; want 503 and 300", name, path, v.Status, v.Header.Get("Retry-After"))
			}
		}
		admin.Get(path).Is(200)
	}
	if got := user.Post("/sign-out", s.Site.Origin(), nil).Status; got == 503 {
		t.Errorf("signing out in maintenance: %d", got)
	}
	visitor.Get("/sign-in").Is(200)
	if err := s.Site.House().SetMaintenance(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	visitor.Get("/").Is(200)
}
