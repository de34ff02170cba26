// Who may enter is told by roles and conditions whose names come from data.
package mistake

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
)

func page(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	return merlon.Text("for those who have it"), nil
}

func routes(role, plan string) []merlon.Route {
	check := func(*merlon.Visit) error { return merlon.ErrForbidden }
	return []merlon.Route{
		merlon.Get("/role", account.HasRole(role), page),                                          // compile: cannot use role (variable of type string)
		merlon.Get("/need", account.SignedIn().With(merlon.NewNeed(plan, check)), page),           // compile: cannot use plan (variable of type string)
		merlon.Get("/kind", account.SignedIn().With(merlon.NamedNeed("plan", plan, check)), page), // compile: does not satisfy merlon.Written
	}
}
