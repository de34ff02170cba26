package account_test

import (
	"testing"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

// TestASecretIsShownUnderANewToken: whoever has a copy of the cookie reads no secret of an app that the owner begins with, and one
// that they began with is nobody else's: their session is, too, so the owner is signed out and shown nothing.
func TestASecretIsShownUnderANewToken(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, "ann@example.test")
	for _, c := range []struct {
		name  string
		begin func(owner, thief *merlontest.Visitor) (began, other *merlontest.Visitor)
	}{
		{"the owner begins", func(owner, thief *merlontest.Visitor) (began, other *merlontest.Visitor) { return owner, thief }},
		{"the thief begins", func(owner, thief *merlontest.Visitor) (began, other *merlontest.Visitor) { return thief, owner }},
	} {
		owner := signIn(s.Visitor(), "ann@example.test", good)
		began, other := c.begin(owner, owner.Clone())
		began.Get("/account/app").Submit("/account/app/start", nil).At("/account/app").Has("Scan this picture")
		if other.Get("/account/app"); shownSecret.MatchString(other.Body) {
			t.Errorf("%s: both are shown the secret", c.name)
		}
		other.At("/sign-in?next=%2Faccount%2Fapp")
	}
}

// TestAnAppIsTheOneWhoseCodeWasShown: between the comparison of the first code and the transaction the session gets another secret.
// What the app on the owner's phone does not have is not switched on.
func TestAnAppIsTheOneWhoseCodeWasShown(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good)
	ann.Get("/account/app").Submit("/account/app/start", nil)
	app, began := scan(t, s, ann), 0
	err := account.OnReserve(s.Site.House(), func() {
		began++
		s.Write(func(w *db.Writer) error {
			return account.BeginAppElsewhere(s.Site.House(), w, ann.Cookie("__Host-test-session"))
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	ann.Submit("/account/app/confirm", merlontest.Values{"Code": app.code(t)}).At("/account/app").Has("Scan this picture")
	if other := scan(t, s, ann); began != 1 || other.secret == app.secret {
		t.Fatalf("the session has got %d other secrets, want 1", began)
	}
	ann.Get("/strong").At("/account/app?why=1&next=%2Fstrong")
}
