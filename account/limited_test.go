package account_test

import (
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/merlontest"
)

// TestLimitInDevelopment: that a limit is on is told in development alone; elsewhere it looks like a wrong password. A form without
// its token has the block, too.
func TestLimitInDevelopment(t *testing.T) {
	for _, mode := range []merlon.Mode{merlon.Development, merlon.Test} {
		s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
			env.Mode = mode
			return openWith(account.Config{})(env)
		})
		addUser(t, s, ann)
		v := s.Visitor()
		for range 11 {
			v = signIn(s.Visitor(), ann, "not the password at all").Is(422)
		}
		v = signIn(v, ann, good).Is(422)
		bare := s.Visitor().Get("/sign-in")
		bare.Post("/sign-in", s.Site.Origin(), nil).Is(403)
		if mode != merlon.Development {
			v.HasNot("Shown in development only", "unlock", "limit")
			bare.HasNot("Shown in development only")
			continue
		}
		v.Has("Shown in development only", "the password was not looked at: a limit on attempts (account) is on until", "user unlock "+ann, "explain MRL-ACCT-001")
		bare.Has("Shown in development only", "POST /sign-in")
	}
}
