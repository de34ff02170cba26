package account_test

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/sqlite"
)

// TestPlainLayout: a site without a layout of its own has the way in, to the account, and out on every page, also on error pages.
func TestPlainLayout(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Parts: []merlon.Part{account.New(account.Config{Home: "/account"})}})
	})
	for _, path := range []string{"/sign-up", "/nowhere"} {
		if v := s.Visitor().Get(path); !strings.Contains(v.Body, `href="/sign-in"`) || strings.Contains(v.Body, `action="/sign-out"`) {
			t.Errorf("%s for a visitor: %s", path, v.Body)
		}
	}
	v := s.SignedIn("Ann")
	for _, path := range []string{"/nowhere", "/account/name"} {
		if v.Get(path); !strings.Contains(v.Body, `>Ann</a>`) {
			t.Errorf("%s for a user: %s", path, v.Body)
		}
	}
	v.Submit("/sign-out", nil)
	v.Get("/account").At("/sign-in?next=%2Faccount")
}
