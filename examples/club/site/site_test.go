package site_test

import (
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/examples/club/site/sitetest"
)

func TestClub(t *testing.T) {
	sitetest.Run(t, func(*testing.T) func(merlon.Env) (*merlon.Site, error) { return site.Open })
}

// A page that says no, and an address that is none, still know who is signed in; the buttons on them work.
func TestErrorPagesKnowWhoCame(t *testing.T) {
	s := merlontest.Start(t, site.Open)
	ann := s.SignedIn("Ann")
	ann.Get("/board").Is(403).Has("Members", "You may not see this page").HasNot("Nothing was changed")
	ann.Get("/nowhere").Is(404).Has("Members").Submit("/sign-out", nil)
	ann.Get("/nowhere").Is(404).HasNot("Members")
	s.Visitor().Get("/nowhere").Is(404).HasNot("Members")
}
