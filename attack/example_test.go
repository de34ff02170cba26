package attack_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/attack"
)

// A shop is a site of net/http.
type shop struct {
	http.Handler
	log, mails strings.Builder
}

func newShop(*testing.T) *shop      { return &shop{Handler: http.NotFoundHandler()} }
func (s *shop) dump() string        { return "" }
func (s *shop) keep() (back func()) { return func() {} }

// A site of net/http is attacked in a test of its own, with what its developer can tell of it.
func ExampleHandler() {
	var t *testing.T  // of func TestAttacked(t *testing.T)
	app := newShop(t) // with data of its own: SQLite in memory is much faster than on disk
	attack.Handler(t, app, attack.Profile{
		SignIn: "/login", // the page with the form
		Users: []attack.User{ // what each types into it; two of one role, so that one can ask for what is the other's
			{Fields: map[string]string{"Email": "ann@shop.test", "Password": "ann-long-password-1"}},
			{Fields: map[string]string{"Email": "ben@shop.test", "Password": "ben-long-password-2"}},
			{Role: "admin", Fields: map[string]string{"Email": "cleo@shop.test", "Password": "cleo-long-password-3"}, Second: map[string]string{"Code": "123456"}},
		},
		State: app.dump, // all rows as text, sessions too: how a write is seen
		Keep:  app.keep, // notes all rows, and returns what puts them back
		Log:   app.log.String,
		Mail:  app.mails.String,
		Calls: []attack.Call{{Method: "PUT", Path: "/api/me", JSON: `{"name":"Ann"}`}},
	})
}
