package account

import "github.com/merlon-web/merlon"

// linkRoutes are sign-up and what mailed links lead to.
func (a *part) linkRoutes() []merlon.Route {
	routes := []merlon.Route{merlon.Get("/account/link/{code}", Anyone(), a.openLink)}
	if !a.cfg.Closed {
		routes = append(routes,
			merlon.Get("/sign-up", Anyone(), a.showSignUp),
			merlon.Get("/sign-up/sent", Anyone(), a.showSent),
			merlon.PostAfter("/sign-up", Anyone(), a.hashSignUp, a.signUp))
	}
	return routes
}
