package site_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/examples/club/site/sitetest"
	"github.com/merlon-web/merlon/merlontest"
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

// TestTheLogSaysWho: the board sees who did what, and about whose account it was.
func TestTheLogSaysWho(t *testing.T) {
	s := merlontest.Start(t, site.Open)
	ann, board := s.SignedIn("Ann"), s.SignedIn("Ben", "board")
	s.Visitor().Get("/account/reset/ask").Submit("/account/reset/ask", merlontest.Values{"Email": ann.Email}).At("/account/reset/sent")
	ann.Get("/account/name").Submit("/account/name", merlontest.Values{"Name": "Anna"}).Is(200)
	shown := board.Get("/board/log").Text()
	for _, want := range []string{`A new password was asked for by mail [^:]*:\d\d UTC A visitor, account of Anna `, `The name was changed [^:]*:\d\d UTC Anna Outcome`} {
		if !regexp.MustCompile(want).MatchString(shown) {
			t.Errorf("the log lacks %q: %s", want, shown)
		}
	}
}

// TestWhoIsNoMember: whoever only typed a sign-up into the form cannot write a line into the members' list by the name.
func TestWhoIsNoMember(t *testing.T) {
	s := merlontest.Start(t, site.Open)
	v := s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Send 50 EUR to Eve", "Email": "eve@example.test", "Password": "seven brown pears in may"})
	v.At("/sign-up/sent")
	s.SignedIn("Ann").Get("/members").Is(200).Has("Ann").HasNot("Eve")
}

// TestProfileWithoutABoat: who chooses no boat sends none, as in a browser, whose first option is the empty one.
func TestProfileWithoutABoat(t *testing.T) {
	v := merlontest.Start(t, site.Open).SignedIn("Ann").Get("/profile")
	if got, sent := v.Fields("/profile")["Boat"]; !sent || len(got) != 1 || got[0] != "" {
		t.Errorf("the boat is %q", got)
	}
	v.Submit("/profile", nil)
	if got := v.Get("/profile").Fields("/profile").Get("Boat"); got != "" {
		t.Errorf("the boat became %q", got)
	}
}

// TestAllMessagesAreReached: more messages than one page of the board shows are behind its links, and none is lost when those
// before it are done with.
func TestAllMessagesAreReached(t *testing.T) {
	s := merlontest.Start(t, site.Open)
	v, ben := s.Visitor(), s.SignedIn("Ben", "board")
	for i := 1; i <= 51; i++ {
		v.Get("/contact").Submit("/contact", merlontest.Values{"Name": "Nora", "Email": "nora@example.org", "Text": fmt.Sprintf("message %d.", i)}).Is(200)
	}
	ben.Get("/board").Has("message 1.", "message 50.", "Later messages").HasNot("message 51.", "Oldest messages")
	ben.Get("/board?after=50").Has("message 51.", "Oldest messages").HasNot("message 50.", "Later messages")
	ben.Submit("/board/messages/51/done", nil).At("/board").Has("message 50.").HasNot("Later messages", "Oldest messages")
	ben.Get("/board?after=50").Has("No later message is open.", "Oldest messages").HasNot("All messages are done with.")
	ben.Get("/board?after=x").Is(400)
}
