package account_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

// TestWhatEndsSessionsEndsTrust: a thief's browser that skips the second step is not in again by the password alone when its session
// was ended.
func TestWhatEndsSessionsEndsTrust(t *testing.T) {
	for name, end := range map[string]func(s *merlontest.Server, owner *merlontest.Visitor, id int64){
		"other roles": func(s *merlontest.Server, _ *merlontest.Visitor, id int64) {
			s.Write(func(w *db.Writer) error { return account.SetRoles(s.Site.House(), w, id, "board") })
		},
		"all other sessions": func(_ *merlontest.Server, owner *merlontest.Visitor, _ int64) {
			owner.Get("/account/sessions").Submit("/account/sessions", merlontest.Values{"Others": "on"}).Has("Signed out there")
		},
		"one session": func(s *merlontest.Server, owner *merlontest.Visitor, id int64) {
			s.Read(func(r *db.Reader) error {
				all, err := s.Site.House().Sessions.List(r, id)
				for _, one := range all {
					if one.Level.How == "password+code" {
						press(owner, s, "/account/sessions", "/account/sessions", "End", fmt.Sprint(one.ID)).Has("Signed out there")
					}
				}
				return err
			})
		},
		"the account is left": func(_ *merlontest.Server, owner *merlontest.Visitor, _ int64) {
			owner.Get("/account/leave").Submit("/account/leave", merlontest.Values{"Sure": "on"}).At("/")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := merlontest.Start(t, factors)
			id := addUser(t, s, "ann@example.test")
			app, codes := setUp(t, s, signIn(s.Visitor(), "ann@example.test", good))
			thief := signIn(s.Visitor(), "ann@example.test", good).At("/sign-in/second")
			thief.Submit("/sign-in/second", merlontest.Values{"Code": codes[0], "Trust": "on"}).At("/")
			s.Advance(time.Minute)
			owner := second(signIn(s.Visitor(), "ann@example.test", good), app.code(t)).At("/")
			end(s, owner, id)
			thief.Get("/private").At("/sign-in?next=%2Fprivate")
			signIn(thief, "ann@example.test", good).At("/sign-in/second")
		})
	}
}
