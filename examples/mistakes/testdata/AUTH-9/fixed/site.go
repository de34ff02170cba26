// Roles and plans are the program's; which of them a user has is data.
package fixed

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
)

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

var routes = []merlon.Route{
	merlon.Get("/role", account.HasRole("board"), page),
	merlon.Get("/kind", account.SignedIn().With(needPlan("gold")), page),
}
