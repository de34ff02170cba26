// A route that does not say who may enter.
package mistake

import "github.com/merlon-web/merlon"

func members(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	return merlon.Text("the members"), nil
}

var routes = []merlon.Route{
	merlon.Get("/members", members),    // compile: not enough arguments in call to merlon.Get
	merlon.Get("/board", nil, members), // compile: merlon.Get
}
