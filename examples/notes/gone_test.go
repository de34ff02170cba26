package main

import (
	"context"
	"testing"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

// TestNotesGoWithTheirOwner: the download has one's own notes, the hook of the deletion takes them and no others, and check has
// no word for the site.
func TestNotesGoWithTheirOwner(t *testing.T) {
	s := merlontest.Start(t, open)
	ann, ben := s.SignedIn("Ann"), s.SignedIn("Ben")
	ann.Get("/").Submit("/notes", merlontest.Values{"Text": "Buy milk"})
	ben.Get("/").Submit("/notes", merlontest.Values{"Text": "Buy bread"})
	ann.Get("/account/export/file").Has("Buy milk").HasNot("Buy bread")
	s.Write(func(w *db.Writer) error { return deleted(w.Context(), w, account.User{ID: ann.UserID}, s.Now()) })
	ann.Get("/").HasNot("Buy milk")
	ben.Get("/").Has("Buy bread")
	for _, f := range s.Site.Check(context.Background()).Findings(0) {
		if f.ID == account.RuleRows.ID {
			t.Error(f.Text())
		}
	}
}
