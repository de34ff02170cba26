// Every route says who may enter, also when all may. Roles and plans are the program's; which of them a user has is data.
package fixed

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
)

type member struct{ ID int64 }

// plan is what this part sells: outside of it only a constant becomes one.
type plan string

// Written implements [merlon.Written].
func (plan) Written() {}

func needPlan(name plan) merlon.Need {
	return merlon.NamedNeed("plan", name, func(*merlon.Visit) error { return merlon.ErrForbidden })
}

func page(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	return merlon.Text("for those who have it"), nil
}

var onlyMembers = merlon.NewAccess("members", func(v *merlon.Visit) (member, error) {
	return member{}, merlon.ErrSignIn
})

func home(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	return merlon.Text("welcome"), nil
}

func members(r *merlon.Read[member], _ merlon.None) (*merlon.Response, error) {
	return merlon.Text("the members"), nil
}

var routes = []merlon.Route{
	merlon.Get("/{$}", merlon.Public(), home),
	merlon.Get("/members", onlyMembers, members),
	merlon.Get("/role", account.HasRole("board"), page),
	merlon.Get("/kind", account.SignedIn().With(needPlan("gold")), page),
}
